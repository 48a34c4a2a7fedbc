"""What the history is told of each call, in the words of `platform_base.history`."""

from __future__ import annotations

import asyncio
import concurrent.futures
import datetime
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from platform_base.core.models import Execution
from platform_base.history.recorder import Recorder
from platform_base.history.run import InputFact, Line, Outcome, Run, Trim, time_of
from platform_base.plugins._catalog.release import Release
from platform_base.plugins._engines.base import Deployment, Request
from platform_base.plugins.errors import (
    ExecutionError,
    MissingDependencyError,
    PluginError,
    PluginLoadError,
    QueueFullError,
    SandboxUnavailableError,
)
from platform_base.plugins.input_facts import look_at, takes_long
from platform_base.plugins.settings import HistorySettings

_CANCELLED = (concurrent.futures.CancelledError, asyncio.CancelledError, KeyboardInterrupt)
_PLUGINS_FAULT = (PluginLoadError, MissingDependencyError, SandboxUnavailableError)
"""Calls that were not begun because the plugin could not be: the caller has done nothing wrong."""


@dataclass(frozen=True, slots=True)
class _Call:
    """What is kept of a request until it is written: all but its inputs, which are large and belong to the caller."""

    run_id: str
    deployment: Deployment
    parameters: Mapping[str, Any]
    timeout_s: float | None
    inputs: tuple[InputFact, ...]

    @classmethod
    def of(cls, request: Request, inputs: tuple[InputFact, ...]) -> _Call:
        return cls(request.run_id, request.deployment, request.parameters, request.timeout_s, inputs)


class RunNotes:
    """Notes how calls end. Thread-safe; a note takes microseconds, but for the digests of large inputs."""

    def __init__(self, recorder: Recorder, settings: HistorySettings) -> None:
        """Begin.

        Args:
            recorder: Writes.
            settings: What is remembered of inputs and output.
        """
        self._recorder = recorder
        self._digest = settings.digest_inputs
        self._max_lines = settings.max_lines
        self._host = platform.node()
        self._pid = os.getpid()

    def takes_long(self, request: Request) -> bool:
        """Whether a note of this call would keep an event loop waiting."""
        return self._digest and takes_long(request.inputs)

    def succeeded(self, request: Request, execution: Execution) -> None:
        """Note a call that brought a result."""
        inputs = look_at(request.inputs, digest=self._digest)
        self._recorder.note(partial(self._made, _Call.of(request, inputs), execution, "success"))

    def failed(self, request: Request, error: BaseException) -> None:
        """Note a call that brought none."""
        inputs = look_at(request.inputs, digest=self._digest)
        # The error may be changed by whoever catches it: its words are taken down now.
        self._recorder.note(
            partial(
                self._made,
                _Call.of(request, inputs),
                getattr(error, "execution", None),
                outcome_of(error),
                cause=cause_of(error),
                error_type=type(error).__name__,
                error=str(error),
                traceback=getattr(error, "remote_traceback", ""),
                elapsed=time.time() - time_of(request.run_id).timestamp(),
            )
        )

    def refused(self, plugin_id: str, run_id: str, error: BaseException, release: Release | None) -> None:
        """Note a call that was not begun; `release`: the one that would have answered, if there is one."""
        run = Run(
            run_id=run_id,
            plugin_id=str(plugin_id)[:200],
            version=release.version if release is not None else "",
            digest=release.digest if release is not None else "",
            began=time_of(run_id),
            outcome=refusal_of(error),
            cause=cause_of(error),
            error_type=type(error).__name__,
            error=str(error),
            traceback=getattr(error, "remote_traceback", ""),
            host=self._host,
            pid=self._pid,
        )
        self._recorder.note(lambda: [run])

    def printed(self, plugin_id: str, run_id: str, lines: Sequence[str], before: int = 0) -> None:
        """Note what a plugin has printed during one call: the last lines, because they say why it ended.

        Args:
            plugin_id: Who has printed.
            run_id: In which call.
            lines: What.
            before: How many lines of this call were noted before.
        """
        if not self._max_lines:
            return
        kept = list(lines[-self._max_lines :])
        missing = before + len(lines) - self._max_lines + 1
        trim = None
        if missing > 1:
            text = f"({missing} lines before are not kept: history.max_lines)"
            if before:
                trim = Trim(run_id=run_id, keep=self._max_lines, text=text)
            else:
                kept[0] = text
        now = datetime.datetime.now(datetime.UTC)
        self._recorder.note(partial(_lines, plugin_id, run_id, kept, now, trim))

    def _made(
        self,
        call: _Call,
        execution: Execution | None,
        outcome: Outcome,
        *,
        elapsed: float = 0.0,
        **ending: Any,
    ) -> Sequence[Run]:
        """Return the run; called in the thread that writes."""
        release, security = call.deployment.release, call.deployment.security
        used: dict[str, Any] = {"wall_seconds": max(0.0, elapsed)}
        if execution is not None:
            used = {
                "queue_seconds": execution.queue_seconds,
                "wall_seconds": execution.wall_seconds,
                # Without a peak nothing is known: a worker that died together with its warden.
                "cpu_seconds": execution.cpu_seconds if execution.peak_memory_bytes else None,
                "peak_memory_bytes": execution.peak_memory_bytes or None,
                "protections": execution.protections,
                "warnings": execution.warnings,
                "engine": execution.engine,
            }
        confined = security.enable_sandboxing
        memory = security.max_memory_mb if confined else None
        run = Run(
            run_id=call.run_id,
            plugin_id=release.plugin_id,
            version=release.version,
            digest=release.digest,
            began=time_of(call.run_id),
            outcome=outcome,
            parameters=call.parameters,
            inputs=call.inputs,
            limits={
                "memory_bytes": None if memory is None else memory << 20,
                "cpu_percent": security.max_cpu_percent if confined else None,
                "call_seconds": call.timeout_s,
            },
            host=self._host,
            pid=self._pid,
            **used,
            **ending,
        )
        return [run]


def _lines(
    plugin_id: str, run_id: str, texts: Sequence[str], written: datetime.datetime, trim: Trim | None
) -> Sequence[Line | Trim]:
    lines = [Line(run_id=run_id, plugin_id=plugin_id, written=written, text=text) for text in texts]
    return [*lines, trim] if trim is not None else lines


def cause_of(error: BaseException) -> str:
    """Return what ended a call, in a few words that are the same each time."""
    if isinstance(error, _CANCELLED):
        return "cancelled"
    if isinstance(error, ExecutionError):
        return error.cause
    # A worker that died while it loaded its plugin: that is why.
    if isinstance(error, PluginError) and isinstance(error.__cause__, ExecutionError):
        return f"{error.__cause__.cause} while loading"
    return type(error).__name__


def refusal_of(error: BaseException) -> Outcome:
    """Return the outcome of a call that was not begun."""
    return outcome_of(error) if isinstance(error, (*_PLUGINS_FAULT, *_CANCELLED)) else "refused"


def outcome_of(error: BaseException) -> Outcome:
    """Return the outcome of a call that ended in an error."""
    if isinstance(error, _CANCELLED):
        return "cancelled"
    return "refused" if isinstance(error, QueueFullError) else "failure"
