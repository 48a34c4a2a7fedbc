"""The keeper of idle workers: a thread that ends those nobody uses, and starts those that are to be kept ready."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable

from platform_base.plugins._host.stock import Stock
from platform_base.plugins._host.worker import Worker

logger = logging.getLogger(__name__)

_LOOK_S = 1.0
"""How often idle workers are looked at, seconds: one of them may go on computing on its own account."""


class Keeper:
    """Sees to the workers of a stock that no call uses, in a thread that begins when there is one."""

    def __init__(
        self,
        stock: Stock,
        start: Callable[[Hashable], Worker],
        give_back: Callable[[Hashable, Worker], None],
    ) -> None:
        """Begin without a thread.

        Args:
            stock: The workers.
            start: Starts a worker that was reserved; called without the lock.
            give_back: Takes a worker that has been started; called without the lock.
        """
        self._stock = stock
        self._start = start
        self._give_back = give_back
        self._due = threading.Condition(stock.lock)
        self._ended = False
        self._thread: threading.Thread | None = None

    @property
    def is_at_work(self) -> bool:
        """Whether `begin` was called."""
        return self._thread is not None

    def begin(self) -> None:
        """Start the thread; the caller holds the lock."""
        self._thread = threading.Thread(target=self._keep, name="platform_base-pool", daemon=True)
        self._thread.start()

    def notify(self) -> None:
        """Have it look now; the caller holds the lock."""
        self._due.notify()

    def end(self) -> None:
        """Have the thread end; the caller holds the lock, and calls `join` without it."""
        self._ended = True
        self._due.notify()

    def join(self) -> None:
        """Wait until the thread has ended, unless it is that thread which asks."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _keep(self) -> None:
        while True:
            with self._stock.lock:
                if self._ended:
                    return
                missing = self._missing()
                if missing is None:
                    self._drop_spare(time.monotonic())
                    if not self._stock.dropped:
                        self._due.wait(self._next_look_s(time.monotonic()))
                        self._drop_restless()
            if missing is not None:
                self._refill(missing)
            self._stock.stop_dropped()

    def _next_look_s(self, now: float) -> float | None:
        if not self._stock.count:
            return None
        due = (group.idle[0].idle_since + group.size.idle_s - now for group in self._stock.idle_groups())
        return min([_LOOK_S, *(later for later in due if later > 0)])

    def _drop_spare(self, now: float) -> None:
        for group in self._stock.idle_groups():
            while (
                group.idle and group.workers > group.size.least and group.idle[0].idle_since + group.size.idle_s <= now
            ):
                self._stock.drop(group, group.idle.pop(0))

    def _drop_restless(self) -> None:
        for group in self._stock.idle_groups():
            for worker in [worker for worker in group.idle if worker.restless]:
                group.idle.remove(worker)
                self._stock.drop(group, worker)

    def _missing(self) -> Hashable | None:
        """Return a key that has fewer workers than are to be kept ready, and count the one that is about to start."""
        if self._stock.is_full:
            return None
        now = time.monotonic()
        for key, group in self._stock.groups.items():
            ahead = group.needs_one_ahead(now)
            if (ahead or group.workers < group.size.least) and not group.retired:
                self._stock.reserve(group)
                group.starting_ahead += 1
                return key
        return None

    def _refill(self, key: Hashable) -> None:
        try:
            worker = self._start(key)
        except Exception:
            # The next call meets the same error and tells its caller; trying again here would be a loop.
            logger.exception("a worker that was to be kept ready could not be started")
            with self._stock.lock:
                self._stock.groups[key].starting_ahead -= 1
                self._stock.groups[key].retired = True
        else:
            with self._stock.lock:
                self._stock.groups[key].starting_ahead -= 1
            self._give_back(key, worker)
