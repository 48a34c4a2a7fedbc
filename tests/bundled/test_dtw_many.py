from __future__ import annotations

import doctest
import importlib
import itertools
import math
import sys

import numpy as np
import pytest
from plugins.advanced_sync.dtw import dtw_distance
from plugins.advanced_sync.nearest import dtw_nearest
from plugins.advanced_sync.pairwise import dtw_pairwise

from platform_base.plugins.base import PluginContext, enter_context

OPTIONS = [
    {},
    {"step_pattern": "symmetric1", "distance_metric": "sqeuclidean", "window_size": 12},
    {"distance_metric": "manhattan", "kernel": "numpy"},
    {"step_pattern": "asymmetric"},
    {"distance_metric": "chebyshev", "window_type": "slanted_band", "window_size": 9},
]


def make_series(seed, count, channels, *, equal):
    rng = np.random.default_rng(seed)
    lengths = [40] * count if equal else rng.integers(34, 46, count)
    series = [rng.normal(size=(n, channels)).cumsum(axis=0) for n in lengths]
    return np.array(series) if equal else series


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(("channels", "equal"), [(1, True), (2, False)])
def test_every_pair_has_its_distance(options, channels, equal):
    series = make_series(1, 5, channels, equal=equal)
    others = make_series(2, 3, channels, equal=equal)
    expected = [[dtw_distance(a, b, **options) for b in others] for a in series]
    np.testing.assert_array_equal(dtw_pairwise(series, others, **options), expected)
    expected = [[dtw_distance(a, b, **options) for b in series] for a in series]
    np.testing.assert_allclose(dtw_pairwise(series, **options), expected, rtol=1e-14)


def test_threads_change_nothing():
    series = make_series(3, 9, 1, equal=True)
    one, many = (dtw_pairwise(series, threads=threads) for threads in (1, 4))
    np.testing.assert_array_equal(one, many)
    np.testing.assert_array_equal(dtw_pairwise(series), many)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(("channels", "equal"), [(1, True), (2, False)])
@pytest.mark.parametrize("count", [1, 4])
def test_nearest_are_those_of_comparing_with_all(options, channels, equal, count):
    *candidates, query = make_series(4, 31, channels, equal=equal)
    if equal:
        candidates = np.array(candidates)
    numbers, distances = dtw_nearest(query, candidates, count=count, **options)
    every = np.array([dtw_distance(query, one, **options) for one in candidates])
    order = np.lexsort((np.arange(len(every)), every))[:count]
    np.testing.assert_array_equal(numbers, order)
    np.testing.assert_array_equal(distances, every[order])


@pytest.mark.parametrize("options", [OPTIONS[0], OPTIONS[3]], ids=str)
@pytest.mark.parametrize(
    ("what", "function"),
    [
        ("candidates", lambda series, options: dtw_nearest(series[0], series, **options)),
        ("pairs", lambda series, options: dtw_pairwise(series, **options)),
    ],
)
def test_what_is_done_of_the_whole_is_reported_and_nothing_else(what, function, options):
    told = []
    with enter_context(PluginContext(report_progress=lambda *report: told.append(report))):
        function(make_series(5, 6, 1, equal=True), options)
    assert {message for _, message in told} == {what}
    assert [fraction for fraction, _ in told] == sorted(fraction for fraction, _ in told)
    assert told[-1][0] == 1.0


def test_of_equally_near_ones_the_first_come_first():
    far, near = np.arange(50.0) + 3, np.arange(50.0) + 1
    numbers, distances = dtw_nearest(np.arange(50.0), [far, near, near, far, near], count=4, window_size=0)
    assert numbers.tolist() == [1, 2, 4, 0]
    assert distances.tolist() == [99.0, 99.0, 99.0, 3 * 99.0]


def test_most_candidates_are_never_compared():
    search = pytest.importorskip("platform_base.kernels.search", exc_type=ImportError)
    from platform_base.kernels.collection import Collection
    from platform_base.kernels.rules import find_rules

    rng = np.random.default_rng(6)
    samples = rng.normal(size=(200, 64)).cumsum(axis=1)
    query = samples[77] + rng.normal(size=64) * 0.01
    collection = Collection(samples.reshape(-1, 1), np.arange(201) * 64)
    for pattern, metric in itertools.product(("symmetric1", "symmetric2"), ("sqeuclidean", "manhattan")):
        rules = find_rules(pattern, metric, 1)
        numbers, costs, compared = search.find_nearest(rules, query[:, np.newaxis], collection, 5, 1)
        every = [
            dtw_distance(query, one, step_pattern=pattern, distance_metric=metric, window_size=5) for one in samples
        ]
        assert (numbers[0], costs[0]) == (77, min(every))
        assert compared < 20


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "manhattan"])
@pytest.mark.parametrize("radius", [-1, 4, 9])
def test_bounds_are_below_every_distance(metric, radius, channels):
    pytest.importorskip("numba")
    from platform_base.kernels.bounds import (
        BLOCK,
        bound_all,
        bound_by_blocks,
        bound_by_own_envelope,
        find_reach,
        measure_room,
    )
    from platform_base.kernels.collection import Collection
    from platform_base.kernels.rules import find_rules

    rng = np.random.default_rng(7)
    series = [
        rng.normal(size=(n, channels)) + rng.normal() for n in (1, 5, 60, 37, 35, 40, 64)[0 if radius < 0 else 3 :]
    ]
    query = rng.normal(size=(39, channels))
    if radius >= 0:
        series = [one for one in series if abs(len(one) - 39) <= radius]
    starts = np.concatenate([[0], np.cumsum([len(one) for one in series])])
    rules, samples = find_rules("symmetric1", metric, channels), np.concatenate(series)
    bounds = bound_all(rules, query, Collection(samples, starts), radius)
    for bound, start, one in zip(bounds, starts, series, strict=False):
        options = {} if radius < 0 else {"window_size": radius}
        cost = dtw_distance(query, one, step_pattern="symmetric1", distance_metric=metric, **options)
        assert 0 < bound <= cost
        if channels == 1:
            reach = find_reach(len(query), len(one), radius)
            room = np.empty((2, measure_room(len(query), reach)))
            own = bound_by_own_envelope(rules, query, samples, start, len(one), reach, room)
            extremes = np.empty((2, len(one) // BLOCK + 1))
            assert 0 < own <= cost
            assert 0 <= bound_by_blocks(rules, query, samples, start, len(one), reach, extremes) <= own
            away = dtw_distance(query + 9, one, step_pattern="symmetric1", distance_metric=metric, **options)
            blocks = bound_by_blocks(rules, query + 9, samples, start, len(one), reach, extremes)
            assert (9 < blocks <= away) if radius >= 0 or len(one) <= 64 else blocks == 0


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "manhattan"])
@pytest.mark.parametrize("radius", [-1, 3, 9, 40])
def test_bounds_are_those_of_kim_and_keogh(metric, radius, channels):
    """The larger of the two, sample by sample as the papers write them."""
    pytest.importorskip("numba")
    from platform_base.kernels.bounds import bound_all
    from platform_base.kernels.collection import Collection
    from platform_base.kernels.rules import find_rules

    rng = np.random.default_rng(9)
    query = rng.normal(size=(39, channels))
    lengths = (39, 36, 42) if radius >= 0 else (1, 39, 70)
    series = [rng.normal(size=(n, channels)) * scale for n in lengths for scale in (1.0, 4.0)]

    def cost(difference):
        total = np.sum(difference * difference) if metric != "manhattan" else np.sum(np.abs(difference))
        return math.sqrt(total) if metric == "euclidean" else total

    expected = []
    for one in series:
        ends = cost(query[0] - one[0]) + (cost(query[-1] - one[-1]) if max(len(query), len(one)) > 1 else 0.0)
        keogh = 0.0
        for j, sample in enumerate(one):
            near = query if radius < 0 else query[max(0, j - radius) : j + radius + 1]
            keogh += cost(sample - np.clip(sample, near.min(axis=0), near.max(axis=0)))
        expected.append(max(ends, keogh))
    rules = find_rules("symmetric1", metric, channels)
    starts = np.concatenate([[0], np.cumsum([len(one) for one in series])])
    bounds = bound_all(rules, query, Collection(np.concatenate(series), starts), radius)
    np.testing.assert_allclose(bounds, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: dtw_pairwise([]), ValueError, "series: expected at least one series"),
        (lambda: dtw_pairwise("abc"), TypeError, "series: expected a sequence of series, got str"),
        (
            lambda: dtw_pairwise(np.zeros(5)),
            ValueError,
            r"series: expected several series, got an array of shape \(5,\)",
        ),
        (lambda: dtw_pairwise([[1, 2], [np.nan, 1]]), ValueError, r"series\[1\]"),
        (lambda: dtw_pairwise(np.array([[1, 2], [np.inf, 1]])), ValueError, r"series\[1\]"),
        (lambda: dtw_pairwise([[[1, 2]], [[1]]]), ValueError, r"series\[1\]: expected 2 channel"),
        (lambda: dtw_pairwise([[1, 2]], [[[1, 2]]]), ValueError, r"others: expected 1 channel"),
        (lambda: dtw_pairwise([[1, 2]], threads=0), ValueError, "threads: expected a whole number of at least 1"),
        (lambda: dtw_pairwise([[1, 2], [1] * 9], window_size=3), ValueError, "window_size.*7"),
        (lambda: dtw_pairwise([[1, 2]], band=[[0, 1]] * 2), ValueError, "band: describes one pair"),
        (lambda: dtw_pairwise([[1, 2]], nan_policy="omit"), ValueError, "nan_policy: expected one of .*got 'omit'"),
        (lambda: dtw_pairwise("abc", nan_policy="propagate"), TypeError, "series: expected a sequence of series"),
        (
            lambda: dtw_nearest([1.0, np.nan], [[1.0]], nan_policy="interpolate", count=2),
            ValueError,
            "count: expected 1 to 1",
        ),
        (
            lambda: dtw_nearest([1.0], [[np.nan]], nan_policy="interpolate"),
            ValueError,
            r"candidates\[0\]: expected at least one value",
        ),
        (lambda: dtw_nearest([np.inf], [[1.0]], nan_policy="propagate"), ValueError, r"query\[0\]: expected a finite"),
        (lambda: dtw_pairwise([[1e200], [-1e200]], distance_metric="sqeuclidean"), ValueError, "overflow"),
        (lambda: dtw_nearest([1, 2], np.array([[1, 2], [np.nan, 1]])), ValueError, r"candidates\[1\]\[0\]"),
        (lambda: dtw_nearest([1, 2], np.array([[1, np.inf], [3, 1]])), ValueError, r"candidates\[0\]\[1\]"),
        (
            lambda: dtw_nearest([1, 2], np.array([[1, 2], [1e99, 1]]), dtype="float32"),
            ValueError,
            r"candidates\[1\]\[0\]",
        ),
        (lambda: dtw_nearest([1, 2], [[1, 2]], count=2), ValueError, "count: expected 1 to 1"),
        (lambda: dtw_nearest([1, 2], [[1, 2]], count=1.0), TypeError, "count: expected a whole number"),
        (lambda: dtw_nearest([1, 2], [[[1, 2]]]), ValueError, "candidates: expected 1 channel"),
        (lambda: dtw_nearest([1, 2], [[1] * 9], window_size=3), ValueError, "window_size.*7"),
    ],
)
def test_wrong_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_missing_samples(options):
    *series, query = make_series(5, 7, 2, equal=False)
    holed = [one.copy() for one in series]
    holed[1][3:5, 0] = np.nan
    holed[4][0] = np.nan
    with pytest.raises(ValueError, match=r"series\[1\]\[3, 0\]: expected a finite number, got nan"):
        dtw_pairwise(holed, **options)

    filled = [one.copy() for one in holed]
    for one, at in ((filled[1], [3, 4]), (filled[4], [0])):
        known = np.setdiff1d(np.arange(len(one)), at)
        for channel in range(2):
            one[at, channel] = np.interp(at, known, one[known, channel])
    filled[1][3:5, 1] = holed[1][3:5, 1]
    whole = dtw_pairwise(filled, **options)
    np.testing.assert_array_equal(dtw_pairwise(holed, nan_policy="interpolate", **options), whole)
    expected = dtw_pairwise(series, **options)
    expected[[1, 4]] = expected[:, [1, 4]] = np.nan
    np.testing.assert_array_equal(dtw_pairwise(holed, nan_policy="propagate", **options), expected)
    np.testing.assert_array_equal(
        dtw_pairwise(series, holed[:3], nan_policy="propagate", **options),
        np.where(np.arange(3) == 1, np.nan, dtw_pairwise(series, series[:3], **options)),
    )

    for policy, others in (("raise", series), ("propagate", series), ("interpolate", filled)):
        candidates = holed if policy == "interpolate" else others
        found = dtw_nearest(query, candidates, count=6, nan_policy=policy, **options)
        np.testing.assert_array_equal(found, dtw_nearest(query, others, count=6, **options))
    sound = [0, 2, 3, 5]
    numbers, distances = dtw_nearest(query, [series[number] for number in sound], count=4, **options)
    for count in (3, 4, 5, 6):
        found = dtw_nearest(query, holed, count=count, nan_policy="propagate", **options)
        assert found[0].tolist() == [*(sound[number] for number in numbers), 1, 4][:count]
        np.testing.assert_array_equal(found[1], [*distances, np.nan, np.nan][:count])
    nowhere = dtw_nearest(holed[1], series, count=2, nan_policy="propagate", **options)
    np.testing.assert_array_equal(nowhere, [[0, 1], [np.nan, np.nan]])


def test_read_only_series_are_taken():
    series = make_series(8, 4, 1, equal=True)
    expected = dtw_pairwise(series)
    series.setflags(write=False)
    np.testing.assert_array_equal(dtw_pairwise(series), expected)
    assert dtw_nearest(series[0], series)[0].tolist() == [0]
    assert dtw_distance(series[0], series[1]) == expected[0, 1]


@pytest.mark.parametrize("module", ["pairwise", "nearest", "missing"])
def test_doctests(module):
    name = f"plugins.advanced_sync.{module}"
    importlib.import_module(name)
    assert doctest.testmod(sys.modules[name]).failed == 0
