"""Calls as spans, as the SDK of OpenTelemetry receives them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from platform_base.plugins.errors import ParameterError, PluginError
from platform_base.plugins.registry import PluginRegistry
from tests.conftest import OPEN_IMPORTS, SAMPLES, eventually


@pytest.fixture(scope="module")
def provider():
    """The provider of this process: OpenTelemetry takes one, once."""
    made = TracerProvider()
    trace.set_tracer_provider(made)
    return trace.get_tracer_provider()


@pytest.fixture
def exporter(provider):
    made = InMemorySpanExporter()
    processor = SimpleSpanProcessor(made)
    provider.add_span_processor(processor)
    yield made
    processor.shutdown()


@pytest.fixture
def registry(exporter, nothing_left):
    with PluginRegistry({**OPEN_IMPORTS, "spans": True}) as made:
        made.discover_plugins(SAMPLES)
        yield made


def calls(exporter):
    return [span for span in exporter.get_finished_spans() if span.name.startswith("plugin ")]


def inside(name="request"):
    return trace.get_tracer("test").start_as_current_span(name)


def test_a_call_below_its_caller(registry, exporter):
    before = time.time_ns()
    with inside() as request:
        result = registry.execute_plugin("behaviours", {"do": "sleep", "seconds": 0.05})
    (span,) = calls(exporter)
    execution = result.execution
    assert span.name == "plugin behaviours"
    assert span.parent.span_id == request.get_span_context().span_id
    assert span.attributes["platform_base.plugin.version"] == "1.0.0"
    assert span.attributes["platform_base.plugin.digest"] == execution.digest
    assert span.attributes["platform_base.run_id"] == execution.run_id
    assert span.attributes["platform_base.outcome"] == "success"
    assert span.attributes["platform_base.cpu_seconds"] == execution.cpu_seconds
    assert before <= span.start_time
    assert span.end_time - span.start_time == pytest.approx(
        (execution.queue_seconds + execution.wall_seconds) * 1e9, abs=1000
    )
    assert span.status.is_unset


def test_a_failure(registry, exporter):
    with pytest.raises(PluginError) as caught:
        registry.execute_plugin("behaviours", {"do": "raise_error"})
    (span,) = calls(exporter)
    assert span.parent is None
    assert (span.attributes["platform_base.outcome"], span.attributes["error.type"]) == ("failure", "PluginFailedError")
    assert span.status.status_code is trace.StatusCode.ERROR
    assert span.status.description == span.attributes["platform_base.cause"] == "exception ValueError"
    (event,) = span.events
    assert event.attributes["exception.message"] == str(caught.value)
    assert "behaviours.py" in event.attributes["exception.stacktrace"]
    assert span.attributes["platform_base.peak_memory_bytes"] > 10 << 20


def test_calls_that_were_not_begun(registry, exporter):
    with inside() as request, pytest.raises(ParameterError):
        registry.execute_plugin("behaviours", {}, {"unknown": 1})
    (span,) = calls(exporter)
    assert span.attributes["platform_base.outcome"] == "refused"
    assert span.parent.span_id == request.get_span_context().span_id


def test_a_cancelled_call_is_no_error(registry, exporter):
    call = registry.submit_plugin("behaviours", {"do": "sleep", "seconds": 60})
    assert eventually(lambda: any(row["run_id"] for row in registry.list_workers()))
    call.cancel()
    assert eventually(lambda: calls(exporter))
    (span,) = calls(exporter)
    assert span.attributes["platform_base.outcome"] == "cancelled"
    assert span.status.is_unset


def test_the_parent_of_calls_in_other_threads(registry, exporter):
    with inside("submitted") as submitted:
        registry.submit_plugin("behaviours", {"do": "process"}).result()
    with inside("mapped") as mapped:
        assert len(list(registry.map_plugin("behaviours", [{"do": "process"}] * 30))) == 30
    parents = [span.parent.span_id for span in calls(exporter)]
    assert parents == [submitted.get_span_context().span_id] + [mapped.get_span_context().span_id] * 30


def test_the_parent_of_a_call_from_an_event_loop(registry, exporter):
    async def both():
        async def one(name):
            with inside(name) as span:
                await registry.aexecute_plugin("behaviours", {"do": "process"})
                return span.get_span_context().span_id

        return await asyncio.gather(one("a"), one("b"))

    expected = asyncio.run(both())
    assert {span.parent.span_id for span in calls(exporter)} == set(expected)


def test_off_unless_the_settings_say_so(exporter, nothing_left):
    with PluginRegistry(OPEN_IMPORTS) as registry:
        registry.discover_plugins(SAMPLES)
        registry.execute_plugin("behaviours", {"do": "process"})
    assert calls(exporter) == []


MISSING = """
import sys
sys.modules["opentelemetry"] = None  # what an import finds where it is not installed
from platform_base.plugins.errors import MissingDependencyError
from platform_base.plugins.registry import PluginRegistry
PluginRegistry().close()
try:
    PluginRegistry({"spans": True})
except MissingDependencyError as error:
    print(error.missing, error)
"""


def test_where_it_is_not_installed():
    done = subprocess.run([sys.executable, "-c", MISSING], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("('opentelemetry-api',) spans: expected the package opentelemetry-api")
    assert 'platform-base[otel]"' in done.stdout
