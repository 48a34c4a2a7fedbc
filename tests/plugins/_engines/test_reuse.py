"""Each call in a process that has served nobody, where that is wished."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import shutil

import pytest
from tests.conftest import OPEN_IMPORTS, SAMPLES, eventually, workers

from platform_base.plugins.registry import PluginRegistry


def registry_with(directory=SAMPLES, **given):
    registry = PluginRegistry({**OPEN_IMPORTS, "workers": given})
    registry.discover_plugins(directory)
    return registry


def call(registry, do="process"):
    return registry.execute_plugin("behaviours", {"do": do}).values


def test_nothing_leaks_from_call_to_call(nothing_left):
    with registry_with(reuse="call") as registry:
        assert [call(registry, "count_calls") for _ in range(6)] == [1] * 6
        assert len({call(registry) for _ in range(6)}) == 6
    with registry_with() as registry:
        assert [call(registry, "count_calls") for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("most", [1, 2])
def test_nor_when_many_call_at_once(nothing_left, most):
    with registry_with(reuse="call", max=most) as registry, concurrent.futures.ThreadPoolExecutor(6) as executor:
        seen = list(executor.map(lambda _: call(registry), range(30)))
        assert len(set(seen)) == 30
        assert len(workers(registry)) <= most + 1


def test_nor_in_an_event_loop(nothing_left):
    async def count(registry):
        calls = [registry.aexecute_plugin("behaviours", {"do": "count_calls"}) for _ in range(8)]
        return [result.values for result in await asyncio.gather(*calls)]

    with registry_with(reuse="call", max=2) as registry:
        assert asyncio.run(count(registry)) == [1] * 8


def counts(registry):
    return list(registry._engine._pool.counts().values())


def test_the_next_process_is_ready_before_the_next_call(nothing_left):
    with registry_with(reuse="call") as registry:
        call(registry)
        for _ in range(3):
            assert eventually(lambda: counts(registry) == [(1, 1)])
            (ready,) = workers(registry)
            starts = registry.get_plugin_stats("behaviours")["cold_starts"]
            call(registry)
            assert eventually(lambda: counts(registry) == [(1, 1)])
            assert workers(registry) != [ready]
            # One for the call after this one: this one found its own ready.
            assert registry.get_plugin_stats("behaviours")["cold_starts"] == starts + 1


def test_a_plugin_that_is_not_called_keeps_no_process(nothing_left):
    with registry_with(reuse="call", idle_seconds=0.2) as registry:
        call(registry)
        assert eventually(lambda: workers(registry) == [])
        starts = registry.get_plugin_stats("behaviours")["cold_starts"]
        assert call(registry, "count_calls") == 1
        assert registry.get_plugin_stats("behaviours")["cold_starts"] > starts


def test_a_wish_of_the_manifest_and_who_overrules_it(nothing_left, tmp_path):
    shutil.copytree(SAMPLES / "behaviours", tmp_path / "behaviours")
    manifest = tmp_path / "behaviours" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "reuse": "call"}))
    with registry_with(tmp_path) as registry:
        assert [call(registry, "count_calls") for _ in range(3)] == [1, 1, 1]
    with registry_with(tmp_path, reuse="worker") as registry:
        assert [call(registry, "count_calls") for _ in range(3)] == [1, 2, 3]


def test_inline_too(nothing_left, tmp_path):
    shutil.copytree(SAMPLES / "behaviours", tmp_path / "reused_inline")
    settings = {"engine": "inline", "security": {"enable_sandboxing": False}, "workers": {"reuse": "call"}}
    with PluginRegistry(settings) as registry:
        registry.discover_plugins(tmp_path)
        assert [call(registry, "count_calls") for _ in range(3)] == [1, 1, 1]
