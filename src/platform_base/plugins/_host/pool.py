"""Warm workers: handed out last in, first out, waited for first come, first served, and stopped after idle time.

Whoever finds no free worker gets a `Place` in the queue of its release. Places are served oldest first over all
releases, and a release that has fewer workers than another may take over a free one's room when all the room is taken:
so neither a busy plugin nor a busy caller can keep the others waiting for ever.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator

from platform_base.plugins._host.group import Group, Place, PoolSize, Wake
from platform_base.plugins._host.worker import Worker

logger = logging.getLogger(__name__)

_LOOK_S = 1.0
"""How often idle workers are looked at, seconds: one of them may go on computing on its own account."""

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
        self._total = total
        self._lock = threading.RLock()
        self._keeper_due = threading.Condition(self._lock)
        self._groups: dict[Hashable, Group] = {}
        self._numbers = itertools.count()
        self._stops: deque[Worker] = deque()
        self._count = 0
        self._places = 0
        self._closed = False
        self._keeper: threading.Thread | None = None

    def try_take(self, key: Hashable, start: Callable[[], Worker], size: PoolSize) -> Worker | None:
        """Return a free worker at once, or None: then `queue` for one.

        Raises:
            PoolClosedError: The pool was closed.
        """
        while True:
            with self._lock:
                if self._closed:
                    raise PoolClosedError
                group = self._group(key, start, size)
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
            group = self._group(key, start, size)
            place = Place(number=next(self._numbers), wake=wake)
            group.waiting.append(place)
            self._places += 1
            self._serve()
            waits = not (place.worker or place.may_start)
            if waits and size.most_waiting is not None and len(group.waiting) + besides > size.most_waiting:
                group.waiting.remove(place)
                self._places -= 1
                raise PoolFullError
        self._stop_dropped()
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

    def _group(self, key: Hashable, start: Callable[[], Worker], size: PoolSize) -> Group:
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(start=start, size=size)
        return group

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
        elif group.workers < group.size.most and self._make_room(group):
            group.workers += 1
            self._count += 1
            group.taken = time.monotonic()
            place.may_start = True
            self._keeper_due.notify()
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
            group.workers -= 1
            self._count -= 1
        place.worker, place.may_start, place.gone = None, False, True

    def _pop(self, group: Group) -> Worker:
        worker = group.idle.pop()
        if group.size.ahead:
            group.taken = time.monotonic()
            self._keeper_due.notify()
        return worker

    def _make_room(self, wanting: Group) -> bool:
        """Whether one more worker may exist, stopping the one that has been idle longest if need be."""
        if self._count < self._total:
            return True
        # A group that others wait for as well gives way only to one that has fewer workers than itself.
        idle = [
            group
            for group in self._groups.values()
            if group.idle and (not group.waiting or group.workers > wanting.workers)
        ]
        if not idle:
            return False
        group = min(idle, key=lambda group: group.idle[0].idle_since)
        self._drop(group, group.idle.pop(0))
        return True

    def _start(self, key: Hashable) -> Worker:
        try:
            worker = self._groups[key].start()
        except BaseException:
            with self._lock:
                self._groups[key].workers -= 1
                self._count -= 1
                self._serve()
            self._stop_dropped()
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
                self._drop(group, worker)
                self._serve()
            else:
                group.idle.append(worker)
                if self._places:
                    self._serve()
                if self._keeper is None:
                    self._start_keeper()
        if self._stops:
            self._stop_dropped()

    def discard(self, key: Hashable, worker: Worker, *, later: bool = False) -> None:
        """Take a worker out of use and end it; with `later` it is only killed now, and cleared up behind the caller."""
        if later:
            worker.connection.kill()
        with self._lock:
            self._drop(self._groups[key], worker)
            self._serve()
            if self._keeper is None:
                self._start_keeper()
            self._keeper_due.notify()
            # Whoever calls faster than the keeper can clear up does it himself.
            later = later and not self._closed and len(self._stops) <= _MOST_UNCLEARED
        if not later:
            self._stop_dropped()

    def retire(self, belongs: Callable[[Hashable], bool]) -> None:
        """Stop the idle workers of the keys that `belongs` picks; busy ones end after their call."""
        with self._lock:
            for key, group in list(self._groups.items()):
                if not belongs(key):
                    continue
                while group.idle:
                    self._drop(group, group.idle.pop())
                if group.workers or group.waiting:
                    # A call that runs or waits keeps this group; a later one begins a fresh group.
                    group.retired = True
                else:
                    del self._groups[key]
            self._serve()
        self._stop_dropped()

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
                    self._drop(group, group.idle.pop())
                while group.waiting:
                    self._places -= 1
                    self._dismiss(group.waiting.popleft())
            self._keeper_due.notify()
        self._stop_dropped()
        if self._keeper is not None and self._keeper is not threading.current_thread():
            self._keeper.join()

    @staticmethod
    def _dismiss(place: Place) -> None:
        place.gone = True
        place.wake()

    def _drop(self, group: Group, worker: Worker) -> None:
        group.workers -= 1
        group.members.discard(worker)
        self._count -= 1
        self._stops.append(worker)

    def _stop_dropped(self) -> None:
        """Stop what was dropped under the lock, without the lock: a death takes a few milliseconds."""
        while self._stops:
            try:
                worker = self._stops.popleft()
            except IndexError:
                return  # Another thread was faster.
            worker.stop()

    def _start_keeper(self) -> None:
        self._keeper = threading.Thread(target=self._keep, name="platform_base-pool", daemon=True)
        self._keeper.start()

    def _keep(self) -> None:
        """Stop workers that are idle for too long or only seem to be; start those that are to be kept ready."""
        while True:
            with self._lock:
                if self._closed:
                    return
                missing = self._missing()
                if missing is None:
                    self._drop_spare(time.monotonic())
                    if not self._stops:
                        self._keeper_due.wait(self._next_look_s(time.monotonic()))
                        self._drop_restless()
            if missing is not None:
                self._refill(missing)
            self._stop_dropped()

    def _next_look_s(self, now: float) -> float | None:
        if not self._count:
            return None
        due = (group.idle[0].idle_since + group.size.idle_s - now for group in self._idle_groups())
        return min([_LOOK_S, *(later for later in due if later > 0)])

    def _idle_groups(self) -> Iterator[Group]:
        return (group for group in self._groups.values() if group.idle)

    def _drop_spare(self, now: float) -> None:
        for group in self._idle_groups():
            while (
                group.idle and group.workers > group.size.least and group.idle[0].idle_since + group.size.idle_s <= now
            ):
                self._drop(group, group.idle.pop(0))

    def _drop_restless(self) -> None:
        for group in self._idle_groups():
            for worker in [worker for worker in group.idle if worker.restless]:
                group.idle.remove(worker)
                self._drop(group, worker)

    def _missing(self) -> Hashable | None:
        """Return a key that has fewer workers than are to be kept ready, and count the one that is about to start."""
        if self._count >= self._total:
            return None
        now = time.monotonic()
        for key, group in self._groups.items():
            ahead = group.needs_one_ahead(now)
            if (ahead or group.workers < group.size.least) and not group.retired:
                group.workers += 1
                self._count += 1
                group.starting_ahead += 1
                return key
        return None

    def _refill(self, key: Hashable) -> None:
        try:
            worker = self._start(key)
        except Exception:
            # The next call meets the same error and tells its caller; trying again here would be a loop.
            logger.exception("a worker that was to be kept ready could not be started")
            with self._lock:
                self._groups[key].starting_ahead -= 1
                self._groups[key].retired = True
        else:
            with self._lock:
                self._groups[key].starting_ahead -= 1
            self.give_back(key, worker)
