"""What calls of one deployment share: the way to a worker and back, and what was learned on it."""

from __future__ import annotations

import concurrent.futures
import operator
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from platform_base.plugins._engines.asynchronous import Turn
from platform_base.plugins._engines.base import Deployment, Request
from platform_base.plugins._engines.microbatch import Gathering, Pace, is_small, leave_no_trace
from platform_base.plugins._host.cancellation import Cancellation
from platform_base.plugins._host.group import Place, PoolSize, Wake
from platform_base.plugins._host.pool import Pool, PoolClosedError, PoolFullError
from platform_base.plugins._host.worker import Worker
from platform_base.plugins._wire.codec import Encoded
from platform_base.plugins._wire.patience import Patience
from platform_base.plugins.errors import QueueFullError, RegistryClosedError

_REFUSALS = (PoolClosedError, PoolFullError, InterruptedError)
"""What a pool raises when nobody will ever get a worker from it for this call."""


def _do_nothing() -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """The way of the calls of one deployment. Thread-safe.

    Attributes:
        pool: Keeps the workers.
        key: Of the workers in the pool.
        plugin_id: Whose calls these are.
        start: Makes a worker.
        size: How many there may be.
        once: Each worker serves one call.
        passing: The lane is there for one call only.
        shares: Calls that wait may share a message.
        patience: How long the host looks for an answer before it sleeps.
        pace: Whether its calls are short.
        gathering: Where calls wait that go in one message.
    """

    pool: Pool
    key: tuple[Any, ...]
    plugin_id: str
    start: Callable[[], Worker]
    size: PoolSize
    once: bool = False
    passing: bool = False
    shares: bool = False
    patience: Patience = field(default_factory=Patience)
    pace: Pace = field(default_factory=Pace)
    gathering: Gathering = field(default_factory=Gathering)

    @classmethod
    def of(cls, deployment: Deployment, pool: Pool, start: Callable[[], Worker], cores: int) -> Lane:
        """Return the lane that calls of a deployment have in common."""
        return cls(
            pool=pool,
            key=deployment.key,
            plugin_id=deployment.release.plugin_id,
            start=start,
            size=_pool_size(deployment, cores),
            once=deployment.reuse == "call",
            shares=leave_no_trace(deployment),
        )

    @classmethod
    def fresh(cls, deployment: Deployment, pool: Pool, start: Callable[[], Worker]) -> Lane:
        """Return a lane for one call, whose worker nobody else uses."""
        return cls(
            pool=pool,
            key=(*deployment.key, object()),
            plugin_id=deployment.release.plugin_id,
            start=start,
            size=PoolSize(least=0, most=1, idle_s=0.0, most_waiting=None),
            once=True,
            passing=True,
        )

    def may_share(self, request: Request, encoded: Encoded) -> bool:
        """Whether a call that must wait may go in one message with others."""
        return self.shares and self.pace.is_quick and request.report_progress is None and is_small(encoded)

    @property
    def room(self) -> int:
        """How many calls may wait besides those that wait in the pool."""
        most = self.size.most_waiting
        return sys.maxsize if most is None else most - self.pool.waiting(self.key)

    def try_take(self) -> Worker | None:
        """Return a worker for the caller alone if one is free; None: `take` waits for one.

        Raises:
            RegistryClosedError: There will be none any more.
        """
        try:
            return self.pool.try_take(self.key, self.start, self.size)
        except PoolClosedError as refusal:
            raise self._explain(refusal) from None

    def take(self, cancellation: Cancellation, *, step_aside: Callable[[], None] = _do_nothing) -> Worker:
        """Return a worker for the caller alone, starting one or waiting for one if need be.

        Args:
            cancellation: Ends the waiting.
            step_aside: Called if nobody should wait behind this call: a worker is going to be started, which takes
                long, or the event loop was closed with the call in it.

        Raises:
            RegistryClosedError: There will be none any more.
            QueueFullError: Too many calls wait already.
            CancelledError: The call was cancelled.
        """
        worker = self.try_take()
        try:
            while worker is None:
                # A bare lock: an event costs as much as the rest of waiting.
                turn = threading.Lock()
                turn.acquire()
                place = self._queue(turn.release, cancellation)
                try:
                    turn.acquire()
                except BaseException:  # Ctrl-C
                    self._abandon(place)
                    raise
                if place.may_start:
                    step_aside()
                worker = self.pool.collect(self.key, place)
        except _REFUSALS as refusal:
            raise self._explain(refusal) from None
        return worker

    async def take_async(self, cancellation: Cancellation, *, step_aside: Callable[[], None] = _do_nothing) -> Worker:
        """As `take`, in an event loop."""
        worker = self.try_take()
        try:
            while worker is None:
                turn = Turn(step_aside)
                place = self._queue(turn.wake, cancellation)
                worker = await turn.collect(self.pool, self.key, place, step_aside)
        except _REFUSALS as refusal:
            raise self._explain(refusal) from None
        return worker

    def _queue(self, wake: Wake, cancellation: Cancellation) -> Place:
        place = self.pool.queue(self.key, self.start, self.size, wake, besides=self.gathering.followers)
        cancellation.on_request(partial(self.pool.leave, self.key, place))
        return place

    def _abandon(self, place: Place) -> None:
        """Leave the queue; a worker that has come meanwhile goes to whoever is next."""
        self.pool.leave(self.key, place)
        if not place.gone:
            worker = self.pool.collect(self.key, place)
            if worker is not None:
                self.pool.give_back(self.key, worker)

    def give_back(self, worker: Worker, *, fit: bool) -> None:
        """End a call's use of a worker: the next call gets it if it is fit for one, else it is ended."""
        if fit and not self.once and not worker.has_processes:
            self.pool.give_back(self.key, worker)
        else:
            # A worker that has done its one duty is fine: its end is nothing that a caller would have to wait for.
            self.pool.discard(self.key, worker, later=fit and self.once and not self.passing)

    def leave(self) -> None:
        """End a call's use of the lane."""
        if self.passing:
            self.pool.retire(partial(operator.eq, self.key))

    def _explain(self, refusal: BaseException) -> BaseException:
        """Return what the caller gets when the pool has refused."""
        if isinstance(refusal, PoolClosedError):
            return RegistryClosedError("the registry was closed while a call waited for a worker")
        if isinstance(refusal, InterruptedError):
            return concurrent.futures.CancelledError()
        waiting = self.size.most_waiting
        return QueueFullError(
            f"plugin {self.plugin_id!r}: {waiting} calls wait for a worker already (workers.max_waiting); try again "
            f"later, or raise plugins.{self.plugin_id}.workers.max_waiting or workers.max in the settings",
            plugin_id=self.plugin_id,
            waiting=waiting or 0,
        )


def _pool_size(deployment: Deployment, cores: int) -> PoolSize:
    workers = deployment.workers
    # Where a worker serves one call only, the next one is started while it does.
    ahead = 1 if deployment.reuse == "call" else 0
    most = (workers.max or max(cores, workers.min)) + ahead
    return PoolSize(
        least=workers.min, most=most, idle_s=workers.idle_seconds, most_waiting=workers.max_waiting, ahead=ahead
    )
