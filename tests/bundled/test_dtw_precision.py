"""Dynamic time warping in float32: how far it is from float64, that nobody gets it unasked, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
import recordings
from plugins.advanced_sync.dtw import dtw_align, dtw_distance, dtw_matrices, dtw_path
from plugins.advanced_sync.dtw_plugin import DTWPlugin
from plugins.advanced_sync.nearest import dtw_nearest
from plugins.advanced_sync.pairwise import dtw_pairwise

KERNELS = ("numba", "numpy")
METRICS = ("euclidean", "sqeuclidean", "manhattan")
WEIGHTS = {"symmetric1": 1, "symmetric2": 2}


def textbook(x, y, metric, pattern, radius=None, element=float):
    """The cost of the best path, two rows at a time, every operation rounded to `element`, float or np.float32."""
    x, y = ([element(number) for number in series.tolist()] for series in (x, y))
    weight, infinity, reach = (
        element(WEIGHTS[pattern]),
        element(math.inf),
        len(x) + len(y) if radius is None else radius,
    )
    above = [infinity] * (len(y) + 1)
    for i, sample in enumerate(x):
        row = [infinity] * (len(y) + 1)
        for j in range(max(0, i - reach), min(len(y), i + reach + 1)):
            cost = abs(sample - y[j]) if metric != "sqeuclidean" else (sample - y[j]) * (sample - y[j])
            row[j + 1] = min(above[j] + weight * cost, above[j + 1] + cost, row[j] + cost) if i or j else cost
        above = row
    return above[-1]


def make_walks(seed, n, m):
    """Two random walks whose samples float32 holds exactly, as float64."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=length).cumsum().astype(np.float32).astype(float) for length in (n, m))


def bound(x, y):
    """How far the sum of a path may be off in float32, relative to it, whatever the samples."""
    return (len(x) + len(y) + 4) * 2.0**-24


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    ("metric", "pattern"), [("sqeuclidean", "symmetric1"), ("euclidean", "symmetric2")], ids=str
)  # fmt: skip
def test_every_length_is_within_the_stated_error(metric, pattern, kernel):
    options = {"distance_metric": metric, "step_pattern": pattern, "dtype": "float32", "kernel": kernel}
    errors = []
    for n in range(1, 201):
        x, y = make_walks(n, n, max(1, n - n % 7))
        radius = None if n % 3 else n // 10 + 7
        expected = textbook(x, y, metric, pattern, radius)
        distance = dtw_distance(x, y, window_size=radius, **options)
        path, path_distance = dtw_path(x, y, window_size=radius, **options)
        assert distance == path_distance
        errors.append(abs(distance - expected) / expected)
        assert errors[-1] <= bound(x, y)
        costs = np.abs(x[path[:, 0]] - y[path[:, 1]]) ** (2 if metric == "sqeuclidean" else 1)
        steps = WEIGHTS[pattern] * (np.diff(path, axis=0) == 1).all(axis=1) + (np.diff(path, axis=0) != 1).any(axis=1)
        # The path is one of those that cost least, up to the error.
        assert costs[0] + (steps * costs[1:]).sum() == pytest.approx(expected, rel=2 * bound(x, y))
    assert np.median(errors) < 3e-7
    assert max(errors) < 2e-6
    assert max(errors) > 0


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("pattern", WEIGHTS)
def test_the_bits_are_those_of_sums_rounded_to_float32(metric, pattern, kernel):
    for n, m, radius in ((1, 1, None), (30, 26, 5), (64, 64, 1), (90, 101, None), (150, 131, 40), (200, 200, 127)):
        x, y = make_walks(n, n, m)
        options = {"distance_metric": metric, "step_pattern": pattern, "window_size": radius, "kernel": kernel}
        expected = textbook(x, y, metric, pattern, radius, np.float32)
        assert dtw_distance(x, y, dtype="float32", **options) == expected
        assert dtw_path(x, y, dtype="float32", **options)[1] == expected


@pytest.mark.parametrize(("radius", "largest"), [(None, 1e-5), (200, 1e-5)])
def test_two_thousand_samples(radius, largest):
    x, y = make_walks(5, 2000, 2000)
    options = {"distance_metric": "sqeuclidean", "step_pattern": "symmetric1", "window_size": radius}
    expected = textbook(x, y, "sqeuclidean", "symmetric1", radius)
    for kernel in KERNELS:
        distance = dtw_distance(x, y, dtype="float32", kernel=kernel, **options)
        assert 0 < abs(distance - expected) / expected < largest


@pytest.mark.parametrize("pattern", WEIGHTS)
@pytest.mark.parametrize("metric", METRICS)
def test_recorded_series_are_within_the_stated_error(metric, pattern):
    series = recordings.univariate()
    for x in series:
        for y in series:
            expected = textbook(x, y, metric, pattern)
            distance = dtw_distance(x, y, distance_metric=metric, step_pattern=pattern, dtype="float32")
            assert distance == pytest.approx(expected, rel=1e-6)


def test_several_channels_and_every_window():
    x, y = recordings.multivariate()
    bands = ({}, {"window_size": 9}, {"window_type": "slanted_band", "window_size": 4}, {"window_type": "itakura"})
    for options in (*bands, {"representation": "derivative"}, {"distance_metric": "sqeuclidean"}):
        expected = dtw_distance(x, y, kernel="numpy", **options)
        found = [dtw_distance(x, y, dtype="float32", kernel=kernel, **options) for kernel in KERNELS]
        assert found[0] == found[1] == pytest.approx(expected, rel=2e-6)
        assert found[0] != expected


def test_series_in_float32_are_computed_in_float64_unless_asked():
    x, y = (series.astype(np.float32) for series in make_walks(3, 80, 80))
    expected = textbook(x, y, "euclidean", "symmetric2")
    single = textbook(x, y, "euclidean", "symmetric2", element=np.float32)
    assert expected != single
    for dtype in ({}, {"dtype": "float64"}):
        assert dtw_distance(x, y, **dtype) == dtw_path(x, y, **dtype)[1] == expected
        assert dtw_pairwise(np.stack([x, y]), **dtype)[0, 1] == expected
        assert dtw_pairwise([x], [y], **dtype)[0, 0] == expected
        assert dtw_nearest(x, [y], **dtype)[1][0] == expected
        assert dtw_align(x, y, **dtype).dtype == "float64"
    assert dtw_distance(x, y, dtype="float32") == single
    assert dtw_nearest(x, [y], dtype="float32")[1][0] == single


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("radius", [None, 6])
def test_many_series_have_the_distances_of_pairs(radius, kernel):
    rng = np.random.default_rng(4)
    # With Numba enough for a batch, and some over.
    series = rng.normal(size=(37 if kernel == "numba" else 7, 50)).cumsum(axis=1)
    options = {"window_size": radius, "dtype": "float32"}
    expected = [[dtw_distance(a, b, **options) for b in series] for a in series]
    for given in (series, series.astype(np.float32), list(series)):
        found = dtw_pairwise(given, kernel=kernel, **options)
        assert found.dtype == np.float64
        np.testing.assert_array_equal(found, expected)
        numbers, distances = dtw_nearest(given[0], given, count=5, kernel=kernel, **options)
        order = np.argsort(expected[0], kind="stable")[:5]
        np.testing.assert_array_equal(numbers, order)
        np.testing.assert_array_equal(distances, np.array(expected[0])[order])


@pytest.mark.parametrize("kernel", KERNELS)
def test_candidates_that_float32_makes_equal_come_in_order(kernel):
    query, nearer = np.zeros(40), np.ones(40)
    candidates = [nearer + 1e-12, nearer, nearer + 0.5, nearer + 1e-12]
    exact, _ = dtw_nearest(query, candidates, count=3, kernel=kernel)
    assert exact.tolist() == [1, 0, 3]
    numbers, distances = dtw_nearest(query, candidates, count=3, kernel=kernel, dtype="float32")
    assert numbers.tolist() == [0, 1, 3]
    assert distances.tolist() == [79.0] * 3  # 40 + 40 - 1 times 1, symmetric2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"distance_metric": "cosine"},
            "expected float64 with distance_metric cosine.*euclidean, sqeuclidean, manh",
        ),
        ({"distance_metric": "chebyshev"}, "expected float64 with distance_metric chebyshev"),
        ({"step_pattern": "asymmetric"}, "expected float64 with step_pattern asymmetric.*symmetric1 and symmetric2"),
        ({"step_pattern": "symmetric1", "open_end": True}, "expected float64 with open_begin or open_end"),
        ({"step_pattern": "symmetric1", "open_begin": True}, "expected float64 with open_begin or open_end"),
    ],
    ids=str,
)
@pytest.mark.parametrize("kernel", KERNELS)
def test_what_is_not_offered_is_an_error_that_says_what_is(options, message, kernel):
    x, y = np.array([1.0, 2.0, 4.0]), np.array([2.0, 1.0, 3.0])
    call = {"dtype": "float32", "kernel": kernel, **options}
    calls = [lambda: dtw_distance(x, y, **call), lambda: dtw_path(x, y, **call), lambda: dtw_align(x, y, **call)]
    calls += [lambda: dtw_pairwise([x], [y], **call), lambda: dtw_nearest(x, [y], **call)]
    for refused in calls:
        with pytest.raises(ValueError, match=rf'^dtype: {message}.*use dtype="float64"|^dtype: {message}'):
            refused()
    assert dtw_distance(x, y, kernel=kernel, **options) >= 0


def test_matrices_are_refused():
    for call in (
        lambda: dtw_matrices([1], [2], dtype="float32"),
        lambda: dtw_align([1], [2], matrices=True, dtype="float32"),
    ):
        with pytest.raises(ValueError, match=r"^dtype: expected float64 where the matrices of costs are wanted"):
            call()


@pytest.mark.parametrize("call", [dtw_distance, dtw_path, dtw_align, dtw_matrices, dtw_pairwise, dtw_nearest])
@pytest.mark.parametrize(("dtype", "error"), [("float16", ValueError), ("double", ValueError), (np.float32, TypeError)])
def test_other_precisions_are_refused(call, dtype, error):
    series = [[1.0, 2.0]]
    given = (series, series) if call is dtw_pairwise else (series[0], series if call is dtw_nearest else series[0])
    with pytest.raises(error, match=r'^dtype: expected .*"float64" or "float32", got '):
        call(*given, dtype=dtype)


def test_samples_and_costs_beyond_float32_are_named():
    large, small = np.array([1.0, 1e39, 2.0]), np.zeros(3)
    with pytest.raises(ValueError, match=r"^reference\[1\]: expected at most 3.40e\+38 with .* 1.00e\+39"):
        dtw_distance(large, small, dtype="float32")
    with pytest.raises(ValueError, match=r"^target\[1, 0\]: expected at most 3.40e\+38"):
        dtw_path(np.zeros((3, 2)), np.stack([large, small], axis=1), dtype="float32")
    for candidates in ([small, large], np.stack([small, large])):
        with pytest.raises(ValueError, match=r"^candidates\[1\]\[1\]: expected at most 3.40e\+38"):
            dtw_nearest(small, candidates, dtype="float32")
    message = r'^the costs overflow float32: .*scale (both|all) series, use dtype="float64"'
    squares = {"distance_metric": "sqeuclidean", "dtype": "float32"}
    with pytest.raises(ValueError, match=message):
        dtw_distance(small, small + 1e20, **squares)
    with pytest.raises(ValueError, match=message):
        dtw_pairwise([small], [small + 1e20], **squares)
    assert dtw_distance(small, small + 1e20, distance_metric="sqeuclidean") == pytest.approx(5e40)


def test_more_samples_than_float32_counts_are_refused():
    many = np.zeros((1 << 23) + 1)
    with pytest.raises(ValueError, match=r"^dtype: expected float64 with 16777218 samples.*up to 16777216 samples"):
        dtw_distance(many, many, window_size=0, dtype="float32")


def test_the_plugin_says_in_which_precision_it_worked():
    x, y = make_walks(9, 60, 50)
    inputs = {"reference": x, "target": y}
    single = DTWPlugin().execute({**inputs, "params": {"dtype": "float32", "distance_metric": "sqeuclidean"}})
    expected = textbook(x, y, "sqeuclidean", "symmetric2", element=np.float32)
    assert (single.metadata["distance"], single.metadata["dtype"]) == (expected, "float32")
    assert single.values.dtype == np.float64
    assert DTWPlugin().execute(inputs).metadata["dtype"] == "float64"
