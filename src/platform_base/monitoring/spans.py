"""Calls as OpenTelemetry spans, for traces that lead from a request through a plugin.

A span is made when its call has ended, with the times of its beginning and its end: nothing is done while a call runs.
Its parent is whatever span the caller was in.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from platform_base.core.models import Execution
from platform_base.plugins.errors import MissingDependencyError

_PREFIX = "platform_base"


class CallSpans:
    """Tells OpenTelemetry of each call, through whatever the program has configured there. Thread-safe."""

    def __init__(self) -> None:
        """Find the tracer.

        Raises:
            MissingDependencyError: OpenTelemetry is not installed.
        """
        try:
            from opentelemetry import trace
        except ImportError as error:
            raise MissingDependencyError(
                "spans: expected the package opentelemetry-api, got none installed; run: "
                'python -m pip install "platform-base[otel]"',
                missing=("opentelemetry-api",),
            ) from error
        self._tracer = trace.get_tracer("platform_base")
        self._failed = partial(trace.Status, trace.StatusCode.ERROR)

    def succeeded(self, execution: Execution) -> None:
        """Tell of a call that brought a result."""
        end = time.time_ns()
        span = self._begin(execution.plugin_id, execution.run_id, execution, end)
        span.set_attribute(f"{_PREFIX}.outcome", "success")
        span.end(end)

    def failed(
        self, plugin_id: str, run_id: str, error: BaseException, *, outcome: str, cause: str, began_ns: int
    ) -> None:
        """Tell of a call that brought none.

        Args:
            plugin_id: What was called.
            run_id: Name of the call.
            error: How it ended.
            outcome: ``"failure"``, ``"cancelled"`` or ``"refused"``.
            cause: What ended it, in a few words.
            began_ns: When it was made, if the error does not tell for how long it ran; nanoseconds since 1970.
        """
        end = time.time_ns()
        execution: Execution | None = getattr(error, "execution", None)
        span = self._begin(plugin_id, run_id, execution, end, began_ns)
        span.set_attributes(
            {f"{_PREFIX}.outcome": outcome, f"{_PREFIX}.cause": cause, "error.type": type(error).__name__}
        )
        if outcome != "cancelled":
            span.set_status(self._failed(cause))
            # Not `record_exception`: it would walk through the frames of the host, which say nothing about the plugin.
            event = {"exception.type": type(error).__name__, "exception.message": str(error)}
            if trace := getattr(error, "remote_traceback", ""):
                event["exception.stacktrace"] = trace
            span.add_event("exception", event, end)
        span.end(end)

    def _begin(
        self, plugin_id: str, run_id: str, execution: Execution | None, end_ns: int, began_ns: int | None = None
    ) -> Any:
        if execution is not None:
            began_ns = end_ns - int((execution.queue_seconds + execution.wall_seconds) * 1e9)
        span = self._tracer.start_span(f"plugin {plugin_id}", start_time=began_ns)
        span.set_attributes({f"{_PREFIX}.plugin.id": plugin_id, f"{_PREFIX}.run_id": run_id})
        if execution is not None:
            span.set_attributes(
                {
                    f"{_PREFIX}.plugin.version": execution.version,
                    f"{_PREFIX}.plugin.digest": execution.digest,
                    f"{_PREFIX}.queue_seconds": execution.queue_seconds,
                    f"{_PREFIX}.wall_seconds": execution.wall_seconds,
                    f"{_PREFIX}.cpu_seconds": execution.cpu_seconds,
                    f"{_PREFIX}.peak_memory_bytes": execution.peak_memory_bytes,
                }
            )
        return span
