"""The worker's end of the shared memory: inputs to read, results to write, both kept mapped from call to call."""

from __future__ import annotations

import mmap
import os

from platform_base.plugins._wire.arena import InputMapping, map_results
from platform_base.plugins._wire.codec import Encoded
from platform_base.plugins._wire.messages import Execute


class SharedMemory:
    """Both arenas, as far as the host has given them."""

    def __init__(self) -> None:
        self._inputs: InputMapping | None = None
        self._results: mmap.mmap | None = None
        self._keep_results = False

    def map_inputs(self, descriptor: int, size: int) -> None:
        """Map a new input arena; the one of before stays mapped for as long as the plugin looks at it."""
        self._inputs = InputMapping(descriptor, size)
        os.close(descriptor)

    def read(self, message: Execute) -> tuple[bytes, memoryview | None]:
        """Return the body of a call, wherever it stands, and the arena that it speaks of, if there is one."""
        data = None
        if message.arena_size:
            assert self._inputs is not None
            data = self._inputs.lend()
        if isinstance(message.body, bytes):
            return message.body, data
        assert data is not None
        return bytes(data[message.body.offset : message.body.offset + message.body.size]), data

    def keeps_inputs(self) -> bool:
        """Whether the plugin holds on to arrays of the call that has ended; then they are its own from now on."""
        if self._inputs is None or not self._inputs.lent:
            return False
        self._inputs = None
        return True

    @property
    def result_capacity(self) -> int:
        """Bytes that fit into the result arena; 0 without one."""
        return len(self._results) if self._results is not None else 0

    def map_results(self, descriptor: int, size: int, *, keep: bool) -> None:
        """Map a new result arena, for good or for one call."""
        if self._results is not None:
            self._results.close()
        self._results = map_results(descriptor, size)
        self._keep_results = keep
        os.close(descriptor)

    def write_result(self, encoded: Encoded, *, spill_body: bool) -> None:
        """Write a result from the start of the arena, its body behind its blocks where it is too long for a message."""
        assert self._results is not None
        with memoryview(self._results) as view:
            with view[: encoded.size] as blocks:
                encoded.write_into(blocks)
            if spill_body:
                view[encoded.size : encoded.size + len(encoded.body)] = encoded.body
        if not self._keep_results:
            # The host can seal the arena, and so hand it out uncopied, only when nobody maps it writable any more.
            self._results.close()
            self._results = None
