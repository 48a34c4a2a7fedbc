"""Chunks, gaps, axes and time stamps: the same samples, cut, missing, turned or uneven."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.custom_filters import FilterStream, filter_series
from plugins.custom_filters.sampling import interpolate_cubic
from scipy import interpolate, signal

CAUSAL = (
    {},
    {"initial_state": "rest", "order": 5},
    {"filter_type": "elliptic", "btype": "band", "cutoff": [0.2, 0.4]},
    {"filter_type": "notch"},
    {"filter_type": "comb", "cutoff": 0.25},
    {"filter_type": "exponential"},
    {"filter_type": "fir_window", "numtaps": 33},
    {"filter_type": "fir_window", "numtaps": 33, "initial_state": "rest"},
    {"filter_type": "savgol"},
    {"filter_type": "moving_average", "window_length": 8},
    {"filter_type": "median"},
    {"filter_type": "hampel", "n_sigmas": 1.0},
    {"filter_type": "kalman", "noise_ratio": 0.1},
    {"filter_type": "kalman", "kalman_model": "trend", "noise_ratio": 0.1},
)
CENTRED = (
    {"filter_type": "fir_window", "numtaps": 33},
    {"filter_type": "fir_least_squares", "numtaps": 33},
    {"filter_type": "savgol"},
    {"filter_type": "moving_average"},
    {"filter_type": "median"},
    {"filter_type": "hampel", "n_sigmas": 1.0},
)
EVERY = [*({**options, "zero_phase": False} for options in CAUSAL), *CENTRED]


def name_of(options: dict) -> str:
    return "-".join(str(value) for value in options.values()) or "default"


def cut(series: np.ndarray, at: list[int]) -> list[np.ndarray]:
    return np.split(series, sorted(min(place, len(series)) for place in at))


@pytest.mark.parametrize("kernel", ["numba", "scipy"])
@pytest.mark.parametrize("options", EVERY, ids=name_of)
@settings(max_examples=12, deadline=None)
@given(samples=st.integers(33, 150), at=st.lists(st.integers(0, 150), max_size=8), seed=st.integers(0, 2**16))
def test_chunk_by_chunk_equals_all_at_once_bit_for_bit(
    options: dict, kernel: str, samples: int, at: list[int], seed: int
) -> None:
    table = np.random.default_rng(seed).normal(size=(samples, 2))
    whole = filter_series(table, kernel=kernel, **options).values
    stream = FilterStream(channels=2, kernel=kernel, **options)
    parts = [stream.push(chunk) for chunk in cut(table, at)]
    pushed = sum(map(len, parts))
    assert pushed == max(0, samples - stream.delay)
    assert np.array_equal(np.concatenate([*parts, stream.finish()]), whole)


def test_sample_by_sample() -> None:
    series = np.random.default_rng(0).normal(size=300)
    whole = filter_series(series, zero_phase=False, cutoff=20.0, sampling_rate=250.0).values
    stream = FilterStream(zero_phase=False, cutoff=20.0, sampling_rate=250.0)
    assert stream.delay == 0
    assert [float(stream.push([value])[0]) for value in series] == whole.tolist()
    assert stream.finish().shape == (0,)


def test_kalman_streams_over_gaps() -> None:
    series = np.cumsum(np.random.default_rng(0).normal(size=120))
    series[[0, 1, 30, 31, 60, 119]] = math.nan
    for model in ("level", "trend"):
        options = {"filter_type": "kalman", "kalman_model": model, "noise_ratio": 0.3, "zero_phase": False}
        for policy in ("interpolate", "propagate"):
            whole = filter_series(series, nan_policy=policy, **options).values
            stream = FilterStream(nan_policy=policy, **options)
            parts = np.concatenate([stream.push(chunk) for chunk in np.split(series, [1, 31, 62, 62])])
            assert np.isnan(parts).tolist() == np.isnan(whole).tolist()
            known = np.isfinite(whole)
            assert parts[known] == pytest.approx(whole[known], rel=1e-12)
            assert np.isnan(whole[:2]).all()
            assert np.isnan(whole[30]) == (policy == "propagate")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "zero_phase: expected false for a stream of a recursive filter"),
        ({"filter_type": "kalman", "noise_ratio": 1.0}, "zero_phase: expected false for a stream of a Kalman filter"),
        ({"filter_type": "kalman", "zero_phase": False}, "noise_ratio: expected a number for a stream"),
        ({"filter_type": "whittaker"}, "whole series"),
        ({"zero_phase": False, "nan_policy": "interpolate"}, "nan_policy: expected raise or propagate for a stream"),
        ({"zero_phase": False, "channels": 0}, "channels: expected at least 1"),
    ],
)
def test_streams_that_cannot_be(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FilterStream(**options)


def test_misuse_of_a_stream() -> None:
    stream = FilterStream(filter_type="savgol", channels=2)
    with pytest.raises(ValueError, match=r"chunk: expected shape \(m, 2\), got \(3,\)"):
        stream.push([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"series\[0, 1\]: expected a finite number, got nan"):
        stream.push([[1.0, math.nan]])
    assert stream.push(np.ones((4, 2))).shape == (0, 2)
    with pytest.raises(ValueError, match="window_length: expected at most 3 for a series of 4 samples, got 11"):
        stream.finish()
    assert stream.push(np.ones((8, 2))).shape == (7, 2)
    assert stream.finish().shape == (5, 2)
    for again in (stream.finish, lambda: stream.push(np.ones((1, 2)))):
        with pytest.raises(ValueError, match="finished"):
            again()


@pytest.mark.parametrize("options", EVERY, ids=name_of)
def test_any_axis(options: dict) -> None:
    block = np.random.default_rng(1).normal(size=(3, 60, 2))
    along = filter_series(block, axis=1, **options).values
    assert along.shape == block.shape
    assert along.flags.c_contiguous
    for i in range(3):
        for j in range(2):
            assert np.array_equal(along[i, :, j], filter_series(block[i, :, j], **options).values)
    assert np.array_equal(filter_series(block, axis=-2, **options).values, along)


def gapped() -> np.ndarray:
    series = np.sin(np.arange(400) / 20.0)
    series[[0, 1, 100, 250, 251, 252, 399]] = math.nan
    return series


def test_gaps_are_refused_unless_a_policy_says_otherwise() -> None:
    with pytest.raises(ValueError, match=r"series\[0\]: expected a finite number, got nan \(7 such.*nan_policy"):
        filter_series(gapped())
    masked = np.ma.masked_invalid(gapped())
    with pytest.raises(ValueError, match=r"series\[0\]: expected a finite number"):
        filter_series(masked)
    infinite = gapped()
    infinite[7] = math.inf
    for policy in ("propagate", "interpolate", "segments"):
        with pytest.raises(ValueError, match=r"series\[7\]: expected a finite number, got inf"):
            filter_series(infinite, nan_policy=policy)


@pytest.mark.parametrize("kernel", ["numba", "scipy"])
@pytest.mark.parametrize("zero_phase", [True, False])
@pytest.mark.parametrize("options", [{}, {"filter_type": "exponential", "alpha": 1.0}, {"btype": "high"}], ids=name_of)
@pytest.mark.parametrize("at", [0, 77_777, 149_999])
def test_what_is_not_finite_is_found_in_large_series_too(at: int, options: dict, zero_phase: bool, kernel: str) -> None:
    series = np.zeros((150_000, 1))
    for value in (math.nan, math.inf, -math.inf):
        series[at] = value
        with pytest.raises(ValueError, match=rf"series\[{at}, 0\]: expected a finite number"):
            filter_series(series, zero_phase=zero_phase, kernel=kernel, **options)
    series[at : at + 1] = 0.0
    series[::2], series[1::2] = 1.7e308, -1.7e308
    if options.get("btype") == "high":
        with pytest.raises(ValueError, match="overflow float64"):
            filter_series(series, zero_phase=zero_phase, kernel=kernel, cutoff=0.5, btype="high")


def test_interpolated_gaps_are_straight_lines() -> None:
    series = gapped()
    at = np.arange(400)
    known = np.isfinite(series)
    expected = filter_series(np.interp(at, at[known], series[known])).values
    result = filter_series(series, nan_policy="interpolate")
    assert np.array_equal(result.values, expected)
    assert result.missing == 7
    masked = filter_series(np.ma.masked_invalid(series), nan_policy="interpolate")
    assert np.array_equal(masked.values, expected)


def test_segments_are_filtered_by_themselves() -> None:
    series = gapped()
    result = filter_series(series, nan_policy="segments")
    for start, stop in ((2, 100), (101, 250), (253, 399)):
        assert np.array_equal(result.values[start:stop], filter_series(series[start:stop]).values)
    assert np.isnan(result.values).tolist() == np.isnan(series).tolist()
    series[5] = math.nan
    short = filter_series(series, nan_policy="segments")
    assert np.isnan(short.values[2:5]).all()
    assert short.warnings == (
        "1 stretch(es) between gaps have fewer than the 16 samples that the filter needs; they are NaN",
    )
    with pytest.raises(ValueError, match="whose models know gaps"):
        filter_series(series, nan_policy="segments", filter_type="whittaker")


@pytest.mark.parametrize("kernel", ["numba", "scipy"])
@pytest.mark.parametrize("filter_type", ["fir_window", "moving_average", "median", "hampel"])
def test_gaps_spread_over_the_windows_that_hold_them(filter_type: str, kernel: str) -> None:
    series = gapped()
    series[[0, 1, 399]] = 0.0
    options = {"numtaps": 11, "window_length": 11, "filter_type": filter_type, "kernel": kernel}
    result = filter_series(series, nan_policy="propagate", **options)
    reached = np.zeros(400, dtype=bool)
    for k in np.flatnonzero(np.isnan(series)):
        reached[k - 5 : k + 6] = True
    assert np.isnan(result.values).tolist() == reached.tolist()
    filled = filter_series(np.nan_to_num(series), **options).values
    assert np.array_equal(result.values[~reached], filled[~reached])


def test_gaps_spread_over_the_rest_of_a_recursion() -> None:
    series = np.ones(100)
    series[50] = math.nan
    causal = filter_series(series, nan_policy="propagate", zero_phase=False).values
    assert np.isfinite(causal[:50]).all()
    assert np.isnan(causal[50:]).all()
    assert np.isnan(filter_series(series, nan_policy="propagate").values).all()


@pytest.mark.parametrize("policy", ["interpolate", "propagate"])
def test_lines_without_known_samples_are_refused(policy: str) -> None:
    nothing = np.full(50, math.nan)
    if policy == "interpolate":
        with pytest.raises(ValueError, match="expected at least one known sample in channel 0"):
            filter_series(nothing, nan_policy=policy)
    for smoother in ("kalman", "whittaker"):
        with pytest.raises(ValueError, match="known sample"):
            filter_series(nothing, nan_policy=policy, filter_type=smoother)


def test_even_times_give_the_sampling_rate() -> None:
    series = np.random.default_rng(2).normal(size=500)
    times = 7.0 + np.arange(500) / 250.0
    expected = filter_series(series, cutoff=20.0, sampling_rate=250.0)
    result = filter_series(series, times=times, cutoff=20.0)
    assert result.sampling_rate == pytest.approx(250.0)
    assert result.values == pytest.approx(expected.values, abs=1e-12)
    stamps = np.datetime64("2024-03-01T00:00:00.000000") + (times * 1e6).astype("timedelta64[us]")
    assert filter_series(series, times=stamps, cutoff=20.0).values == pytest.approx(expected.values, abs=1e-12)
    with pytest.raises(ValueError, match="sampling_rate: expected 250 Hz, as the time stamps say, or null, got 100"):
        filter_series(series, times=times, cutoff=20.0, sampling_rate=100.0)


@pytest.mark.parametrize(("method", "tolerance"), [("linear", 0.02), ("cubic", 0.003)])
def test_uneven_times_are_resampled(method: str, tolerance: float) -> None:
    rng = np.random.default_rng(3)
    times = (np.arange(2000) + rng.uniform(-0.3, 0.3, 2000)) / 200.0
    slow, fast = np.sin(2 * np.pi * 1.0 * times), 0.5 * np.sin(2 * np.pi * 30.0 * times)
    result = filter_series(slow + fast, times=times, cutoff=8.0, sampling_rate=400.0, order=6, resampling=method)
    inside = (times > 1) & (times < 9)
    assert np.sqrt(np.mean((result.values - slow)[inside] ** 2)) < tolerance
    assert result.sampling_rate == pytest.approx(400.0)
    assert any("uneven time stamps" in warning for warning in result.warnings)


def test_resampling_step_by_step() -> None:
    rng = np.random.default_rng(4)
    times = np.cumsum(rng.uniform(0.5, 1.5, 300))
    series = np.sin(times / 5.0)
    series[100] = math.nan
    known = np.isfinite(series)
    step = np.median(np.diff(times))
    grid = times[0] + step * np.arange(int((times[-1] - times[0]) / step) + 1)
    even = np.interp(grid, times[known], series[known])
    filtered = signal.sosfiltfilt(signal.butter(4, 0.1 * step * 2, output="sos"), even)
    result = filter_series(series, times=times, cutoff=0.1, nan_policy="interpolate")
    assert result.values == pytest.approx(np.interp(times, grid, filtered), abs=1e-9)
    with pytest.raises(ValueError, match="nan_policy: expected interpolate"):
        filter_series(series, times=times, cutoff=0.1, nan_policy="propagate")


def test_cubic_interpolation_equals_scipy() -> None:
    rng = np.random.default_rng(5)
    times = np.cumsum(rng.uniform(0.2, 2.0, 40))
    values = rng.normal(size=40)
    slopes = np.gradient(values, times, edge_order=2)
    at = np.linspace(times[0], times[-1], 333)
    expected = interpolate.CubicHermiteSpline(times, values, slopes)(at)
    assert interpolate_cubic(at, times, values) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("times", "error", "message"),
    [
        ([0.0, 1.0], ValueError, r"times: expected 4 time stamps, one for each sample, got shape \(2,\)"),
        ([0.0, 1.0, 1.0, 2.0], ValueError, r"times\[2\]: expected more than 1.0 as before it, got 1.0"),
        ([0.0, 1.0, math.nan, 2.0], ValueError, r"times\[2\]: expected a finite number, got nan"),
        (["a", "b", "c", "d"], TypeError, "times: expected real numbers, got dtype <U1"),
        (np.array(["2024-01-01", "2024-01-02", "NaT", "2024-01-04"], "M8[D]"), ValueError, "NaT"),
        ([0.0, 1e-6, 2e-6, 1e6], ValueError, "times: expected gaps that an even grid can span"),
    ],
)
def test_bad_times_get_a_clear_error(times: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        filter_series([1.0, 2.0, 3.0, 4.0], times=times, filter_type="moving_average", window_length=3)  # type: ignore[arg-type]
