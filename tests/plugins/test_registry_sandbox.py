"""What the registry says of its sandbox, and that it holds."""

from __future__ import annotations

import pytest
from tests.conftest import OPEN_IMPORTS, REPOSITORY, SAMPLES

from platform_base.plugins.errors import PluginLoadError, SandboxUnavailableError
from platform_base.plugins.registry import PluginRegistry


def test_every_attempt_of_the_intruder_is_stopped(nothing_left):
    with PluginRegistry() as registry:
        attempts = registry.self_check()
    assert len(attempts) >= 10
    assert [attempt for attempt in attempts if not attempt["stopped"]] == []
    assert all(attempt["answer"] for attempt in attempts)


def test_without_a_sandbox_the_intruder_gets_through(nothing_left):
    with PluginRegistry({"security": {"enable_sandboxing": False}}) as registry:
        attempts = registry.self_check()
    assert any(not attempt["stopped"] for attempt in attempts)


def test_the_intruder_never_runs_in_this_process():
    with (
        PluginRegistry({"engine": "inline", "security": {"enable_sandboxing": False}}) as registry,
        pytest.raises(SandboxUnavailableError, match="inline"),
    ):
        registry.self_check()


def test_the_report_names_every_protection_in_force(registry):
    reported = {row["name"] for row in registry.sandbox_report() if row["available"]}
    assert {"process", "rlimits", "no_new_privs", "landlock", "seccomp"} <= reported
    assert all(row["purpose"] for row in registry.sandbox_report())


def test_the_policy_is_what_settings_and_manifest_give():
    with PluginRegistry({"plugins": {"dtw_align": {"max_memory_mb": 64, "max_threads": 3}}}) as registry:
        registry.discover_plugins(REPOSITORY / "plugins")
        policy = registry.get_policy("dtw_align")
        assert policy["max_memory_bytes"] == 64 << 20
        assert policy["max_threads"] == 3
        assert registry.get_policy("twed_distance")["max_memory_bytes"] == 512 << 20


def test_a_blocked_import_is_named_with_file_and_line():
    settings = {"security": {"blocked_modules": ["ctypes"], "allowed_modules": None}}
    with PluginRegistry(settings) as registry:
        registry.discover_plugins(SAMPLES)
        with pytest.raises(
            PluginLoadError, match=r"behaviours\.py:\d+: module 'ctypes' is in security\.blocked_modules"
        ):
            registry.execute_plugin("behaviours", {})


def test_what_is_not_given_is_accepted_only_by_name(nothing_left):
    with PluginRegistry(
        {**OPEN_IMPORTS, "security": {**OPEN_IMPORTS["security"], "accept_missing": ["landlock"]}}
    ) as registry:
        registry.discover_plugins(SAMPLES)
        result = registry.execute_plugin("behaviours", {"series": [1.0]})
    assert "landlock" in result.execution.protections
