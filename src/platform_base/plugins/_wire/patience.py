"""Whether to spin before sleeping: a wait that is short enough to be over before the kernel could wake us up.

A process that sleeps in a system call needs 20 to 45 microseconds to run again when its core has gone idle; an empty
call needs a few microseconds. So the host looks for the answer, and the worker for its next call, for a moment before
they sleep. That burns a core, so it is done only while the calls in flight leave one free, and not for a while after it
was in vain.
"""

from __future__ import annotations

_SPIN_S = 60e-6
_LONGEST_PAUSE = 256


class Patience:
    """What earlier calls have taught. Used by many threads; a lost update costs one spin too many or too few."""

    __slots__ = ("_pause", "_skip")

    def __init__(self) -> None:
        self._pause = 0
        self._skip = 0

    @property
    def spin_s(self) -> float:
        """How long to spin before the next sleep, seconds."""
        if self._skip:
            self._skip -= 1
            return 0.0
        return _SPIN_S

    def learn(self, *, worthwhile: bool, took_s: float) -> None:
        """Take note of whether the answer came while spinning; each failure doubles the pause.

        A spin that took much longer than it should have lost its core to somebody else: there is none to spare.
        """
        if took_s > 2 * _SPIN_S:
            self._skip = self._pause = _LONGEST_PAUSE
        elif worthwhile:
            self._pause = 0
        else:
            self._pause = min(_LONGEST_PAUSE, 2 * self._pause + 1)
            self._skip = self._pause
