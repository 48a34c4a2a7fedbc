"""What `list_workers` tells, against what the kernel says about the same processes."""

from __future__ import annotations

import concurrent.futures
import os
import resource
import signal

import pytest
from tests.conftest import OPEN_IMPORTS, SAMPLES, eventually, workers

from platform_base.plugins.registry import PluginRegistry


def test_nobody_at_first(registry):
    assert registry.list_workers() == []


def test_an_idle_worker(registry):
    registry.execute_plugin("behaviours", {"do": "process"})
    (row,) = registry.list_workers()
    assert (row["plugin_id"], row["version"], row["state"]) == ("behaviours", "1.0.0", "idle")
    assert row["digest"] == registry.list_plugins()[0]["digest"]
    assert row["pid"] in workers(registry)
    assert row["run_id"] == ""
    assert row["call_seconds"] is None
    assert row["threads"] == 1
    assert row["memory_bytes"] % resource.getpagesize() == 0
    assert 10 << 20 < row["memory_bytes"] < 1 << 30
    assert row["limits"] == {"memory_bytes": 512 << 20, "cpu_percent": 50.0, "cpu_seconds": None, "call_seconds": None}


def test_a_busy_worker_names_its_call(registry):
    call = registry.submit_plugin("behaviours", {"do": "sleep", "seconds": 60}, timeout=77.0)
    assert eventually(lambda: any(row["run_id"] for row in registry.list_workers()))
    (row,) = registry.list_workers()
    assert row["state"] == "busy"
    assert len(row["run_id"]) == 32
    assert 0 <= row["call_seconds"] <= row["age_seconds"]
    assert row["limits"]["call_seconds"] == 77.0
    call.cancel()
    with pytest.raises(concurrent.futures.CancelledError):
        call.result()
    assert eventually(lambda: registry.list_workers() == [])


def test_one_that_spent_too_much_is_paused(nothing_left):
    with PluginRegistry({**OPEN_IMPORTS, "plugins": {"behaviours": {"max_cpu_percent": 2}}}) as registry:
        registry.discover_plugins(SAMPLES)
        call = registry.submit_plugin("behaviours", {"do": "spin", "cpu_seconds": 30})
        assert eventually(lambda: any(row["state"] == "paused" for row in registry.list_workers()))
        (row,) = registry.list_workers()
        assert row["cpu_seconds"] > 0
        assert row["limits"]["cpu_percent"] == 2.0
        call.cancel()


def test_one_that_is_being_started(nothing_left, tmp_path):
    directory = tmp_path / "slow"
    directory.mkdir()
    (directory / "manifest.json").write_text(
        '{"plugin_id": "slow", "version": "1.0.0", "entry_point": "slow.Slow", "requires": []}'
    )
    (directory / "slow.py").write_text("import time\n\ntime.sleep(60)\n")
    with PluginRegistry(OPEN_IMPORTS) as registry:
        registry.discover_plugins(directory)
        call = registry.submit_plugin("slow", {})
        assert eventually(lambda: [row["state"] for row in registry.list_workers()] == ["starting"])
        assert registry.list_workers()[0]["pid"] is None
        assert eventually(lambda: workers(registry))
        (process,) = workers(registry)
        os.kill(process, signal.SIGKILL)
        with pytest.raises(Exception, match="could not be loaded"):
            call.result()
        assert registry.list_workers() == []


def test_the_dead_are_not_listed(registry):
    registry.execute_plugin("behaviours", {"do": "process"})
    (row,) = registry.list_workers()
    os.kill(row["pid"], signal.SIGKILL)
    assert eventually(lambda: registry.list_workers() == [])


def test_workers_of_several_plugins(nothing_left):
    with PluginRegistry({**OPEN_IMPORTS, "workers": {"max": 2}}) as registry:
        registry.discover_plugins(SAMPLES)
        registry.discover_plugins("plugins")
        registry.execute_plugin("plugin_template", {"series": [1.0]})
        registry.execute_plugin("behaviours", {"do": "process"})
        assert [row["plugin_id"] for row in registry.list_workers()] == ["behaviours", "plugin_template"]


def test_inline_there_are_none(caplog):
    with PluginRegistry({"engine": "inline", "security": {"enable_sandboxing": False}}) as registry:
        assert registry.list_workers() == []
