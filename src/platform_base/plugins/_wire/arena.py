"""Shared memory that cannot be pulled away, and whose other holders can be ruled out: memory files made by the host.

A worker never chooses memory, a size or a file for the host. What makes sharing safe:

- the seals ``SHRINK | GROW`` from the start: nobody can cut the file under a mapping (reading would be a bus error);
- an arena that a worker may only read gets ``FUTURE_WRITE`` once the host has mapped it: whoever maps it later can only
  read, while the host can go on writing;
- an arena that a worker writes to is believed only after a copy, or after the kernel has said that the worker holds it
  no longer (`Arena.is_private`): no descriptor, no mapping, no message on its way. Therefore the host never gives away
  its own descriptors but files opened anew, which the kernel counts.

Fresh memory is what costs: 80 MB touched for the first time in pages of 4 KiB take 60 to 180 ms, in pages of 2 MiB
5 ms, and copying into them another 4. So arenas are made of large pages where the kernel has them (``MADV_COLLAPSE``,
Linux 6.1), and used again.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import weakref

F_ADD_SEALS = 1033
F_GET_SEALS = 1034
F_SEAL_SEAL = 0x1
F_SEAL_SHRINK = 0x2
F_SEAL_GROW = 0x4
F_SEAL_FUTURE_WRITE = 0x10

COPY_UP_TO = 1 << 20
"""Results up to this size are copied out of an arena that the worker keeps: cheaper than mapping one anew, bytes."""

LARGE_PAGE = 1 << 21
"""Arenas from half of this on are made of such pages, bytes."""

_SIZE_SEALS = F_SEAL_SHRINK | F_SEAL_GROW
_MADV_COLLAPSE = 25
_READ_WRITE = mmap.PROT_READ | mmap.PROT_WRITE
_MAP_FIXED = 0x10
_MAP_NORESERVE = 0x4000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [
    ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long,
]  # fmt: skip
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_MAP_FAILED = ctypes.c_void_p(-1).value


class Arena:
    """A memory file that the host made.

    Attributes:
        size: What was asked for, rounded up to whole pages.
        memory: The host's own view of it, writable.
    """

    def __init__(self, size: int) -> None:
        """Make an arena.

        Args:
            size: Bytes, at least 1.

        Raises:
            OSError: The kernel has no memory or no descriptor left.
        """
        page = LARGE_PAGE if 2 * size >= LARGE_PAGE else mmap.PAGESIZE
        self.size = (size + page - 1) // page * page
        self._witness = -1
        self._descriptor = os.memfd_create("platform_base", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(self._descriptor, self.size)
            self._seal(_SIZE_SEALS)
            self.memory = _map(self._descriptor, self.size, _READ_WRITE)
            if page == LARGE_PAGE:
                _use_large_pages(self.memory)
        except OSError:
            self.close()
            raise

    def open_for_writing(self) -> int:
        """Return a new descriptor for a worker that shall write; the caller closes it after sending.

        Raises:
            OSError: There is no ``/proc`` here, or no descriptor left.
        """
        self._open_witness()
        return os.open(f"/proc/self/fd/{self._descriptor}", os.O_RDWR | os.O_CLOEXEC)

    def open_for_reading(self) -> int:
        """Return a new descriptor for a worker that shall only read, whatever it tries; the caller closes it.

        Raises:
            OSError: It cannot be sealed against writing any more, there is no ``/proc``, or no descriptor left.
        """
        self._open_witness()
        if not self._seals() & F_SEAL_FUTURE_WRITE:
            # Without it the worker could open its descriptor anew, for writing.
            self._seal(F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)
        return os.open(f"/proc/self/fd/{self._descriptor}", os.O_RDONLY | os.O_CLOEXEC)

    def _open_witness(self) -> None:
        if self._witness < 0:
            self._witness = os.open(f"/proc/self/fd/{self._descriptor}", os.O_RDONLY | os.O_CLOEXEC)

    @property
    def is_private(self) -> bool:
        """Whether the kernel confirms that no other process holds the file: open, mapped, or on its way.

        The kernel grants a write lease only if nobody else has the file open; see fcntl(2), ``F_SETLEASE``. False also
        where the system cannot tell.
        """
        if self._witness < 0:
            return True  # Nobody was ever given it.
        try:
            fcntl.fcntl(self._witness, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            fcntl.fcntl(self._witness, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        except OSError:
            return False
        return True

    @property
    def is_writable_for_others(self) -> bool:
        """Whether a worker that gets it by `open_for_writing` can map it: nobody has sealed it meanwhile."""
        return self._seals() == _SIZE_SEALS

    def close(self) -> None:
        """Give the descriptors back; the memory lives as long as a view of it. Safe to call twice."""
        for descriptor in (self._descriptor, self._witness):
            if descriptor >= 0:
                os.close(descriptor)
        self._descriptor = self._witness = -1

    @property
    def is_open(self) -> bool:
        """Whether `close` was not called yet."""
        return self._descriptor >= 0

    def _seals(self) -> int:
        return fcntl.fcntl(self._descriptor, F_GET_SEALS)

    def _seal(self, seals: int) -> None:
        fcntl.fcntl(self._descriptor, F_ADD_SEALS, seals)


class InputMapping:
    """An input arena as a worker sees it: read-only, used again call after call.

    Attributes:
        borrowed: What was lent last; dead when nobody looks at it any more.
    """

    def __init__(self, descriptor: int, size: int) -> None:
        self._memory = _map(descriptor, size, mmap.PROT_READ)
        self._address = ctypes.addressof(ctypes.c_ubyte.from_buffer(self._memory))
        self.borrowed: weakref.ref[ctypes.Array[ctypes.c_ubyte]] = weakref.ref((ctypes.c_ubyte * 0)())

    def lend(self) -> memoryview:
        """Return the memory for one call."""
        lent = (ctypes.c_ubyte * len(self._memory)).from_address(self._address)
        # Whoever still looks at the lent memory keeps the mapping alive.
        lent.owner = self._memory  # type: ignore[attr-defined]
        self.borrowed = weakref.ref(lent)
        return memoryview(lent).cast("B").toreadonly()

    @property
    def lent(self) -> bool:
        """Whether anybody still looks at what was lent: then the host must not write there again."""
        return self.borrowed() is not None


def map_results(descriptor: int, size: int) -> memoryview:
    """Map a granted result arena in the worker, writable, until the last view of it is gone."""
    return _map(descriptor, size, _READ_WRITE)


def address_of(view: memoryview) -> int:
    """Return where a writable view begins."""
    return ctypes.addressof(ctypes.c_ubyte.from_buffer(view))


def replace_by_private_copy(view: memoryview) -> None:
    """Put a private copy in the place of a shared mapping, at the same address: for the child after a fork."""
    address, length = address_of(view), len(view)
    copy = bytes(view)
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_FIXED
    if _libc.mmap(address, length, _READ_WRITE, flags, -1, 0) != address:
        raise OSError(ctypes.get_errno(), "a shared result could not be copied after a fork")
    view[:] = copy


def _map(descriptor: int, length: int, protection: int) -> memoryview:
    """Map a file until the last view of it is gone.

    `mmap.mmap` would keep a descriptor open for each mapping (it does not have to since Python 3.13): a caller who
    keeps a thousand results would run out of them. It also cannot align: a large page is mapped as one only where it
    lies at a multiple of its size.
    """
    if length < LARGE_PAGE:
        address = _checked(_libc.mmap(None, length, protection, mmap.MAP_SHARED, descriptor, 0))
    else:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE
        room = _checked(_libc.mmap(None, length + LARGE_PAGE, 0, flags, -1, 0))
        address = (room + LARGE_PAGE - 1) // LARGE_PAGE * LARGE_PAGE
        try:
            _checked(_libc.mmap(address, length, protection, mmap.MAP_SHARED | _MAP_FIXED, descriptor, 0))
        except OSError:
            _libc.munmap(room, length + LARGE_PAGE)
            raise
        if address > room:
            _libc.munmap(room, address - room)
        _libc.munmap(address + length, room + LARGE_PAGE - address)
    memory = (ctypes.c_ubyte * length).from_address(address)
    # At interpreter exit the kernel unmaps; an array that is alive until then must stay readable.
    weakref.finalize(memory, _libc.munmap, address, length).atexit = False
    return memoryview(memory).cast("B")


def _checked(address: int) -> int:
    if address == _MAP_FAILED:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return address


def _use_large_pages(memory: memoryview) -> None:
    """Back a fresh mapping with large pages; where the kernel does not, ordinary ones serve as well, slower."""
    for offset in range(0, len(memory), LARGE_PAGE):
        memory[offset] = 0  # Only what exists can be made larger.
    _libc.madvise(address_of(memory), len(memory), _MADV_COLLAPSE)
