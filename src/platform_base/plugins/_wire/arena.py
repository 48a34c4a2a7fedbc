"""Shared memory that cannot be pulled away: sealed memory files, made by the host alone.

A worker never chooses memory, a size or a file for the host. The seals are what makes sharing safe:

- ``SHRINK | GROW`` from the start: nobody can cut the file under a mapping (reading there would be a bus error);
- an *input* arena gets ``FUTURE_WRITE`` once the host has mapped it: whoever maps it later can only read, while the
  host can fill it again for the next call. That makes large calls cheap: fresh memory costs ten times the copy;
- a *result* arena stays writable for its worker, so the host copies what it needs, once, before it looks at it;
- a result arena that was granted for one call gets ``WRITE`` when the worker says that it is done, and is handed out
  uncopied. The kernel refuses that seal while anybody still maps the file writable; then it is copied after all.
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
F_SEAL_FUTURE_WRITE = 0x10

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [
    ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long,
]  # fmt: skip
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_MAP_FAILED = ctypes.c_void_p(-1).value

_READ_WRITE = mmap.PROT_READ | mmap.PROT_WRITE


class Arena:
    """A memory file that the host made. `size` is what was asked for, rounded up to pages."""

    def __init__(self, size: int) -> None:
        """Make an arena.

        Args:
            size: Bytes, at least 1.

        Raises:
            OSError: The kernel has no memory or no descriptor left.
        """
        self.size = (size + mmap.PAGESIZE - 1) // mmap.PAGESIZE * mmap.PAGESIZE
        self._descriptor = os.memfd_create("platform_base", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(self._descriptor, self.size)
            self._seal(F_SEAL_SHRINK | F_SEAL_GROW)
        except OSError:
            self.close()
            raise

    def fileno(self) -> int:
        """Return the descriptor to send; -1 once closed."""
        return self._descriptor

    def map_for_inputs(self) -> memoryview:
        """Map it writable for the host alone: from now on everybody else can only map it to read."""
        view = _map(self._descriptor, self.size, _READ_WRITE, mmap.MAP_SHARED)
        self._seal(F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)
        return view

    def map_for_results(self) -> memoryview:
        """Map it to read what a worker writes; copy from the view once and believe only the copy."""
        return _map(self._descriptor, self.size, mmap.PROT_READ, mmap.MAP_SHARED).toreadonly()

    def take(self) -> memoryview:
        """Return a result that was written into an arena of its own, as memory that nobody else can change any more.

        Where the worker kept a writable mapping this is a private copy, made once; else it is the shared memory
        itself, mapped copy-on-write. Either way the caller may write to it, and nobody else sees that.
        """
        try:
            self._seal(F_SEAL_WRITE | F_SEAL_SEAL)
        except OSError:
            # EBUSY: it is still mapped writable. EPERM: the worker added the seal against further seals.
            return memoryview(bytearray(self.map_for_results()))
        return _map(self._descriptor, self.size, _READ_WRITE, mmap.MAP_PRIVATE)

    def close(self) -> None:
        """Give the descriptor back; mappings live on. Safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _seal(self, seals: int) -> None:
        fcntl.fcntl(self._descriptor, F_ADD_SEALS, seals)


class InputMapping:
    """An input arena as a worker sees it: read-only, used again call after call."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._memory = _map(descriptor, size, mmap.PROT_READ, mmap.MAP_SHARED)
        self._address = ctypes.addressof(ctypes.c_ubyte.from_buffer(self._memory))
        self._lent: weakref.ref[ctypes.Array[ctypes.c_ubyte]] = weakref.ref((ctypes.c_ubyte * 0)())

    def lend(self) -> memoryview:
        """Return the memory for one call."""
        lent = (ctypes.c_ubyte * len(self._memory)).from_address(self._address)
        # Whoever still looks at the lent memory keeps the mapping alive.
        lent.owner = self._memory  # type: ignore[attr-defined]
        self._lent = weakref.ref(lent)
        return memoryview(lent).cast("B").toreadonly()

    @property
    def lent(self) -> bool:
        """Whether anybody still looks at what was lent: then the host must not write there again."""
        return self._lent() is not None


def map_results(descriptor: int, size: int) -> mmap.mmap:
    """Map a granted result arena in the worker, writable."""
    return mmap.mmap(descriptor, size)


def _map(descriptor: int, length: int, protection: int, flags: int) -> memoryview:
    """Map a file until the last view of it is gone.

    `mmap.mmap` would keep a descriptor open for each mapping (it does not have to since Python 3.13): a caller who
    keeps a thousand results would run out of them.
    """
    address = _libc.mmap(None, length, protection, flags, descriptor, 0)
    if address == _MAP_FAILED:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    memory = (ctypes.c_ubyte * length).from_address(address)
    # At interpreter exit the kernel unmaps; an array that is alive until then must stay readable.
    weakref.finalize(memory, _libc.munmap, address, length).atexit = False
    return memoryview(memory).cast("B")
