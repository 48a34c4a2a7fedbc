"""What a plugin prints: read without ever blocking, kept up to a limit, logged line by line under the plugin's id.

Whole lines are passed on when they are read, while the call still runs; what is left, when it ends.
"""

from __future__ import annotations

import fcntl
import logging
import os
import termios
import time
from collections.abc import Callable, Sequence

from platform_base.plugins._host.visible import split_lines

logger = logging.getLogger("platform_base.plugins.output")

OutputListener = Callable[[str, str, Sequence[str], int], None]
"""Told of a plugin id, a run id, lines that the one has printed during the other, safe to print, and how many it has
been told of before."""

_CHUNK = 1 << 16
_AT_ONCE = 8
"""Of each call what comes first is passed on at once, so many times; then it is gathered for `_GATHER_S`."""
_GATHER_S = 0.1
_MOST_LINES = 2000
"""Lines of one call that are logged: a megabyte of line ends would be a million log records."""


class Output:
    """The reading end of one worker's standard output and error.

    Attributes:
        ended: Whether nothing can come any more.
        plugin_id: Who prints.
        run_id: The call that runs now; empty: lines wait for `log_call`.
        listener: Told of lines of calls.
    """

    def __init__(self, descriptor: int, *, max_bytes: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._max_bytes = max_bytes
        self._kept = bytearray()
        self._dropped = 0
        self._passed_bytes = 0
        self._passed_lines = 0
        self._passed_times = 0
        self._passed_at = 0.0
        self.ended = False
        self.plugin_id = ""
        self.run_id = ""
        self.listener: OutputListener | None = None

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._descriptor

    def drain(self, *, chunks: int = 16) -> None:
        """Read what is there, but not for ever: a plugin may print faster than anybody can read."""
        for _ in range(chunks):
            try:
                data = os.read(self._descriptor, _CHUNK)
            except BlockingIOError:
                return
            if not data:
                self.ended = True
                return
            room = max(0, self._max_bytes - self._passed_bytes - len(self._kept))
            self._kept += data[:room]
            self._dropped += max(0, len(data) - room)
            if self.run_id and b"\n" in data:
                self._pass_on_whole_lines()

    @property
    def has_kept(self) -> bool:
        """Whether something was printed since the last call ended, as far as it was read."""
        return bool(self._kept or self._dropped or self._passed_times)

    def has_more(self) -> bool:
        """Whether something can be read; asking costs less than trying."""
        waiting = fcntl.ioctl(self._descriptor, termios.FIONREAD, bytes(4))
        return waiting != bytes(4)

    def log_call(self, plugin_id: str, run_id: str = "") -> tuple[str, ...]:
        """Log what was printed since the last call ended, and return a warning if some of it was dropped.

        Args:
            plugin_id: Who printed it.
            run_id: In which call; empty: in none, such as while the plugin was loaded.
        """
        self.run_id = ""
        self.drain()
        if not self.has_kept:
            return ()
        if self._kept:
            self._pass_on(len(self._kept), plugin_id, run_id)
        about = {"plugin_id": plugin_id, "run_id": run_id}
        if self._passed_lines > _MOST_LINES:
            more = self._passed_lines - _MOST_LINES
            logger.warning("%s | %d more lines are not logged", plugin_id, more, extra=about)
        self._passed_bytes = self._passed_lines = self._passed_times = 0
        if not self._dropped:
            return ()
        kept = f"max_output_mb keeps {self._max_bytes / (1 << 20):g} MB of a call"
        warning = f"{self._dropped} bytes of output were dropped; {kept}"
        self._dropped = 0
        logger.warning("%s | %s", plugin_id, warning, extra=about)
        return (warning,)

    def _pass_on_whole_lines(self) -> None:
        now = time.monotonic()
        if self._passed_times < _AT_ONCE or now - self._passed_at >= _GATHER_S:
            self._passed_at = now
            self._pass_on(self._kept.rfind(b"\n") + 1, self.plugin_id, self.run_id)

    def _pass_on(self, size: int, plugin_id: str, run_id: str) -> None:
        """Log the first `size` bytes of what is kept, tell the listener, and keep them no longer."""
        lines = split_lines(bytes(self._kept[:size]))
        del self._kept[:size]
        for line in lines[: max(0, _MOST_LINES - self._passed_lines)]:
            logger.info("%s | %s", plugin_id, line, extra={"plugin_id": plugin_id, "run_id": run_id})
        if self.listener is not None and run_id and lines:
            self.listener(plugin_id, run_id, lines, self._passed_lines)
        self._passed_bytes += size
        self._passed_lines += len(lines)
        self._passed_times += 1

    def close(self) -> None:
        """Give the descriptor back."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
