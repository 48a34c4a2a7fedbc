"""The default engine: every plugin in confined processes of its own, on this machine.

::

    request ─ encode ─ pool ──warm worker──► supervisor ──► answer
                         │ none
                         ▼
              snapshot ─ warden forks ─ confine ─ prove ─ load
"""

from __future__ import annotations

import concurrent.futures
import logging
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from platform_base.core.models import Execution, ProcessingResult
from platform_base.plugins._catalog.release import Release
from platform_base.plugins._catalog.store import ReleaseStore
from platform_base.plugins._engines.base import Deployment, Request, StartListener
from platform_base.plugins._host.connection import UndeliveredError
from platform_base.plugins._host.pool import Pool, PoolClosedError, PoolSize
from platform_base.plugins._host.supervisor import Answer, CallEndedError, Cancellation, Supervisor
from platform_base.plugins._host.warden import WARDEN_ENVIRONMENT, WardenClient, WardenLostError
from platform_base.plugins._host.worker import Recipe, Worker, start_worker
from platform_base.plugins._sandbox.grant import common_read_paths, derive_policy, named_paths
from platform_base.plugins._sandbox.identity import choose_group
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins._sandbox.scratch import wipe
from platform_base.plugins._wire.codec import Encoded, encode
from platform_base.plugins._wire.messages import Load
from platform_base.plugins.errors import RegistryClosedError, WorkerCrashedError
from platform_base.plugins.settings import Settings, WorkerSettings

logger = logging.getLogger(__name__)

_ATTEMPTS = 3
"""How often a call that was never delivered is offered to another worker."""

_CLEARING_UP_S = 10.0
"""How long closing waits for calls that it has stopped; they need milliseconds."""


class LocalEngine:
    """Runs every release in a pool of confined workers, forked by a warden that is started on first use.

    There are two wardens only where the settings keep some plugins out of the namespaces that others run in.
    """

    name = "local"

    def __init__(
        self,
        settings: Settings,
        store: ReleaseStore,
        *,
        on_start: StartListener = lambda plugin_id, seconds: None,
        amend: Callable[[Policy], Policy] = lambda policy: policy,
    ) -> None:
        """Begin without any process.

        Args:
            settings: The operator's.
            store: Where snapshots of releases are kept.
            on_start: Told of every worker that was started, by plugin id, with the seconds that took.
            amend: Changes every policy before it is used; the escape tests leave out single layers with it.
        """
        self._settings = settings
        self._on_start = on_start
        self._amend = amend
        self._store = store
        self._kernels = store.root.parent / "kernels"
        self._pool = Pool(total=settings.workers.total or max(8, 2 * _cores()))
        self._changed = threading.Condition()
        self._wardens: dict[bool, tuple[WardenClient, Path]] = {}
        self._runtimes: list[Path] = []
        self._recipes: dict[Hashable, Recipe] = {}
        self._active: set[Cancellation] = set()
        self._closed = False

    def load(self, deployment: Deployment) -> None:
        """See `Engine.load`."""
        key = self._key(deployment)
        self._pool.revive(key)
        cancellation = Cancellation()
        with self._at_work(cancellation):
            worker = self._take(key, deployment, cancellation)
            self._pool.give_back(key, worker)
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
        encoded = encode(request.inputs, root="inputs")
        key = self._key(request.deployment)
        began = time.monotonic()
        with self._at_work(cancellation):
            for _ in range(_ATTEMPTS):
                worker = self._take(key, request.deployment, cancellation)
                queue_seconds = time.monotonic() - began
                try:
                    answer = self._call(key, worker, request, encoded, cancellation)
                except UndeliveredError:
                    continue
                return _result(request, worker, answer, queue_seconds)
        release = request.deployment.release
        raise WorkerCrashedError(
            f"plugin {release.plugin_id!r}: {_ATTEMPTS} workers in a row died before they could be given the call",
            plugin_id=release.plugin_id,
            signal="SIGKILL",
        )

    def _call(
        self, key: Hashable, worker: Worker, request: Request, encoded: Encoded, cancellation: Cancellation
    ) -> Answer:
        """Run the call on this worker, and give it back or end it, whatever happens."""
        fit = False
        try:
            cancellation.bind(worker)
            supervisor = Supervisor(
                worker,
                worker.warden,
                request.inputs,
                timeout_s=request.timeout_s,
                cancellation=cancellation,
                report_progress=request.report_progress,
            )
            answer = supervisor.run(encoded)
            fit = not worker.exchange.worn_out
        except CallEndedError as ended:
            fit = ended.worker_fit
            raise ended.error from None
        finally:
            cancellation.release()
            if fit and not cancellation.requested:
                self._pool.give_back(key, worker)
            else:
                self._pool.discard(key, worker)
        return answer

    @contextmanager
    def _at_work(self, cancellation: Cancellation) -> Iterator[None]:
        """Count a call that runs, so that closing can stop it and wait until it has cleared up."""
        with self._changed:
            if self._closed:
                raise RegistryClosedError("the registry is closed")
            self._active.add(cancellation)
        try:
            yield
        finally:
            with self._changed:
                self._active.discard(cancellation)
                self._changed.notify_all()

    def policy(self, deployment: Deployment) -> dict[str, Any]:
        """See `Engine.policy`."""
        policy = self._recipe(self._key(deployment), deployment).policy
        plain: dict[str, Any] = msgspec.to_builtins(policy)
        return plain

    def retire(self, release: Release) -> None:
        """See `Engine.retire`."""
        self._pool.retire(lambda key: isinstance(key, tuple) and key[:3] == _identity(release))

    def close(self) -> None:
        """See `Engine.close`."""
        with self._changed:
            self._closed = True
            for cancellation in self._active:
                cancellation.cancel()
        self._pool.close()
        with self._changed:
            self._changed.wait_for(lambda: not self._active, timeout=_CLEARING_UP_S)
            for warden, _ in self._wardens.values():
                warden.close()
            self._wardens.clear()
            # A warden removes its directory when it ends, unless it was killed.
            while self._runtimes:
                wipe(self._runtimes.pop())

    def _key(self, deployment: Deployment) -> Hashable:
        return (*_identity(deployment.release), deployment.security.model_dump_json())

    def _take(self, key: Hashable, deployment: Deployment, cancellation: Cancellation) -> Worker:
        try:
            return self._pool.take(
                key,
                lambda: self._start(key, deployment),
                _pool_size(deployment.workers),
                give_up=lambda: cancellation.requested,
            )
        except PoolClosedError:
            raise RegistryClosedError("the registry was closed while a call waited for a worker") from None
        except InterruptedError:
            raise concurrent.futures.CancelledError from None

    def _start(self, key: Hashable, deployment: Deployment) -> Worker:
        recipe = self._recipe(key, deployment)
        namespaces = recipe.policy.enabled and recipe.policy.namespaces != "off"
        for attempt in range(1, _ATTEMPTS + 1):
            warden, runtime = self._ensure_warden(namespaces=namespaces)
            try:
                worker = start_worker(warden, recipe, runtime)
                self._on_start(deployment.release.plugin_id, worker.load_seconds)
                return worker
            except WardenLostError:
                if attempt == _ATTEMPTS:
                    raise
                logger.warning("the warden process ended unexpectedly; another one is started")
        raise AssertionError("unreachable: every attempt returns or raises")

    def _ensure_warden(self, *, namespaces: bool) -> tuple[WardenClient, Path]:
        with self._changed:
            if self._closed:
                raise RegistryClosedError("the registry is closed")
            known = self._wardens.get(namespaces)
            if known is not None and not known[0].alive:
                known[0].close()
                known = None
            if known is None:
                known = self._wardens[namespaces] = self._start_warden(namespaces=namespaces)
            return known

    def _start_warden(self, *, namespaces: bool) -> tuple[WardenClient, Path]:
        # The warden of before removes its directory when it ends, so each has one of its own.
        runtime = Path(tempfile.mkdtemp(prefix="platform_base-"))
        runtime.chmod(0o711)
        self._runtimes.append(runtime)
        self._kernels.mkdir(mode=0o755, parents=True, exist_ok=True)
        warden = WardenClient(
            preload=("numpy", "numpy.random", *self._settings.workers.preload),
            runtime=runtime,
            namespaces=namespaces,
            roots=common_read_paths(),
            shelves=(str(self._store.root), str(self._kernels), *named_paths(self._settings)),
        )
        for module, reason in warden.skipped.items():
            logger.warning("workers.preload: %s could not be imported: %s", module, reason)
        for name, reason in warden.missing.items():
            logger.debug("this system does not give %s: %s", name, reason)
        return warden, runtime

    def _recipe(self, key: Hashable, deployment: Deployment) -> Recipe:
        with self._changed:
            known = self._recipes.get(key)
        if known is not None:
            return known
        release, manifest = deployment.release, deployment.release.manifest
        snapshot = self._store.snapshot(release)
        group = choose_group(release.digest)
        kernels = _make_kernel_cache(self._kernels, release, group)
        policy = derive_policy(deployment.security, manifest, read=(snapshot,), write=(kernels,) if kernels else ())
        recipe = Recipe(
            load=Load(
                directory=str(snapshot),
                package=_package_name(release.directory),
                module=manifest.module_name,
                class_name=manifest.class_name,
                plugin_id=manifest.plugin_id,
                version=manifest.version,
            ),
            policy=self._amend(msgspec.structs.replace(policy, group=group)),
            environment=WARDEN_ENVIRONMENT,
            source=str(release.directory),
            kernel_cache=str(kernels or ""),
            load_timeout_s=deployment.workers.load_timeout,
        )
        with self._changed:
            self._recipes[key] = recipe
        return recipe


def _identity(release: Release) -> tuple[str, str, str]:
    return release.plugin_id, release.version, release.digest


def _make_kernel_cache(root: Path, release: Release, group: int | None) -> Path | None:
    """Make the directory where the workers of one release keep compiled kernels; None where they cannot share one.

    Nobody but those workers ever reads it: what they leave there is code.
    """
    if os.geteuid() == 0 and group is None:
        return None
    directory = root / release.digest.removeprefix("sha256:")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if group is not None:
        os.chown(directory, -1, group)
        directory.chmod(0o2770)
    return directory


def _package_name(directory: Path) -> str:
    """Return the directory's name as a Python identifier."""
    name = re.sub(r"\W", "_", directory.name)
    return name if name.isidentifier() else f"_{name}"


def _pool_size(workers: WorkerSettings) -> PoolSize:
    most = workers.max or max(_cores(), workers.min)
    return PoolSize(least=workers.min, most=most, idle_s=workers.idle_seconds)


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _result(request: Request, worker: Worker, answer: Answer, queue_seconds: float) -> ProcessingResult:
    release = request.deployment.release
    execution = Execution(
        plugin_id=release.plugin_id,
        version=release.version,
        digest=release.digest,
        parameters=request.parameters,
        wall_seconds=answer.wall_seconds,
        cpu_seconds=answer.usage.cpu_seconds,
        peak_memory_bytes=answer.usage.peak_memory_bytes,
        protections=worker.protections,
        engine=LocalEngine.name,
        queue_seconds=queue_seconds,
        warnings=answer.warnings,
    )
    return ProcessingResult(values=answer.values, metadata=answer.metadata, execution=execution)
