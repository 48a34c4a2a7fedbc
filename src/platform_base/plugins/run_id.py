"""Names of calls."""

from __future__ import annotations

import secrets
import time
from collections import deque

_RANDOM_DIGITS = 20
_AT_ONCE = 256


class RunIds:
    """Makes names that no other call has. Thread-safe."""

    def __init__(self) -> None:
        self._drawn: deque[str] = deque()

    def make(self) -> str:
        """Return 32 hexadecimal digits: the time in milliseconds, then 80 random bits, so that sorting is by time.

        The layout is that of UUID version 7 (RFC 9562) without its marks.

        Example:
            >>> len(RunIds().make())
            32
        """
        while True:
            try:
                return _now() + self._drawn.popleft()
            except IndexError:
                # Drawn together, because the system call takes longer than the rest of a small call's checks.
                self._drawn.extend(_draw(_AT_ONCE))

    def make_many(self, count: int) -> list[str]:
        """Return so many names, all of this moment."""
        now = _now()
        return [now + digits for digits in _draw(count)]


def _now() -> str:
    return f"{time.time_ns() // 1_000_000:012x}"


def _draw(count: int) -> list[str]:
    digits = secrets.token_hex(_RANDOM_DIGITS // 2 * count)
    return [digits[at : at + _RANDOM_DIGITS] for at in range(0, len(digits), _RANDOM_DIGITS)]
