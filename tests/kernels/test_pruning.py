from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from platform_base.kernels import alignment
from platform_base.kernels.alignment import compute_distance, compute_path
from platform_base.kernels.at_once import find_bound, measure
from platform_base.kernels.matrix import LANES
from platform_base.kernels.pruning import SHRINKING, lay_out_corridor, shrink
from platform_base.kernels.rules import find_rules

NONE = np.empty(0, dtype=np.int64)
LENGTH = LANES * SHRINKING + 77


def make_pair(kind, seed, length=LENGTH):
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 1, length)
    if kind == "warped":
        knots = rng.normal(size=40).cumsum()
        places = np.linspace(0, 1, 40)
        x = np.interp(t, places, knots)
        y = np.interp(np.clip(t + 0.02 * np.sin(6 * t), 0, 1), places, knots)[: length - 31]
        return (each + rng.normal(size=len(each)) * 0.02 for each in (x, y))
    if kind == "steps":
        x = np.floor(8 * np.sin(9 * t))
        return x, np.roll(x, 40)
    if kind == "same":
        x = rng.normal(size=length).cumsum()
        return x, x.copy()
    return rng.normal(size=(2, length)).cumsum(axis=1)


@pytest.mark.parametrize("kind", ["warped", "steps", "same", "unrelated"])
@pytest.mark.parametrize("pattern", ["symmetric1", "symmetric2"])
@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean"])
@pytest.mark.parametrize("channels", [1, 2])
def test_leaving_out_cells_changes_nothing(kind, pattern, metric, channels, monkeypatch):
    x, y = (np.column_stack([each] * channels) for each in make_pair(kind, 3))
    rules = find_rules(pattern, metric, channels)
    fractions = []
    monkeypatch.setattr(alignment, "_PRUNED_TO", -1.0)  # never
    whole_path, whole = compute_path(rules, x, y, NONE, NONE, fractions.append)
    for share in (0.6, 2.0):  # where it pays; always
        monkeypatch.setattr(alignment, "CELLS_WORTH_PRUNING", 0)
        monkeypatch.setattr(alignment, "_PRUNED_TO", share)
        assert compute_distance(rules, x, y, NONE, NONE, fractions.append) == whole
        path, distance = compute_path(rules, x, y, NONE, NONE, fractions.append)
        assert distance == whole
        np.testing.assert_array_equal(path, whole_path)
    assert all(0 <= fraction < 1 for fraction in fractions)


def test_similar_series_leave_few_cells(monkeypatch):
    x, y = (each[:, np.newaxis] for each in make_pair("warped", 4))
    rules = find_rules("symmetric1", "sqeuclidean", 1)
    distance = compute_distance(rules, x, y, NONE, NONE, lambda _: None)
    first, last, found = alignment._prune(rules, x, y, distance * 1.01, lambda _: None)
    assert found == distance
    assert (last - first + 1).sum() < 0.7 * len(x) * len(y)


@pytest.mark.parametrize("kind", ["warped", "steps", "same", "unrelated"])
def test_the_bound_is_that_of_a_path_with_reports_and_without(kind, monkeypatch):
    x, y = (each[:, np.newaxis].copy() for each in make_pair(kind, 5))
    rules = find_rules("symmetric1", "sqeuclidean", 1)
    distance = measure(rules, x, y, NONE, NONE)
    monkeypatch.setattr(alignment, "CELLS_WORTH_PRUNING", 0)
    for share in (0.6, 2.0):
        monkeypatch.setattr(alignment, "_PRUNED_TO", share)
        monkeypatch.setattr(alignment, "_CELLS_PER_REPORT", 1 << 30)
        bound = alignment._find_bound(rules, x, y, NONE, NONE, lambda _: None)
        assert bound >= distance
        assert share < 1 or np.isfinite(bound)
        assert find_bound(rules, x, y, share) == bound
        reports = []
        monkeypatch.setattr(alignment, "_CELLS_PER_REPORT", 1)
        assert alignment._find_bound(rules, x, y, NONE, NONE, reports.append) == bound
        assert reports


@pytest.mark.parametrize("kind", ["warped", "unrelated"])
def test_a_plain_call_leaves_out_cells_and_gives_the_same(kind):
    x, y = make_pair(kind, 6, 2200)
    assert len(x) * len(y) >= alignment.CELLS_WORTH_PRUNING
    rules = find_rules("symmetric2", "manhattan", 1)
    whole = measure(rules, x[:, np.newaxis].copy(), y[:, np.newaxis].copy(), NONE, NONE)
    assert alignment.measure_many_cells(x, y, -1, *rules[:6]) == whole


def test_shrinking_takes_means():
    series = np.arange(70.0).reshape(35, 2)
    expected = [series[start : start + SHRINKING].mean(axis=0) for start in range(0, 35, SHRINKING)]
    np.testing.assert_allclose(shrink(series), expected, rtol=1e-15)


def test_the_corridor_is_a_window():
    path = np.array([[0, 0], [1, 1], [2, 1], [3, 2], [4, 3]])
    first, last = lay_out_corridor(4 * SHRINKING + 3, 3 * SHRINKING + 9, path)
    assert (first[0], last[-1]) == (0, 3 * SHRINKING + 8)
    assert (np.diff(first) >= 0).all()
    assert (np.diff(last) >= 0).all()
    assert (first <= last).all()
