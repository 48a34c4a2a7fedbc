"""Calls, however they are made: checked, handed to the engine, counted, and noted when they fail."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sized
from contextlib import closing
from functools import partial
from typing import Any

from platform_base.core.models import ProcessingResult
from platform_base.plugins._catalog.release import Release
from platform_base.plugins._engines.background import Background
from platform_base.plugins._engines.base import Engine, ReportProgress, Request
from platform_base.plugins._engines.batches import Batches
from platform_base.plugins._host.cancellation import Cancellation
from platform_base.plugins._reload.shadow import Shadow, carry_out
from platform_base.plugins._reload.switch import Switch
from platform_base.plugins.call_arguments import check_timeout, join_parameters
from platform_base.plugins.crash_loop import Breakers
from platform_base.plugins.errors import (
    ExecutionError,
    PluginError,
    PluginNotFoundError,
    RegistryClosedError,
)
from platform_base.plugins.parameters import resolve
from platform_base.plugins.replays import Replays
from platform_base.plugins.run_id import RunIds
from platform_base.plugins.stats import StatsRecorder

logger = logging.getLogger("platform_base.plugins")


class Calls:
    """What `PluginRegistry` hands its callers over to. Thread-safe."""

    def __init__(
        self,
        engine: Engine,
        switch: Switch,
        background: Background,
        *,
        stats: Mapping[str, StatsRecorder],
        breakers: Breakers,
        replays: Replays,
        shadows: Mapping[str, Shadow],
    ) -> None:
        """Take what the registry shares with it.

        Args:
            engine: Runs calls.
            switch: Knows the release that answers.
            background: Carries out what nobody waits for.
            stats: Figures by plugin id, made on demand.
            breakers: Keep calls away from plugins whose workers die.
            replays: Keep calls that failed.
            shadows: Candidates that are tried, by plugin id.
        """
        self._engine = engine
        self._switch = switch
        self._background = background
        self._stats = stats
        self._breakers = breakers
        self._replays = replays
        self._shadows = shadows
        self._run_ids = RunIds()
        self._closed = False

    def close(self) -> None:
        """Say, from now on, that calls which are stopped were stopped by the closing of the registry."""
        self._closed = True

    def execute(
        self,
        plugin_id: str,
        inputs: Mapping[str, Any],
        params: Mapping[str, Any] | None,
        timeout: float | None,
        progress: ReportProgress | None,
        cancellation: Cancellation,
    ) -> ProcessingResult:
        """Make one call and wait for its end; raises as `PluginRegistry.execute_plugin`."""
        request = self._request(plugin_id, inputs, params, timeout, progress)
        try:
            result = self._engine.run(request, cancellation)
        except BaseException as error:
            self._note_failure(request, error)
            raise
        self._note_success(request, result)
        return result

    async def execute_async(
        self,
        plugin_id: str,
        inputs: Mapping[str, Any],
        params: Mapping[str, Any] | None,
        timeout: float | None,
        progress: ReportProgress | None,
    ) -> ProcessingResult:
        """Make one call from an event loop; raises as `PluginRegistry.aexecute_plugin`."""
        if self._switch.is_loaded(plugin_id):
            request = self._request(plugin_id, inputs, params, timeout, progress)
        else:
            loop = asyncio.get_running_loop()
            request = await loop.run_in_executor(None, self._request, plugin_id, inputs, params, timeout, progress)
        try:
            result = await self._engine.run_async(request, Cancellation())
        except BaseException as error:
            self._note_failure(request, error)
            raise
        self._note_success(request, result)
        return result

    def map(
        self,
        plugin_id: str,
        iterable: Iterable[Mapping[str, Any]],
        params: Mapping[str, Any] | None,
        timeout: float | None,
        *,
        retry: bool,
        progress: ReportProgress | None,
    ) -> Iterator[ProcessingResult]:
        """Make many calls and yield their results in order; raises as `PluginRegistry.map_plugin`."""
        batches = Batches(self._engine, retry=retry, note_success=self._note_success, note_failure=self._note_failure)
        requests = (self._request(plugin_id, inputs, params, timeout, None) for inputs in iterable)
        calls = (partial(batches.carry_out, group) for group in batches.grouping.groups(enumerate(requests)))
        total = len(iterable) if isinstance(iterable, Sized) else 0
        done = 0
        workers = self._switch.deployment(self._switch.active(plugin_id)).workers
        ahead = 2 * (workers.max or os.cpu_count() or 1)
        with closing(self._background.map(calls, ahead=ahead)) as groups:
            for outcomes in groups:
                for outcome in outcomes:
                    if isinstance(outcome, BaseException):
                        raise outcome
                    yield outcome
                done += len(outcomes)
                if progress is not None:
                    progress(done / total if total else 0.0, f"{done} of {total}" if total else f"{done} done")

    def _request(
        self,
        plugin_id: str,
        inputs: Mapping[str, Any],
        params: Mapping[str, Any] | None,
        timeout: float | None,
        progress: ReportProgress | None,
    ) -> Request:
        """Check what the caller hands over, and find the release that answers."""
        run_id = self._run_ids.make()
        self._breakers.admit(plugin_id)
        try:
            release = self._serving(plugin_id)
            deployment = self._switch.deployment(release)
            data, given = join_parameters(plugin_id, inputs, params)
            parameters = resolve(release.manifest.configuration, given, plugin_id=plugin_id)
            data["params"] = parameters
            return Request(
                deployment=deployment,
                inputs=data,
                parameters=parameters,
                timeout_s=check_timeout(timeout) if timeout is not None else deployment.security.default_timeout,
                compile_timeout_s=0.0 if timeout is not None else deployment.workers.compile_timeout,
                report_progress=progress,
                given=given,
                run_id=run_id,
            )
        except BaseException as error:
            self._breakers.learn(plugin_id, error)
            if isinstance(error, PluginError):
                error.run_id = run_id
            raise

    def _serving(self, plugin_id: str) -> Release:
        """Return the release that answers, loading it if need be; a load that fails is a failure of the plugin."""
        try:
            return self._switch.serving(plugin_id)
        except (PluginNotFoundError, RegistryClosedError):
            raise
        except PluginError as error:
            self._stats[plugin_id].record_failure(type(error).__name__)
            raise

    def _note_failure(self, request: Request, error: BaseException) -> None:
        """Count and log how a call failed; a call that `close` has stopped ends in an error of its own."""
        release = request.deployment.release
        stats = self._stats[release.plugin_id]
        self._breakers.learn(release.plugin_id, error)
        if isinstance(error, concurrent.futures.CancelledError | asyncio.CancelledError):
            stats.record_failure("Cancelled")
            if self._closed and isinstance(error, concurrent.futures.CancelledError):
                raise RegistryClosedError(f"the registry was closed while {release.plugin_id!r} ran") from None
        elif isinstance(error, PluginError):
            error.run_id = request.run_id
            stats.record_failure(type(error).__name__, error.cause if isinstance(error, ExecutionError) else "")
            trace = getattr(error, "remote_traceback", "")
            where = f"{release.plugin_id} {release.version}"
            logger.error("%s failed: %s%s", where, error, f"\n{trace}" if trace else "")
            if self._replays.wants(error):
                self._replays.keep(request, self._engine.policy(request.deployment), error)

    def _note_success(self, request: Request, result: ProcessingResult) -> None:
        execution = result.execution
        assert execution is not None
        self._breakers.learn(execution.plugin_id, None)
        self._stats[execution.plugin_id].record_success(execution)
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug(
                "%s %s took %.3f s (%.3f s CPU, peak %.1f MB)",
                execution.plugin_id,
                execution.version,
                execution.wall_seconds,
                execution.cpu_seconds,
                execution.peak_memory_bytes / (1 << 20),
            )
        if self._shadows:
            self._cast_shadow(request, result)

    def _cast_shadow(self, request: Request, result: ProcessingResult) -> None:
        """Give a call to the candidate as well, if there is one and it is its turn."""
        shadow = self._shadows.get(request.deployment.release.plugin_id)
        sample = shadow.take(request, result) if shadow is not None else None
        if shadow is not None and sample is not None:
            try:
                self._background.submit(partial(carry_out, shadow, self._engine, sample))
            except RuntimeError:  # the registry is being closed
                shadow.skip()
