"""The shared memory between the host and one worker, kept from call to call.

Touching fresh memory costs far more than copying: 80 MB into a new memory file take about 65 ms, into one that was used
before 4 ms. So each worker keeps one arena for inputs and one for results. They are never given to another worker: what
a plugin left there, or was sent, is seen by nobody else.
"""

from __future__ import annotations

import numpy as np

from platform_base.plugins._wire.arena import Arena
from platform_base.plugins._wire.codec import Encoded
from platform_base.plugins._wire.messages import MAX_INLINE_BODY, Location

_SMALLEST = 1 << 16
_KEEP_UP_TO = 128 << 20
"""Larger arenas are made for one call and sealed: a worker that sits idle should not hold so much memory."""

_MOST_BYTES = 1 << 30


class Exchange:
    """Both arenas of one worker. Used by one thread at a time."""

    def __init__(self, *, most_bytes: int | None) -> None:
        """Begin without any memory.

        Args:
            most_bytes: So much shared memory may be given to the worker in its life; None: a gigabyte.
        """
        self._most_bytes = most_bytes or _MOST_BYTES
        self._inputs: memoryview | None = None
        self._results: memoryview | None = None
        self._granted: Arena | None = None
        self._input_bytes = 0
        self._result_bytes = 0
        self._given_bytes = 0

    @property
    def shared_bytes(self) -> int:
        """Memory that the worker shares with the host because the host gave it, bytes."""
        return self._input_bytes + self._result_bytes

    @property
    def worn_out(self) -> bool:
        """Whether the worker was given so much memory that it should be replaced.

        A worker can keep the descriptor of every arena without mapping it: memory that no limit counts. Starting
        another one costs a few milliseconds for each gigabyte.
        """
        return self._given_bytes > self._most_bytes

    def place(self, encoded: Encoded) -> tuple[bytes | Location, int, Arena | None]:
        """Put a value where the worker can read it.

        Returns:
            The body or its place, the size of the input arena in use (0: none), and a new arena whose descriptor goes
            with the message (None: the worker has it already); the caller closes that.

        Raises:
            OSError: There is no memory left.
        """
        inline = len(encoded.body) <= MAX_INLINE_BODY
        needed = encoded.size + (0 if inline else len(encoded.body))
        if not needed:
            return encoded.body, 0, None
        made = None
        view = self._inputs
        if view is None or len(view) < needed:
            made = Arena(_round(needed))
            view = made.map_for_inputs()
            self._input_bytes = len(view)
            self._given_bytes += len(view)
            self._inputs = view if len(view) <= _KEEP_UP_TO else None
        encoded.write_into(view[: encoded.size])
        if inline:
            return encoded.body, len(view), made
        view[encoded.size : needed] = encoded.body
        return Location(offset=encoded.size, size=len(encoded.body)), len(view), made

    def forget_inputs(self) -> None:
        """Leave the input arena to the worker, which still looks at it: the next call gets another one."""
        self._inputs = None

    def grant(self, size: int) -> tuple[Arena, bool]:
        """Make a result arena; the caller sends it and closes it if it is to be kept.

        Returns:
            The arena, and whether the worker may keep it for later calls.

        Raises:
            OSError: There is no memory left.
        """
        arena = Arena(_round(size))
        self._result_bytes = arena.size
        self._given_bytes += arena.size
        keep = arena.size <= _KEEP_UP_TO
        if keep:
            self._results = arena.map_for_results()
        else:
            self._granted, self._results = arena, None
        return arena, keep

    def read(self, used: int) -> memoryview | None:
        """Return the first `used` bytes of the result as memory that only the caller can change."""
        if not used:
            return None
        if self._granted is not None:
            taken = self._granted.take()[:used]
            self.release()
            return taken
        assert self._results is not None
        private = np.empty(used, dtype=np.uint8)
        private[:] = np.frombuffer(self._results, dtype=np.uint8, count=used)
        return private.data

    def release(self) -> None:
        """Give back what was granted for one call only."""
        if self._granted is not None:
            self._granted.close()
            self._granted = None


def _round(size: int) -> int:
    """Room to grow, so that a series that gets longer does not need a new arena for each call."""
    return max(_SMALLEST, size + size // 4) if size <= _KEEP_UP_TO else size
