"""Calls, however they are made: checked, handed to the engine, counted, and noted when they fail."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import dataclasses
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import closing
from functools import partial
from typing import Any, TypeVar

from msgspec.structs import replace

from platform_base.core.models import ProcessingResult
from platform_base.history.run import Outcome, time_of
from platform_base.monitoring.spans import CallSpans
from platform_base.plugins._catalog.release import Release
from platform_base.plugins._engines.background import Background
from platform_base.plugins._engines.base import Engine, ReportProgress, Request
from platform_base.plugins._engines.batches import Batches
from platform_base.plugins._host.cancellation import Cancellation
from platform_base.plugins._reload.shadow import carry_out
from platform_base.plugins._reload.shadows import Shadows
from platform_base.plugins._reload.switch import Switch
from platform_base.plugins._wire.messages import Probe
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
from platform_base.plugins.run_notes import RunNotes, cause_of, outcome_of, refusal_of
from platform_base.plugins.stats import StatsRecorder

logger = logging.getLogger("platform_base.plugins")

Carried = TypeVar("Carried")


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
        shadows: Shadows,
        notes: RunNotes | None,
        spans: CallSpans | None,
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
            notes: Tell the history; None: there is none.
            spans: Tell OpenTelemetry; None: it is not to be told.
        """
        self._engine = engine
        self._switch = switch
        self._background = background
        self._stats = stats
        self._breakers = breakers
        self._replays = replays
        self._shadows = shadows
        self._notes = notes
        self._spans = spans
        self._run_ids = RunIds()
        self._closed = False

    def close(self) -> None:
        """Say, from now on, that calls which are stopped were stopped by the closing of the registry."""
        self._closed = True

    def in_context(self, call: Callable[..., Carried]) -> Callable[..., Carried]:
        """Let a call that another thread carries out find the span that the caller is in now."""
        return call if self._spans is None else partial(contextvars.copy_context().run, call)

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

    def probe(
        self,
        plugin_id: str,
        inputs: Mapping[str, Any],
        params: Mapping[str, Any] | None,
        timeout: float | None,
        probe: Probe,
    ) -> tuple[Release, ProcessingResult]:
        """Make one call in a fresh worker that measures it, and count it nowhere.

        Returns:
            The release that was measured, and the result, whose metadata is `ProbedPlugin`'s; raises as `execute`.
        """
        request = self._request(plugin_id, inputs, params, timeout, None)
        deployment = dataclasses.replace(request.deployment, probe=probe)
        probed = replace(request, deployment=deployment, fresh=True)
        return deployment.release, self._engine.run(probed, Cancellation())

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
        if self._notes is not None and self._notes.takes_long(request):
            await asyncio.to_thread(self._note_success, request, result)
        else:
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
        batches = Batches(
            self._engine, retry=retry, note_successes=self._note_successes, note_failure=self._note_failure
        )
        calls = (
            self.in_context(partial(batches.carry_out, first, requests))
            for first, requests in self._requests(plugin_id, batches.grouping.groups(iterable), params, timeout)
        )
        total = len(iterable) if isinstance(iterable, Sized) else 0
        done = 0
        workers = self._switch.deployment(self._switch.active(plugin_id)).workers
        ahead = 2 * (workers.max or os.cpu_count() or 1)
        with closing(self._background.map(calls, ahead=ahead)) as groups:
            for outcomes in groups:
                for outcome in outcomes:
                    if not isinstance(outcome, ProcessingResult):
                        raise outcome
                    yield outcome
                done += len(outcomes)
                if progress is not None:
                    progress(done / total if total else 0.0, f"{done} of {total}" if total else f"{done} done")

    def _requests(
        self,
        plugin_id: str,
        groups: Iterable[list[Mapping[str, Any]]],
        params: Mapping[str, Any] | None,
        timeout: float | None,
    ) -> Iterator[tuple[int, list[Request]]]:
        """Check groups of inputs; what all have in common is checked once, while the same release answers.

        Args:
            plugin_id: What they are for.
            groups: Inputs that are ours alone.
            params: As for one call.
            timeout: As for one call.

        Yields:
            The number of the first input of a group, and a request for each.
        """
        first = 0
        alike: Request | None = None
        for group in groups:
            plain = all(type(inputs) is dict and "params" not in inputs for inputs in group)
            if alike is None or not plain or not self._is_still_served(alike):
                requests = [self._request(plugin_id, inputs, params, timeout, None) for inputs in group]
                parameters = requests[-1].parameters
                # A list could be changed by whoever gets the first result.
                shareable = plain and not any(isinstance(value, list) for value in parameters.values())
                alike = replace(requests[-1], parameters=parameters.copy(), inputs={}) if shareable else None
            else:
                parameters = alike.parameters
                requests = [
                    replace(alike, inputs={**inputs, "params": parameters}, parameters=parameters.copy(), run_id=run_id)
                    for inputs, run_id in zip(group, self._run_ids.make_many(len(group)), strict=True)
                ]
            yield first, requests
            first += len(group)

    def _is_still_served(self, request: Request) -> bool:
        """Whether a call like this one that was made now would go to the same release, and need not be admitted."""
        release = request.deployment.release
        return self._switch.answers(release) and not self._breakers.watches(release.plugin_id)

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
        try:
            self._breakers.admit(plugin_id)
        except PluginError as error:
            self._note_refusal(plugin_id, run_id, error)
            raise
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
            self._note_refusal(plugin_id, run_id, error)
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

    def _note_refusal(self, plugin_id: str, run_id: str, error: BaseException) -> None:
        """Name and remember a call that was not begun."""
        if isinstance(error, PluginError):
            error.run_id = run_id
        if self._notes is not None:
            try:
                release = self._switch.active(plugin_id)
            except PluginError:
                release = None
            self._notes.refused(plugin_id, run_id, error, release)
        if self._spans is not None:
            self._end_span(str(plugin_id), run_id, error, refusal_of(error))

    def _note_failure(self, request: Request, error: BaseException) -> None:
        """Count and log how a call failed; a call that `close` has stopped ends in an error of its own."""
        release = request.deployment.release
        stats = self._stats[release.plugin_id]
        if isinstance(error, PluginError):
            error.run_id = request.run_id
        self._breakers.learn(release.plugin_id, error)
        if self._notes is not None:
            self._notes.failed(request, error)
        if self._spans is not None:
            self._end_span(release.plugin_id, request.run_id, error, outcome_of(error))
        if isinstance(error, concurrent.futures.CancelledError | asyncio.CancelledError):
            stats.record_failure("Cancelled")
            if self._closed and isinstance(error, concurrent.futures.CancelledError):
                raise RegistryClosedError(f"the registry was closed while {release.plugin_id!r} ran") from None
        elif isinstance(error, PluginError):
            stats.record_failure(type(error).__name__, error.cause if isinstance(error, ExecutionError) else "")
            trace = getattr(error, "remote_traceback", "")
            where = f"{release.plugin_id} {release.version}"
            about = {"run_id": request.run_id, "plugin_id": release.plugin_id}
            logger.error("%s failed: %s%s", where, error, f"\n{trace}" if trace else "", extra=about)
            if self._replays.wants(error):
                self._replays.keep(request, self._engine.policy(request.deployment), error)

    def _note_success(self, request: Request, result: ProcessingResult) -> None:
        execution = result.execution
        assert execution is not None
        self._breakers.learn(execution.plugin_id, None)
        self._stats[execution.plugin_id].record_success(execution)
        self._tell_success(request, result)

    def _note_successes(self, requests: Sequence[Request], results: Sequence[ProcessingResult]) -> None:
        """As `_note_success` for each result of one message."""
        plugin_id = requests[0].deployment.release.plugin_id
        self._breakers.learn(plugin_id, None)
        self._stats[plugin_id].record_batch([each.execution for each in results if each.execution is not None])
        if self._shadows or self._notes is not None or self._spans is not None or logger.isEnabledFor(logging.DEBUG):
            for request, result in zip(requests, results, strict=True):
                self._tell_success(request, result)

    def _tell_success(self, request: Request, result: ProcessingResult) -> None:
        """Tell whoever wants to know of each single result."""
        execution = result.execution
        assert execution is not None
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug(
                "%s %s took %.3f s (%.3f s CPU, peak %.1f MB)",
                execution.plugin_id,
                execution.version,
                execution.wall_seconds,
                execution.cpu_seconds,
                execution.peak_memory_bytes / (1 << 20),
                extra={"run_id": request.run_id, "plugin_id": execution.plugin_id},
            )
        if self._notes is not None:
            self._notes.succeeded(request, execution)
        if self._spans is not None:
            self._spans.succeeded(execution)
        if self._shadows:
            self._cast_shadow(request, result)

    def _end_span(self, plugin_id: str, run_id: str, error: BaseException, outcome: Outcome) -> None:
        assert self._spans is not None
        began_ns = int(time_of(run_id).timestamp() * 1e9)
        self._spans.failed(plugin_id, run_id, error, outcome=outcome, cause=cause_of(error), began_ns=began_ns)

    def _cast_shadow(self, request: Request, result: ProcessingResult) -> None:
        """Give a call to the candidate as well, if there is one and it is its turn."""
        shadow = self._shadows.get(request.deployment.release.plugin_id)
        sample = shadow.take(request, result) if shadow is not None else None
        if shadow is not None and sample is not None:
            try:
                self._background.submit(partial(carry_out, shadow, self._engine, sample))
            except RuntimeError:  # the registry is being closed
                shadow.skip()
