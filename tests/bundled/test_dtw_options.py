"""Local costs against SciPy; time stamps, gaps, derivatives, shapes, matrices and warping against their definitions."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.advanced_sync.dtw import dtw_align, dtw_distance, dtw_matrices, dtw_path
from plugins.advanced_sync.dtw_plugin import DTWPlugin
from plugins.advanced_sync.metrics import METRICS as CODES
from plugins.advanced_sync.options import Options
from plugins.advanced_sync.precision import DTYPES
from plugins.advanced_sync.representations import REPRESENTATIONS, derivative
from plugins.advanced_sync.step_patterns import STEP_PATTERNS
from plugins.advanced_sync.window_choice import WINDOW_TYPES
from scipy.spatial.distance import cdist

from platform_base.kernels.gaps import NAN_POLICIES
from platform_base.plugins.base import PluginContext, enter_context

KERNELS = ("numba", "numpy")
METRICS = {
    "euclidean": {},
    "sqeuclidean": {},
    "manhattan": {},
    "chebyshev": {},
    "cosine": {},
    "minkowski": {"minkowski_p": 3.5},
}
SCIPY_NAMES = {"manhattan": "cityblock"}


def series(n: int, m: int, channels: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.normal(size=(n, channels)).cumsum(axis=0), generator.normal(size=(m, channels)).cumsum(axis=0)


def scipy_costs(x: np.ndarray, y: np.ndarray, metric: str) -> np.ndarray:
    options = {"p": 3.5} if metric == "minkowski" else {}
    return cdist(x, y, SCIPY_NAMES.get(metric, metric), **options)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("pattern", ["symmetric2", "asymmetric", "symmetricP05"])
@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("metric", METRICS)
def test_local_costs_are_those_of_scipy(metric: str, channels: int, pattern: str, kernel: str) -> None:
    x, y = series(25, 28, channels, seed=channels)
    options = {"distance_metric": metric, "step_pattern": pattern, "kernel": kernel, **METRICS[metric]}
    costs = scipy_costs(x, y, metric)
    np.testing.assert_allclose(dtw_matrices(x, y, **options).local, costs, rtol=1e-12, atol=1e-15)
    # The same costs given: then the kernels use what SciPy computed.
    given_costs = {"distance_metric": "precomputed", "cost_matrix": costs, "step_pattern": pattern, "kernel": kernel}
    path, distance = dtw_path(None, None, **given_costs)
    assert dtw_distance(x, y, **options) == pytest.approx(distance, rel=1e-12, abs=1e-12)
    if channels > 1:
        assert dtw_path(x, y, **options)[0].tolist() == path.tolist()


def test_costs_alone_have_a_path_but_nothing_to_warp() -> None:
    costs = {"distance_metric": "precomputed", "cost_matrix": np.eye(4)}
    assert dtw_path(None, None, **costs)[0].shape[1] == 2
    with pytest.raises(ValueError, match="target: expected the series to warp, got None; use dtw_path"):
        dtw_align(None, None, **costs)
    with pytest.raises(ValueError, match="reference: expected the series to warp"):
        dtw_align(None, np.zeros(4), reverse=True, **costs)
    assert dtw_align(None, np.zeros(4), **costs).warped.shape == (4,)


def test_minkowski_spans_its_relatives() -> None:
    x, y = series(20, 20, 3)
    for power, name in [(1.0, "manhattan"), (2.0, "euclidean"), (200.0, "chebyshev")]:
        got = dtw_distance(x, y, distance_metric="minkowski", minkowski_p=power)
        assert got == pytest.approx(dtw_distance(x, y, distance_metric=name), rel=1e-2 if power > 2 else 1e-12)


@settings(deadline=None, max_examples=40)
@given(metric=st.sampled_from(sorted(METRICS)), seed=st.integers(0, 1 << 16), channels=st.integers(1, 4))
def test_both_kernels_agree_on_every_metric(metric: str, seed: int, channels: int) -> None:
    x, y = series(17, 13, channels, seed)
    options = {"distance_metric": metric, "matrices": True, "window_size": 6, **METRICS[metric]}
    compiled, plain = (dtw_align(x, y, kernel=kernel, **options) for kernel in KERNELS)
    assert compiled.distance == plain.distance
    assert np.array_equal(compiled.path, plain.path)
    assert np.array_equal(compiled.matrices.accumulated, plain.matrices.accumulated)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"distance_metric": "minkowski", "minkowski_p": 0.5}, ValueError, "minkowski_p: .*at least 1, got 0.5"),
        ({"distance_metric": "minkowski", "minkowski_p": "2"}, TypeError, "minkowski_p: expected a number, got '2'"),
        ({"distance_metric": "precomputed"}, ValueError, "cost_matrix: expected a matrix"),
        ({"cost_matrix": np.zeros((4, 4))}, ValueError, 'cost_matrix: .*distance_metric="precomputed"'),
        ({"distance_metric": "precomputed", "cost_matrix": np.zeros((3, 4))}, ValueError, "4 rows as reference has"),
        ({"distance_metric": "precomputed", "cost_matrix": np.zeros((4, 3))}, ValueError, "4 columns as target has"),
        ({"distance_metric": "precomputed", "cost_matrix": np.zeros(4)}, ValueError, r"shape \(n, m\), got \(4,\)"),
        ({"distance_metric": "precomputed", "cost_matrix": -np.eye(4)}, ValueError, r"cost_matrix\[0, 0\]: .*got -1.0"),
        (
            {"distance_metric": "precomputed", "cost_matrix": np.eye(4), "representation": "shape"},
            ValueError,
            "representation: expected values with",
        ),
        (
            {"distance_metric": "precomputed", "cost_matrix": np.full((4, 4), math.nan)},
            ValueError,
            r"cost_matrix\[0, 0\]: expected a finite number, got nan .*; fill or remove missing samples first$",
        ),
        ({"distance_metric": "cosine"}, ValueError, r"reference\[0\]: expected a sample that is not zero"),
        ({"representation": "spectrum"}, ValueError, "representation: expected one of values, derivative, shape"),
        ({"representation": "shape", "shape_reach": 0}, ValueError, "shape_reach: expected at least 1 sample, got 0"),
        ({"representation": "shape", "shape_reach": True}, TypeError, "shape_reach: .*got True"),
        ({"representation": "shape", "shape_reach": 2.0}, TypeError, "shape_reach: .*got 2.0"),
        ({"minkowski_p": 3.0}, ValueError, "minkowski_p: is of distance_metric minkowski, not of euclidean, got 3.0"),
        ({"itakura_max_slope": 3.0}, ValueError, 'itakura_max_slope: is of .*; leave it out, or give window_type="ita'),
        ({"shape_reach": 4, "representation": "derivative"}, ValueError, "shape_reach: .*not of derivative, got 4"),
        ({"nan_policy": "omit"}, ValueError, "nan_policy: expected one of raise, propagate, interpolate, got 'omit'"),
        ({"open_begin": 1}, TypeError, "open_begin: expected true or false, got 1"),
        ({"open_end": "yes"}, TypeError, "open_end: expected true or false, got 'yes'"),
        ({"step_pattern": 2}, TypeError, "step_pattern: expected a name or a StepPattern, got 2"),
        ({"reference_times": [0, 1, 2, 3]}, ValueError, "target_times: expected time stamps for both"),
        ({"target_times": [0, 1, 2, 3]}, ValueError, "reference_times: expected time stamps for both"),
        (
            {"reference_times": [0, 1, 2], "target_times": [0, 1, 2, 3]},
            ValueError,
            r"expected 4 time stamps.*shape \(3,\)",
        ),
        ({"reference_times": [0, 1, 1, 2], "target_times": [0, 1, 2, 3]}, ValueError, r"reference_times\[2\]: .*sort"),
        ({"reference_times": [0, 1, math.nan, 2], "target_times": [0, 1, 2, 3]}, ValueError, r"times\[2\]: .*finite"),
        ({"reference_times": list("abcd"), "target_times": [0, 1, 2, 3]}, TypeError, "reference_times: .*real numbers"),
        ({"radius": 3}, TypeError, "unexpected keyword argument 'radius'"),
    ],
)
def test_bad_options_get_a_clear_error(options: dict, error: type[Exception], message: str) -> None:
    for function in (dtw_distance, dtw_path, dtw_align, dtw_matrices):
        with pytest.raises(error, match=message):
            function(np.arange(4.0), np.arange(4.0), **options)


def keogh_derivative(x: np.ndarray) -> np.ndarray:
    """The estimate of Keogh and Pazzani, sample by sample, with the ends copied."""
    inner = [((x[i] - x[i - 1]) + (x[i + 1] - x[i - 1]) / 2) / 2 for i in range(1, len(x) - 1)]
    return np.array([inner[0], *inner, inner[-1]])


@pytest.mark.parametrize("kernel", KERNELS)
def test_derivative_dtw_compares_the_slopes_of_keogh_and_pazzani(kernel: str) -> None:
    x, y = series(30, 26)
    expected = dtw_distance(keogh_derivative(x), keogh_derivative(y), kernel=kernel)
    assert dtw_distance(x, y, representation="derivative", kernel=kernel) == pytest.approx(expected, rel=1e-12)
    assert dtw_distance(x, x + 5.0, representation="derivative") == pytest.approx(0.0, abs=1e-12)


# Expected values: aeon 1.6.0, ddtw_distance(X, Y), which leaves the first and the last slope out, and the last
# element of shape_dtw_cost_matrix(X, Y, reach=...). Both square the differences and step as symmetric1.
X = np.array([0.3, 1.1, 2.7, 2.0, -1.2, 0.4, 3.9, 3.1, 1.0, 0.2])
Y = np.array([0.5, 0.9, 3.5, 2.5, 2.1, -2.2, 0.1, 0.3, 4.5, 2.0])
AS_AEON = {"distance_metric": "sqeuclidean", "step_pattern": "symmetric1"}


def test_derivative_and_shape_equal_those_of_aeon() -> None:
    slopes = [derivative(z[:, np.newaxis], np.arange(10.0), "series")[1:-1] for z in (X, Y)]
    assert dtw_distance(*slopes, **AS_AEON) == pytest.approx(25.516875, rel=1e-12)
    for reach, expected in [(1, 54.92), (3, 198.0)]:
        got = dtw_distance(X, Y, representation="shape", shape_reach=reach, **AS_AEON)
        assert got == pytest.approx(expected, rel=1e-12)


def test_derivative_at_uneven_times_is_that_of_a_straight_line() -> None:
    times = np.array([0.0, 0.5, 2.0, 2.25, 7.0, 7.5])
    line = 3.0 * times - 1.0
    options = {"reference_times": times, "target_times": np.arange(6.0), "representation": "derivative"}
    assert dtw_distance(line, 3.0 * np.arange(6.0), **options) == pytest.approx(0.0, abs=1e-12)


def test_derivative_needs_three_samples() -> None:
    with pytest.raises(ValueError, match="target: expected at least 3 samples for a derivative, got 2"):
        dtw_distance([1.0, 2.0, 3.0], [1.0, 2.0], representation="derivative")


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("reach", [1, 4])
def test_shape_dtw_compares_the_samples_around(reach: int, kernel: str) -> None:
    x, y = series(20, 24)

    def around(z: np.ndarray) -> np.ndarray:
        rows = [[z[min(max(i + k, 0), len(z) - 1)] for k in range(-reach, reach + 1)] for i in range(len(z))]
        return np.array(rows).reshape(len(z), -1)

    expected = dtw_align(around(x), around(y), kernel=kernel)
    got = dtw_align(x, y, representation="shape", shape_reach=reach, kernel=kernel)
    assert got.distance == pytest.approx(expected.distance, rel=1e-12)
    assert got.path.tolist() == expected.path.tolist()
    assert got.warped.shape == x.shape


@pytest.mark.parametrize("kernel", KERNELS)
def test_gaps(kernel: str) -> None:
    x, y = series(20, 18)
    holed = x.copy()
    holed[5:8, 1] = np.nan
    holed[0, 0] = np.nan
    with pytest.raises(ValueError, match=r'reference\[0, 0\]: .*got nan \(4 such.*nan_policy="interpolate"'):
        dtw_distance(holed, y)
    assert math.isnan(dtw_distance(holed, y, nan_policy="propagate", kernel=kernel))
    alignment = dtw_align(holed, y, nan_policy="propagate", matrices=True, kernel=kernel)
    assert alignment.path.shape == (0, 2)
    assert np.isnan(alignment.warped).all()
    assert alignment.warped.shape == x.shape
    assert math.isnan(alignment.distance)
    assert math.isnan(alignment.normalized_distance)
    assert np.isnan(alignment.matrices.accumulated).all()
    filled = holed.copy()
    filled[5:8, 1] = np.interp([5, 6, 7], [4, 8], x[[4, 8], 1])
    filled[0, 0] = x[1, 0]
    assert dtw_distance(holed, y, nan_policy="interpolate", kernel=kernel) == dtw_distance(filled, y, kernel=kernel)
    assert dtw_distance(x, y, nan_policy="propagate", kernel=kernel) == dtw_distance(x, y, kernel=kernel)
    masked = np.ma.masked_invalid(holed)
    assert dtw_distance(masked, y, nan_policy="interpolate", kernel=kernel) == dtw_distance(filled, y, kernel=kernel)
    assert math.isnan(dtw_distance(y, masked, nan_policy="propagate", kernel=kernel))
    with pytest.raises(ValueError, match=r'target: expected a value .*, got masked ones; .*"interpolate"'):
        dtw_distance(y, masked)
    back = dtw_align(holed, holed, nan_policy="interpolate", kernel=kernel)
    assert np.array_equal(back.warped, filled)


def test_gaps_are_filled_along_the_time_stamps() -> None:
    times = np.array([0.0, 1.0, 9.0, 10.0])
    holed, filled = [0.0, np.nan, 90.0, 100.0], [0.0, 10.0, 90.0, 100.0]
    options = {"reference_times": times, "target_times": times, "nan_policy": "interpolate"}
    assert dtw_distance(holed, filled, **options) == 0.0
    with pytest.raises(ValueError, match="target: expected at least one value in channel 0"):
        dtw_distance(holed, [np.nan] * 4, **options)
    with pytest.raises(ValueError, match=r"target\[0\]: expected a finite number, got inf"):
        dtw_distance(holed, [np.inf, 1.0, 1.0, 1.0], **options)


@pytest.mark.parametrize("kernel", KERNELS)
def test_reverse_is_the_other_way_round(kernel: str) -> None:
    x, y = series(20, 26)
    there, back = (dtw_align(x, y, reverse=reverse, kernel=kernel) for reverse in (False, True))
    assert there.path.tolist() == back.path.tolist()
    assert there.warped.shape == x.shape
    assert back.warped.shape == y.shape
    for j in range(len(y)):
        matched = x[back.path[back.path[:, 1] == j, 0]]
        np.testing.assert_allclose(back.warped[j], matched.mean(axis=0), rtol=1e-12)
    # A symmetric pattern does not care which series is which.
    np.testing.assert_allclose(back.warped, dtw_align(y, x, kernel=kernel).warped, rtol=1e-12)
    assert dtw_align(x[:, 0], y[:, 0], reverse=True).warped.shape == (26,)
    with pytest.raises(TypeError, match="reverse: expected true or false, got 1"):
        dtw_align(x, y, reverse=1)


def test_samples_that_a_step_passes_over_are_interpolated() -> None:
    # typeIIc goes (2, 1) in one step; the sample between is matched with nothing.
    alignment = dtw_align(np.zeros(5), [1.0, 3.0, 7.0], step_pattern="typeIIc")
    assert alignment.path.tolist() == [[0, 0], [2, 1], [4, 2]]
    assert alignment.warped.tolist() == [1.0, 2.0, 3.0, 5.0, 7.0]
    times = {"reference_times": [0.0, 3.0, 4.0, 5.0, 8.0], "target_times": [10.0, 20.0, 40.0]}
    timed = dtw_align(np.zeros(5), [1.0, 3.0, 7.0], step_pattern="typeIIc", **times)
    assert timed.warped.tolist() == [1.0, 2.5, 3.0, 4.0, 7.0]
    assert timed.times.tolist() == times["reference_times"]
    assert timed.warped_times.tolist() == [10.0, 17.5, 20.0, 25.0, 40.0]


def test_samples_beside_an_open_path_are_nan() -> None:
    target = np.array([9.0, 9.0, 1.0, 2.0, 3.0, 9.0])
    alignment = dtw_align(
        [1.0, 2.0, 3.0], target, step_pattern="asymmetric", open_begin=True, open_end=True, reverse=True
    )
    assert alignment.path.tolist() == [[0, 2], [1, 3], [2, 4]]
    np.testing.assert_array_equal(alignment.warped, [np.nan, np.nan, 1.0, 2.0, 3.0, np.nan])


def test_no_times_none_returned() -> None:
    alignment = dtw_align([1.0, 2.0], [1.0, 2.0])
    assert alignment.times is None
    assert alignment.warped_times is None
    assert alignment.matrices is None


@pytest.mark.parametrize("kernel", KERNELS)
def test_long_runs_report_their_progress(kernel: str) -> None:
    told: list[float] = []
    x, y = series(6000, 6000, 1)
    with enter_context(PluginContext(report_progress=lambda fraction, _: told.append(fraction))):
        dtw_distance(x, y, kernel=kernel, step_pattern="asymmetricP1")
    assert told == sorted(told)
    assert told[0] == 0.0
    assert told[-1] == 1.0
    assert len(told) >= 3


def test_manifest_lists_every_choice_there_is() -> None:
    file = Path(__file__).resolve().parents[2] / "plugins" / "advanced_sync" / "manifest.json"
    declared = json.loads(file.read_text("utf-8"))["configuration"]
    for name, choices in [
        ("distance_metric", CODES),
        ("window_type", WINDOW_TYPES),
        ("step_pattern", STEP_PATTERNS),
        ("representation", REPRESENTATIONS),
        ("nan_policy", NAN_POLICIES),
        ("dtype", DTYPES),
    ]:
        assert sorted(declared[name]["options"]) == sorted(choices)
    inputs = {"cost_matrix", "band", "reference_times", "target_times", "kernel"}
    assert set(declared) == {*get_type_hints(Options), "reverse", "matrices"} - inputs


def test_plugin_takes_bands_costs_and_times() -> None:
    x, y = series(12, 12)
    inputs = {"reference": x, "target": y}
    band = np.stack([np.maximum(np.arange(12) - 2, 0), np.minimum(np.arange(12) + 2, 11)], axis=1)
    result = DTWPlugin().execute({**inputs, "band": band, "params": {"matrices": True, "step_pattern": "symmetricP1"}})
    expected = dtw_align(x, y, window_size=2, step_pattern="symmetricP1", matrices=True)
    assert result.metadata["distance"] == expected.distance
    assert np.array_equal(result.metadata["accumulated_cost_matrix"], expected.matrices.accumulated)
    assert np.array_equal(result.metadata["local_cost_matrix"], expected.matrices.local)
    costs = cdist(x, y)
    given_costs = DTWPlugin().execute({**inputs, "cost_matrix": costs, "params": {"distance_metric": "precomputed"}})
    assert given_costs.metadata["distance"] == pytest.approx(dtw_distance(x, y), rel=1e-12)
    times = {"reference_times": np.arange(12) * 0.1, "target_times": np.arange(12) * 0.1}
    timed = DTWPlugin().execute({**inputs, **times, "params": {"window_duration": 0.2, "reverse": True}})
    assert timed.metadata["distance"] == dtw_distance(x, y, window_size=2)
    assert np.array_equal(timed.metadata["times"], times["target_times"])
    assert timed.metadata["warped_times"].shape == (12,)
