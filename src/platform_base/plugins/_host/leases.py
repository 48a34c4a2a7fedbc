"""Arrays of the caller that live in shared memory: results that were not copied, and what `PluginRegistry.empty` makes.

::

    fresh or shelved arena ──granted──► worker writes ──private again?──► result array of the caller
             ▲                                                                   │ last view dies
             └────────────── shelf, for the same release only ◄──────────────────┘

    array in such memory ──lent, read-only──► worker ──private again?──► the call returns

The kernel is asked after every use whether the worker has let go (`Arena.is_private`). Where it has not, a result is
copied instead, and a worker that keeps what it was lent is ended: what the caller writes later is not its business.
"""

from __future__ import annotations

import ctypes
import math
import os
import threading
import weakref
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from platform_base.plugins._wire.arena import Arena, address_of, replace_by_private_copy

_SHELVED_BYTES = 256 << 20
"""Memory that is kept for later although no array uses it, bytes."""

_LARGE_BYTES = 1 << 30
"""One arena of up to so many bytes may lie there besides, bytes: fresh memory takes longer to find than to fill."""

_MOST_SHELVED = 32
_MOST_OPEN = 64
"""Arrays that can be lent; further ones work as any array does. Each holds two descriptors."""

_OWN = ""
"""The audience of memory that no plugin has ever written to."""


class Borrower(Protocol):
    """Whoever may read a lease for one call."""

    def taint(self) -> None:
        """Have it replaced: it may have kept what it was lent. From any thread."""
        ...


class Lease:
    """One arena that an array of the caller lives in."""

    def __init__(self, arena: Arena, *, used: int, audience: str) -> None:
        self.arena = arena
        self.used = used
        self.audience = audience
        self.address = address_of(arena.memory)
        self.spoilt = False
        self._lock = threading.Lock()
        self._uses = 0
        self._cleared = False
        self._borrowers: set[Borrower] = set()

    def lend(self, borrower: Borrower) -> int:
        """Return a read-only descriptor for one call of `borrower`; `settle` after the call.

        Raises:
            OSError: It cannot be lent.
        """
        with self._lock:
            if not self._cleared:
                # What an earlier and longer result left behind is not for the eyes of another plugin. Nobody writes
                # there again: the caller's array ends before, and whoever is lent the arena can only read.
                self.arena.memory[self.used :] = bytes(self.arena.size - self.used)
                self._cleared = True
            # Under the lock: a descriptor of ours that nobody has counted would be taken for one that a worker kept.
            descriptor = self.arena.open_for_reading()
            self._uses += 1
            self._borrowers.add(borrower)
        return descriptor

    def settle(self) -> set[Borrower]:
        """End one call's use; return the borrowers of whom one still holds the memory.

        While other calls use the same array nobody can be told from the others; the last one to end asks.
        """
        with self._lock:
            self._uses -= 1
            if self._uses:
                return set()
            suspects, self._borrowers = self._borrowers, set()
            if self.arena.is_private:
                return set()
            self.spoilt = True
            return suspects


class Leases:
    """All leases of one engine, and the shelf of arenas that wait for their next use. Thread-safe.

    The end of an array may be noticed by the garbage collector in any thread, also in the middle of a method of this
    class: so there are no locks here, only single steps that the interpreter does not interrupt.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._live: dict[int, Lease] = {}
        self._shelf: list[tuple[str, Arena]] = []
        self._closed = False
        ours = weakref.ref(self)
        os.register_at_fork(after_in_parent=partial(_after_fork, ours), after_in_child=partial(_in_child, ours))

    def empty(self, shape: int | tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Return an array in shared memory, of unspecified content; see `PluginRegistry.empty`.

        Raises:
            ValueError: The dtype holds Python objects, or a length is negative.
            OSError: There is no memory left.
        """
        kind = np.dtype(dtype)
        lengths = (shape,) if isinstance(shape, int) else tuple(shape)
        if kind.hasobject:
            raise ValueError(f"dtype: expected one without Python objects, got {kind}; plugins are sent data only")
        if any(length < 0 for length in lengths):
            raise ValueError(f"shape: expected lengths from 0 on, got {lengths}")
        size = kind.itemsize * math.prod(lengths)
        if not size:
            return np.empty(lengths, kind)
        return np.ndarray(lengths, kind, self.hand_out(Arena(size), used=size, audience=_OWN))

    def take(self, size: int, audience: str) -> Arena:
        """Return an arena that a worker of `audience` may write a result to.

        Raises:
            OSError: There is no memory left.
        """
        return self._unshelve(size, audience) or Arena(size)

    def hand_out(self, arena: Arena, *, used: int, audience: str) -> memoryview:
        """Return the used memory of a private arena; when the last view of it dies, the arena is used again."""
        lease = Lease(arena, used=used, audience=audience)
        memory = (ctypes.c_ubyte * used).from_address(lease.address)
        memory.owner = arena.memory  # type: ignore[attr-defined]
        if self._closed or len(self._live) >= _MOST_OPEN:
            arena.close()
        else:
            self._live[lease.address] = lease
            weakref.finalize(memory, self._end, lease).atexit = False
        return memoryview(memory).cast("B")

    def find(self, array: NDArray[Any]) -> Lease | None:
        """Return the lease that an array fills; None: it lies elsewhere, or is only a part of one.

        A plugin that is sent a part shall not see the rest, so a part is copied like any other array.
        """
        if not self._live:
            return None
        lease = self._live.get(array.__array_interface__["data"][0])
        return lease if lease is not None and array.nbytes == lease.used else None

    def close(self) -> None:
        """Let go of what waits on the shelf. Arrays live on; they can be lent no more."""
        self._closed = True
        while self._shelf:
            self._shelf.pop()[1].close()
        while self._live:
            self._live.popitem()[1].arena.close()

    def _unshelve(self, size: int, audience: str) -> Arena | None:
        """Return a shelved arena of about that size that no other release has written to or read."""
        for item in list(self._shelf):
            known, arena = item
            if known == audience and size <= arena.size <= 2 * size:
                try:
                    self._shelf.remove(item)
                except ValueError:
                    continue  # Another thread was faster.
                return arena
        return None

    def _end(self, lease: Lease) -> None:
        self._live.pop(lease.address, None)
        arena = lease.arena
        if not arena.is_open:
            return
        if lease.spoilt or lease.audience == _OWN:
            arena.close()
        else:
            self.take_back(arena, lease.audience)

    def take_back(self, arena: Arena, audience: str) -> bool:
        """Shelve an arena for later results, or close it; return whether its worker has let go of it."""
        usable = arena.is_private and arena.is_writable_for_others
        if usable and not self._closed and self._make_room(arena):
            self._shelf.append((audience, arena))
        else:
            arena.close()
        return usable

    def _make_room(self, arena: Arena) -> bool:
        """Return whether an arena may be shelved, after the large one of before has gone if this is one."""
        shelf = list(self._shelf)
        if arena.size > _SHELVED_BYTES:
            self.drop_large()
            return arena.size <= _LARGE_BYTES
        small = [other.size for _, other in shelf if other.size <= _SHELVED_BYTES]
        return len(small) < _MOST_SHELVED and sum(small) + arena.size <= _SHELVED_BYTES

    def drop_large(self) -> None:
        """Let go of the large arena on the shelf: no results of its size are expected soon."""
        for item in list(self._shelf):
            if item[1].size > _SHELVED_BYTES:
                self._discard(item)

    def _discard(self, item: tuple[str, Arena]) -> None:
        try:
            self._shelf.remove(item)
        except ValueError:
            return  # Another thread was faster.
        item[1].close()

    def forget_reuse(self) -> None:
        """Never use the memory of today's arrays again: a forked child may still look at it."""
        for lease in list(self._live.values()):
            lease.spoilt = True

    def become_private(self) -> None:
        """Cut the arrays of this process, a forked child, off from those of its parent."""
        for lease in list(self._live.values()):
            replace_by_private_copy(lease.arena.memory)
        self.close()


def _after_fork(leases: weakref.ref[Leases]) -> None:
    known = leases()
    if known is not None:
        known.forget_reuse()


def _in_child(leases: weakref.ref[Leases]) -> None:
    known = leases()
    if known is not None:
        known.become_private()
