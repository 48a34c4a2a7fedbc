"""Kernels in float32, bit for bit against the textbook programme whose every operation is rounded to float32."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("numba")

from platform_base.kernels import alignment
from platform_base.kernels.alignment import align_plain, compute_distance, compute_path, measure_plain
from platform_base.kernels.backtracking import follow_back
from platform_base.kernels.batch import count_batch, find_batch_rules
from platform_base.kernels.bounds import BLOCK, bound_all, bound_by_blocks, bound_by_own_envelope, measure_room
from platform_base.kernels.builtin import Entry
from platform_base.kernels.checkpoints import make_checkpoints, sweep_and_keep
from platform_base.kernels.collection import Collection, fits_batches, measure_batch, measure_many
from platform_base.kernels.matrix import count_rows, count_strips, lay_out, lay_out_row
from platform_base.kernels.narrow import align_narrow, compile_narrow, count_narrow_lanes, measure_narrow
from platform_base.kernels.pruning import SHRINKING
from platform_base.kernels.rules import find_rules
from platform_base.kernels.search import find_nearest, find_nearest_in_batches
from platform_base.kernels.short import FEW_CELLS, enter_distance, enter_path

from . import textbook

NONE = np.empty(0, dtype=np.int64)
ROWS, BATCH = count_rows(4), count_batch(4)
PATTERNS = ("symmetric1", "symmetric2")
METRICS = ("sqeuclidean", "euclidean", "manhattan")
SIZES = [(1, 1), (1, 9), (9, 1), (31, 40), (ROWS - 1, 20), (ROWS, 5), (ROWS + 1, 30), (2 * ROWS, 7), (40, 150)]


def make_series(seed, n, m, channels, *, ties):
    rng = np.random.default_rng(seed)
    shapes = [(length, channels) for length in (n, m)]
    made = [rng.integers(0, 3, shape) if ties else rng.normal(size=shape).cumsum(axis=0) for shape in shapes]
    return [series.astype(np.float32) for series in made]


def align_textbook(pattern, metric, x, y, first, last):
    return textbook.align(pattern, metric, x, y, first, last, np.float32)


def align_radius(pattern, metric, x, y, radius):
    rows, reach = np.arange(len(x)), len(x) + len(y) if radius < 0 else radius
    first, last = np.maximum(0, rows - reach), np.minimum(len(y) - 1, rows + reach)
    return align_textbook(pattern, metric, x.reshape(len(x), -1), y.reshape(len(y), -1), first, last)


def ignore(_fraction):
    pass


@pytest.mark.parametrize("ties", [False, True], ids=["walks", "ties"])
@pytest.mark.parametrize(("n", "m"), SIZES, ids=str)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("metric", METRICS)
def test_path_and_cost_are_those_of_the_textbook(metric, pattern, channels, n, m, ties):
    x, y = make_series(n * m, n, m, channels, ties=ties)
    rules = find_rules(pattern, metric, channels, "float32")
    for first, last in ((np.zeros(n, np.int64), np.full(n, m - 1)), textbook.slanted(n, m, 3)):
        path, cost = align_textbook(pattern, metric, x, y, first, last)
        assert compute_distance(rules, x, y, first, last, ignore) == cost
        found, found_cost = compute_path(rules, x, y, first, last, ignore)
        assert found_cost == cost
        np.testing.assert_array_equal(found, path)


@pytest.mark.parametrize(("group", "interval"), [(1, 7), (2, 64), (4, 130)])
def test_checkpoints_of_any_size_give_the_same_path(group, interval):
    n, m = 3 * ROWS + 5, 60
    x, y = make_series(group, n, m, 1, ties=group == 2)
    first, last = np.zeros(n, np.int64), np.full(n, m - 1)
    rules, matrix = find_rules("symmetric1", "sqeuclidean", 1, "float32"), lay_out(x, y, first, last)
    checkpoints = make_checkpoints(matrix, group, interval)
    cost = sweep_and_keep(rules, matrix, lay_out_row(matrix, 0.0), checkpoints, 0, count_strips(matrix))
    path = np.empty((n + m - 1, 2), dtype=np.int64)
    free = follow_back(rules, matrix, checkpoints, path)
    expected, expected_cost = align_textbook("symmetric1", "sqeuclidean", x, y, first, last)
    assert (cost, checkpoints.states.dtype) == (expected_cost, np.float32)
    np.testing.assert_array_equal(path[free:], expected)


@pytest.mark.parametrize("ties", [False, True], ids=["walks", "ties"])
@pytest.mark.parametrize(("pattern", "metric"), [("symmetric1", "sqeuclidean"), ("symmetric2", "euclidean")])
@pytest.mark.parametrize(("n", "m", "radius"), [(1, 1, 0), (2, 2, -1), (14, 11, 3), (33, 38, 5), (90, 81, ROWS - 2)])
def test_short_series_and_narrow_windows_are_those_of_the_textbook(pattern, metric, n, m, radius, ties):
    x, y = (series[:, 0].copy() for series in make_series(n * m, n, m, 1, ties=ties))
    expected, cost = align_radius(pattern, metric, x, y, radius)
    rules, rest = find_rules(pattern, metric, 1, "float32"), (pattern == "symmetric1", metric == "sqeuclidean")
    if n * m <= FEW_CELLS:
        measure, align = (
            Entry(function, np.dtype(np.float32), (radius, *rest)).bind(None, *[lambda *_: None] * 2)
            for function in (enter_distance, enter_path)
        )
        path, path_cost = align(x, y)
        assert measure(x, y) == path_cost == cost
        np.testing.assert_array_equal(path, expected)
    programs = [(measure_plain, align_plain, rules[:6], rules[:6])]
    lanes = count_narrow_lanes(radius, 4)
    if lanes:
        advances = [compile_narrow(lanes, *rest, record, "float32").address for record in (False, True)]
        programs.append((measure_narrow, align_narrow, *((advance, lanes, *rest) for advance in advances)))
    for measure, align, arguments, path_arguments in programs:
        assert measure(x, y, radius, *arguments) == cost
        path, path_cost = align(x, y, radius, *path_arguments)
        assert path_cost == cost
        np.testing.assert_array_equal(path, expected)


@pytest.mark.parametrize("kind", ["similar", "unrelated"])
def test_leaving_out_cells_changes_nothing(kind, monkeypatch):
    rng, length = np.random.default_rng(3), ROWS * SHRINKING + 77
    x, y = rng.normal(size=(2, length)).cumsum(axis=1)
    if kind == "similar":
        y = np.roll(x, 9) + rng.normal(size=length) * 0.1
    x, y = (series[:, np.newaxis].astype(np.float32) for series in (x, y))
    rules = find_rules("symmetric2", "sqeuclidean", 1, "float32")
    monkeypatch.setattr(alignment, "_PRUNED_TO", -1.0)  # never
    whole_path, whole = compute_path(rules, x, y, NONE, NONE, ignore)
    monkeypatch.setattr(alignment, "CELLS_WORTH_PRUNING", 0)
    monkeypatch.setattr(alignment, "_PRUNED_TO", 2.0)  # always
    assert compute_distance(rules, x, y, NONE, NONE, ignore) == whole
    path, distance = compute_path(rules, x, y, NONE, NONE, ignore)
    assert distance == whole
    np.testing.assert_array_equal(path, whole_path)


def collect(series):
    starts = np.concatenate([[0], np.cumsum([len(one) for one in series])])
    return Collection(np.concatenate(series)[:, np.newaxis], starts)


@pytest.mark.parametrize(("pattern", "metric"), [("symmetric1", "sqeuclidean"), ("symmetric2", "manhattan")])
@pytest.mark.parametrize(("n", "m", "radius"), [(1, 5, -1), (13, 13, 0), (18, 22, 9), (31, 27, -1)])
def test_batches_give_the_costs_of_the_textbook(pattern, metric, n, m, radius):
    rng = np.random.default_rng(n * m)
    for count, ties in ((BATCH, False), (BATCH // 2 + 1, True)):
        series = rng.integers(0, 3, (count, m)) if ties else rng.normal(size=(count, m)).cumsum(axis=1)
        columns, rows = collect(series.astype(np.float32)), collect(rng.normal(size=(2, n)).astype(np.float32))
        assert fits_batches(columns)
        costs, one_by_one = np.full((2, count), np.nan), np.full((2, count), np.nan)
        rules = find_batch_rules(pattern, metric, "float32")
        measure_batch(rules, rows, 0, 2, columns, 0, radius, False, costs)
        samples = [rows.samples[:n], rows.samples[n:]]
        for x, found in zip(samples, one_by_one, strict=True):
            measure_many(find_rules(pattern, metric, 1, "float32"), x, columns, radius, 0, count, found)
        expected = [
            [align_radius(pattern, metric, x, y.astype(np.float32), radius)[1] for y in series] for x in samples
        ]
        np.testing.assert_array_equal(costs, expected)
        np.testing.assert_array_equal(one_by_one, expected)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("n", "m", "radius"), [(60, 60, 4), (60, 60, -1), (700, 20, 690), (20, 700, -1)])
def test_bounds_are_below_the_costs(metric, n, m, radius):
    rng = np.random.default_rng(n + m)
    x = rng.normal(size=(n, 1)).cumsum(axis=0).astype(np.float32)
    # A constant offset, so that the bound is as tight as it can be: the cost itself.
    series = [np.full(m, x.max() + gap, np.float32) for gap in (0.0, 0.1, 3.0)]
    series += [rng.normal(size=m).cumsum().astype(np.float32) for _ in range(20)]
    candidates, rules = collect(series), find_rules("symmetric1", metric, 1, "float32")
    costs = np.empty(len(series))
    measure_many(rules, x, candidates, radius, 0, len(series), costs)
    bounds = bound_all(rules, x, candidates, radius)
    assert (bounds <= costs).all()
    assert bounds.max() > 0
    reach = max(n, m) if radius < 0 else radius
    envelope = np.empty((2, measure_room(n, reach)), np.float32)
    extremes = np.empty((2, m // BLOCK + 1), np.float32)
    for number, cost in enumerate(costs):
        arguments = (rules, x, candidates.samples, candidates.starts[number], m, reach)
        assert bound_by_own_envelope(*arguments, envelope) <= cost
        assert bound_by_blocks(*arguments, extremes) <= cost


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("radius", [3, -1])
@pytest.mark.parametrize("equal", [True, False])
def test_the_nearest_are_those_of_comparing_with_all(count, radius, equal):
    rng = np.random.default_rng(count)
    series = rng.integers(0, 4, size=(3 * BATCH, 40)).astype(np.float32)
    if not equal:
        series = [one[: 38 + number % 3] for number, one in enumerate(series)]
    x, candidates = series[0][:, np.newaxis].copy(), collect(series[1:])
    rules, batch_rules = (find("symmetric1", "sqeuclidean", *rest, "float32") for find, rest in
                          ((find_rules, (1,)), (find_batch_rules, ())))  # fmt: skip
    costs = np.empty(len(series) - 1)
    measure_many(rules, x, candidates, radius, 0, len(costs), costs)
    order = np.lexsort((np.arange(len(costs)), costs))[:count]
    for found in (
        find_nearest(rules, x, candidates, radius, count),
        find_nearest_in_batches(batch_rules, x, candidates, radius, count),
    ):
        np.testing.assert_array_equal(found[0], order)
        np.testing.assert_array_equal(found[1], costs[order])


def test_costs_that_overflow_are_infinite_and_have_no_path():
    x, y = np.full((200, 1), 1e20, np.float32), np.full((200, 1), -1e20, np.float32)
    rules = find_rules("symmetric1", "sqeuclidean", 1, "float32")
    assert compute_distance(rules, x, y, NONE, NONE, ignore) == np.inf
    path, cost = compute_path(rules, x, y, NONE, NONE, ignore)
    assert (len(path), cost) == (0, np.inf)


@pytest.mark.parametrize("features", ["+sse2", "+sse2,+avx,+avx2"])
def test_other_processors_give_the_same(features, tmp_path):
    """The same kernels compiled for registers of another width, in a process of its own."""
    x, y = make_series(4, 90, 75, 1, ties=False)
    np.savez(tmp_path / "series.npz", x=x, y=y)
    code = """
import sys, numpy as np
from platform_base.kernels.alignment import compute_distance
from platform_base.kernels.matrix import count_rows
from platform_base.kernels.rules import find_rules
s = np.load(sys.argv[1]); none = np.empty(0, np.int64); rules = find_rules("symmetric2", "euclidean", 1, "float32")
np.savez(sys.argv[2], cost=compute_distance(rules, s["x"], s["y"], none, none, lambda _: None), rows=count_rows(4))
"""
    environment = {**os.environ, "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": features}
    arguments = [sys.executable, "-c", code, str(tmp_path / "series.npz"), str(tmp_path / "result.npz")]
    subprocess.run(arguments, env=environment, check=True)
    result = np.load(tmp_path / "result.npz")
    assert result["rows"] == (32 if "avx" in features else 16)
    assert result["cost"] == align_radius("symmetric2", "euclidean", x, y, -1)[1]
