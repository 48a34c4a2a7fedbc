"""For debugging only: plugin code in the host's own process, so that breakpoints work.

The one exception to the rule that the host never imports plugin code. It takes ``engine: inline`` together with
``enable_sandboxing: false`` to get here, it warns, and it gives no deadline, no limit and no protection.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from platform_base.core.models import Execution, ProcessingResult
from platform_base.plugins._catalog.release import Release
from platform_base.plugins._engines.base import Deployment, Outcome, Request, StartListener
from platform_base.plugins._host.cancellation import Cancellation
from platform_base.plugins._host.failure import explain_refusal
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins._wire.messages import Load
from platform_base.plugins._worker.loader import load_plugin
from platform_base.plugins._worker.usage import UsageMeter
from platform_base.plugins.base import PluginContext, PluginProtocol, enter_context
from platform_base.plugins.errors import PluginError, PluginFailedError, PluginLoadError
from platform_base.plugins.worker_info import WorkerInfo

logger = logging.getLogger("platform_base.plugins")


class InlineEngine:
    """Runs plugins in the calling thread, one call at a time."""

    name = "inline"

    def __init__(self, on_start: StartListener) -> None:
        self._on_start = on_start
        self._lock = threading.RLock()
        self._plugins: dict[str, PluginProtocol] = {}
        logger.warning(
            "engine: inline runs plugin code in this process, without any protection; use it for debugging only"
        )

    def load(self, deployment: Deployment) -> None:
        """See `Engine.load`."""
        release = deployment.release
        began = time.monotonic()
        message = Load(
            directory=str(release.directory),
            package=release.directory.name,
            module=release.manifest.module_name,
            class_name=release.manifest.class_name,
            plugin_id=release.plugin_id,
            version=release.version,
        )
        with self._lock:
            if release.digest not in self._plugins:
                try:
                    self._plugins[release.digest] = load_plugin(message, Policy(enabled=False))
                except Exception as error:
                    raise PluginLoadError(
                        f"plugin {release.plugin_id!r} could not be loaded from {release.directory}: "
                        f"{type(error).__name__}: {error}",
                        plugin_id=release.plugin_id,
                    ) from error
                self._on_start(release.plugin_id, time.monotonic() - began)

    def run(self, request: Request, cancellation: Cancellation) -> ProcessingResult:
        """See `Engine.run`. An exception of the plugin is the cause of the `PluginFailedError` that is raised."""
        release = request.deployment.release
        if request.fresh or request.deployment.reuse == "call":
            self.retire(release)
        self.load(request.deployment)
        meter = UsageMeter(-1)
        meter.begin()
        began = time.monotonic()
        with self._lock, enter_context(PluginContext()):
            plugin = self._plugins[release.digest]
            result = self._call(plugin, request.inputs, release)
        usage = meter.end()
        execution = Execution(
            plugin_id=release.plugin_id,
            version=release.version,
            digest=release.digest,
            parameters=request.parameters,
            wall_seconds=time.monotonic() - began,
            cpu_seconds=usage.cpu_seconds,
            peak_memory_bytes=usage.peak_memory_bytes,
            protections=(),
            engine=self.name,
            run_id=request.run_id,
        )
        return ProcessingResult(values=result.values, metadata=result.metadata, execution=execution)

    def run_batch(self, requests: Sequence[Request], cancellation: Cancellation) -> tuple[list[Outcome], float]:
        """See `Engine.run_batch`."""
        began = time.monotonic()
        outcomes: list[Outcome] = []
        for request in requests:
            try:
                outcomes.append(self.run(request, cancellation))
            except PluginError as error:
                outcomes.append(error)
        return outcomes, time.monotonic() - began

    async def run_async(self, request: Request, cancellation: Cancellation) -> ProcessingResult:
        """See `Engine.run_async`; the plugin runs in the loop's own thread, where a debugger expects it."""
        return self.run(request, cancellation)

    def _call(self, plugin: PluginProtocol, inputs: dict[str, Any], release: Release) -> ProcessingResult:
        try:
            if plugin.validate_inputs(inputs):
                return plugin.execute(inputs)
        except Exception as error:
            raise PluginFailedError(
                f"plugin {release.plugin_id!r} raised {type(error).__name__}: {error}",
                plugin_id=release.plugin_id,
                remote_type=type(error).__name__,
                remote_message=str(error),
                remote_traceback="",
            ) from error
        raise explain_refusal(inputs, release.plugin_id)

    def empty(self, shape: int | tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """See `Engine.empty`; inside one process nothing is ever copied."""
        return np.empty(shape, dtype)

    def content(self, release: Release) -> Path:
        """See `Engine.content`."""
        return release.directory

    def policy(self, deployment: Deployment) -> dict[str, Any]:
        """See `Engine.policy`."""
        return {"enabled": False}

    def retire(self, release: Release) -> None:
        """See `Engine.retire`."""
        package = f"plugins.{release.directory.name}"
        with self._lock:
            self._plugins.pop(release.digest, None)
            for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
                del sys.modules[name]

    def forget(self, release: Release) -> None:
        """See `Engine.forget`."""
        self.retire(release)

    def workers(self) -> list[WorkerInfo]:
        """See `Engine.workers`; plugins run in this process, which is no worker."""
        return []

    def waiting(self) -> dict[str, int]:
        """See `Engine.waiting`; calls wait for each other, which is not counted."""
        return {}

    def close(self) -> None:
        """See `Engine.close`."""
        with self._lock:
            self._plugins.clear()
