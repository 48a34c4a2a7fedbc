"""The worker's end of the shared memory: inputs to read, results to write; the small ones stay mapped."""

from __future__ import annotations

import gc
import os
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from platform_base.plugins._wire.arena import InputMapping, address_of, map_results
from platform_base.plugins._wire.codec import Encoded
from platform_base.plugins._wire.messages import Execute
from platform_base.plugins._wire.values.base import ALIGNMENT


class ResultArena:
    """A result arena of one call, in which the plugin may make arrays before its result is known.

    Attributes:
        end: Where free memory begins, bytes.
    """

    def __init__(self, memory: memoryview) -> None:
        self.memory = memory
        self.end = 0
        self._address = address_of(memory)

    @property
    def mapping(self) -> weakref.ref[Any]:
        """Dead when nobody looks at the memory any more."""
        return weakref.ref(self.memory.obj)

    def room(self) -> int:
        """How many bytes are free."""
        return len(self.memory) - self.end

    def make(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return an array in free memory, of unspecified content; there must be room for it."""
        array: NDArray[Any] = np.ndarray(shape, dtype, self.memory, self.end)
        self.end = -(-(self.end + array.nbytes) // ALIGNMENT) * ALIGNMENT
        return array

    def find(self, array: NDArray[Any]) -> int | None:
        """See `Home.find`."""
        offset: int = array.__array_interface__["data"][0] - self._address
        return offset if offset >= 0 and offset + array.nbytes <= self.end else None


class SharedMemory:
    """Every arena, as far as the host has given it."""

    # The host reads a result from `_results`: from `_kept`, or from what was granted for this call. None: it has given
    # neither, or arrays of the plugin lie there that are no part of the result.
    def __init__(self) -> None:
        self._inputs: InputMapping | None = None
        self._lent: list[InputMapping] = []
        self._borrowed: list[weakref.ref[Any]] = []
        self._kept: memoryview | None = None
        self._granted: ResultArena | None = None
        self._results: memoryview | None = None

    def accept(self, message: Execute, descriptors: Sequence[int]) -> None:
        """Map what came with a call.

        A new input arena takes the place of the one of before, which stays mapped while the plugin looks at it.
        """
        waiting = list(descriptors)
        if message.has_new_arena:
            self._inputs = InputMapping(waiting.pop(0), message.arena_size)
        if message.granted_size:
            self._grant(map_results(waiting.pop(0), message.granted_size))
        self._lent = [InputMapping(each, size) for each, size in zip(waiting, message.lent_sizes, strict=True)]
        for descriptor in descriptors:
            os.close(descriptor)

    def read(self, message: Execute) -> tuple[bytes, memoryview | None, list[memoryview]]:
        """Return the body of a call, wherever it stands, and the arenas that it speaks of."""
        data = None
        if message.arena_size:
            assert self._inputs is not None
            data = self._inputs.lend()
        lent = [mapping.lend() for mapping in self._lent]
        # From here on only the plugin's arrays keep the lent memory mapped.
        self._borrowed = [mapping.borrowed for mapping in self._lent]
        self._lent = []
        if isinstance(message.body, bytes):
            return message.body, data, lent
        assert data is not None
        return bytes(data[message.body.offset : message.body.offset + message.body.size]), data, lent

    def let_go(self) -> None:
        """Unmap what was there for the call that has ended; an exception may have tied a knot around its frames."""
        self.drop_home()
        self._results = self._kept
        if any(borrowed() is not None for borrowed in self._borrowed):
            gc.collect()
        self._borrowed = []

    def keeps_inputs(self) -> bool:
        """Whether the plugin holds on to arrays of the call that has ended; then they are its own from now on."""
        if self._inputs is None or not self._inputs.lent:
            return False
        self._inputs = None
        return True

    @property
    def home(self) -> ResultArena | None:
        """The arena in which the plugin has made arrays for its result; None: it has not."""
        return self._granted if self._granted is not None and self._granted.end else None

    @property
    def granted(self) -> ResultArena | None:
        """The arena that was given for this call alone."""
        return self._granted

    def drop_home(self) -> None:
        """Have no more to do with the arena of this call; it stays mapped as long as an array of the plugin lies there.

        The host hands a result out uncopied only when nobody maps its arena any more.
        """
        if self.home is not None:
            self._borrowed.append(self.home.mapping)
            self._results = None
        elif self._granted is not None:
            self._results = self._kept
        self._granted = None

    @property
    def result_capacity(self) -> int:
        """Bytes that fit into the result arena; 0 without one: whoever has left that of this call asks for another."""
        return len(self._results) if self._results is not None else 0

    def map_results(self, descriptor: int, size: int, *, keep: bool) -> None:
        """Map a new result arena, for good or for one call."""
        mapped = map_results(descriptor, size)
        os.close(descriptor)
        self.drop_home()
        if keep:
            self._kept = self._results = mapped
        else:
            self._grant(mapped)

    def _grant(self, memory: memoryview) -> None:
        self._granted = ResultArena(memory)
        self._results = memory

    def write_result(self, encoded: Encoded, *, spill_body: bool) -> None:
        """Write a result from the start of the arena, its body behind its blocks where it is too long for a message."""
        view = self._results
        self.drop_home()
        assert view is not None
        encoded.write_into(view[: encoded.size])
        if spill_body:
            view[encoded.size : encoded.size + len(encoded.body)] = encoded.body
