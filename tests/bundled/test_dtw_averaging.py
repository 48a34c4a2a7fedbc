"""Barycenters against aeon, tslearn and their own laws; soft-DTW against all paths there are, and tslearn."""

from __future__ import annotations

import doctest
import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.advanced_sync import averaging, representations, soft_dtw, step_patterns, warping
from plugins.advanced_sync.averaging import dtw_barycenter
from plugins.advanced_sync.dtw import dtw_distance
from plugins.advanced_sync.soft_dtw import soft_dtw as value_of
from plugins.advanced_sync.soft_dtw import soft_dtw_gradient

from platform_base.plugins.base import PluginContext, enter_context

KERNELS = ("numba", "numpy")
X = np.array([0.3, 1.1, 2.7, 2.0, -1.2, 0.4, 3.9, 3.1, 1.0, 0.2])
Y = np.array([0.5, 0.9, 3.5, 2.5, 2.1, -2.2, 0.1, 0.3, 4.5, 2.0])
SERIES = [X, Y, np.roll(X, 1) + 0.1 * Y]
SQUARED = {"distance_metric": "sqeuclidean", "step_pattern": "symmetric1"}


@pytest.mark.parametrize("kernel", KERNELS)
def test_barycenter_equals_that_of_aeon_and_tslearn(kernel: str) -> None:
    # aeon 1.6.0 petitjean_barycenter_average(SERIES, init_barycenter=X, max_iters=30, tol=1e-12), and tslearn 0.10.0
    # dtw_barycenter_averaging of the same.
    expected = [0.36, 1.15, 3.05, 2.2025, -4.82 / 3, 0.3025, 4.11, 8.65 / 3, 1.4, 3.4 / 3]
    average = dtw_barycenter(SERIES, initial=X, tolerance=0.0, kernel=kernel)
    np.testing.assert_allclose(average.values, expected, rtol=1e-12)
    assert average.converged


def test_weighted_barycenter_in_a_window_equals_that_of_aeon() -> None:
    # The same with weights [1, 2, 0.5] and window=0.25, which is a radius of 2 samples.
    expected = [
        0.405, 1.0357142857142858, 3.1928571428571426, 2.2372727272727273, -1.802857142857143, 0.2554545454545455,
        4.247142857142857, 2.5357142857142856, 1.6, 1.3714285714285714,
    ]  # fmt: skip
    average = dtw_barycenter(SERIES, initial=X, weights=[1.0, 2.0, 0.5], tolerance=0.0, window_size=2)
    np.testing.assert_allclose(average.values, expected, rtol=1e-12)


TWO_CHANNELS = np.array(
    [
        [[0.3, 0.8, 0.3, -1.3, 0.9, 0.4, -0.5, 0.6], [0.4, 0.3, 0.0, 0.5, -0.7, -0.2, -0.5, 0.6]],
        [[0.0, -0.3, -0.8, -0.3, 0.0, -0.3, 1.3, 1.0], [-2.7, -1.9, -0.2, -0.4, 0.2, 0.2, 2.1, -1.1]],
        [[-0.4, 2.0, 0.6, 0.7, -0.5, -1.6, 0.2, 0.1], [-1.2, -0.7, -0.1, -0.9, -0.1, 0.1, 0.0, -0.5]],
    ]
).transpose(0, 2, 1)


def test_barycenter_of_several_channels_equals_that_of_aeon() -> None:
    expected = [
        [-0.1 / 3, 0.76, -1 / 3, -3.7 / 3, 0.8 / 3, 0.2, -0.7 / 3, 0.75],
        [-3.5 / 3, -0.66, -0.1, 0.4 / 3, -1.1 / 3, 0.0, -0.8 / 3, 0.275],
    ]
    average = dtw_barycenter(list(TWO_CHANNELS), initial=TWO_CHANNELS[0], max_iterations=50, tolerance=0.0)
    np.testing.assert_allclose(average.values, np.array(expected).T, rtol=1e-12, atol=1e-12)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1 << 16), count=st.integers(1, 4), kernel=st.sampled_from(KERNELS))
def test_no_iteration_raises_the_inertia(seed: int, count: int, kernel: str) -> None:
    generator = np.random.default_rng(seed)
    series = [generator.normal(size=(generator.integers(1, 12), 2)).cumsum(axis=0) for _ in range(count)]
    weights = generator.uniform(0.1, 2.0, count)
    averages = [
        dtw_barycenter(series, weights=weights, max_iterations=k, tolerance=0.0, kernel=kernel) for k in range(6)
    ]
    inertias = [average.inertia for average in averages]
    assert all(later <= earlier * (1 + 1e-12) for earlier, later in itertools.pairwise(inertias))
    last = averages[-1]
    recomputed = sum(w * dtw_distance(last.values, s, **SQUARED) for w, s in zip(weights, series, strict=True))
    assert last.inertia == pytest.approx(recomputed, rel=1e-12, abs=1e-12)
    sums = [sum(w * dtw_distance(a, s, **SQUARED) for w, s in zip(weights, series, strict=True)) for a in series]
    assert inertias[0] == pytest.approx(min(sums), rel=1e-12, abs=1e-12)


def test_barycenter_of_one_series_is_that_series() -> None:
    average = dtw_barycenter([X])
    assert np.array_equal(average.values, X)
    assert (average.inertia, average.iterations, average.converged) == (0.0, 0, True)


def test_averaging_reports_its_progress() -> None:
    told: list[tuple[float, str]] = []
    with enter_context(PluginContext(report_progress=lambda *report: told.append(report))):
        dtw_barycenter(SERIES, initial=X)
    assert {message for _, message in told} == {"averaging"}
    assert [fraction for fraction, _ in told] == sorted(fraction for fraction, _ in told)
    assert told[-1][0] == 1.0


@pytest.mark.parametrize(
    ("series", "options", "error", "message"),
    [
        ([], {}, ValueError, "series: expected at least one series, got none"),
        ([X, [1.0, math.nan]], {}, ValueError, r"series\[1\]\[1\]: expected a finite number"),
        ([X, TWO_CHANNELS[0]], {}, ValueError, r"expected . channel\(s\)"),
        ([X, Y], {"weights": [1.0]}, ValueError, r"weights: expected one for each of the 2 series, got shape \(1,\)"),
        ([X, Y], {"weights": [1.0, -1.0]}, ValueError, "weights: expected numbers of at least 0"),
        ([X, Y], {"weights": [0.0, 0.0]}, ValueError, "weights: expected numbers of at least 0, one of them more"),
        ([X, Y], {"max_iterations": -1}, ValueError, "max_iterations: expected at least 0, got -1"),
        ([X, Y], {"max_iterations": 2.5}, TypeError, "max_iterations: expected a whole number, got 2.5"),
        ([X, Y], {"tolerance": math.nan}, ValueError, "tolerance: expected at least 0, got nan"),
        ([X, Y[:5]], {"window_size": 2}, ValueError, "window_size: expected at least 5"),
    ],
)
def test_bad_averages_get_a_clear_error(series: list, options: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        dtw_barycenter(series, **options)


def all_paths(n: int, m: int) -> Iterator[list[tuple[int, int]]]:
    def extend(path: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
        i, j = path[-1]
        if (i, j) == (n - 1, m - 1):
            yield path
        for step in ((1, 1), (1, 0), (0, 1)):
            if i + step[0] < n and j + step[1] < m:
                yield from extend([*path, (i + step[0], j + step[1])])

    yield from extend([(0, 0)])


@settings(deadline=None, max_examples=60)
@given(
    n=st.integers(1, 5), m=st.integers(1, 5), gamma=st.sampled_from([0.05, 0.5, 1.0, 20.0]), seed=st.integers(0, 999),
    window=st.none() | st.integers(0, 3),
)  # fmt: skip
def test_value_and_probability_are_those_of_all_paths(
    n: int, m: int, gamma: float, seed: int, window: int | None
) -> None:
    if window is not None and window < abs(n - m):
        window = abs(n - m)
    generator = np.random.default_rng(seed)
    x, y = generator.normal(size=(n, 2)), generator.normal(size=(m, 2))
    costs = ((x[:, np.newaxis] - y) ** 2).sum(axis=2)
    paths = [p for p in all_paths(n, m) if window is None or all(abs(i - j) <= window for i, j in p)]
    totals = np.array([sum(costs[cell] for cell in path) for path in paths])
    weights = np.exp(-(totals - totals.min()) / gamma)
    expected = totals.min() - gamma * math.log(weights.sum())
    probability = np.zeros((n, m))
    for path, weight in zip(paths, weights / weights.sum(), strict=True):
        for cell in path:
            probability[cell] += weight
    got = soft_dtw_gradient(x, y, gamma=gamma, window_size=window)
    assert got.value == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert value_of(x, y, gamma=gamma, window_size=window) == got.value
    np.testing.assert_allclose(got.probability, probability, rtol=1e-9, atol=1e-12)
    gradient = (2 * probability[:, :, np.newaxis] * (x[:, np.newaxis] - y)).sum(axis=1)
    np.testing.assert_allclose(got.gradient, gradient, rtol=1e-9, atol=1e-12)


def test_soft_dtw_equals_that_of_aeon_and_tslearn() -> None:
    # aeon 1.6.0 soft_dtw_distance; tslearn 0.10.0 SoftDTW with SquaredEuclidean: compute, jacobian_product(grad()).
    assert value_of(X, Y, gamma=0.1) == pytest.approx(7.653771096911939, rel=1e-12)
    got = soft_dtw_gradient(X, Y, gamma=1.0)
    assert got.value == pytest.approx(4.689864535763619, rel=1e-12)
    expected = [
        -0.7473871671318497, 0.7006201856603416, -0.8590064162506967, -0.7796382366872218, 1.2021125443844836,
        0.7092324296545761, -1.1372789942611639, 0.5196281470154313, -2.0000283752787924, -3.600000000000423,
    ]  # fmt: skip
    np.testing.assert_allclose(got.gradient, expected, rtol=1e-10)
    several = soft_dtw_gradient(TWO_CHANNELS[0], TWO_CHANNELS[1], gamma=0.5)
    assert several.value == pytest.approx(25.14857787365048, rel=1e-12)
    np.testing.assert_allclose(several.gradient[3], [-1.3573082850227591, 1.4860117067944199], rtol=1e-10)
    assert several.gradient.shape == (8, 2)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 999), gamma=st.sampled_from([0.1, 1.0, 10.0]))
def test_gradient_is_that_of_finite_differences(seed: int, gamma: float) -> None:
    generator = np.random.default_rng(seed)
    x, y = generator.normal(size=12), generator.normal(size=9)
    gradient = soft_dtw_gradient(x, y, gamma=gamma).gradient
    step = 1e-5
    for i in range(12):
        shift = np.zeros(12)
        shift[i] = step
        slope = (value_of(x + shift, y, gamma=gamma) - value_of(x - shift, y, gamma=gamma)) / (2 * step)
        assert gradient[i] == pytest.approx(slope, rel=1e-5, abs=1e-5)


def test_soft_dtw_tends_to_dtw_from_below() -> None:
    values = [value_of(X, Y, gamma=gamma) for gamma in (10.0, 1.0, 0.1, 0.01, 1e-4)]
    hard = dtw_distance(X, Y, **SQUARED)
    assert values == sorted(values)
    assert values[-1] == pytest.approx(hard, rel=1e-3)
    assert values[-1] <= hard
    assert value_of(X, Y) == pytest.approx(value_of(Y, X), rel=1e-12)


def test_soft_dtw_takes_costs_that_a_plain_sum_of_exponentials_loses() -> None:
    x, y = np.array([0.0, 1e6, 0.0]), np.array([1e6, 0.0, 1e6])
    got = soft_dtw_gradient(x, y, gamma=1e-3)
    assert got.value == pytest.approx(dtw_distance(x, y, **SQUARED), rel=1e-9)
    assert np.isfinite(got.gradient).all()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"gamma": 0.0}, ValueError, "gamma: expected a positive finite number, got 0.0"),
        ({"gamma": math.inf}, ValueError, "gamma: expected a positive finite number, got inf"),
        ({"gamma": "1"}, TypeError, "gamma: expected a number, got '1'"),
        ({"window_size": 1}, ValueError, "window_size: expected at least 4"),
    ],
)
def test_bad_smoothing_gets_a_clear_error(options: dict, error: type[Exception], message: str) -> None:
    for function in (value_of, soft_dtw_gradient):
        with pytest.raises(error, match=message):
            function(X, X[:6], **options)
        with pytest.raises(ValueError, match="overflow float64"):
            function([1e200], [-1e200])


@pytest.mark.parametrize("module", [averaging, soft_dtw, step_patterns, representations, warping])
def test_doctests(module: object) -> None:
    outcome = doctest.testmod(module)
    assert outcome.attempted >= 1
    assert outcome.failed == 0
