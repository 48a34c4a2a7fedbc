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

from platform_base.core.models import Execution, ProcessingResult
from platform_base.plugins._catalog.release import Release
from platform_base.plugins._catalog.store import ReleaseStore
from platform_base.plugins._engines.asynchronous import conduct, in_thread
from platform_base.plugins._engines.base import Deployment, Request, StartListener
from platform_base.plugins._engines.lane import Lane
from platform_base.plugins._engines.workshop import Workshop
from platform_base.plugins._host.cancellation import Cancellation
from platform_base.plugins._host.connection import UndeliveredError
from platform_base.plugins._host.leases import Leases
from platform_base.plugins._host.observation import observe, starting
from platform_base.plugins._host.output import OutputListener
from platform_base.plugins._host.pool import Pool
from platform_base.plugins._host.supervisor import Answer, CallEndedError, Supervisor
from platform_base.plugins._host.worker import Worker
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins._wire.batch import encode_batch
from platform_base.plugins._wire.codec import Encoded, encode
from platform_base.plugins._wire.messages import Usage
from platform_base.plugins.errors import ExecutionError, PluginError, RegistryClosedError, WorkerCrashedError
from platform_base.plugins.settings import Settings
from platform_base.plugins.worker_info import WorkerInfo

logger = logging.getLogger(__name__)

Finished = TypeVar("Finished")

_ATTEMPTS = 3
"""How often a call that was never delivered is offered to another worker."""

_UNKNOWN = Usage(cpu_seconds=0.0, peak_memory_bytes=0)

_CLEARING_UP_S = 10.0
"""How long closing waits for calls that it has stopped; they need milliseconds."""


class LocalEngine:
    """Runs every release in a pool of confined workers, forked by a warden that is started on first use."""

    name = "local"

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
            on_output: Told of the lines that plugins print, at the end of each call.
            amend: Changes every policy before it is used; the escape tests leave out single layers with it.
        """
        self._leases = Leases()
        self._workshop = Workshop(settings, store, self._leases, on_start, on_output, amend)
        self._cores = len(os.sched_getaffinity(0))
        self._pool = Pool(total=settings.workers.total or max(8, 2 * self._cores))
        self._changed = threading.Condition()
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
        return self._carry_out(request, encoded, (), cancellation, _result)

    def run_batch(
        self, requests: Sequence[Request], cancellation: Cancellation
    ) -> tuple[list[ProcessingResult | BaseException], float]:
        """See `Engine.run_batch`."""
        batch = [request.inputs for request in requests]
        encoded = encode_batch(batch, root="inputs", lender=self._leases)
        return self._carry_out(requests[0], encoded, batch, cancellation, partial(_results, requests))

    def _carry_out(
        self,
        request: Request,
        encoded: Encoded,
        batch: Sequence[dict[str, Any]],
        cancellation: Cancellation,
        finish: Callable[[Request, Worker, Answer, float], Finished],
    ) -> Finished:
        lane = self._lane_of(request)
        began = time.monotonic()
        self._begin(cancellation)
        try:
            for _ in range(_ATTEMPTS):
                worker = lane.take(cancellation)
                handed = time.monotonic()
                queue_seconds = handed - began
                fit = False
                try:
                    # The host and the worker each need a core while the host spins.
                    patience = lane.patience if 2 * len(self._active) <= self._cores else None
                    answer = _supervise(worker, request, cancellation, handed, batch).run(encoded, patience)
                    fit = not worker.exchange.worn_out
                except UndeliveredError:
                    continue
                except CallEndedError as ended:
                    fit = ended.worker_fit
                    raise _told(
                        ended.error, ended.usage, request, worker, queue_seconds, time.monotonic() - handed
                    ) from None
                finally:
                    cancellation.release()
                    lane.give_back(worker, fit=fit and not cancellation.requested)
                # The worker serves the next call already.
                return finish(request, worker, answer, queue_seconds)
            raise _undeliverable(request)
        finally:
            lane.leave()
            self._end(cancellation)

    async def run_async(self, request: Request, cancellation: Cancellation) -> ProcessingResult:
        """See `Engine.run_async`."""
        encoded = encode(request.inputs, root="inputs", lender=self._leases)
        lane = self._lane_of(request)
        began = time.monotonic()
        self._begin(cancellation)
        try:
            for _ in range(_ATTEMPTS):
                worker = await lane.take_async(cancellation)
                handed = time.monotonic()
                queue_seconds = handed - began
                fit = False
                try:
                    answer = await conduct(
                        _supervise(worker, request, cancellation, handed), worker.connection, encoded
                    )
                    fit = not worker.exchange.worn_out
                except UndeliveredError:
                    continue
                except CallEndedError as ended:
                    fit = ended.worker_fit
                    raise _told(
                        ended.error, ended.usage, request, worker, queue_seconds, time.monotonic() - handed
                    ) from None
                finally:
                    cancellation.release()
                    give_back = partial(lane.give_back, worker, fit=fit and not cancellation.requested)
                    if fit and not lane.once:
                        give_back()
                    else:
                        await in_thread(give_back)
                return _result(request, worker, answer, queue_seconds)
            raise _undeliverable(request)
        finally:
            lane.leave()
            self._end(cancellation)

    def _begin(self, cancellation: Cancellation) -> None:
        """Count a call that runs, so that closing can stop it and wait until it has cleared up."""
        with self._changed:
            if self._closed:
                raise RegistryClosedError("the registry is closed")
            self._active.add(cancellation)

    def _end(self, cancellation: Cancellation) -> None:
        with self._changed:
            self._active.discard(cancellation)
            if self._closed:
                self._changed.notify_all()

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
        return dict(+counts)

    def close(self) -> None:
        """See `Engine.close`."""
        with self._changed:
            self._closed = True
            for cancellation in self._active:
                cancellation.cancel()
        self._pool.close()
        with self._changed:
            self._changed.wait_for(lambda: not self._active, timeout=_CLEARING_UP_S)
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


def _supervise(
    worker: Worker,
    request: Request,
    cancellation: Cancellation,
    now: float,
    batch: Sequence[dict[str, Any]] = (),
) -> Supervisor:
    cancellation.bind(worker)
    worker.begin(request.run_id, request.timeout_s, now)
    return Supervisor(
        worker,
        worker.warden,
        request.inputs,
        timeout_s=request.timeout_s,
        compile_timeout_s=request.compile_timeout_s,
        cancellation=cancellation,
        report_progress=request.report_progress,
        batch=batch,
    )


def _undeliverable(request: Request) -> WorkerCrashedError:
    plugin_id = request.deployment.release.plugin_id
    return WorkerCrashedError(
        f"plugin {plugin_id!r}: {_ATTEMPTS} workers in a row died before they could be given the call",
        plugin_id=plugin_id,
        signal="SIGKILL",
    )


def _told(
    error: BaseException,
    usage: Usage | None,
    request: Request,
    worker: Worker,
    queue_seconds: float,
    wall_seconds: float,
) -> BaseException:
    """Have the error of a call tell how the call went and what it used."""
    if isinstance(error, ExecutionError):
        error.worker_seconds = time.monotonic() - worker.started
    if isinstance(error, PluginError):
        error.execution = _execution(request, worker, usage or _UNKNOWN, wall_seconds, queue_seconds)
    return error


def _identity(release: Release) -> tuple[str, str, str]:
    return release.plugin_id, release.version, release.digest


def _results(
    requests: Sequence[Request], first: Request, worker: Worker, answer: Answer, queue_seconds: float
) -> tuple[list[ProcessingResult | BaseException], float]:
    """Return what became of each call of a batch; each has an equal share of the time."""
    count = len(requests)
    usage = msgspec.structs.replace(answer.usage, cpu_seconds=answer.usage.cpu_seconds / count)
    wall_seconds = answer.wall_seconds / count
    alike = _execution(first, worker, usage, wall_seconds, queue_seconds, answer.warnings)
    return [
        _told(outcome, usage, request, worker, queue_seconds, wall_seconds)
        if isinstance(outcome, BaseException)
        else ProcessingResult(
            *outcome, msgspec.structs.replace(alike, parameters=request.parameters, run_id=request.run_id)
        )
        for request, outcome in zip(requests, answer.outcomes, strict=True)
    ], answer.wall_seconds


def _result(request: Request, worker: Worker, answer: Answer, queue_seconds: float) -> ProcessingResult:
    execution = _execution(request, worker, answer.usage, answer.wall_seconds, queue_seconds, answer.warnings)
    return ProcessingResult(values=answer.values, metadata=answer.metadata, execution=execution)


def _execution(
    request: Request,
    worker: Worker,
    usage: Usage,
    wall_seconds: float,
    queue_seconds: float,
    warnings: tuple[str, ...] = (),
) -> Execution:
    release = request.deployment.release
    return Execution(
        plugin_id=release.plugin_id,
        version=release.version,
        digest=release.digest,
        parameters=request.parameters,
        wall_seconds=wall_seconds,
        cpu_seconds=usage.cpu_seconds,
        peak_memory_bytes=usage.peak_memory_bytes,
        protections=worker.protections,
        engine=LocalEngine.name,
        queue_seconds=queue_seconds,
        warnings=warnings,
        run_id=request.run_id,
    )
