"""A candidate is tried on real calls, and nobody notices but the report."""

from __future__ import annotations

import numpy as np
import pytest
from tests.conftest import OPEN_IMPORTS, eventually, workers
from tests.plugins._reload.test_self_test import write_plugin

from platform_base.plugins.errors import ParameterError, PluginLoadError, PluginNotFoundError, SelfTestError
from platform_base.plugins.registry import PluginRegistry


@pytest.fixture
def root(tmp_path):
    write_plugin(tmp_path / "plugins" / "v1", 2, self_test=())
    return tmp_path / "plugins"


@pytest.fixture
def registry(root, nothing_left):
    with PluginRegistry(OPEN_IMPORTS) as made:
        made.discover_plugins(root)
        made.load_plugin("scaler", version="1.0.0")
        yield made


def candidate(root, factor, **given):
    return write_plugin(root / "v2", factor, version="2.0.0", **{"self_test": (), **given})


def call(registry, series=(1.0, -2.0), **params):
    return registry.execute_plugin("scaler", {"series": np.array(series)}, params)


def settled(registry):
    """The report once the background has nothing to do; every call whose turn it was has been run or skipped."""

    def done():
        report = registry.shadow_report("scaler")
        return report["runs"] + report["skipped"] == int(report["calls"] * report["fraction"])

    assert eventually(done)
    return registry.shadow_report("scaler")


def call_and_settle(registry, number, **given):
    for _ in range(number):
        call(registry, **given)
        settled(registry)
    return settled(registry)


def test_callers_get_the_active_answers_and_the_report_says_how_far_off_the_candidate_is(registry, root):
    candidate(root, 2.5)
    registry.shadow_plugin("scaler", "2.0.0", fraction=1.0, ignore=("calls",))
    for _ in range(4):
        result = call(registry)
        assert (result.values.tolist(), result.execution.version) == ([2.0, -4.0], "1.0.0")
        settled(registry)
    report = settled(registry)
    assert (report["calls"], report["runs"], report["agreed"], report["differed"]) == (4, 4, 0, 4)
    assert report["largest_difference"] == 1.0
    assert report["largest_relative_difference"] == 0.25
    assert report["findings"][0].endswith("values[0]: expected 2.0, got 2.5 (2 of 2 numbers differ, by at most 1)")
    assert report["speed_ratio"] > 0
    assert registry.get_plugin_stats("scaler")["execution_count"] == 4


def test_what_is_within_the_tolerance_agrees(registry, root):
    candidate(root, "(2 + 1e-9)")
    registry.shadow_plugin("scaler", "2.0.0", fraction=1.0, rtol=1e-8, ignore=("calls",))
    report = call_and_settle(registry, 3)
    assert (report["agreed"], report["differed"], report["findings"]) == (3, 0, [])
    assert report["largest_relative_difference"] == pytest.approx(5e-10, rel=1e-3)


def test_every_tenth_call(registry, root):
    candidate(root, 2)
    registry.shadow_plugin("scaler", "2.0.0")
    report = call_and_settle(registry, 30)
    assert (report["calls"], report["runs"]) == (30, 3)


def test_parameters_that_were_not_given_have_the_candidates_defaults(registry, root):
    directory = candidate(root, 2)
    manifest = directory / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"default": 1.0', '"default": 3.0'))
    registry.shadow_plugin("scaler", "2.0.0", fraction=1.0, ignore=("calls",))
    assert call_and_settle(registry, 1)["differed"] == 1
    assert call_and_settle(registry, 1, gain=5.0)["agreed"] == 1


def test_a_candidate_that_fails_is_counted_and_harms_nobody(registry, root):
    candidate(root, 2, statement="raise ValueError('no')")
    registry.shadow_plugin("scaler", "2.0.0", fraction=1.0)
    report = call_and_settle(registry, 2)
    assert report["failed"] == {"PluginFailedError": 2}
    assert "raised ValueError: no" in report["findings"][0]
    candidate(root, 2, statement="import os; os._exit(1)")
    registry.shadow_plugin("scaler", "2.0.0", fraction=1.0)
    assert call_and_settle(registry, 4)["failed"] == {"WorkerCrashedError": 4}
    assert registry.problems == ()
    assert registry.list_plugins()[0]["disabled"] == ""


def test_the_caller_may_change_what_it_sent_and_got(registry, root):
    candidate(root, 2)
    registry.shadow_plugin("scaler", "2.0.0", fraction=1.0, ignore=("calls",))
    for _ in range(5):
        series = np.arange(50_000.0)
        result = registry.execute_plugin("scaler", {"series": series})
        series[:] = -1
        result.values[:] = -1
        assert settled(registry)["differed"] == 0


def test_a_slow_candidate_does_not_make_work_pile_up(registry, root):
    candidate(root, 2, statement="import time; time.sleep(0.3)")
    registry.shadow_plugin("scaler", "2.0.0", fraction=1.0)
    for _ in range(10):
        call(registry)
    report = settled(registry)
    assert report["runs"] + report["skipped"] == 10
    assert report["skipped"] > 0


def test_switching_to_it_and_stopping(registry, root):
    candidate(root, 2)
    registry.shadow_plugin("scaler", "2.0.0", fraction=1.0, ignore=("calls",))
    assert call_and_settle(registry, 2)["agreed"] == 2
    registry.update_plugin("scaler", version="2.0.0")
    assert call(registry).execution.version == "2.0.0"
    assert registry.stop_shadow("scaler")["calls"] == 2
    assert call(registry).execution.version == "2.0.0"
    with pytest.raises(PluginNotFoundError, match="call shadow_plugin first"):
        registry.shadow_report("scaler")


def test_stopping_leaves_no_worker_of_the_candidate(registry, root):
    call(registry)
    before = len(workers(registry))
    candidate(root, 2)
    registry.shadow_plugin("scaler", "2.0.0", fraction=1.0)
    call_and_settle(registry, 1)
    registry.stop_shadow("scaler")
    assert eventually(lambda: len(workers(registry)) == before)


def test_closing_in_the_middle_of_a_shadow_run(root, nothing_left):
    with PluginRegistry(OPEN_IMPORTS) as registry:
        registry.discover_plugins(root)
        registry.load_plugin("scaler", version="1.0.0")
        candidate(root, 2, statement="import time; time.sleep(60)")
        registry.shadow_plugin("scaler", "2.0.0", fraction=1.0)
        call(registry)


def test_what_cannot_be_a_candidate(registry, root):
    with pytest.raises(PluginNotFoundError):
        registry.shadow_plugin("scaler", "9.0.0")
    candidate(root, "(")
    with pytest.raises(PluginLoadError):
        registry.shadow_plugin("scaler", "2.0.0")
    wrong = {"name": "t", "inputs": {"series": {"value": [1.0]}}, "expected": {"values": {"value": [2.0]}}}
    candidate(root, 3, self_test=[wrong])
    with pytest.raises(SelfTestError):
        registry.shadow_plugin("scaler", "2.0.0")
    for bad in ({"fraction": 0}, {"fraction": 1.5}, {"fraction": "0.1"}, {"rtol": -1.0}, {"atol": float("nan")}):
        with pytest.raises(ParameterError):
            registry.shadow_plugin("scaler", "1.0.0", **bad)
    assert call(registry).values.tolist() == [2.0, -4.0]
