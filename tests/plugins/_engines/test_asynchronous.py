"""Calls from an event loop: the answers and errors of calls in threads, and nothing left when they are cancelled."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest
from tests.conftest import OPEN_IMPORTS, SAMPLES, eventually, workers

from platform_base.plugins.errors import (
    InvalidInputsError,
    PluginFailedError,
    PluginNotFoundError,
    PluginTimeoutError,
    RegistryClosedError,
    WorkerCrashedError,
)
from platform_base.plugins.registry import PluginRegistry


def started(**workers):
    registry = PluginRegistry({**OPEN_IMPORTS, "workers": workers})
    registry.discover_plugins(SAMPLES)
    return registry


async def call(registry, do, **given):
    timeout = given.pop("timeout", None)
    result = await registry.aexecute_plugin("behaviours", {"do": do, **given}, timeout=timeout)
    return result.values


@pytest.mark.parametrize("size", [1, 1000, 3_000_000])
def test_an_answer_is_that_of_a_call_in_a_thread(registry, size):
    series = np.random.default_rng(2).random(size)
    values = asyncio.run(call(registry, "scale", series=series))
    np.testing.assert_array_equal(values, series * 2)


@pytest.mark.parametrize(
    ("do", "given", "error"),
    [
        ("raise_error", {}, PluginFailedError),
        ("echo", {"refuse": 1}, InvalidInputsError),
        ("exit_at_once", {}, WorkerCrashedError),
        ("hang", {"timeout": 0.1}, PluginTimeoutError),
    ],
)
def test_errors_are_those_of_a_call_in_a_thread_and_the_next_call_works(registry, do, given, error):
    async def both():
        with pytest.raises(error):
            await call(registry, do, **given)
        return await call(registry, "echo", value=3)

    assert asyncio.run(both()) == 3
    assert registry.get_plugin_stats("behaviours")["failures"] == {error.__name__: 1}


def test_an_unknown_plugin_is_named(registry):
    with pytest.raises(PluginNotFoundError, match="nowhere"):
        asyncio.run(registry.aexecute_plugin("nowhere", {}))


def test_many_tasks_share_few_workers_and_need_no_threads(nothing_left):
    async def many():
        names = {thread.name for thread in threading.enumerate()}
        answers = await asyncio.gather(*(call(registry, "echo", value=number) for number in range(100)))
        return answers, {thread.name for thread in threading.enumerate()} - names

    with started(max=2) as registry:
        registry.load_plugin("behaviours")
        answers, new = asyncio.run(many())
        assert len(workers(registry)) <= 2
    assert answers == list(range(100))
    # The second worker is started in a thread of the loop's executor; no call has one.
    assert len([name for name in new if not name.startswith("platform_base")]) <= 1


def test_cancelling_a_task_ends_its_worker(nothing_left):
    async def cancel():
        begun = asyncio.Event()
        task = asyncio.create_task(
            registry.aexecute_plugin("behaviours", {"do": "report"}, progress=lambda *_: begun.set())
        )
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with started(max=1) as registry:
        asyncio.run(cancel())
        assert eventually(lambda: workers(registry) == [])
        assert asyncio.run(call(registry, "echo", value=1)) == 1
        assert registry.get_plugin_stats("behaviours")["failures"] == {"Cancelled": 1}


def test_cancelling_tasks_that_wait_for_a_worker_loses_no_worker(nothing_left):
    async def cancel():
        begun = asyncio.Event()
        first = asyncio.create_task(
            registry.aexecute_plugin("behaviours", {"do": "report"}, progress=lambda *_: begun.set())
        )
        await begun.wait()
        waiting = [asyncio.create_task(call(registry, "echo", value=number)) for number in range(6)]
        await asyncio.sleep(0)
        for task in waiting[::2]:
            task.cancel()
        await first
        return await asyncio.gather(*waiting, return_exceptions=True)

    with started(max=1) as registry:
        outcomes = asyncio.run(cancel())
        assert [type(outcome).__name__ for outcome in outcomes] == ["CancelledError", "int"] * 3
        assert len(workers(registry)) == 1
        assert registry.execute_plugin("behaviours", {"do": "echo", "value": 1}).values == 1


def test_a_task_that_is_cancelled_while_its_worker_starts_leaves_a_usable_pool(nothing_left):
    async def cancel():
        task = asyncio.create_task(call(registry, "echo", value=0))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await call(registry, "echo", value=5)

    with started(max=1) as registry:
        registry.load_plugin("behaviours")
        registry.unload_plugin("behaviours")
        assert asyncio.run(cancel()) == 5


def test_a_task_that_is_cancelled_twice_while_its_worker_starts_leaves_nothing(nothing_left):
    async def cancel():
        task = asyncio.create_task(call(registry, "echo", value=0))
        for _ in range(4):
            await asyncio.sleep(0)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await call(registry, "echo", value=6)

    with started(max=1) as registry:
        registry.load_plugin("behaviours")
        registry.unload_plugin("behaviours")
        assert asyncio.run(cancel()) == 6


def test_a_timeout_around_a_call_stops_the_work(nothing_left):
    async def hurry():
        async with asyncio.timeout(0.2):
            await call(registry, "hang")

    with started(max=1) as registry:
        registry.load_plugin("behaviours")
        with pytest.raises(TimeoutError):
            asyncio.run(hurry())
        assert eventually(lambda: workers(registry) == [])


def test_closing_the_registry_ends_calls_in_other_loops(nothing_left):
    ended, begun = [], threading.Event()

    async def wait():
        try:
            await registry.aexecute_plugin("behaviours", {"do": "report"}, progress=lambda *_: begun.set())
        except RegistryClosedError as error:
            ended.append(error)

    registry = started(max=1)
    thread = threading.Thread(target=lambda: asyncio.run(wait()))
    thread.start()
    assert begun.wait(10)
    registry.close()
    thread.join(10)
    assert len(ended) == 1
