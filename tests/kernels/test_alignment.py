from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("numba")

from platform_base.kernels import alignment
from platform_base.kernels.alignment import compute_distance, compute_path
from platform_base.kernels.backtracking import follow_back
from platform_base.kernels.checkpoints import make_checkpoints, sweep_and_keep
from platform_base.kernels.matrix import LANES, lay_out, lay_out_row
from platform_base.kernels.rules import find_rules

from . import textbook

NONE = np.empty(0, dtype=np.int64)
PATTERNS = ("symmetric1", "symmetric2")
METRICS = ("sqeuclidean", "euclidean", "manhattan")
# Around the borders of strips, and the smallest.
SIZES = [
    (1, 1),
    (1, 9),
    (9, 1),
    (2, 3),
    (LANES - 1, 70),
    (LANES, 5),
    (LANES + 1, 66),
    (2 * LANES, 50),
    (150, 2 * LANES),
]


def make_series(seed, n, m, channels, *, ties):
    rng = np.random.default_rng(seed)
    if ties:
        return (rng.integers(0, 3, (length, channels)).astype(float) for length in (n, m))
    return (rng.normal(size=(length, channels)).cumsum(axis=0) for length in (n, m))


def ignore(_fraction):
    pass


@pytest.mark.parametrize("ties", [False, True], ids=["walks", "ties"])
@pytest.mark.parametrize(("n", "m"), SIZES, ids=str)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("metric", METRICS)
def test_path_and_cost_are_those_of_the_textbook(metric, pattern, channels, n, m, ties):
    x, y = make_series(n * m, n, m, channels, ties=ties)
    rules = find_rules(pattern, metric, channels)
    for first, last in ((np.zeros(n, np.int64), np.full(n, m - 1)), textbook.slanted(n, m, 3)):
        path, cost = textbook.align(pattern, metric, x, y, first, last)
        assert compute_distance(rules, x, y, first, last, ignore) == cost
        found, found_cost = compute_path(rules, x, y, first, last, ignore)
        assert found_cost == cost
        np.testing.assert_array_equal(found, path)


def test_no_window_is_a_window_of_all_columns():
    x, y = make_series(8, 140, 97, 1, ties=False)
    rules = find_rules("symmetric2", "euclidean", 1)
    first, last = np.zeros(140, np.int64), np.full(140, 96)
    path, cost = compute_path(rules, x, y, first, last, ignore)
    found, found_cost = compute_path(rules, x, y, NONE, NONE, ignore)
    np.testing.assert_array_equal(found, path)
    assert found_cost == cost == compute_distance(rules, x, y, NONE, NONE, ignore)


@pytest.mark.parametrize(("group", "interval"), [(1, 1), (1, 7), (1, 64), (2, 3), (3, 64), (4, 130), (100, 31)])
@pytest.mark.parametrize("radius", [None, 2, 11])
def test_checkpoints_of_any_size_give_the_same_path(group, interval, radius):
    n, m = 4 * LANES + 5, 230
    x, y = make_series(group * interval, n, m, 1, ties=interval % 2 == 0)
    first, last = textbook.slanted(n, m, m if radius is None else radius)
    rules = find_rules("symmetric1", "sqeuclidean", 1)
    matrix = lay_out(x, y, first, last)
    checkpoints = make_checkpoints(matrix, group, interval)
    cost = sweep_and_keep(rules, matrix, lay_out_row(matrix, 0.0), checkpoints, 0, -(-n // LANES))
    path = np.empty((n + m - 1, 2), dtype=np.int64)
    free = follow_back(rules, matrix, checkpoints, path)
    expected, expected_cost = textbook.align("symmetric1", "sqeuclidean", x, y, first, last)
    assert cost == expected_cost
    np.testing.assert_array_equal(path[free:], expected)


def test_long_runs_report_and_can_be_stopped(monkeypatch):
    monkeypatch.setattr(alignment, "_CELLS_PER_REPORT", LANES * 100)
    monkeypatch.setattr(alignment, "_CELLS_AT_ONCE", 0)
    n, m = 5 * LANES, 100
    x, y = make_series(2, n, m, 1, ties=False)
    rules = find_rules("symmetric1", "sqeuclidean", 1)
    path, cost = textbook.align("symmetric1", "sqeuclidean", x, y, np.zeros(n, np.int64), np.full(n, m - 1))
    fractions = []
    assert compute_distance(rules, x, y, NONE, NONE, fractions.append) == cost
    assert fractions == [0.0, 0.2, 0.4, 0.6, 0.8]
    found, found_cost = compute_path(rules, x, y, NONE, NONE, fractions.append)
    assert found_cost == cost
    np.testing.assert_array_equal(found, path)

    def stop(fraction):
        if fraction > 0.3:
            raise InterruptedError

    for compute in (compute_distance, compute_path):
        with pytest.raises(InterruptedError):
            compute(rules, x, y, NONE, NONE, stop)


def test_costs_that_overflow_are_infinite_and_have_no_path():
    x, y = np.full((3, 1), 1e200), np.full((3, 1), -1e200)
    rules = find_rules("symmetric1", "sqeuclidean", 1)
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
from platform_base.kernels.matrix import LANES
from platform_base.kernels.rules import find_rules
s = np.load(sys.argv[1]); none = np.empty(0, np.int64)
cost = compute_distance(find_rules("symmetric2", "euclidean", 1), s["x"], s["y"], none, none, lambda _: None)
np.savez(sys.argv[2], cost=cost, lanes=LANES)
"""
    environment = {**os.environ, "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": features}
    arguments = [sys.executable, "-c", code, str(tmp_path / "series.npz"), str(tmp_path / "result.npz")]
    subprocess.run(arguments, env=environment, check=True)
    result = np.load(tmp_path / "result.npz")
    _, cost = textbook.align("symmetric2", "euclidean", x, y, np.zeros(90, np.int64), np.full(90, 74))
    assert result["lanes"] == (16 if "avx" in features else 8)
    assert result["cost"] == cost


@pytest.mark.parametrize(
    ("pattern", "metric", "named"), [("mori", "euclidean", "pattern"), ("symmetric1", "l3", "metric")]
)
def test_unknown_rules_are_named(pattern, metric, named):
    with pytest.raises(ValueError, match=rf"^{named}: expected one of .*, got '(mori|l3)'$"):
        find_rules(pattern, metric, 1)
