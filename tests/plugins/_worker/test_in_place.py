"""Results that a plugin writes where the caller will find them: `PluginContext.empty`."""

from __future__ import annotations

import json

import numpy as np
import pytest

from platform_base.plugins.base import PluginContext
from platform_base.plugins.errors import PluginFailedError, ResourceLimitError
from platform_base.plugins.registry import PluginRegistry

CODE = """
import threading

import numpy as np

from platform_base.core.models import ProcessingResult
from platform_base.plugins.base import get_context

MEGABYTE = 1 << 17


def filled(count, start=0.0):
    out = get_context().empty(count)
    out[:] = np.arange(count) + start
    return out


class InPlace:
    def __init__(self):
        self.kept = []

    def execute(self, inputs):
        made = getattr(self, inputs["do"])(inputs["count"], inputs)
        return made if isinstance(made, ProcessingResult) else ProcessingResult(values=made)

    def whole(self, count, inputs):
        return filled(count)

    def ones(self, count, inputs):
        out = get_context().empty(count) if inputs["in_place"] else np.empty(count)
        out[:] = 1.0
        return out

    def prefix(self, count, inputs):
        return filled(count)[: count // 2]

    def rear(self, count, inputs):
        return filled(count)[3:]

    def every_other(self, count, inputs):
        return filled(count)[::2]

    def transposed(self, count, inputs):
        return filled(count).reshape(4, -1).T

    def two(self, count, inputs):
        one, other = filled(count), filled(MEGABYTE, 7.0)
        return ProcessingResult(values=one, metadata={"other": other})

    def reversed(self, count, inputs):
        one, other = filled(count), filled(MEGABYTE, 7.0)
        return ProcessingResult(values=other, metadata={"one": one})

    def behind_another(self, count, inputs):
        out = filled(count)
        return ProcessingResult(values={"before": np.full(MEGABYTE, 5.0), "out": out}, metadata={"again": out})

    def with_small(self, count, inputs):
        return ProcessingResult(values=filled(count), metadata={"n": np.arange(1000), "text": "x" * 50_000})

    def given_up(self, count, inputs):
        filled(count)
        return np.ones(MEGABYTE * 2)

    def given_up_for_less(self, count, inputs):
        filled(count)
        return np.full(inputs["less"], 3.0)

    def ordinary(self, count, inputs):
        return np.ones(inputs["less"])

    def only_small(self, count, inputs):
        filled(count)
        return 1.5

    def keep(self, count, inputs):
        self.kept.append(filled(count))
        return self.kept[-1]

    def scribble(self, count, inputs):
        for array in self.kept:
            array[:] = -1.0
        return len(self.kept)

    def in_thread(self, count, inputs):
        found = []
        thread = threading.Thread(target=lambda: found.append(filled(count)))
        thread.start()
        thread.join()
        return found[0]

    def of_dtype(self, count, inputs):
        out = get_context().empty((3, count), inputs["dtype"])
        out[...] = np.zeros((), out.dtype)
        out[1] = np.ones((), out.dtype)
        return out

    def raise_after(self, count, inputs):
        filled(count)
        raise ValueError("changed my mind")

    def objects(self, count, inputs):
        return get_context().empty(MEGABYTE, object).size

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {"plugin_id": "in_place", "version": "1.0.0"}
"""
COUNT = 1_000_003


@pytest.fixture
def registry(tmp_path, nothing_left):
    directory = tmp_path / "plugins" / "in_place"
    directory.mkdir(parents=True)
    (directory / "in_place.py").write_text(CODE)
    manifest = {"plugin_id": "in_place", "version": "1.0.0", "entry_point": "in_place.InPlace"}
    (directory / "manifest.json").write_text(json.dumps(manifest))
    with PluginRegistry({"security": {"max_result_mb": 64}, "workers": {"max": 1}}) as registry:
        registry.discover_plugins(directory)
        yield registry


@pytest.fixture
def run(registry):
    return lambda do, count=COUNT, **more: registry.execute_plugin("in_place", {"do": do, "count": count, **more})


def test_what_is_written_in_place_arrives_and_is_the_callers_own(registry, run):
    expected = np.arange(COUNT, dtype=np.float64)
    for _ in range(3):
        result = run("whole")
        np.testing.assert_array_equal(result.values, expected)
        assert result.values.flags.writeable
        result.values[:] = 0.0
        # It was not copied: it lies in memory that can be lent to the next plugin.
        assert registry._engine._leases.find(result.values) is not None


def test_memory_is_needed_once(run):
    count = 5 << 20
    in_place = run("ones", count, in_place=True).execution.peak_memory_bytes
    ordinary = run("ones", count, in_place=False).execution.peak_memory_bytes
    assert ordinary - in_place > 30 << 20


@pytest.mark.parametrize("size", [1 << 10, 1 << 17, (1 << 17) - 1, 1 << 18, 3_000_000])
def test_any_size(run, size):
    for count in (size, size + 1, size // 2, size):
        np.testing.assert_array_equal(run("whole", count).values, np.arange(count))


def test_parts_and_views(run):
    whole = np.arange(COUNT - 3, dtype=np.float64)
    count = len(whole)
    np.testing.assert_array_equal(run("prefix", count).values, whole[: count // 2])
    np.testing.assert_array_equal(run("rear", count).values, whole[3:])
    np.testing.assert_array_equal(run("every_other", count).values, whole[::2])
    np.testing.assert_array_equal(run("transposed", count).values, whole.reshape(4, -1).T)


def test_several_arrays_in_any_order(run):
    one, other = np.arange(COUNT, dtype=np.float64), np.arange(1 << 17) + 7.0
    result = run("two")
    np.testing.assert_array_equal(result.values, one)
    np.testing.assert_array_equal(result.metadata["other"], other)
    result = run("reversed")
    np.testing.assert_array_equal(result.values, other)
    np.testing.assert_array_equal(result.metadata["one"], one)
    result = run("behind_another")
    np.testing.assert_array_equal(result.values["before"], np.full(1 << 17, 5.0))
    np.testing.assert_array_equal(result.values["out"], one)
    np.testing.assert_array_equal(result.metadata["again"], one)
    result = run("with_small")
    np.testing.assert_array_equal(result.values, one)
    np.testing.assert_array_equal(result.metadata["n"], np.arange(1000))
    assert result.metadata["text"] == "x" * 50_000


def test_what_was_made_and_not_returned_is_no_part_of_the_result(registry, run):
    result = run("given_up")
    np.testing.assert_array_equal(result.values, np.ones(2 << 17))
    lease = registry._engine._leases.find(result.values)
    assert lease is None or lease.used < 3 << 20
    assert run("only_small").values == 1.5
    np.testing.assert_array_equal(run("whole").values, np.arange(COUNT))


@pytest.mark.parametrize("before", [None, 10_000, 1 << 18])
@pytest.mark.parametrize("less", [10_000, 120_000, 1 << 18])
def test_who_makes_one_and_returns_a_smaller_ordinary_one_is_read_from_where_that_lies(run, less, before):
    if before is not None:
        np.testing.assert_array_equal(run("ordinary", less=before).values, np.ones(before))
    for _ in range(2):
        np.testing.assert_array_equal(run("given_up_for_less", less=less).values, np.full(less, 3.0))
    np.testing.assert_array_equal(run("ordinary", less=less).values, np.ones(less))


def test_a_plugin_that_keeps_its_array_changes_nothing_afterwards(run):
    first = run("keep").values
    second = run("keep").values
    assert run("scribble").values == 2
    for result in (first, second):
        np.testing.assert_array_equal(result, np.arange(COUNT))


def test_threads_of_the_plugin_get_ordinary_arrays(run):
    np.testing.assert_array_equal(run("in_thread").values, np.arange(COUNT))


@pytest.mark.parametrize("dtype", ["float32", ">f8", "complex128", "datetime64[ns]", "U3", "i2", "bool"])
def test_dtypes(run, dtype):
    values = run("of_dtype", 700_000, dtype=dtype).values
    assert values.dtype == np.dtype(dtype)
    assert values.shape == (3, 700_000)
    assert (values[1] == np.ones((), dtype)).all()
    assert (values[::2] == np.zeros((), dtype)).all()


def test_a_call_that_fails_after_it_has_made_one_does_no_harm(run):
    with pytest.raises(PluginFailedError, match="changed my mind"):
        run("raise_after")
    np.testing.assert_array_equal(run("whole").values, np.arange(COUNT))


def test_more_than_a_result_may_have_is_refused_at_the_end_as_ever(run):
    with pytest.raises(ResourceLimitError, match="max_result_mb"):
        run("whole", 9 << 20)
    assert run("objects").values == 1 << 17
    np.testing.assert_array_equal(run("whole").values, np.arange(COUNT))


def test_in_a_batch_it_is_an_ordinary_array(registry, run):
    run("whole")
    inputs = [{"do": "whole", "count": 200_000 + number} for number in range(20)]
    for number, result in enumerate(registry.map_plugin("in_place", inputs)):
        np.testing.assert_array_equal(result.values, np.arange(200_000 + number))


def test_outside_a_worker_it_is_numpy_empty():
    array = PluginContext().empty((2, 3), "float32")
    assert array.shape == (2, 3)
    assert array.dtype == np.float32
    assert PluginContext().empty(4).dtype == np.float64
