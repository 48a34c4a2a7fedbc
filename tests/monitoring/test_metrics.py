"""Figures for Prometheus, read by Prometheus' own client."""

from __future__ import annotations

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from platform_base.monitoring.exposition import Family, expose
from platform_base.plugins.errors import PluginError
from platform_base.plugins.registry import PluginRegistry
from tests.conftest import OPEN_IMPORTS, REPOSITORY, SAMPLES, eventually


def figures(registry):
    """Every figure, by name and labels but for the plugin."""
    found = {}
    for family in text_string_to_metric_families(registry.metrics_text()):
        for sample in family.samples:
            labels = {key: value for key, value in sample.labels.items() if key != "plugin"}
            assert sample.labels.get("plugin", "behaviours") == "behaviours"
            found[sample.name, tuple(sorted(labels.items()))] = sample.value
    return found


def test_calls_and_what_they_used(registry):
    results = [registry.execute_plugin("behaviours", {"do": "spin", "cpu_seconds": 0.05}) for _ in range(3)]
    for inputs in ({"do": "raise_error"}, {"do": "crash"}, {"do": "crash"}):
        with pytest.raises(PluginError):
            registry.execute_plugin("behaviours", inputs)
    with pytest.raises(PluginError):
        registry.execute_plugin("behaviours", {"refuse": 1})
    found = figures(registry)
    executions = [result.execution for result in results]
    assert found["platform_base_calls_total", (("outcome", "success"),)] == 3
    assert found["platform_base_calls_total", (("outcome", "failure"),)] == 4
    assert found["platform_base_call_errors_total", (("error", "WorkerCrashedError"),)] == 2
    assert found["platform_base_call_causes_total", (("cause", "signal SIGSEGV"),)] == 2
    assert found["platform_base_call_causes_total", (("cause", "exception ValueError"),)] == 1
    assert found["platform_base_call_cpu_seconds_total", ()] == pytest.approx(sum(e.cpu_seconds for e in executions))
    assert found["platform_base_call_queue_seconds_total", ()] == pytest.approx(
        sum(e.queue_seconds for e in executions)
    )
    assert found["platform_base_call_peak_memory_bytes", ()] == max(e.peak_memory_bytes for e in executions)
    assert found["platform_base_worker_starts_total", ()] == registry.get_plugin_stats("behaviours")["cold_starts"]
    info = {name: labels for name, labels in found if name == "platform_base_plugin_info"}
    assert dict(info["platform_base_plugin_info"])["version"] == "1.0.0"


def test_the_histogram(registry):
    results = [registry.execute_plugin("behaviours", {"do": "sleep", "seconds": s}) for s in (0.0, 0.03, 0.3)]
    results += registry.map_plugin("behaviours", [{"do": "process"}] * 50)
    seconds = [result.execution.wall_seconds for result in results]
    found = figures(registry)
    name = "platform_base_call_duration_seconds"
    bounds = [dict(labels)["le"] for each, labels in found if each == f"{name}_bucket"]
    assert bounds[-1] == "+Inf"
    for bound in bounds:
        expected = sum(value <= float(bound) for value in seconds)
        assert found[f"{name}_bucket", (("le", bound),)] == expected
    assert found[f"{name}_count", ()] == 53
    assert found[f"{name}_sum", ()] == pytest.approx(sum(seconds))


def test_workers_and_queues_now(nothing_left):
    with PluginRegistry({**OPEN_IMPORTS, "workers": {"max": 1}}) as registry:
        registry.discover_plugins(SAMPLES)
        sleeper = registry.submit_plugin("behaviours", {"do": "sleep", "seconds": 60})
        busy = ("platform_base_workers", (("state", "busy"),))
        assert eventually(lambda: figures(registry).get(busy) == 1)
        waiter = registry.submit_plugin("behaviours", {"do": "process"})
        assert eventually(lambda: figures(registry)["platform_base_waiting_calls", ()] == 1)
        assert figures(registry)["platform_base_worker_memory_bytes", ()] > 10 << 20
        sleeper.cancel()
        waiter.result()
        assert figures(registry)["platform_base_waiting_calls", ()] == 0


def test_a_disabled_plugin(nothing_left):
    with PluginRegistry({"security": OPEN_IMPORTS["security"], "crash_loop": {"early_deaths": 1}}) as registry:
        registry.discover_plugins(SAMPLES)
        assert figures(registry)["platform_base_plugin_disabled", ()] == 0
        with pytest.raises(PluginError):
            registry.execute_plugin("behaviours", {"do": "crash"})
        assert figures(registry)["platform_base_plugin_disabled", ()] == 1


def test_runs_that_the_history_lost(tmp_path, nothing_left):
    broken = tmp_path / "runs.db"
    broken.write_text("no database" * 1000)
    with PluginRegistry({**OPEN_IMPORTS, "history": {"enabled": True, "path": str(broken)}}) as registry:
        registry.discover_plugins(SAMPLES)
        registry.execute_plugin("behaviours", {"do": "process"})
        lost = ("platform_base_history_lost_runs_total", ())
        assert eventually(lambda: figures(registry)[lost] == 1)


def test_labels_that_nobody_expects():
    family = Family(name="calls_total", kind="counter", help="with a \\ and a\nsecond line")
    odd = 'quote " backslash \\ line\nend'
    family.add(1.5, cause=odd)
    family.add(float("inf"), cause="x")
    (read,) = text_string_to_metric_families(expose([family]))
    assert [(sample.labels["cause"], sample.value) for sample in read.samples] == [(odd, 1.5), ("x", float("inf"))]
    assert read.documentation == family.help


def test_every_name_is_documented(registry):
    registry.execute_plugin("behaviours", {"do": "process"})
    page = (REPOSITORY / "docs" / "plugins" / "guides" / "monitoring.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(platform_base_\w+)` \|", page, re.MULTILINE))
    exposed = set(re.findall(r"^# TYPE (\w+)", registry.metrics_text(), re.MULTILINE))
    optional = {
        "platform_base_history_lost_runs_total",
        "platform_base_call_errors_total",
        "platform_base_call_causes_total",
    }
    assert exposed == documented - optional
    assert optional <= documented
