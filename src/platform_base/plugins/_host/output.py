"""What a plugin prints: read without ever blocking, kept up to a limit, logged line by line under the plugin's id."""

from __future__ import annotations

import fcntl
import logging
import os
import termios
from collections.abc import Callable, Sequence

from platform_base.plugins._host.visible import split_lines

logger = logging.getLogger("platform_base.plugins.output")

OutputListener = Callable[[str, str, Sequence[str]], None]
"""Told of a plugin id, a run id, and the lines that the one has printed during the other; safe to print."""

_CHUNK = 1 << 16
_MOST_LINES = 2000
"""Lines of one call that are logged: a megabyte of line ends would be a million log records."""


class Output:
    """The reading end of one worker's standard output and error."""

    def __init__(self, descriptor: int, *, max_bytes: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._max_bytes = max_bytes
        self._kept = bytearray()
        self._dropped = 0
        self.ended = False
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
            room = self._max_bytes - len(self._kept)
            self._kept += data[: max(0, room)]
            self._dropped += max(0, len(data) - max(0, room))

    @property
    def has_kept(self) -> bool:
        """Whether something was printed that was not logged yet."""
        return bool(self._kept or self._dropped)

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
        self.drain()
        if not self.has_kept:
            return ()
        about = {"plugin_id": plugin_id, "run_id": run_id}
        if self._kept:
            lines = split_lines(bytes(self._kept))
            self._kept.clear()
            for line in lines[:_MOST_LINES]:
                logger.info("%s | %s", plugin_id, line, extra=about)
            if len(lines) > _MOST_LINES:
                more = len(lines) - _MOST_LINES
                logger.warning("%s | %d more lines are not logged", plugin_id, more, extra=about)
            if self.listener is not None and run_id:
                self.listener(plugin_id, run_id, lines)
        if not self._dropped:
            return ()
        kept = f"max_output_mb keeps {self._max_bytes / (1 << 20):g} MB of a call"
        warning = f"{self._dropped} bytes of output were dropped; {kept}"
        self._dropped = 0
        logger.warning("%s | %s", plugin_id, warning, extra=about)
        return (warning,)

    def close(self) -> None:
        """Give the descriptor back."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
