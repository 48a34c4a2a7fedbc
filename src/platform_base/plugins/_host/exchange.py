"""The shared memory between the host and one worker.

Touching fresh memory costs far more than copying. So each worker keeps one arena for inputs and a small one for results
from call to call; they are never given to another worker. Large results are written to an arena of their own, which
becomes the caller's array without a copy once the worker has provably let go of it. Inputs that lie in such memory are
lent for the call instead of being copied.
"""

from __future__ import annotations

import logging
import os

import msgspec
import numpy as np

from platform_base.plugins._host.leases import Lease, Leases
from platform_base.plugins._wire.arena import COPY_UP_TO, Arena
from platform_base.plugins._wire.codec import Encoded
from platform_base.plugins._wire.messages import MAX_INLINE_BODY, Location

logger = logging.getLogger(__name__)

_SMALLEST = 1 << 16
_KEEP_UP_TO = 128 << 20
"""Larger input arenas are made for one call: a worker that sits idle should not hold so much memory.

Unless the plugin may use four times as much: whoever gave it that expects such calls, and to find and to clear fresh
memory takes longer than to fill it.
"""

_MOST_BYTES = 1 << 30


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """Inputs where the worker can read them.

    Attributes:
        body: The value, or where it stands in the input arena.
        arena_size: Bytes of the input arena in use; 0: none.
        has_new_arena: The first descriptor is a new input arena.
        granted_size: The next descriptor is a result arena of so many bytes; 0: there is none yet.
        lent_sizes: Bytes of each arena that is lent for this call.
        descriptors: What goes with the message; close them after sending.
    """

    body: bytes | Location
    arena_size: int = 0
    has_new_arena: bool = False
    granted_size: int = 0
    lent_sizes: tuple[int, ...] = ()
    descriptors: tuple[int, ...] = ()

    def close(self) -> None:
        """Close the descriptors."""
        for descriptor in self.descriptors:
            os.close(descriptor)


class Exchange:
    """The arenas of one worker. Used by one thread at a time, but for `taint`."""

    def __init__(self, leases: Leases, *, audience: str, most_bytes: int | None) -> None:
        """Begin without any memory.

        Args:
            leases: Where large results and lent inputs live.
            audience: Names the release; memory that it wrote to is given to no other one.
            most_bytes: So much shared memory may be given to the worker in its life; None: a gigabyte.
        """
        self._leases = leases
        self._audience = audience
        self._most_bytes = most_bytes or _MOST_BYTES
        self._keep_up_to = max(_KEEP_UP_TO, (most_bytes or 0) // 4)
        self._inputs: memoryview | None = None
        self._results: memoryview | None = None
        self._granted: Arena | None = None
        self._expected = 0
        self._lent: list[Lease] = []
        self._input_bytes = 0
        self._result_bytes = 0
        self._given_bytes = 0
        self._tainted = False

    @property
    def shared_bytes(self) -> int:
        """Memory that the worker shares with the host because the host gave it, bytes."""
        granted = self._granted.size if self._granted is not None else 0
        lent = sum(lease.arena.size for lease in self._lent)
        return self._input_bytes + self._result_bytes + granted + lent

    @property
    def worn_out(self) -> bool:
        """Whether the worker should be replaced: it has kept what it was lent, or was given too much memory.

        A worker can keep the descriptor of every arena without mapping it: memory that no limit counts. Starting
        another one costs a few milliseconds for each gigabyte.
        """
        return self._tainted or self._given_bytes > self._most_bytes

    def taint(self) -> None:
        """Have the worker replaced after its call; from any thread."""
        self._tainted = True

    def place(self, encoded: Encoded) -> Placed:
        """Put a value where the worker can read it.

        Raises:
            OSError: There is no memory or no descriptor left.
        """
        inline = len(encoded.body) <= MAX_INLINE_BODY
        needed = encoded.size + (0 if inline else len(encoded.body))
        if not (needed or encoded.lent or self._expected):
            return Placed(body=encoded.body)
        descriptors: list[int] = []
        try:
            view = self._input_view(needed, descriptors) if needed else None
            has_new_arena = bool(descriptors)
            if self._expected:
                # The last result was large, so this one will be: it need not be asked for.
                self._granted = self._leases.take(self._expected, self._audience)
                descriptors.append(self._granted.open_for_writing())
            for lease in encoded.lent:
                descriptors.append(lease.lend(self))
                self._lent.append(lease)
        except OSError:
            Placed(body=b"", descriptors=tuple(descriptors)).close()
            raise
        body: bytes | Location = encoded.body
        if view is not None:
            encoded.write_into(view[: encoded.size])
            if not inline:
                view[encoded.size : needed] = encoded.body
                body = Location(offset=encoded.size, size=len(encoded.body))
        return Placed(
            body=body,
            arena_size=len(view) if view is not None else 0,
            has_new_arena=has_new_arena,
            granted_size=self._granted.size if self._granted is not None else 0,
            lent_sizes=tuple(lease.arena.size for lease in encoded.lent),
            descriptors=tuple(descriptors),
        )

    def _input_view(self, needed: int, descriptors: list[int]) -> memoryview:
        view = self._inputs
        if view is not None and len(view) >= needed:
            return view
        self._inputs = view = None  # given back first: both together may be more than there is
        made = Arena(_round(needed))
        try:
            descriptors.append(made.open_for_reading())
        finally:
            made.close()
        self._input_bytes = made.size
        self._given_bytes += made.size
        self._inputs = made.memory if made.size <= self._keep_up_to else None
        return made.memory

    def forget_inputs(self) -> None:
        """Leave the input arena to the worker, which still looks at it: the next call gets another one."""
        self._inputs = None

    def grant(self, size: int) -> tuple[int, int, bool]:
        """Provide a result arena.

        Returns:
            Its size; a descriptor to send and close; and whether the worker keeps it for later calls.

        Raises:
            OSError: There is no memory or no descriptor left.
        """
        # The result lies in what was given last, and nowhere else.
        self._drop_granted()
        if size <= COPY_UP_TO:
            arena = Arena(_round(size))
            try:
                descriptor = arena.open_for_writing()
            finally:
                arena.close()
            self._results = arena.memory
            self._result_bytes = arena.size
            self._given_bytes += arena.size
            return arena.size, descriptor, True
        self._granted = self._leases.take(size, self._audience)
        return self._granted.size, self._granted.open_for_writing(), False

    def read(self, used: int) -> memoryview | None:
        """Return the first `used` bytes of the result as memory that no worker can change."""
        if not used:
            self._expected = 0
            return None
        source = self._results
        if self._granted is not None:
            self._expected = used if used > COPY_UP_TO else 0
            source = self._granted.memory
            if used > COPY_UP_TO and self._granted.is_private:
                arena, self._granted = self._granted, None
                return self._leases.hand_out(arena, used=used, audience=self._audience)
        assert source is not None
        private = np.empty(used, dtype=np.uint8)
        private[:] = np.frombuffer(source, dtype=np.uint8, count=used)
        return private.data

    def release(self) -> None:
        """End a call: take back what was granted and lent for it alone."""
        self._drop_granted()
        while self._lent:
            for suspect in self._lent.pop().settle():
                suspect.taint()
                logger.warning(
                    "a worker kept an array of shared memory that it was lent for one call; it is replaced. A plugin "
                    "that needs its inputs later must copy them"
                )

    def _drop_granted(self) -> None:
        if self._granted is not None:
            if not self._leases.take_back(self._granted, self._audience):
                self._given_bytes += self._granted.size
            self._granted = None


def _round(size: int) -> int:
    """Room to grow, so that a series that gets longer does not need a new arena for each call."""
    return max(_SMALLEST, size + size // 4) if size <= _KEEP_UP_TO else size
