"""The workers that there are, by release, and the room for more."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator

from platform_base.plugins._host.group import Group, PoolSize
from platform_base.plugins._host.worker import Worker

logger = logging.getLogger(__name__)


class Stock:
    """Every worker, in use or idle. Whoever looks at it or changes it holds its lock, but for `stop_dropped`.

    Attributes:
        lock: Held for moments only: no worker is started or stopped under it.
        groups: The workers by key.
        count: How many there are, with those that are about to be started.
        dropped: Taken out already, and to be stopped by `stop_dropped`.
    """

    def __init__(self, *, total: int) -> None:
        """Begin empty.

        Args:
            total: The most workers that may exist at once, over all keys.
        """
        self.lock = threading.RLock()
        self.groups: dict[Hashable, Group] = {}
        self.count = 0
        self.dropped: deque[Worker] = deque()
        self._total = total

    def group(self, key: Hashable, start: Callable[[], Worker], size: PoolSize) -> Group:
        """Return the workers of a key; there may be none yet."""
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = Group(start=start, size=size)
        return group

    @property
    def is_full(self) -> bool:
        """Whether one more worker needs the room of another one."""
        return self.count >= self._total

    def idle_groups(self) -> Iterator[Group]:
        """Yield those that have a worker which nobody uses."""
        return (group for group in self.groups.values() if group.idle)

    def make_room(self, wanting: Group) -> bool:
        """Whether one more worker may exist, dropping the one that has been idle longest if need be."""
        if not self.is_full:
            return True
        # A group that others wait for as well gives way only to one that has fewer workers than itself.
        yielding = [group for group in self.idle_groups() if not group.waiting or group.workers > wanting.workers]
        if not yielding:
            return False
        group = min(yielding, key=lambda group: group.idle[0].idle_since)
        self.drop(group, group.idle.pop(0))
        return True

    def reserve(self, group: Group) -> None:
        """Count a worker that is about to be started."""
        group.workers += 1
        self.count += 1

    def release(self, group: Group) -> None:
        """Count a worker no more."""
        group.workers -= 1
        self.count -= 1

    def drop(self, group: Group, worker: Worker) -> None:
        """Take a worker out."""
        self.release(group)
        group.members.discard(worker)
        self.dropped.append(worker)

    def stop_dropped(self) -> None:
        """Stop what was dropped under the lock, without the lock: a death takes a few milliseconds."""
        while self.dropped:
            try:
                worker = self.dropped.popleft()
            except IndexError:
                return  # Another thread was faster.
            try:
                worker.stop()
            except OSError:
                # It is dead; neither the call that it served nor the next worker should fail for what it left.
                logger.exception("what a worker (pid %d) left could not be removed", worker.connection.pid)
