"""Arrays in shared memory: lent and handed out without a copy, and never to whom they do not belong."""

from __future__ import annotations

import gc
import logging
import os
import threading

import numpy as np
import pytest
from tests.conftest import OPEN_IMPORTS, SAMPLES, workers

from platform_base.plugins._host.leases import Leases
from platform_base.plugins.errors import PluginFailedError, RegistryClosedError
from platform_base.plugins.registry import PluginRegistry

LARGE = 1_000_000

MANIFEST = """{
  "plugin_id": "holder", "version": "1.0.0", "core_min_version": "2.0.0", "requires": ["numpy"],
  "produces": ["anything"], "entry_point": "holder.Holder", "description": "Holds on to what it may not keep"
}"""

HOLDER = """
import sys

import numpy as np

from platform_base.core.models import ProcessingResult

shared_memory = sys.modules["platform_base.plugins._worker.shared_memory"]
HELD = []
honest = shared_memory.map_results


def hold(descriptor, size):
    HELD.append(honest(descriptor, size))
    return HELD[-1]


class Holder:
    def get_manifest(self):
        return {"plugin_id": "holder", "version": "1.0.0"}

    def validate_inputs(self, inputs):
        return True

    def execute(self, inputs):
        return getattr(self, inputs["do"])(inputs)

    def hold_result(self, inputs):
        shared_memory.map_results = hold
        return ProcessingResult(values=np.full(inputs["size"], 1.0))

    def scribble(self, inputs):
        for memory in HELD:
            memory[:8] = b"scribble"
        return ProcessingResult(values=len(HELD))

    def hold_input(self, inputs):
        HELD.append(inputs["series"])
        return ProcessingResult(values=len(HELD))

    def look(self, inputs):
        return ProcessingResult(values=[float(array[0]) for array in HELD])

    def watch(self, inputs):
        # What lies in a result arena already is there for the worker to see when it maps the arena.
        def look(descriptor, size):
            memory = honest(descriptor, size)
            HELD.append(bytes(memory[:8]))
            return memory

        shared_memory.map_results = look
        return ProcessingResult(values=np.full(inputs["size"], 2.0))

    def seen(self, inputs):
        return ProcessingResult(values=HELD)
"""


@pytest.fixture
def holder(tmp_path, registry):
    directory = tmp_path / "holders" / "holder"
    directory.mkdir(parents=True)
    (directory / "manifest.json").write_text(MANIFEST)
    (directory / "holder.py").write_text(HOLDER)
    registry.discover_plugins(directory)
    return registry


def ask(registry, do, **given):
    return registry.execute_plugin("holder", {"do": do, **given}).values


def scaled(registry, series):
    return registry.execute_plugin("behaviours", {"series": series}).values


@pytest.mark.parametrize("dtype", [float, "datetime64[ns]", [("a", "<f4"), ("b", "i1")], ">f8", bool])
def test_an_array_of_ours_is_like_any_other(registry, dtype):
    for shape in (0, 1, (3, 4), LARGE, ()):
        array = registry.empty(shape, dtype)
        model = np.empty(shape, dtype)
        assert (array.shape, array.dtype, array.strides) == (model.shape, model.dtype, model.strides)
        assert array.flags.writeable
        array[...] = np.ones((), model.dtype) if model.dtype.names is None else (1, 2)
        back = registry.execute_plugin("behaviours", {"do": "echo", "value": array}).values
        np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize(("shape", "dtype", "message"), [(3, object, "Python objects"), (-1, float, "from 0 on")])
def test_what_cannot_be_is_refused(registry, shape, dtype, message):
    with pytest.raises(ValueError, match=message):
        registry.empty(shape, dtype)


def test_a_closed_registry_makes_no_arrays_but_its_arrays_live_on(nothing_left):
    with PluginRegistry(OPEN_IMPORTS) as registry:
        registry.discover_plugins(SAMPLES)
        array = registry.share(np.arange(LARGE))
        result = scaled(registry, array)
    with pytest.raises(RegistryClosedError):
        registry.empty(3)
    assert array[-1] == LARGE - 1
    assert result[-1] == 2 * LARGE - 2
    array[0] = result[0] = 5


def test_what_is_written_between_calls_arrives(registry):
    series = registry.empty(LARGE)
    for number in range(3):
        series[:] = number
        assert scaled(registry, series)[-1] == 2 * number


def test_an_array_passed_whole_is_lent_and_a_part_is_copied(holder):
    series = holder.share(np.arange(float(LARGE)))
    lent = holder.execute_plugin("behaviours", {"do": "length", "series": series})
    assert lent.execution is not None
    leases = holder._engine._leases
    assert leases.find(series) is not None
    assert leases.find(series.reshape(1000, -1).T) is not None
    assert leases.find(series[:-1]) is None
    assert leases.find(series[1:]) is None
    for part in (series[1:], series[::2], series[:10]):
        np.testing.assert_array_equal(scaled(holder, part), part * 2)
    turned = series.reshape(1000, -1).T
    np.testing.assert_array_equal(scaled(holder, turned), turned * 2)


def test_one_array_under_two_names(registry):
    series = registry.share(np.arange(float(LARGE)))
    values = registry.execute_plugin("behaviours", {"do": "echo", "value": [series, series, series[:5]]}).values
    for value, expected in zip(values, [series, series, series[:5]], strict=True):
        np.testing.assert_array_equal(value, expected)


def test_results_go_into_the_next_call_without_a_copy(registry):
    result = scaled(registry, np.arange(float(LARGE)))
    assert registry._engine._leases.find(result) is not None
    result[0] = 7  # The caller's own change arrives.
    twice = scaled(registry, result)
    assert twice[0] == 14
    assert twice[-1] == 4 * (LARGE - 1)


def test_a_result_is_the_callers_and_stays_as_it_is(holder):
    first = ask(holder, "hold_result", size=LARGE)
    ask(holder, "scribble")
    assert first[0] == 1.0
    assert holder._engine._leases.find(first) is None  # Copied: its worker had not let go.


def test_one_large_arena_waits_for_the_next_result_of_its_size():
    leases = Leases()
    size = 257 << 20
    first = leases.take(size, "release")
    assert leases.take_back(first, "release")
    assert leases.take(size, "another release") is not first
    assert leases.take(size, "release") is first
    second = leases.take(size, "release")
    assert leases.take_back(first, "release")
    assert leases.take_back(second, "release")
    assert not first.is_open  # only the latest one stays
    small = leases.take(1 << 20, "release")
    assert leases.take_back(small, "release")
    leases.drop_large()
    assert not second.is_open
    assert small.is_open
    leases.close()
    assert not small.is_open


def test_later_results_do_not_change_earlier_ones(registry):
    generator = np.random.default_rng(3)
    series = [generator.random(LARGE) for _ in range(6)]
    results = [scaled(registry, each) for each in series]
    del results[1::2]
    gc.collect()
    results += [scaled(registry, each) for each in series[1::2]]
    for each, result in zip(series[::2] + series[1::2], results, strict=True):
        np.testing.assert_array_equal(result, each * 2)


def test_memory_of_one_plugin_is_not_seen_by_another(holder):
    secret = scaled(holder, np.full(LARGE, 12345.0))
    del secret
    gc.collect()
    ask(holder, "watch", size=LARGE)
    seen = ask(holder, "seen")
    assert seen[0] == bytes(8)
    assert np.float64(24690.0).tobytes() not in seen


def test_what_an_earlier_longer_result_left_is_not_lent(holder):
    longer = scaled(holder, np.full(LARGE, 12345.0))
    del longer
    gc.collect()
    shorter = scaled(holder, np.full(LARGE * 3 // 4, 1.0))
    lease = holder._engine._leases.find(shorter)
    assert lease is not None
    ask(holder, "hold_input", series=shorter)
    assert not any(lease.arena.memory[lease.used :])


def test_a_plugin_that_keeps_what_it_was_lent_is_replaced(holder, caplog):
    series = holder.share(np.arange(float(LARGE)))
    with caplog.at_level(logging.WARNING):
        assert ask(holder, "hold_input", series=series) == 1
    assert "kept an array of shared memory" in caplog.text
    series[0] = 99  # Nobody sees that any more ...
    assert ask(holder, "look") == []  # ... because the worker that held it is gone.


def test_an_exception_does_not_make_an_honest_worker_look_like_a_holder(registry, caplog):
    series = registry.share(np.arange(float(LARGE)))
    for _ in range(2):
        with pytest.raises(Exception, match="message"):
            registry.execute_plugin("behaviours", {"do": "raise_error", "series": series})
    assert "kept an array" not in caplog.text
    assert len(workers(registry)) == 1


def test_many_threads_share_one_array(registry, caplog):
    series = registry.share(np.arange(float(LARGE)))
    wrong = []

    def call():
        for _ in range(5):
            if not np.array_equal(scaled(registry, series), series * 2):
                wrong.append(1)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert "kept an array" not in caplog.text


def test_large_and_small_results_take_turns(registry):
    """A large result makes the host expect another one; what comes decides all the same."""
    sizes = [LARGE, 3, LARGE, LARGE * 2, 1000, 0, LARGE, 200_000, LARGE * 3, 1, LARGE]
    results = [scaled(registry, np.full(size, float(number))) for number, size in enumerate(sizes)]
    for number, (size, result) in enumerate(zip(sizes, results, strict=True)):
        np.testing.assert_array_equal(result, np.full(size, 2.0 * number))
    with pytest.raises(PluginFailedError):
        registry.execute_plugin("behaviours", {"do": "raise_error"})
    assert len(workers(registry)) == 1
    assert registry._engine._leases._shelf  # What was granted and not used waits for the next result.


def test_a_thousand_results_may_be_kept(registry):
    before = len(os.listdir("/proc/self/fd"))
    kept = [scaled(registry, np.full(131_072, float(number))) for number in range(150)]
    assert len(os.listdir("/proc/self/fd")) - before < 200
    assert [result[0] for result in kept] == [2.0 * number for number in range(150)]
    del kept
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) - before < 100


def test_a_forked_child_has_arrays_of_its_own(registry):
    result = scaled(registry, np.full(LARGE, 1.0))
    own = registry.share(np.full(LARGE, 3.0))
    ready, told = os.pipe()
    changed, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(tell)
        os.write(told, b"x")
        os.read(changed, 1)
        seen = (result[0], own[-1])
        result[:] = own[:] = 8
        os._exit(0 if seen == (2.0, 3.0) else 1)
    os.read(ready, 1)
    result[:] = own[:] = 5
    os.close(tell)
    assert os.waitpid(child, 0)[1] == 0
    assert (result[0], own[0]) == (5, 5)
    for end in (ready, told, changed):
        os.close(end)


def test_memory_that_a_forked_child_may_look_at_is_not_used_again(registry):
    result = scaled(registry, np.full(LARGE, 1.0))
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    del result
    gc.collect()
    assert registry._engine._leases._shelf == []
