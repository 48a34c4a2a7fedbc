"""Plugins whose workers die are left alone, tried again, and enabled when they live."""

from __future__ import annotations

import json

import pytest
from tests.conftest import eventually
from tests.plugins._reload.test_hot_reload import CODE, write_plugin

from platform_base.plugins.crash_loop import Breaker
from platform_base.plugins.errors import (
    PluginDisabledError,
    PluginFailedError,
    PluginLoadError,
    PluginTimeoutError,
    WorkerCrashedError,
)
from platform_base.plugins.registry import PluginRegistry
from platform_base.plugins.settings import CrashLoopSettings

SETTINGS = CrashLoopSettings(backoff_seconds=10.0, max_backoff_seconds=60.0, stable_seconds=100.0)


def die(breaker, *times, age_s=1.0):
    return [breaker.record_death(now, "a signal", age_s) for now in times]


class TestBreaker:
    def test_three_early_deaths_in_a_row(self):
        breaker = Breaker(SETTINGS)
        assert die(breaker, 0, 1, 2) == [None, None, 10.0]
        refusal = breaker.admit(4)
        assert (refusal.cause, refusal.retry_after_s) == ("a signal", 8.0)

    def test_a_life_in_between_breaks_the_row(self):
        breaker = Breaker(SETTINGS)
        die(breaker, 0, 1)
        breaker.record_life()
        assert die(breaker, 2, 3) == [None, None]

    def test_late_deaths_count_only_in_number(self):
        breaker = Breaker(SETTINGS.model_copy(update={"deaths": 5, "window_minutes": 1.0}))
        assert die(breaker, 0, 10, 20, 30, 61, age_s=9.0) == [None] * 5  # the first is a minute ago
        assert die(breaker, 62, age_s=9.0) == [10.0]

    def test_one_call_goes_through_on_trial(self):
        breaker = Breaker(SETTINGS)
        die(breaker, 0, 1, 2)
        assert breaker.admit(11.9) is not None
        assert breaker.admit(12.0) is None
        assert breaker.admit(12.0) is not None
        assert breaker.record_life()
        assert breaker.admit(12.1) is None

    def test_a_trial_that_says_nothing_is_repeated(self):
        breaker = Breaker(SETTINGS)
        die(breaker, 0, 1, 2)
        assert breaker.admit(12) is None
        breaker.record_nothing()
        assert breaker.admit(12) is None

    def test_the_back_off_doubles_up_to_its_limit_and_is_short_again_after_a_stable_time(self):
        breaker = Breaker(SETTINGS)
        die(breaker, 0, 1, 2)
        now, backoffs = 2.0, []
        for _ in range(4):
            now += 60
            assert breaker.admit(now) is None
            backoffs += die(breaker, now, age_s=50.0)
        assert backoffs == [20.0, 40.0, 60.0, 60.0]
        assert breaker.admit(now + 60) is None
        breaker.record_life()
        now += 100
        assert die(breaker, now, now, now) == [None, None, 10.0]

    def test_it_can_be_switched_off(self):
        breaker = Breaker(SETTINGS.model_copy(update={"early_deaths": None, "deaths": None}))
        assert set(die(breaker, *range(100))) == {None}


@pytest.fixture
def root(tmp_path):
    write_plugin(tmp_path / "plugins" / "constant", "alive")
    return tmp_path / "plugins"


@pytest.fixture
def registry(root, nothing_left):
    settings = {
        "security": {"allowed_modules": None, "blocked_modules": []},
        "crash_loop": {"backoff_seconds": 3600, "max_backoff_seconds": 3600},
    }
    with PluginRegistry(settings) as made:
        made.discover_plugins(root)
        yield made


CRASH = "import os; os._exit(9)"


def write_code(root, *, on_import="", on_call="pass"):
    text = f"{on_import}\n" + CODE.format(value="alive").replace(
        "return ProcessingResult", f"{on_call}\n        return ProcessingResult"
    )
    temporary = root / "constant" / ".new"
    temporary.write_text(text)
    temporary.rename(root / "constant" / "constant.py")


def call(registry, **inputs):
    return registry.execute_plugin("constant", inputs).values


def crash_three_times(registry, error=WorkerCrashedError):
    for _ in range(3):
        with pytest.raises(error):
            call(registry)


class TestRegistry:
    @pytest.mark.parametrize(
        ("code", "error"), [({"on_call": CRASH}, WorkerCrashedError), ({"on_import": CRASH}, PluginLoadError)]
    )
    def test_it_is_disabled_with_the_cause_and_enabled_by_hand(self, registry, root, code, error):
        write_code(root, **code)
        registry.discover_plugins(root)
        crash_three_times(registry, error)
        starts = registry.get_plugin_stats("constant")["cold_starts"]
        with pytest.raises(PluginDisabledError, match="enable_plugin") as caught:
            call(registry)
        assert "exit status 9" in caught.value.cause
        assert 3500 < caught.value.retry_after_s <= 3600
        assert registry.get_plugin_stats("constant")["cold_starts"] == starts
        assert "exit status 9" in registry.list_plugins()[0]["disabled"]
        assert any("exit status 9" in problem.got for problem in registry.problems)
        write_code(root)
        registry.update_plugin("constant")
        registry.enable_plugin("constant")
        assert call(registry) == "alive"
        assert registry.list_plugins()[0]["disabled"] == ""
        assert registry.problems == ()

    def test_the_counts_outlive_reloads(self, registry, root):
        registry.enable_hot_reload()
        assert call(registry) == "alive"
        for number in range(3):
            write_code(root, on_call=f"{CRASH}  # {number}")
            digest = registry.list_plugins()[0]["digest"]
            assert eventually(lambda digest=digest: registry.list_plugins()[0]["digest"] != digest)
            with pytest.raises(WorkerCrashedError):
                call(registry)
        with pytest.raises(PluginDisabledError):
            call(registry)

    def test_failures_deadlines_and_refusals_are_no_deaths(self, registry, root):
        write_code(root, on_call="if 'raise' in inputs: raise ValueError\n        while 'spin' in inputs: pass")
        registry.discover_plugins(root)
        for _ in range(4):
            with pytest.raises(PluginFailedError):
                call(registry, **{"raise": 1})
        for _ in range(4):
            with pytest.raises(PluginTimeoutError):
                registry.execute_plugin("constant", {"spin": 1}, timeout=0.05)
        assert call(registry) == "alive"

    def test_other_plugins_go_on(self, registry, root):
        write_plugin(root / "other", "other", plugin_id="other")
        write_code(root, on_call=CRASH)
        registry.discover_plugins(root)
        crash_three_times(registry)
        assert registry.execute_plugin("other", {}).values == "other"

    def test_after_the_back_off_it_is_tried_and_enabled(self, root, nothing_left):
        settings = {
            "security": {"allowed_modules": None, "blocked_modules": []},
            "crash_loop": {"backoff_seconds": 0.05, "max_backoff_seconds": 0.05},
        }
        write_code(root, on_call=f"if 'crash' in inputs: {CRASH}")
        with PluginRegistry(settings) as registry:
            registry.discover_plugins(root)
            for _ in range(3):
                with pytest.raises(WorkerCrashedError):
                    call(registry, crash=1)

            def recovered():
                try:
                    return call(registry) == "alive"
                except PluginDisabledError:
                    return False

            assert eventually(recovered)
            assert registry.problems == ()


class TestRunIds:
    def test_results_and_errors_name_their_call(self, registry, root):
        write_code(root, on_call="if 'raise' in inputs: raise ValueError")
        registry.discover_plugins(root)
        ids = [registry.execute_plugin("constant", {}).execution.run_id for _ in range(3)]
        with pytest.raises(PluginFailedError) as caught:
            call(registry, **{"raise": 1})
        ids.append(caught.value.run_id)
        assert len(set(ids)) == 4
        assert all(len(each) == 32 and int(each, 16) for each in ids)
        assert [each[:12] for each in ids] == sorted(each[:12] for each in ids)

    def test_an_error_before_the_run_names_it_too(self, registry, root):
        manifest = root / "constant" / "manifest.json"
        parameter = {"configuration": {"gain": {"type": "float"}}}
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **parameter}))
        registry.discover_plugins(root)
        with pytest.raises(ValueError) as caught:
            call(registry)
        assert len(caught.value.run_id) == 32
