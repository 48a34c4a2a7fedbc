"""Warm workers: handed out last in, first out, waited for first come, first served, and stopped after idle time.

Whoever finds no free worker gets a `Place` in the queue of its release. Places are served oldest first over all
releases, and a release that has fewer workers than another may take over a free one's room when all the room is taken:
so neither a busy plugin nor a busy caller can keep the others waiting for ever.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Hashable

from platform_base.plugins._host.group import Group, Place, PoolSize, Wake
from platform_base.plugins._host.keeper import Keeper
from platform_base.plugins._host.stock import Stock
from platform_base.plugins._host.worker import Worker

logger = logging.getLogger(__name__)

_JUST_NOW_S = 0.001
"""A worker that has answered so recently is not looked at again, seconds: looking takes two system calls."""

_MOST_UNCLEARED = 2
"""So many dead workers may wait for the keeper to clear them up."""


class PoolClosedError(Exception):
    """The pool was closed while somebody waited for a worker."""


class PoolFullError(Exception):
    """As many calls wait for this release as may."""


class Pool:
    """Workers by key; a key stands for one release under one policy. Thread-safe."""

    def __init__(self, *, total: int) -> None:
        """Begin empty.

        Args:
            total: The most workers that may exist at once, over all keys.
        """
        self._stock = Stock(total=total)
        self._lock = self._stock.lock
        self._groups = self._stock.groups
        self._keeper = Keeper(self._stock, self._start, self.give_back)
        self._numbers = itertools.count()
        self._places = 0
        self._closed = False

    def try_take(self, key: Hashable, start: Callable[[], Worker], size: PoolSize) -> Worker | None:
        """Return a free worker at once, or None: then `queue` for one.

        Raises:
            PoolClosedError: The pool was closed.
        """
        while True:
            with self._lock:
                if self._closed:
                    raise PoolClosedError
                group = self._stock.group(key, start, size)
                if group.waiting or not group.idle:
                    return None
                worker = self._pop(group)
            if self._is_fit(worker):
                return worker
            self.discard(key, worker)

    def queue(
        self,
        key: Hashable,
        start: Callable[[], Worker],
        size: PoolSize,
        wake: Wake,
        *,
        besides: int = 0,
    ) -> Place:
        """Take a place in the queue; `collect` from it once `wake` was called, which may be before this returns.

        Args:
            key: The release and policy.
            start: Makes a new worker; called without any lock held.
            size: How many workers the key may have.
            wake: See `Place`; must not block.
            besides: So many calls wait for a worker of this key without a place of their own.

        Raises:
            PoolClosedError: The pool was closed.
            PoolFullError: ``size.most_waiting`` calls wait already.
        """
        with self._lock:
            if self._closed:
                raise PoolClosedError
            group = self._stock.group(key, start, size)
            place = Place(number=next(self._numbers), wake=wake)
            group.waiting.append(place)
            self._places += 1
            self._serve()
            waits = not (place.worker or place.may_start)
            if waits and size.most_waiting is not None and len(group.waiting) + besides > size.most_waiting:
                group.waiting.remove(place)
                self._places -= 1
                raise PoolFullError
        self._stock.stop_dropped()
        return place

    def waiting(self, key: Hashable) -> int:
        """Return how many places there are in the queue of a key."""
        group = self._groups.get(key)
        return 0 if group is None else len(group.waiting)

    def leave(self, key: Hashable, place: Place) -> None:
        """Give up waiting; a turn that has come already stays with the place and must be collected."""
        with self._lock:
            group = self._groups.get(key)
            if group is not None and place in group.waiting:
                group.waiting.remove(place)
                self._places -= 1
                self._dismiss(place)

    def collect(self, key: Hashable, place: Place) -> Worker | None:
        """Return the worker of a place whose turn has come; None: it died while idle, take again.

        Raises:
            PoolClosedError: The pool was closed.
            InterruptedError: The place was left.
        """
        if place.gone:
            raise PoolClosedError if self._closed else InterruptedError
        if place.may_start:
            return self._start(key)
        worker = place.worker
        assert worker is not None
        if self._is_fit(worker):
            return worker
        self.discard(key, worker)
        return None

    @staticmethod
    def _is_fit(worker: Worker) -> bool:
        if time.monotonic() - worker.idle_since < _JUST_NOW_S:
            return True  # Its death would be noticed on sending, and it has had no time to compute.
        if not worker.connection.alive:
            logger.info("a warm worker (pid %d) had died while idle; it is replaced", worker.connection.pid)
        elif worker.restless:
            logger.warning("a worker (pid %d) went on after its call; it is replaced", worker.connection.pid)
        else:
            return True
        return False

    def _serve(self) -> None:
        """Give every place its turn whose turn it is, oldest first."""
        while True:
            heads = [group for group in self._groups.values() if group.waiting]
            if len(heads) > 1:
                heads.sort(key=lambda group: group.waiting[0].number)
            if not any(self._serve_first(group) for group in heads):
                return

    def _serve_first(self, group: Group) -> bool:
        place = group.waiting[0]
        if group.idle:
            place.worker = self._pop(group)
        elif group.workers < group.size.most and self._stock.make_room(group):
            self._stock.reserve(group)
            group.taken = time.monotonic()
            place.may_start = True
            self._keeper.notify()
        else:
            return False
        group.waiting.popleft()
        self._places -= 1
        if place.wake() is False:
            self._withdraw(group, place)
        return True

    def _withdraw(self, group: Group, place: Place) -> None:
        """Take back the turn of a place that nobody will collect from."""
        if place.worker is not None:
            group.idle.append(place.worker)
        else:
            self._stock.release(group)
        place.worker, place.may_start, place.gone = None, False, True

    def _pop(self, group: Group) -> Worker:
        worker = group.idle.pop()
        if group.size.ahead:
            group.taken = time.monotonic()
            self._keeper.notify()
        return worker

    def _start(self, key: Hashable) -> Worker:
        try:
            worker = self._groups[key].start()
        except BaseException:
            with self._lock:
                self._stock.release(self._groups[key])
                self._serve()
            self._stock.stop_dropped()
            raise
        with self._lock:
            self._groups[key].members.add(worker)
        return worker

    def give_back(self, key: Hashable, worker: Worker) -> None:
        """Return a worker that is fit for the next call."""
        worker.rest()
        with self._lock:
            group = self._groups[key]
            if self._closed or group.retired:
                self._stock.drop(group, worker)
                self._serve()
            else:
                group.idle.append(worker)
                if self._places:
                    self._serve()
                if not self._keeper.is_at_work:
                    self._keeper.begin()
        if self._stock.dropped:
            self._stock.stop_dropped()

    def discard(self, key: Hashable, worker: Worker, *, later: bool = False) -> None:
        """Take a worker out of use and end it; with `later` it is only killed now, and cleared up behind the caller."""
        if later:
            worker.connection.kill()
        with self._lock:
            self._stock.drop(self._groups[key], worker)
            self._serve()
            if not (self._keeper.is_at_work or self._closed):
                self._keeper.begin()
            self._keeper.notify()
            # Whoever calls faster than the keeper can clear up does it himself.
            later = later and not self._closed and len(self._stock.dropped) <= _MOST_UNCLEARED
        if not later:
            self._stock.stop_dropped()

    def retire(self, belongs: Callable[[Hashable], bool]) -> None:
        """Stop the idle workers of the keys that `belongs` picks; busy ones end after their call."""
        with self._lock:
            for key, group in list(self._groups.items()):
                if not belongs(key):
                    continue
                while group.idle:
                    self._stock.drop(group, group.idle.pop())
                if group.workers or group.waiting:
                    # A call that runs or waits keeps this group; a later one begins a fresh group.
                    group.retired = True
                else:
                    del self._groups[key]
            self._serve()
        self._stock.stop_dropped()

    def revive(self, key: Hashable) -> None:
        """Let a retired key keep warm workers again."""
        with self._lock:
            if key in self._groups:
                self._groups[key].retired = False

    def counts(self) -> dict[Hashable, tuple[int, int]]:
        """Return workers and idle workers by key."""
        with self._lock:
            return {key: (group.workers, len(group.idle)) for key, group in self._groups.items()}

    def members(self) -> dict[Hashable, tuple[list[Worker], int, int]]:
        """Return the workers by key, how many more are being started, and how many calls wait for one."""
        with self._lock:
            return {
                key: (list(group.members), group.workers - len(group.members), len(group.waiting))
                for key, group in self._groups.items()
            }

    def close(self) -> None:
        """Stop every idle worker; busy ones are stopped when they are given back, waiting callers are told."""
        with self._lock:
            self._closed = True
            for group in self._groups.values():
                while group.idle:
                    self._stock.drop(group, group.idle.pop())
                while group.waiting:
                    self._places -= 1
                    self._dismiss(group.waiting.popleft())
            self._keeper.end()
        self._stock.stop_dropped()
        self._keeper.join()

    @staticmethod
    def _dismiss(place: Place) -> None:
        place.gone = True
        place.wake()
