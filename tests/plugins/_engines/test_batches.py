"""Many small inputs: order, errors, deaths, and what travels together."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from tests.conftest import OPEN_IMPORTS, SAMPLES

from platform_base.plugins._engines.batches import Grouping
from platform_base.plugins.errors import (
    EncodingError,
    InvalidInputsError,
    PluginFailedError,
    PluginTimeoutError,
    WorkerCrashedError,
)
from platform_base.plugins.registry import PluginRegistry


@pytest.fixture
def single(nothing_left):
    """One worker, so that what happens to it is known."""
    with PluginRegistry({**OPEN_IMPORTS, "workers": {"max": 1}}) as registry:
        registry.discover_plugins(SAMPLES)
        registry.load_plugin("behaviours")
        yield registry


def echoes(numbers):
    return ({"do": "echo", "value": number} for number in numbers)


def values(results):
    return [result.values for result in results]


@pytest.mark.parametrize("count", [0, 1, 2, 3000])
def test_results_come_in_order(single, count):
    results = list(single.map_plugin("behaviours", echoes(range(count)), {"factor": 3.0}))
    assert values(results) == list(range(count))
    assert all(result.metadata["params"]["factor"] == 3.0 for result in results)
    assert len({result.execution.run_id for result in results}) == count
    assert single.get_plugin_stats("behaviours")["success_count"] == count


def test_what_one_does_to_a_result_changes_no_other(single):
    results = list(single.map_plugin("behaviours", echoes(range(50)), {"factor": 3.0}))
    results[0].execution.parameters["factor"] = 9.0
    results[0].metadata["params"]["factor"] = 9.0
    assert all(result.execution.parameters["factor"] == 3.0 for result in results[1:])
    assert all(result.metadata["params"]["factor"] == 3.0 for result in results[1:])


def test_inputs_may_bring_parameters_of_their_own(single):
    many = [{"do": "echo", "value": n, "params": {"factor": float(n)}} for n in range(60)]
    results = list(single.map_plugin("behaviours", many))
    assert [result.execution.parameters["factor"] for result in results] == list(range(60))
    assert [result.metadata["params"]["factor"] for result in results] == list(range(60))


def test_arrays_of_every_size_come_back(registry):
    generator = np.random.default_rng(5)
    series = [generator.random(int(size)) for size in generator.integers(1, 40_000, 300)]
    results = registry.map_plugin("behaviours", [{"series": each} for each in series])
    for each, result in zip(series, results, strict=True):
        np.testing.assert_array_equal(result.values, each * 2)


def test_small_inputs_share_messages(single):
    list(single.map_plugin("behaviours", echoes(range(2000))))
    executions = [result.execution for result in single.map_plugin("behaviours", echoes(range(2000)))]
    # What one message brought has one time, shared among its items.
    groups = [len(list(group)) for _, group in itertools.groupby(executions, lambda each: each.wall_seconds)]
    assert max(groups) > 10


def test_an_error_ends_the_iteration_at_its_turn_and_names_the_input(single):
    inputs = [*echoes(range(500)), {"do": "raise_error"}, *echoes(range(500))]
    results = single.map_plugin("behaviours", inputs)
    assert values(itertools.islice(results, 500)) == list(range(500))
    with pytest.raises(PluginFailedError, match=r"^input 500 \(counted from 0\): .* raised ValueError") as failed:
        next(results)
    assert "raise_error" in failed.value.remote_traceback
    assert single.execute_plugin("behaviours", {"do": "echo", "value": 1}).values == 1


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        ({"do": "echo", "refuse": [1, 2]}, InvalidInputsError, "refuse: list of length 2"),
        ({"do": "return_unsendable"}, EncodingError, "the result of plugin"),
        ({"do": "echo", "value": {1, 2}}, EncodingError, "set cannot be sent"),
        ({"do": "return_nothing"}, PluginFailedError, "must return a ProcessingResult"),
        ({"do": "exit_system"}, PluginFailedError, "SystemExit"),
    ],
)
def test_every_failure_is_that_of_a_single_call(single, inputs, error, message):
    results = single.map_plugin("behaviours", [*echoes(range(300)), inputs, *echoes(range(5))])
    assert values(itertools.islice(results, 300)) == list(range(300))
    with pytest.raises(error, match=rf"input 300 .*{message}"):
        next(results)


def test_items_of_a_worker_that_died_are_run_again(single):
    """The item is deadly only among others: it counts the calls of its worker."""
    deadly = [{"do": "die_at_call", "number": 550}] * 600
    results = values(single.map_plugin("behaviours", deadly))
    assert len(results) == 600
    assert single.get_plugin_stats("behaviours")["failures"].keys() == {"WorkerCrashedError"}


def test_an_item_that_kills_twice_is_named(single):
    inputs = [*echoes(range(200)), {"do": "exit_at_once"}, *echoes(range(200))]
    results = single.map_plugin("behaviours", inputs)
    assert values(itertools.islice(results, 200)) == list(range(200))
    with pytest.raises(WorkerCrashedError, match=r"^input 200 \(counted from 0\): .*; it was run twice$"):
        next(results)


def test_without_retry_the_first_death_is_raised(single):
    inputs = [*echoes(range(200)), {"do": "exit_at_once"}]
    with pytest.raises(WorkerCrashedError):
        list(single.map_plugin("behaviours", inputs, retry=False))
    assert single.get_plugin_stats("behaviours")["failures"] == {"WorkerCrashedError": 1}


def test_a_timeout_is_that_of_one_item(single):
    inputs = [*echoes(range(100)), {"do": "hang"}]
    results = single.map_plugin("behaviours", inputs, timeout=0.5)
    assert values(itertools.islice(results, 100)) == list(range(100))
    with pytest.raises(PluginTimeoutError, match="input 100"):
        next(results)


def test_progress_is_told_while_one_iterates(single):
    told = []
    inputs = list(echoes(range(700)))
    list(single.map_plugin("behaviours", inputs, progress=lambda fraction, text: told.append((fraction, text))))
    assert told[-1] == (1.0, "700 of 700")
    assert [fraction for fraction, _ in told] == sorted(fraction for fraction, _ in told)
    told.clear()
    list(single.map_plugin("behaviours", iter(inputs), progress=lambda *report: told.append(report)))
    assert told[-1] == (0.0, "700 done")


def test_a_switch_in_the_middle_is_no_error(single):
    results = single.map_plugin("behaviours", echoes(range(1000)))
    first = values(itertools.islice(results, 10))
    single.unload_plugin("behaviours")
    assert first + values(results) == list(range(1000))


class TestGrouping:
    """How inputs are cut into groups."""

    def cut(self, grouping, stream):
        stream = list(stream)
        groups = list(grouping.groups(stream))
        assert [each for group in groups for each in group] == stream
        return [len(group) for group in groups]

    def inputs(self, size):
        return {"x": np.zeros(size)}

    def test_it_begins_with_one_and_grows_while_items_are_quick(self):
        grouping = Grouping()
        many = [self.inputs(0)] * 10
        assert self.cut(grouping, many) == [1] * 10
        grouping.learn(1, 1e-6)
        assert self.cut(grouping, many) == [8, 2]
        grouping.learn(8, 1e-5)
        assert self.cut(grouping, [self.inputs(0)] * 100) == [64, 36]

    def test_slow_items_go_alone(self):
        grouping = Grouping()
        grouping.learn(64, 1e-5)
        grouping.learn(64, 10.0)
        assert self.cut(grouping, [self.inputs(0)] * 3) == [1, 1, 1]

    def test_large_items_fill_a_group_sooner(self):
        grouping = Grouping()
        grouping.learn(1000, 1e-6)
        many = [{"name": "x" * 10_000, "place": number} for number in range(8)]
        assert self.cut(grouping, many) == [4, 4]

    def test_one_dictionary_may_be_used_for_all(self):
        grouping = Grouping()
        grouping.learn(1000, 1e-6)
        inputs = {}

        def stream():
            for number in range(3):
                inputs["number"] = number
                yield inputs

        assert list(grouping.groups(stream())) == [[{"number": 0}, {"number": 1}, {"number": 2}]]
