"""Warm workers: handed out last in, first out, waited for first come, first served, and stopped after idle time."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from platform_base.plugins._host.worker import Worker

logger = logging.getLogger(__name__)

_LOOK_S = 1.0
"""How often idle workers are looked at, seconds: one of them may go on computing on its own account."""


class PoolClosedError(Exception):
    """The pool was closed while somebody waited for a worker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSize:
    """How many workers one release may have.

    Attributes:
        least: So many are kept ready.
        most: Never more than these.
        idle_s: One that nobody uses for so long is stopped, seconds.
    """

    least: int
    most: int
    idle_s: float


@dataclass(slots=True, kw_only=True)
class _Group:
    """The workers of one release under one policy."""

    start: Callable[[], Worker]
    size: PoolSize
    workers: int = 0
    idle: list[Worker] = field(default_factory=list)
    waiting: deque[object] = field(default_factory=deque)
    retired: bool = False


class Pool:
    """Workers by key; a key stands for one release under one policy. Thread-safe."""

    def __init__(self, *, total: int) -> None:
        """Begin empty.

        Args:
            total: The most workers that may exist at once, over all keys.
        """
        self._total = total
        self._changed = threading.Condition()
        self._groups: dict[Hashable, _Group] = {}
        self._stops: deque[Worker] = deque()
        self._count = 0
        self._closed = False
        self._keeper: threading.Thread | None = None

    def take(
        self,
        key: Hashable,
        start: Callable[[], Worker],
        size: PoolSize,
        *,
        give_up: Callable[[], bool] = lambda: False,
    ) -> Worker:
        """Return a worker for the caller alone; `give_back` or `discard` it afterwards.

        Args:
            key: The release and policy.
            start: Makes a new worker when there is none; called without any lock held.
            size: How many workers the key may have.
            give_up: Asked whenever something changes; true ends the waiting with `InterruptedError`.

        Raises:
            PoolClosedError: The pool was closed.
            InterruptedError: `give_up` said so.
        """
        while True:
            worker = self._reserve(key, start, size, give_up)
            if worker is None:
                return self._start(key)
            if not worker.connection.alive:
                logger.info("a warm worker (pid %d) had died while idle; it is replaced", worker.connection.pid)
            elif worker.restless:
                logger.warning("a worker (pid %d) went on after its call; it is replaced", worker.connection.pid)
            else:
                return worker
            self.discard(key, worker)

    def _reserve(
        self, key: Hashable, start: Callable[[], Worker], size: PoolSize, give_up: Callable[[], bool]
    ) -> Worker | None:
        """Wait for a turn; return an idle worker, or None for the right to start one."""
        ticket = object()
        with self._changed:
            group = self._groups.setdefault(key, _Group(start=start, size=size))
            group.waiting.append(ticket)
            try:
                while True:
                    if self._closed:
                        raise PoolClosedError
                    if give_up():
                        raise InterruptedError
                    if group.waiting[0] is ticket:
                        if group.idle:
                            return group.idle.pop()
                        if group.workers < group.size.most and self._make_room():
                            group.workers += 1
                            self._count += 1
                            return None
                    self._changed.wait()
            finally:
                group.waiting.remove(ticket)
                self._changed.notify_all()

    def _make_room(self) -> bool:
        """Whether one more worker may exist, stopping the one that has been idle longest if need be."""
        if self._count < self._total:
            return True
        idle = [(group.idle[0].idle_since, group) for group in self._groups.values() if group.idle]
        if not idle:
            return False
        _, group = min(idle, key=lambda pair: pair[0])
        self._drop(group, group.idle.pop(0))
        return True

    def _start(self, key: Hashable) -> Worker:
        try:
            return self._groups[key].start()
        except BaseException:
            with self._changed:
                self._groups[key].workers -= 1
                self._count -= 1
                self._changed.notify_all()
            raise

    def give_back(self, key: Hashable, worker: Worker) -> None:
        """Return a worker that is fit for the next call."""
        worker.rest()
        with self._changed:
            group = self._groups[key]
            if self._closed or group.retired:
                self._drop(group, worker)
            else:
                group.idle.append(worker)
                self._ensure_keeper()
            self._changed.notify_all()
        self._stop_dropped()

    def discard(self, key: Hashable, worker: Worker) -> None:
        """Take a worker out of use and end it."""
        with self._changed:
            self._drop(self._groups[key], worker)
            self._changed.notify_all()
        self._stop_dropped()

    def retire(self, belongs: Callable[[Hashable], bool]) -> None:
        """Stop the idle workers of the keys that `belongs` picks; busy ones end after their call."""
        with self._changed:
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
            self._changed.notify_all()
        self._stop_dropped()

    def revive(self, key: Hashable) -> None:
        """Let a retired key keep warm workers again."""
        with self._changed:
            if key in self._groups:
                self._groups[key].retired = False

    def counts(self) -> dict[Hashable, tuple[int, int]]:
        """Return workers and idle workers by key."""
        with self._changed:
            return {key: (group.workers, len(group.idle)) for key, group in self._groups.items()}

    def close(self) -> None:
        """Stop every idle worker; busy ones are stopped when they are given back, waiting callers are told."""
        with self._changed:
            self._closed = True
            for group in self._groups.values():
                while group.idle:
                    self._drop(group, group.idle.pop())
            self._changed.notify_all()
        self._stop_dropped()
        if self._keeper is not None and self._keeper is not threading.current_thread():
            self._keeper.join()

    def _drop(self, group: _Group, worker: Worker) -> None:
        group.workers -= 1
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

    def _ensure_keeper(self) -> None:
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._keep, name="platform_base-pool", daemon=True)
            self._keeper.start()

    def _keep(self) -> None:
        """Stop workers that are idle for too long or only seem to be; start those that are to be kept ready."""
        while True:
            with self._changed:
                if self._closed:
                    return
                now = time.monotonic()
                missing = self._missing()
                if missing is None:
                    due = [
                        group.idle[0].idle_since + group.size.idle_s for group in self._groups.values() if group.idle
                    ]
                    spare = [group for group in self._groups.values() if self._is_spare(group, now)]
                    if not spare:
                        later = [moment - now for moment in due if moment > now]
                        self._changed.wait(min([_LOOK_S, *later]) if due else None)
                        self._drop_restless()
                    for group in spare:
                        while self._is_spare(group, now):
                            self._drop(group, group.idle.pop(0))
            if missing is not None:
                self._refill(missing)
            self._stop_dropped()

    def _drop_restless(self) -> None:
        for group in self._groups.values():
            for worker in [worker for worker in group.idle if worker.restless]:
                group.idle.remove(worker)
                self._drop(group, worker)

    def _missing(self) -> Hashable | None:
        """Return a key that has fewer workers than are to be kept ready, and count the one that is about to start."""
        for key, group in self._groups.items():
            if group.workers < group.size.least and not group.retired and self._count < self._total:
                group.workers += 1
                self._count += 1
                return key
        return None

    def _refill(self, key: Hashable) -> None:
        try:
            worker = self._start(key)
        except Exception:
            # The next call meets the same error and tells its caller; trying again here would be a loop.
            logger.exception("a worker that was to be kept ready could not be started")
            with self._changed:
                self._groups[key].retired = True
        else:
            self.give_back(key, worker)

    def _is_spare(self, group: _Group, now: float) -> bool:
        return (
            bool(group.idle)
            and group.workers > group.size.least
            and group.idle[0].idle_since + group.size.idle_s <= now
        )
