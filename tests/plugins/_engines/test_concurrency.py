"""Many callers, few workers: turns, limits, idle time."""

from __future__ import annotations

import concurrent.futures
import signal
import threading

import numpy as np
import pytest
from tests.conftest import OPEN_IMPORTS, REPOSITORY, SAMPLES, eventually, workers
from tests.plugins.test_registry_execution import kill_and_wait

from platform_base.plugins._host.cancellation import Cancellation
from platform_base.plugins.errors import QueueFullError
from platform_base.plugins.registry import PluginRegistry


def registry_with(**given):
    registry = PluginRegistry({**OPEN_IMPORTS, "workers": given})
    registry.discover_plugins(SAMPLES)
    return registry


def process(registry):
    return registry.execute_plugin("behaviours", {"do": "process"}).values


def test_never_more_workers_than_allowed(nothing_left):
    with registry_with(max=2) as registry, concurrent.futures.ThreadPoolExecutor(8) as executor:
        pids = list(executor.map(lambda _: process(registry), range(64)))
    assert 1 <= len(set(pids)) <= 2


def test_a_cap_on_all_workers_stops_idle_ones_of_other_plugins(nothing_left):
    with registry_with(total=1) as registry:
        registry.discover_plugins(REPOSITORY / "plugins")
        first = process(registry)
        assert process(registry) == first
        registry.execute_plugin("plugin_template", {"series": [1.0]})
        assert process(registry) != first


def test_callers_that_wait_are_served_first_come_first_served(nothing_left):
    order, begun = [], threading.Event()
    with registry_with(max=1) as registry:

        def block():
            registry.execute_plugin("behaviours", {"do": "report"}, progress=lambda *_: begun.set())

        def call(number):
            process(registry)
            order.append(number)

        threads = [threading.Thread(target=block)]
        threads[0].start()
        assert begun.wait(10)
        for number in range(5):
            threads.append(threading.Thread(target=call, args=(number,)))
            threads[-1].start()
            waiting = number + 1
            assert eventually(lambda waiting=waiting: waiting_callers(registry) == waiting)
        for thread in threads:
            thread.join()
    assert order == [0, 1, 2, 3, 4]


def test_a_full_queue_refuses_one_more_call_and_says_how_to_allow_it(nothing_left):
    begun = threading.Event()
    with registry_with(max=1, max_waiting=1) as registry, concurrent.futures.ThreadPoolExecutor(2) as executor:
        first = executor.submit(
            registry.execute_plugin, "behaviours", {"do": "report"}, progress=lambda *_: begun.set()
        )
        assert begun.wait(10)
        second = executor.submit(process, registry)
        assert eventually(lambda: waiting_callers(registry) == 1)
        with pytest.raises(
            QueueFullError, match=r"1 calls wait .*plugins\.behaviours\.workers\.max_waiting"
        ) as refused:
            process(registry)
        assert refused.value.waiting == 1
        assert second.result(10)
        assert first.result(10)
        assert process(registry)


def test_a_cancelled_call_leaves_the_queue(nothing_left):
    begun = threading.Event()
    with registry_with(max=1) as registry:
        first = registry.submit_plugin("behaviours", {"do": "report"}, progress=lambda *_: begun.set())
        assert begun.wait(10)
        second = registry.submit_plugin("behaviours", {"do": "process"})
        assert eventually(lambda: waiting_callers(registry) == 1)
        assert second.cancel()
        assert eventually(lambda: waiting_callers(registry) == 0)
        assert not first.done()


def test_a_call_can_be_cancelled_again(nothing_left):
    begun = threading.Event()
    with registry_with(max=1) as registry:
        future = registry.submit_plugin("behaviours", {"do": "report"}, progress=lambda *_: begun.set())
        assert begun.wait(10)
        assert [future.cancel() for _ in range(3)] == [True, True, True]
        with pytest.raises(concurrent.futures.CancelledError):
            future.result(10)


def test_two_plugins_take_turns_when_there_is_room_for_one_worker(nothing_left):
    order = []
    with registry_with(total=1) as registry:
        registry.discover_plugins(REPOSITORY / "plugins")
        process(registry)

        def keep_calling(plugin_id, inputs, rounds):
            for _ in range(rounds):
                registry.execute_plugin(plugin_id, inputs)
                order.append(plugin_id)

        busy = [threading.Thread(target=keep_calling, args=("behaviours", {"do": "process"}, 40)) for _ in range(3)]
        other = threading.Thread(target=keep_calling, args=("plugin_template", {"series": [1.0]}, 3))
        for thread in (*busy, other):
            thread.start()
        for thread in (*busy, other):
            thread.join()
    # The busy plugin's callers never leave the queue empty; the other one's three calls are done long before theirs.
    assert len(order) == 123
    assert order[:110].count("plugin_template") == 3


def waiting_callers(registry):
    groups = registry._engine._pool._groups.values()
    return sum(len(group.waiting) for group in groups)


def test_idle_workers_are_stopped(nothing_left):
    with registry_with(idle_seconds=0.05) as registry:
        first = process(registry)
        assert eventually(
            lambda: not registry._engine._pool.counts() or registry._engine._pool.counts().popitem()[1] == (0, 0)
        )
        assert process(registry) != first


def test_eight_threads_get_their_own_answers(nothing_left):
    generator = np.random.default_rng(1)
    inputs = [generator.random(int(size)) for size in generator.integers(1, 50_000, 200)]
    with registry_with(max=3) as registry, concurrent.futures.ThreadPoolExecutor(8) as executor:
        results = list(
            executor.map(lambda series: registry.execute_plugin("behaviours", {"series": series}).values, inputs)
        )
    for series, result in zip(inputs, results, strict=True):
        np.testing.assert_array_equal(result, series * 2)


@pytest.mark.parametrize("percent", [25, 50])
def test_the_share_of_a_core_is_never_exceeded(nothing_left, percent):
    settings = {"security": {**OPEN_IMPORTS["security"], "max_cpu_percent": percent}}
    with PluginRegistry(settings) as registry:
        registry.discover_plugins(SAMPLES)
        execution = registry.execute_plugin("behaviours", {"do": "spin", "cpu_seconds": percent / 100 * 2}).execution
    # A busy machine may give it less; `benchmarks/confinement.py` shows how exact the share is on a quiet one.
    assert execution.cpu_seconds / execution.wall_seconds <= percent / 100 + 0.05


def test_workers_are_kept_ready_and_replaced(nothing_left):
    with registry_with(min=2, max=3, idle_seconds=0.05) as registry:
        process(registry)
        assert eventually(lambda: idle_workers(registry) == 2)
        kill_and_wait(workers(registry)[0])
        with concurrent.futures.ThreadPoolExecutor(3) as executor:
            pids = list(executor.map(lambda _: process(registry), range(12)))
        assert len(pids) == 12
        assert eventually(lambda: idle_workers(registry) == 2)


def idle_workers(registry):
    return sum(idle for _, idle in registry._engine._pool.counts().values())


def waiting(registry):
    return sum(calls for _, _, calls in registry._engine._pool.members().values())


def test_ctrl_c_takes_a_waiting_caller_out_of_the_queue(nothing_left):
    with registry_with(max=1) as registry:
        endless = registry.submit_plugin("behaviours", {"do": "hang"})
        assert eventually(lambda: [row["state"] for row in registry.list_workers()] == ["busy"])
        caller = threading.get_ident()

        def interrupt():
            assert eventually(lambda: waiting(registry) == 1)
            signal.pthread_kill(caller, signal.SIGINT)

        interrupter = threading.Thread(target=interrupt)
        interrupter.start()
        with pytest.raises(KeyboardInterrupt):
            process(registry)
        interrupter.join()
        assert waiting(registry) == 0
        endless.cancel()
        assert process(registry) == process(registry)


def test_a_worker_that_came_in_the_moment_of_ctrl_c_goes_to_the_next_caller(nothing_left):
    with registry_with(max=1) as registry:
        first = process(registry)
        (lane,) = registry._engine._lanes.values()
        woken = threading.Lock()
        woken.acquire()
        place = lane._queue(woken.release, Cancellation())
        assert place.worker is not None
        lane._abandon(place)
        assert process(registry) == first
