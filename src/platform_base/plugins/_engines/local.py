"""The default engine: every plugin in confined processes of its own, on this machine.

::

    request ─ encode ─ pool ──warm worker──► supervisor ──► answer
                         │ none
                         ▼
              snapshot ─ warden forks ─ confine ─ prove ─ load
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from numpy.typing import DTypeLike, NDArray

from platform_base.core.models import ProcessingResult
from platform_base.plugins._catalog.release import Release
from platform_base.plugins._catalog.store import ReleaseStore
from platform_base.plugins._engines.base import Deployment, Outcome, Request, StartListener
from platform_base.plugins._engines.delivery import NAME, Message, deliver, deliver_async, of_many, of_one
from platform_base.plugins._engines.lane import Lane
from platform_base.plugins._engines.sharing import share, share_async
from platform_base.plugins._engines.workshop import Workshop
from platform_base.plugins._host.cancellation import Cancellation
from platform_base.plugins._host.connection import UndeliveredError
from platform_base.plugins._host.leases import Leases
from platform_base.plugins._host.observation import observe, starting
from platform_base.plugins._host.output import OutputListener
from platform_base.plugins._host.pool import Pool
from platform_base.plugins._host.worker import Worker
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins._wire.batch import encode_batch
from platform_base.plugins._wire.codec import encode
from platform_base.plugins.errors import RegistryClosedError, WorkerCrashedError
from platform_base.plugins.settings import Settings
from platform_base.plugins.worker_info import WorkerInfo

logger = logging.getLogger(__name__)

Finished = TypeVar("Finished")

_ATTEMPTS = 3
"""How often a call that was never delivered is offered to another worker."""

_CLEARING_UP_S = 10.0
"""How long closing waits for calls that it has stopped; they need milliseconds."""


class LocalEngine:
    """Runs every release in a pool of confined workers, forked by a warden that is started on first use."""

    name = NAME

    def __init__(
        self,
        settings: Settings,
        store: ReleaseStore,
        *,
        on_start: StartListener = lambda plugin_id, seconds: None,
        on_output: OutputListener | None = None,
        amend: Callable[[Policy], Policy] = lambda policy: policy,
    ) -> None:
        """Begin without any process.

        Args:
            settings: The operator's.
            store: Where snapshots of releases are kept.
            on_start: Told of every worker that was started, by plugin id, with the seconds that took.
            on_output: Told of the lines that plugins print, while a call runs and when it ends.
            amend: Changes every policy before it is used; the escape tests leave out single layers with it.
        """
        self._leases = Leases()
        self._workshop = Workshop(settings, store, self._leases, on_start, on_output, amend)
        self._cores = len(os.sched_getaffinity(0))
        self._pool = Pool(total=settings.workers.total or max(8, 2 * self._cores))
        self._lock = threading.RLock()  # Ctrl-C may come in the middle, and lead to `close`.
        self._all_ended = threading.Condition(self._lock)
        self._lanes: dict[tuple[str, ...], Lane] = {}
        self._active: set[Cancellation] = set()
        self._closed = False

    def load(self, deployment: Deployment) -> None:
        """See `Engine.load`."""
        lane = self._lane(deployment)
        self._pool.revive(lane.key)
        cancellation = Cancellation()
        self._begin(cancellation)
        try:
            worker = lane.take(cancellation)
            self._pool.give_back(lane.key, worker)
        finally:
            self._end(cancellation)
        logger.debug(
            "worker of %s %s: pid %d, loaded in %.3f s, protections %s",
            deployment.release.plugin_id,
            deployment.release.version,
            worker.connection.pid,
            worker.load_seconds,
            ", ".join(worker.protections),
        )

    def run(self, request: Request, cancellation: Cancellation) -> ProcessingResult:
        """See `Engine.run`."""
        encoded = encode(request.inputs, root="inputs", lender=self._leases)
        lane = self._lane_of(request)
        message = of_one(request, encoded, cancellation)
        self._begin(cancellation)
        try:
            worker = lane.try_take()
            if worker is None and lane.may_share(request, encoded):
                worker, result = share(lane, message)
                if result is not None:
                    return result
            return self._deliver(message, lane, worker)
        finally:
            lane.leave()
            self._end(cancellation)

    def run_batch(self, requests: Sequence[Request], cancellation: Cancellation) -> tuple[list[Outcome], float]:
        """See `Engine.run_batch`."""
        batch = [request.inputs for request in requests]
        encoded = encode_batch(batch, root="inputs", lender=self._leases)
        message = of_many(requests, encoded, batch, cancellation)
        self._begin(cancellation)
        try:
            return self._deliver(message, self._lane_of(requests[0]), None)
        finally:
            self._end(cancellation)

    def _deliver(self, message: Message[Finished], lane: Lane, worker: Worker | None) -> Finished:
        """Hand a message to the worker that was taken, or wait for one; to another one if it was dead already."""
        for _ in range(_ATTEMPTS):
            if worker is None:
                worker = lane.take(message.cancellation)
            # The host and the worker each need a core while the host spins.
            patience = lane.patience if 2 * len(self._active) <= self._cores else None
            try:
                return deliver(message, lane, worker, patience)
            except UndeliveredError:
                worker = None
        raise _undeliverable(message.request)

    async def run_async(self, request: Request, cancellation: Cancellation) -> ProcessingResult:
        """See `Engine.run_async`."""
        encoded = encode(request.inputs, root="inputs", lender=self._leases)
        lane = self._lane_of(request)
        message = of_one(request, encoded, cancellation)
        self._begin(cancellation)
        try:
            worker = lane.try_take()
            if worker is None and lane.may_share(request, encoded):
                worker, result = await share_async(lane, message)
                if result is not None:
                    return result
            for _ in range(_ATTEMPTS):
                if worker is None:
                    worker = await lane.take_async(cancellation)
                try:
                    return await deliver_async(message, lane, worker)
                except UndeliveredError:
                    worker = None
            raise _undeliverable(request)
        finally:
            lane.leave()
            self._end(cancellation)

    def _begin(self, cancellation: Cancellation) -> None:
        """Count a call that runs, so that closing can stop it and wait until it has cleared up."""
        with self._lock:
            if self._closed:
                raise RegistryClosedError("the registry is closed")
            self._active.add(cancellation)

    def _end(self, cancellation: Cancellation) -> None:
        with self._lock:
            self._active.discard(cancellation)
            if self._closed:
                self._all_ended.notify_all()

    def empty(self, shape: int | tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """See `Engine.empty`."""
        return self._leases.empty(shape, dtype)

    def content(self, release: Release) -> Path:
        """See `Engine.content`."""
        return self._workshop.content(release)

    def policy(self, deployment: Deployment) -> dict[str, Any]:
        """See `Engine.policy`."""
        policy = self._workshop.recipe(deployment).policy
        plain: dict[str, Any] = msgspec.to_builtins(policy)
        return plain

    def retire(self, release: Release) -> None:
        """See `Engine.retire`."""
        self._pool.retire(lambda key: isinstance(key, tuple) and key[:3] == _identity(release))
        self._leases.drop_large()

    def forget(self, release: Release) -> None:
        """See `Engine.forget`."""
        self.retire(release)
        for key in [key for key in tuple(self._lanes) if key[:3] == _identity(release)]:
            self._lanes.pop(key, None)
        self._workshop.forget(release)

    def workers(self) -> list[WorkerInfo]:
        """See `Engine.workers`."""
        now = time.monotonic()
        found: list[WorkerInfo] = []
        for key, (members, coming, _) in self._pool.members().items():
            assert isinstance(key, tuple)  # that of a lane: it begins with plugin id, version and digest
            plugin_id, version, digest = key[:3]
            oldest_first = sorted(members, key=lambda worker: worker.started)
            rows = (observe(worker, plugin_id, version, digest, now) for worker in oldest_first)
            found += [row for row in rows if row is not None]
            found += [starting(plugin_id, version, digest) for _ in range(coming)]
        return sorted(found, key=lambda row: row["plugin_id"])

    def waiting(self) -> dict[str, int]:
        """See `Engine.waiting`."""
        counts: Counter[str] = Counter()
        for key, (_, _, count) in self._pool.members().items():
            assert isinstance(key, tuple)  # see `workers`
            counts[key[0]] += count
        for lane in tuple(self._lanes.values()):
            counts[lane.plugin_id] += lane.gathering.followers
        return dict(+counts)

    def close(self) -> None:
        """See `Engine.close`."""
        with self._lock:
            self._closed = True
            for cancellation in self._active:
                cancellation.cancel()
        self._pool.close()
        with self._all_ended:
            self._all_ended.wait_for(lambda: not self._active, timeout=_CLEARING_UP_S)
        self._workshop.close()
        self._leases.close()

    def _lane(self, deployment: Deployment) -> Lane:
        lane = self._lanes.get(deployment.key)
        if lane is None:
            start = partial(self._workshop.start, deployment)
            lane = self._lanes[deployment.key] = Lane.of(deployment, self._pool, start, self._cores)
        return lane

    def _lane_of(self, request: Request) -> Lane:
        deployment = request.deployment
        if request.fresh:
            return Lane.fresh(deployment, self._pool, partial(self._workshop.start, deployment))
        return self._lane(deployment)


def _undeliverable(request: Request) -> WorkerCrashedError:
    plugin_id = request.deployment.release.plugin_id
    return WorkerCrashedError(
        f"plugin {plugin_id!r}: {_ATTEMPTS} workers in a row died before they could be given the call",
        plugin_id=plugin_id,
        signal="SIGKILL",
    )


def _identity(release: Release) -> tuple[str, str, str]:
    return release.plugin_id, release.version, release.digest
