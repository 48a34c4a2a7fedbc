"""Calls that wait for a worker of a quick plugin travel together, and nobody can tell from what becomes of them."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import json
import threading

import numpy as np
import pytest
from tests.conftest import eventually

from platform_base.plugins._engines.base import Request
from platform_base.plugins._engines.delivery import of_one
from platform_base.plugins._engines.microbatch import Gathering, Pace, Passenger, is_small
from platform_base.plugins._engines.sharing import share
from platform_base.plugins._host.cancellation import Cancellation
from platform_base.plugins._host.supervisor import Answer
from platform_base.plugins._wire.batch import decode_batch, join
from platform_base.plugins._wire.codec import encode
from platform_base.plugins._wire.messages import Usage
from platform_base.plugins.errors import (
    EncodingError,
    InvalidInputsError,
    PluginFailedError,
    PluginTimeoutError,
    QueueFullError,
    RegistryClosedError,
    WorkerCrashedError,
)
from platform_base.plugins.registry import PluginRegistry

CODE = """
import os
import time

from platform_base.core.models import ProcessingResult
from platform_base.plugins.base import get_context


class Quick:
    def execute(self, inputs):
        value, wish = inputs["value"], inputs.get("wish")
        if wish == "raise":
            raise ValueError(f"no {value}")
        if wish == "die":
            os._exit(3)
        if wish == "unsendable":
            return ProcessingResult(values={1, 2})
        if wish == "print":
            print("value", value)
        if wish == "block":
            get_context().report_progress(0.5)
            time.sleep(0.3)
        if wish == "hang":
            time.sleep(60)
        return ProcessingResult(values=value * 2, metadata={"pid": os.getpid()})

    def validate_inputs(self, inputs):
        return inputs.get("wish") != "refuse"

    def get_manifest(self):
        return {"plugin_id": "quick", "version": "1.0.0"}
"""
QUICK_CALLS = 70


@pytest.fixture
def plugins(tmp_path):
    directory = tmp_path / "plugins" / "quick"
    directory.mkdir(parents=True)
    (directory / "quick.py").write_text(CODE)
    manifest = {"plugin_id": "quick", "version": "1.0.0", "entry_point": "quick.Quick"}
    (directory / "manifest.json").write_text(json.dumps(manifest))
    return directory


@pytest.fixture
def make_registry(plugins, nothing_left):
    made = []

    def make(**workers):
        security = {"allowed_modules": None, "blocked_modules": []}
        registry = PluginRegistry({"security": security, "workers": {"max": 1, **workers}})
        made.append(registry)
        registry.discover_plugins(plugins)
        lane = warm_up(registry)
        return registry, lane

    yield make
    for registry in made:
        registry.close()


def warm_up(registry):
    """Make calls until the plugin is known to be quick; a busy machine may make one of them look slow."""
    registry.load_plugin("quick")
    (lane,) = registry._engine._lanes.values()
    for value in range(50 * QUICK_CALLS):
        registry.execute_plugin("quick", {"value": value})
        if lane.pace.is_quick:
            return lane
    raise AssertionError("70 quick calls in a row never happened")


def behind_a_blocked_worker(registry, lane, calls, *, submit=None):
    """Make calls while the only worker is busy; return their futures once all of them wait."""
    begun = threading.Event()
    blocker = registry.submit_plugin("quick", {"value": 0, "wish": "block"}, progress=lambda *_: begun.set())
    assert begun.wait(10)
    futures = [(submit or registry.submit_plugin)("quick", *call) for call in calls]
    assert eventually(lambda: registry._engine.waiting().get("quick", 0) == len(calls))
    assert lane.gathering.followers == len(calls) - 1
    return blocker, futures


def messages(results):
    """How many messages brought these results: those of one have equal shares of one time."""
    return len({(each.execution.wall_seconds, each.execution.cpu_seconds) for each in results})


def test_calls_that_wait_come_back_from_one_message_each_with_its_own_result(make_registry):
    registry, lane = make_registry()
    blocker, futures = behind_a_blocked_worker(registry, lane, [({"value": number},) for number in range(7)])
    results = [future.result(10) for future in futures]
    assert blocker.result(10).values == 0
    assert [result.values for result in results] == [2 * number for number in range(7)]
    assert messages(results) == 1
    assert len({result.execution.run_id for result in results}) == 7
    assert all(result.execution.queue_seconds > 0 for result in results)
    assert lane.gathering.followers == 0
    assert registry.get_plugin_stats("quick")["failure_count"] == 0


def test_parameters_arrays_and_metadata_are_those_of_each_call(make_registry):
    registry, lane = make_registry()
    series = [np.arange(number, dtype=np.float32) for number in range(5)]
    _, futures = behind_a_blocked_worker(registry, lane, [({"value": each},) for each in series])
    for future, each in zip(futures, series, strict=True):
        result = future.result(10)
        np.testing.assert_array_equal(result.values, each * 2)
        assert result.values.dtype == np.float32
        assert result.values.flags.writeable
        assert result.metadata["pid"] > 0


def test_each_error_goes_to_its_own_caller(make_registry):
    registry, lane = make_registry()
    wishes = [None, "raise", None, "refuse", "unsendable", None]
    calls = [({"value": number, "wish": wish},) for number, wish in enumerate(wishes)]
    _, futures = behind_a_blocked_worker(registry, lane, calls)
    kinds = {"raise": PluginFailedError, "refuse": InvalidInputsError, "unsendable": EncodingError}
    for number, (wish, future) in enumerate(zip(wishes, futures, strict=True)):
        if wish is None:
            assert future.result(10).values == 2 * number
        else:
            error = future.exception(10)
            assert type(error) is kinds[wish]
            assert error.run_id
            assert error.execution.run_id == error.run_id
    assert "no 1" in str(futures[1].exception())
    assert registry.get_plugin_stats("quick")["failures"] == {kind.__name__: 1 for kind in kinds.values()}


def test_a_worker_that_dies_costs_only_the_call_that_killed_it(make_registry):
    registry, lane = make_registry()
    calls = [({"value": number, "wish": "die" if number == 2 else None},) for number in range(6)]
    _, futures = behind_a_blocked_worker(registry, lane, calls)
    with pytest.raises(WorkerCrashedError):
        futures.pop(2).result(20)
    assert [future.result(20).values for future in futures] == [0, 2, 6, 8, 10]
    assert registry.get_plugin_stats("quick")["failures"] == {"WorkerCrashedError": 1}


def test_a_call_that_hangs_times_out_alone(make_registry):
    registry, lane = make_registry()
    calls = [({"value": number, "wish": "hang" if number == 1 else None}, None, 1.0) for number in range(4)]
    _, futures = behind_a_blocked_worker(registry, lane, calls)
    with pytest.raises(PluginTimeoutError, match="1 s"):
        futures.pop(1).result(30)
    assert [future.result(30).values for future in futures] == [0, 4, 6]


@pytest.mark.parametrize("place", [0, 1, 4])
def test_a_call_that_is_cancelled_while_it_waits_is_gone_and_the_others_are_not(make_registry, place):
    registry, lane = make_registry()
    blocker, futures = behind_a_blocked_worker(registry, lane, [({"value": number},) for number in range(5)])
    assert futures[place].cancel()
    assert eventually(lambda: registry._engine.waiting()["quick"] == 4)
    values = [future.result(10).values for future in futures if not future.cancelled()]
    assert values == [2 * number for number in range(5) if number != place]
    assert blocker.result(10).values == 0


def test_a_call_that_is_cancelled_on_the_way_takes_nobody_with_it(make_registry):
    registry, lane = make_registry()
    calls = [({"value": number, "wish": "hang" if number == 1 else None},) for number in range(4)]
    blocker, futures = behind_a_blocked_worker(registry, lane, calls)
    blocker.result(10)
    assert eventually(lambda: lane.gathering.followers == 0)
    assert futures[1].cancel()
    assert [futures[number].result(10).values for number in (0, 2, 3)] == [0, 4, 6]


def test_calls_with_other_deadlines_progress_or_much_data_go_on_their_own(make_registry):
    registry, lane = make_registry()
    _, futures = behind_a_blocked_worker(registry, lane, [({"value": 1},), ({"value": 2},)])
    others = [
        registry.submit_plugin("quick", {"value": 3}, timeout=9.0),
        registry.submit_plugin("quick", {"value": 4}, progress=lambda *_: None),
        registry.submit_plugin("quick", {"value": np.ones(1000)}),
    ]
    assert eventually(lambda: registry._engine.waiting()["quick"] == 5)
    assert lane.gathering.followers == 1
    assert [future.result(10).values for future in (*futures, *others[:2])] == [2, 4, 6, 8]
    np.testing.assert_array_equal(others[2].result(10).values, np.full(1000, 2.0))


def test_what_is_printed_belongs_to_its_call_so_plugins_that_print_stay_apart(make_registry):
    registry, lane = make_registry()
    registry.execute_plugin("quick", {"value": 1, "wish": "print"})
    assert not lane.pace.is_quick


def test_a_full_queue_counts_those_who_wait_together(make_registry):
    registry, lane = make_registry(max_waiting=3)
    _, futures = behind_a_blocked_worker(registry, lane, [({"value": number},) for number in range(3)])
    with pytest.raises(QueueFullError, match="3 calls wait"):
        registry.execute_plugin("quick", {"value": 9})
    assert [future.result(10).values for future in futures] == [0, 2, 4]
    assert registry.execute_plugin("quick", {"value": 9}).values == 18


def test_tasks_of_an_event_loop_share_messages_too(make_registry):
    registry, _ = make_registry()

    async def run():
        results = await asyncio.gather(*(registry.aexecute_plugin("quick", {"value": n}) for n in range(12)))
        return [result.values for result in results], messages(results)

    values, count = asyncio.run(run())
    assert values == [2 * number for number in range(12)]
    assert count == 2


def test_tasks_and_threads_together_and_tasks_that_are_cancelled(make_registry):
    registry, lane = make_registry()

    async def run():
        _, futures = behind_a_blocked_worker(registry, lane, [({"value": 1},), ({"value": 2},)])
        tasks = [asyncio.create_task(registry.aexecute_plugin("quick", {"value": n})) for n in range(10, 16)]
        await asyncio.sleep(0)
        assert lane.gathering.followers == 7
        tasks[0].cancel()
        tasks[5].cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        return [future.result(10).values for future in futures], ends

    values, ends = asyncio.run(run())
    assert values == [2, 4]
    assert [type(end) for end in (ends[0], ends[5])] == [asyncio.CancelledError] * 2
    assert [end.values for end in ends[1:5]] == [22, 24, 26, 28]


def test_an_event_loop_that_is_gone_before_the_message_is_answered_keeps_nobody_waiting(make_registry):
    registry, lane = make_registry()
    blocker, (leader,) = behind_a_blocked_worker(registry, lane, [({"value": 1, "wish": "block"},)])

    async def run():
        task = asyncio.create_task(registry.aexecute_plugin("quick", {"value": 2}))
        await asyncio.sleep(0)
        assert lane.gathering.followers == 1
        behind = [registry.submit_plugin("quick", {"value": number}) for number in (3, 4)]
        while lane.gathering.followers != 3:
            await asyncio.sleep(0.001)
        while lane.gathering.followers:
            await asyncio.sleep(0.001)
        task.cancel()
        return behind

    behind = asyncio.run(run())
    assert blocker.result(10).values == 0
    assert [future.result(10).values for future in behind] == [6, 8]
    assert leader.result(10).values == 2


def test_closing_the_registry_ends_those_who_wait_together(make_registry):
    registry, lane = make_registry()
    _, futures = behind_a_blocked_worker(registry, lane, [({"value": number},) for number in range(5)])
    registry.close()
    ends = [future.exception(10) if not future.cancelled() else None for future in futures]
    assert all(end is None or isinstance(end, RegistryClosedError) for end in ends)


def test_many_threads_many_calls_none_lost_none_mixed_up(make_registry):
    registry, _ = make_registry(max=2)
    wrong = []

    def work(number):
        for step in range(200):
            value = number * 1000 + step
            result = registry.execute_plugin("quick", {"value": value})
            if result.values != 2 * value:
                wrong.append((value, result.values))

    with concurrent.futures.ThreadPoolExecutor(8) as executor:
        for future in [executor.submit(work, number) for number in range(8)]:
            future.result(60)
    assert wrong == []
    assert registry.get_plugin_stats("quick")["failure_count"] == 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("tasks_first", [True, False])
def test_a_loop_that_is_closed_with_tasks_in_it_keeps_no_worker_and_nobody_waiting(make_registry, tasks_first):
    registry, lane = make_registry()
    loop = asyncio.new_event_loop()
    begun = threading.Event()
    blocker = registry.submit_plugin("quick", {"value": 0, "wish": "block"}, progress=lambda *_: begun.set())
    assert begun.wait(10)

    async def leave_tasks():
        tasks = [asyncio.create_task(registry.aexecute_plugin("quick", {"value": n})) for n in range(3)]
        await asyncio.sleep(0)
        return tasks

    def leave_a_loop():
        loop.run_until_complete(leave_tasks())
        loop.close()

    if tasks_first:
        leave_a_loop()
    futures = [registry.submit_plugin("quick", {"value": number}) for number in range(4)]
    assert eventually(lambda: registry._engine.waiting()["quick"] == 4 + 3 * tasks_first)
    if not tasks_first:
        leave_a_loop()
    assert [future.result(20).values for future in futures] == [0, 2, 4, 6]
    assert blocker.result(10).values == 0
    assert registry.submit_plugin("quick", {"value": 5}).result(20).values == 10
    assert lane.gathering.followers == 0
    assert eventually(lambda: gc.collect() >= 0 and not registry._engine._active)
    assert [workers for workers, _ in registry._engine._pool.counts().values()] == [1]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_loop_that_is_closed_in_the_middle_of_a_call_gives_its_worker_back(make_registry):
    registry, _ = make_registry()
    loop = asyncio.new_event_loop()

    async def leave_a_task():
        task = asyncio.create_task(registry.aexecute_plugin("quick", {"value": 0, "wish": "hang"}))
        while not any(row["state"] == "busy" for row in registry._engine.workers()):
            await asyncio.sleep(0)
        return task

    loop.run_until_complete(leave_a_task())
    loop.close()
    assert eventually(lambda: gc.collect() >= 0 and not registry._engine._active)
    assert registry.submit_plugin("quick", {"value": 5}).result(20).values == 10


def test_a_leader_who_is_interrupted_before_his_message_leaves_nobody_waiting(make_registry):
    registry, lane = make_registry()
    request = Request(deployment=None, inputs={"value": 1}, parameters={}, timeout_s=1.0)
    message = of_one(request, encode(request.inputs, root="inputs"), Cancellation())
    woken = []

    def interrupt():
        raise KeyboardInterrupt

    def follow(wake):
        made = Passenger(
            request=request, encoded=message.encoded, cancellation=Cancellation(), wake=wake, began=message.began
        )
        assert lane.gathering.join(made, 100)
        return made

    taken = lane.try_take()
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        leader = executor.submit(share, lane, message)
        assert eventually(lambda: registry._engine.waiting().get("quick", 0) == 1)
        follow(lambda: woken.append("first"))
        follow(interrupt).cancellation.cancel()
        follow(lambda: woken.append("last"))
        lane.give_back(taken, fit=True)
        with pytest.raises(KeyboardInterrupt):
            leader.result(10)
    assert woken == ["first", "last"]
    assert lane.gathering.followers == 0
    assert registry.submit_plugin("quick", {"value": 5}).result(20).values == 10


# -- the parts by themselves -----------------------------------------------------------------------------------------


def passenger(gathering, *, room=100, timeout_s=1.0, woken=None, loop=None):
    request = Request(deployment=None, inputs={}, parameters={}, timeout_s=timeout_s)
    made = Passenger(
        request=request,
        encoded=encode({}, root=""),
        cancellation=Cancellation(),
        wake=lambda: woken.append(made) if woken is not None else None,
        began=0.0,
        loop=loop,
    )
    return made if gathering.join(made, room) else None


def test_the_first_leads_and_takes_all_along():
    gathering = Gathering()
    first, second, third = (passenger(gathering) for _ in range(3))
    assert [each.leads for each in (first, second, third)] == [True, False, False]
    assert gathering.followers == 2
    assert gathering.depart(first) == [first, second, third]
    assert gathering.followers == 0
    assert passenger(gathering).leads
    assert gathering.depart(first) == []


def test_a_leader_who_leaves_is_followed_by_the_next():
    gathering, woken = Gathering(), []
    first, second, third = (passenger(gathering, woken=woken) for _ in range(3))
    gathering.leave(first)
    assert woken == [second]
    assert second.waits_to_lead
    assert not third.leads
    assert gathering.followers == 1
    assert gathering.depart(second) == [second, third]


def test_nobody_waits_for_the_event_loop_of_another():
    gathering, woken, loop = Gathering(), [], object()
    task, same = (passenger(gathering, loop=loop, woken=woken) for _ in range(2))
    assert passenger(gathering) is None
    assert passenger(gathering, loop=object()) is None
    assert gathering.depart(task) == [task, same]

    thread, task, other = (passenger(gathering, loop=each, woken=woken) for each in (None, loop, None))
    gathering.leave(thread)
    assert woken == [other]
    assert gathering.depart(other) == [other, task]


def test_who_leaves_is_woken_once_and_only_while_he_is_there():
    gathering, woken = Gathering(), []
    first, second = (passenger(gathering, woken=woken) for _ in range(2))
    error = concurrent.futures.CancelledError()
    gathering.leave(second, error)
    gathering.leave(second, error)
    assert woken == [second]
    assert second.outcome is error
    assert gathering.depart(first) == [first]
    gathering.leave(first, error)
    assert woken == [second]


def test_a_gathering_is_bounded_and_of_one_kind():
    gathering = Gathering()
    first = passenger(gathering)
    assert passenger(gathering, timeout_s=2.0) is None
    assert passenger(gathering, room=0) is None
    rest = [passenger(gathering) for _ in range(31)]
    leader = passenger(gathering)
    assert leader.leads
    assert gathering.depart(first) == [first, *rest]
    assert gathering.depart(leader) == [leader]


def answer(seconds, *, printed=False):
    return Answer(
        values=None, metadata={}, usage=Usage(0.0, 0), wall_seconds=seconds, warnings=(), printed=printed, outcomes=()
    )


def test_a_plugin_is_quick_after_a_while_and_one_slow_call_is_remembered():
    pace = Pace()
    for _ in range(63):
        pace.learn(answer(0.0001), 0)
    assert not pace.is_quick
    pace.learn(answer(0.0001), 0)
    assert pace.is_quick
    pace.learn(answer(0.01), 32)
    assert pace.is_quick
    pace.learn(answer(0.01), 4)
    assert not pace.is_quick
    for _ in range(2):
        pace.learn(answer(0.001), 32)
    assert pace.is_quick
    pace.learn(answer(0.0001, printed=True), 0)
    assert not pace.is_quick


@pytest.mark.parametrize("count", [1, 2, 15, 16, 40])
def test_bodies_joined_are_a_batch(count):
    values = [{"n": number, "text": "é" * number, "array": np.arange(number)} for number in range(count)]
    joined = join([encode(value, root="").body for value in values])
    read = decode_batch(joined.body, None, count)
    assert [value["n"] for value in read] == list(range(count))
    assert [value["text"] for value in read] == [value["text"] for value in values]
    for one, other in zip(read, values, strict=True):
        np.testing.assert_array_equal(one["array"], other["array"])


def test_what_is_small():
    assert is_small(encode({"x": np.zeros(100)}, root=""))
    assert not is_small(encode({"x": np.zeros(1000)}, root=""))
    assert not is_small(encode({"x": "t" * 5000}, root=""))
