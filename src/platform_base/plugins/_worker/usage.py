"""What this process has used: CPU time, and the peak of its memory for each call."""

from __future__ import annotations

import os
import resource
import time

from platform_base.plugins._wire.messages import Usage
from platform_base.plugins._wire.patience import Patience

_RESET_PEAK = b"5"
_SELF = resource.RUSAGE_SELF
_WINDOW_S = 0.2


class UsageMeter:
    """Measures one call at a time, from inside: the parent's figures include the parent's own past."""

    def __init__(self, clear_refs: int) -> None:
        """Begin.

        Args:
            clear_refs: A descriptor of ``/proc/self/clear_refs`` opened before confinement, or -1 where there is none;
                then the peak is that of the whole life of the worker.
        """
        self._clear_refs = clear_refs
        self._cpu_before = 0.0
        self._window_began = 0.0
        self._window_cpu = 0.0
        self._patience = Patience()

    def begin(self) -> None:
        """Start a new call."""
        if self._clear_refs >= 0:
            os.write(self._clear_refs, _RESET_PEAK)
        self._cpu_before = time.process_time()

    def end(self) -> Usage:
        """Return what was used since `begin`."""
        peak = resource.getrusage(_SELF).ru_maxrss << 10
        return Usage(cpu_seconds=time.process_time() - self._cpu_before, peak_memory_bytes=peak)

    def spare_s(self, share: float) -> float:
        """Return for how long the process may wait for its next call without sleeping, seconds.

        Waking up takes longer than an empty call. But the CPU time is taken from the plugin's own share: where that is
        less than a core, none is spent on waiting once half of the share of the last moments is used up.

        Args:
            share: CPU seconds that may be used per second.
        """
        spin_s = self._patience.spin_s
        if share >= 1 or not spin_s:
            return spin_s  # One thread that looks cannot use more than a core.
        now, used = time.monotonic(), time.process_time()
        if now - self._window_began > _WINDOW_S:
            self._window_began, self._window_cpu = now, used
        return spin_s if used - self._window_cpu < share / 2 * (now - self._window_began) else 0.0

    def note_spin(self, *, worthwhile: bool, took_s: float) -> None:
        """Take note of whether the next call came while waiting, and how long that took."""
        self._patience.learn(worthwhile=worthwhile, took_s=took_s)


def open_clear_refs(proc: int) -> int:
    """Open the file that resets the peak, in the ``/proc`` that is open as `proc`; -1 where there is none."""
    try:
        return os.open("self/clear_refs", os.O_WRONLY | os.O_CLOEXEC, dir_fd=proc)
    except OSError:
        return -1
