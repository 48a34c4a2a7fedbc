"""Shared memory that cannot be pulled away: one sealed memory file for each direction of a call.

The host makes every arena, also those that results are written into: a worker never chooses memory, a size or a file
for the host. The seals are what makes reading safe:

- ``SHRINK | GROW`` from the start: nobody can cut the file under a mapping (reading there would be a bus error);
- inputs get ``WRITE`` once the host has filled and unmapped them: whoever maps them later can only read;
- results get ``WRITE`` when the worker says that it is done. The kernel refuses that seal while anybody still maps the
  file writable; then the host copies what it needs before it looks at it.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import weakref

F_ADD_SEALS = 1033
F_SEAL_SEAL = 0x1
F_SEAL_SHRINK = 0x2
F_SEAL_GROW = 0x4
F_SEAL_WRITE = 0x8

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [
    ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long,
]  # fmt: skip
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_MAP_FAILED = ctypes.c_void_p(-1).value

PAGE = mmap.PAGESIZE


class Arena:
    """A memory file that the host made; `size` is what was asked for, the file is rounded up to pages."""

    def __init__(self, size: int) -> None:
        """Make an arena.

        Args:
            size: Bytes, at least 1.

        Raises:
            OSError: The kernel has no memory or no descriptor left.
        """
        self.size = size
        self._length = (size + PAGE - 1) // PAGE * PAGE
        self._descriptor = os.memfd_create("platform_base", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(self._descriptor, self._length)
            fcntl.fcntl(self._descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW)
        except OSError:
            self.close()
            raise

    def fileno(self) -> int:
        """Return the descriptor to send."""
        return self._descriptor

    def map_writable(self) -> mmap.mmap:
        """Map the arena for filling it with inputs; close the map before `seal_inputs`."""
        return mmap.mmap(self._descriptor, self._length)

    def seal_inputs(self) -> None:
        """Let every later mapping be read-only, for ever."""
        fcntl.fcntl(self._descriptor, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL)

    def take_result(self) -> memoryview:
        """Return the worker's result as memory that the worker cannot change any more.

        Where the worker kept a writable mapping this is a private copy, made once; else it is the shared memory
        itself, mapped copy-on-write. Either way the caller may write to it, and nobody else sees that.
        """
        try:
            fcntl.fcntl(self._descriptor, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL)
        except OSError:
            # EBUSY: it is still mapped writable. EPERM: the worker added the seal against further seals.
            copy = bytearray(self.size)
            with (
                mmap.mmap(self._descriptor, self._length, prot=mmap.PROT_READ) as shared,
                memoryview(shared) as view,
            ):
                copy[:] = view[: self.size]
            return memoryview(copy)
        return _map_private(self._descriptor, self._length)[: self.size]

    def close(self) -> None:
        """Give the descriptor back; mappings live on. Safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _map_private(descriptor: int, length: int) -> memoryview:
    """Map a file copy-on-write, until the last view of it is gone.

    `mmap.mmap` would keep a descriptor open for each mapping (it does not have to since Python 3.13): a caller who
    keeps a thousand results would run out of them.
    """
    address = _libc.mmap(None, length, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE, descriptor, 0)
    if address == _MAP_FAILED:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    memory = (ctypes.c_ubyte * length).from_address(address)
    # At interpreter exit the kernel unmaps; an array that is alive until then must stay readable.
    weakref.finalize(memory, _libc.munmap, address, length).atexit = False
    return memoryview(memory).cast("B")


def map_inputs(descriptor: int, size: int) -> memoryview:
    """Map an input arena in the worker, read-only."""
    length = (size + PAGE - 1) // PAGE * PAGE
    return memoryview(mmap.mmap(descriptor, length, prot=mmap.PROT_READ))[:size]


def map_result(descriptor: int, size: int) -> mmap.mmap:
    """Map a granted result arena in the worker, writable; close it before the answer is sent."""
    return mmap.mmap(descriptor, (size + PAGE - 1) // PAGE * PAGE)
