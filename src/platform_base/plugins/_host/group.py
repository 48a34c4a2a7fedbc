"""The workers of one release under one policy, and the queue of those who wait for one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from platform_base.plugins._host.worker import Worker

Wake = Callable[[], bool | None]
"""Tells somebody who waits to go on. It returns False if he never will."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSize:
    """How many workers one release may have.

    Attributes:
        least: So many are kept ready.
        most: Never more than these.
        idle_s: One that nobody uses for so long is stopped, seconds.
        most_waiting: So many may wait for one; None: any number.
        ahead: So many are started in advance whenever one is taken, until nobody has taken one for `idle_s`.
    """

    least: int
    most: int
    idle_s: float
    most_waiting: int | None = None
    ahead: int = 0


@dataclass(slots=True, kw_only=True, eq=False)
class Place:
    """A place in the queue.

    Attributes:
        number: Lower is older.
        wake: Called once, in any thread, under the pool's lock: when its turn has come, or never will. If it returns
            False nobody will collect, and the turn goes to the next.
        worker: The worker, once there is one.
        may_start: The turn is the right to start a worker.
        gone: Nobody waits here any more: the pool was closed, or the call was cancelled.
    """

    number: int
    wake: Wake
    worker: Worker | None = None
    may_start: bool = False
    gone: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class Group:
    """The workers of one release under one policy."""

    start: Callable[[], Worker]
    size: PoolSize
    workers: int = 0
    members: set[Worker] = field(default_factory=set)
    idle: list[Worker] = field(default_factory=list)
    waiting: deque[Place] = field(default_factory=deque)
    retired: bool = False
    starting_ahead: int = 0
    taken: float = 0.0

    def needs_one_ahead(self, now: float) -> bool:
        """Whether a worker is to be started for a call that has not come yet."""
        size = self.size
        due = len(self.idle) + self.starting_ahead < size.ahead and now - self.taken < size.idle_s
        return due and self.workers < size.most
