"""Series side by side in the lanes of vectors, against the textbook programme."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from platform_base.kernels import search
from platform_base.kernels.batch import (
    BATCH,
    LONGEST,
    find_batch_rules,
    interleave,
    lay_out_window,
    pad_rows,
    sweep_batch,
)
from platform_base.kernels.bounds import bound_all
from platform_base.kernels.collection import Collection, fits_batches, measure_batch
from platform_base.kernels.rules import find_rules
from platform_base.kernels.search import ROUND, find_nearest, find_nearest_in_batches

from . import textbook

PATTERNS = ("symmetric1", "symmetric2")
METRICS = ("sqeuclidean", "euclidean", "manhattan")


def collect(series):
    starts = np.concatenate([[0], np.cumsum([len(one) for one in series])])
    return Collection(np.concatenate(series)[:, np.newaxis], starts)


def find_cost(pattern, metric, x, y, radius):
    rows = np.arange(len(x))
    reach = len(x) + len(y) if radius < 0 else radius
    first, last = np.maximum(0, rows - reach), np.minimum(len(y) - 1, rows + reach)
    return textbook.align(pattern, metric, x[:, np.newaxis], y[:, np.newaxis], first, last)[1]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize(
    ("n", "m", "radius"),
    [(1, 1, -1), (1, 5, -1), (9, 1, -1), (4, 4, 0), (13, 13, 0), (13, 11, 2), (18, 18, 3), (18, 22, 9), (31, 27, -1)],
)
def test_costs_are_those_of_the_textbook(pattern, metric, n, m, radius):
    rng = np.random.default_rng(n * m)
    for count, ties in ((BATCH, False), (BATCH // 2 + 1, True)):
        series = rng.integers(0, 3, (count, m)).astype(float) if ties else rng.normal(size=(count, m)).cumsum(axis=1)
        rows = [rng.normal(size=n), rng.integers(0, 3, n).astype(float)]
        costs = np.full((2, count), np.nan)
        columns = collect(series)
        measure_batch(find_batch_rules(pattern, metric), collect(rows), 0, 2, columns, 0, radius, False, costs)
        expected = [[find_cost(pattern, metric, x, y, radius) for y in series] for x in rows]
        np.testing.assert_array_equal(costs, expected)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("radius", [-1, 14, 9])
@pytest.mark.parametrize("n", [9, 12, 14])
def test_lanes_of_different_lengths_end_where_their_series_do(pattern, n, radius):
    rng = np.random.default_rng(n)
    rows = [rng.normal(size=n), rng.integers(0, 3, n).astype(float)]
    for order in (1, -1):
        sizes = rng.permutation(np.arange(2 * BATCH) % 18 + 1)[::order]
        sizes = sizes[np.abs(sizes - n) <= 9]
        series = [rng.normal(size=size).cumsum() for size in sizes]
        costs = np.full((2, len(series)), np.nan)
        for begin in range(0, len(series), BATCH):
            rules = find_batch_rules(pattern, "sqeuclidean")
            measure_batch(rules, collect(rows), 0, 2, collect(series), begin, radius, False, costs)
        expected = [[find_cost(pattern, "sqeuclidean", x, y, radius) for y in series] for x in rows]
        np.testing.assert_array_equal(costs, expected)


def test_a_batch_begins_anywhere_and_knows_the_diagonal():
    rng = np.random.default_rng(1)
    series = rng.normal(size=(BATCH + 3, 6))
    both, costs = collect(series), np.full((BATCH + 3, BATCH + 3), np.nan)
    rules = find_batch_rules("symmetric2", "manhattan")
    for begin in (0, BATCH):
        measure_batch(rules, both, 0, BATCH + 3, both, begin, 2, True, costs)
    for a in range(BATCH + 3):
        assert np.isnan(costs[a, :a]).all()
        expected = [find_cost("symmetric2", "manhattan", series[a], y, 2) for y in series[a:]]
        np.testing.assert_array_equal(costs[a, a:], expected)


def test_a_sweep_ends_when_no_lane_can_stay_below_the_limit():
    rng = np.random.default_rng(2)
    series = rng.normal(size=(BATCH, 64)) + np.arange(BATCH)[:, np.newaxis]
    rules, x, columns = find_batch_rules("symmetric1", "sqeuclidean"), rng.normal(size=(64, 1)), np.empty(64 * BATCH)
    collection = collect(series)
    lengths = np.zeros(BATCH, np.int64)
    assert interleave(collection.samples, collection.starts, np.arange(BATCH), 0, columns, lengths) == BATCH
    np.testing.assert_array_equal(lengths, np.full(BATCH, 64))
    expected = [find_cost("symmetric1", "sqeuclidean", x[:, 0], y, 5) for y in series]
    row, costs = np.empty(65 * BATCH), np.empty(BATCH)
    for limit, written in ((np.inf, True), (min(expected), True), (0.01 * min(expected), False)):
        costs[:] = -1.0
        assert (
            sweep_batch(rules, 64, pad_rows(x), columns, lengths, lay_out_window(64, 64, 5), limit, row, costs)
            == written
        )
        np.testing.assert_array_equal(costs, expected if written else np.full(BATCH, -1.0))


def test_costs_that_overflow_are_infinite():
    series = np.full((BATCH, 3), -1e200)
    series[1] = 0.0
    costs = np.zeros((1, BATCH))
    x = collect([np.full(3, 1e200)])
    measure_batch(find_batch_rules("symmetric1", "sqeuclidean"), x, 0, 1, collect(series), 0, -1, False, costs)
    assert np.isinf(costs).all()
    measure_batch(find_batch_rules("symmetric1", "manhattan"), x, 0, 1, collect(series), 0, -1, False, costs)
    np.testing.assert_array_equal(costs[0, :3], [6e200, 3e200, 6e200])


@pytest.mark.parametrize(("count", "radius"), [(1, 3), (4, 3), (40, 3), (2, -1)])
@pytest.mark.parametrize("metric", METRICS)
def test_the_nearest_are_those_found_one_by_one(metric, count, radius):
    rng = np.random.default_rng(5)
    samples = rng.normal(size=(300, 40)).cumsum(axis=1)
    samples[100:103] = samples[7]  # equally near
    query = samples[7, :, np.newaxis] + 0.01 * rng.normal(size=(40, 1))
    candidates = collect(samples)
    one_by_one = find_nearest(find_rules("symmetric2", metric, 1), query, candidates, radius, count)
    batches = find_nearest_in_batches(find_batch_rules("symmetric2", metric), query, candidates, radius, count)
    np.testing.assert_array_equal(batches[0], one_by_one[0])
    np.testing.assert_array_equal(batches[1], one_by_one[1])
    assert batches[0][:4].tolist() == [7, 100, 101, 102][:count]
    assert batches[2] < 300
    every = [find_cost("symmetric2", metric, query[:, 0], y, radius) for y in samples[:20]]
    assert min(every) == batches[1][0]


def test_a_search_in_pieces_finds_the_same_and_reports(monkeypatch):
    rng = np.random.default_rng(6)
    samples = rng.normal(size=(300, 40)).cumsum(axis=1)
    query, candidates = samples[7, :, np.newaxis] + 5 * rng.normal(size=(40, 1)), collect(samples)
    searches = (
        (find_nearest, find_rules("symmetric2", "euclidean", 1)),
        (find_nearest_in_batches, find_batch_rules("symmetric2", "euclidean")),
    )
    whole = [find(rules, query, candidates, -1, 200) for find, rules in searches]
    monkeypatch.setattr(search, "_CELLS_PER_REPORT", 1)
    for (find, rules), (numbers, costs, _) in zip(searches, whole, strict=True):
        told = []
        pieces = find(rules, query, candidates, -1, 200, told.append)
        np.testing.assert_array_equal(pieces[0], numbers)
        np.testing.assert_array_equal(pieces[1], costs)
        assert told == [0.0, 128 / 300, 256 / 300, 1.0]


@pytest.mark.parametrize(("count", "radius"), [(1, 7), (5, 7), (100, 7), (3, -1)])
@pytest.mark.parametrize("metric", METRICS)
def test_the_nearest_of_several_lengths_are_those_of_comparing_with_all(metric, count, radius):
    rng = np.random.default_rng(8)
    series = [rng.normal(size=length).cumsum() for length in rng.integers(9, 22, size=ROUND * BATCH + 40)]
    series[90] = series[20].copy()  # equally near
    query = rng.normal(size=15).cumsum()
    every = [find_cost("symmetric2", metric, query, one, radius) for one in series]
    order = np.lexsort((np.arange(len(every)), every))[:count]
    numbers, costs, compared = find_nearest_in_batches(
        find_batch_rules("symmetric2", metric), query[:, np.newaxis], collect(series), radius, count
    )
    np.testing.assert_array_equal(numbers, order)
    np.testing.assert_array_equal(costs, np.array(every)[order])
    assert compared < len(series) or count > 5


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 3, 39, 70, 111])
def test_a_sample_that_is_not_finite_is_seen_by_the_bounds(wrong, place):
    samples = np.random.default_rng(9).normal(size=(3, 40))
    samples.reshape(-1)[place] = wrong
    candidates, query = collect(samples), np.zeros((40, 1))
    for radius in (2, -1):
        bounds = bound_all(find_rules("symmetric1", "sqeuclidean", 1), query, candidates, radius)
        np.testing.assert_array_equal(np.isnan(bounds), np.arange(3) == place // 40)
        with pytest.raises(FloatingPointError, match="not finite"):
            find_nearest_in_batches(find_batch_rules("symmetric1", "sqeuclidean"), query, candidates, radius, 1)
    several = Collection(samples.reshape(60, 2), np.arange(4) * 20)
    bounds = bound_all(find_rules("symmetric1", "euclidean", 2), np.zeros((20, 2)), several, -1)
    np.testing.assert_array_equal(np.isnan(bounds), np.arange(3) == place // 40)


def test_batches_are_for_many_series_of_about_one_length():
    assert fits_batches(collect(np.zeros((BATCH, 5))))
    assert not fits_batches(collect(np.zeros((BATCH // 2, 5))))
    assert fits_batches(collect([np.zeros(5)] * BATCH + [np.zeros(6)] * (BATCH - 1)))
    assert fits_batches(collect([np.zeros(10 + number) for number in range(2 * BATCH)]))
    assert not fits_batches(collect([np.zeros(1)] * BATCH + [np.zeros(6)]))
    assert not fits_batches(collect([np.zeros(5)] * BATCH + [np.zeros(LONGEST + 1)] * BATCH))
    assert not fits_batches(Collection(np.zeros((5 * BATCH, 2)), 5 * np.arange(BATCH + 1)))
    # A quarter of them long: alike in the batches of a round, not in batches by themselves.
    few = collect([np.zeros(1 if number % 4 else 30) for number in range(4 * BATCH)])
    assert fits_batches(few, 4 * BATCH)
    assert not fits_batches(few, BATCH)
