"""Windows, resonators, averages and smoothers against SciPy, dense linear algebra and definitions in plain Python."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.custom_filters import filter_series
from plugins.custom_filters.cascade import Cascade
from plugins.custom_filters.filters import FilteredSeries
from scipy import ndimage, optimize, signal

ROOT = Path(__file__).resolve().parents[2]
KERNELS = ("numba", "scipy")
LINEAR = (
    {},
    {"filter_type": "elliptic", "btype": "bandpass", "cutoff": [0.2, 0.4]},
    {"filter_type": "notch", "cutoff": 0.3},
    {"filter_type": "comb", "cutoff": 0.25},
    {"filter_type": "exponential"},
    {"filter_type": "fir_window"},
    {"filter_type": "fir_least_squares", "btype": "high", "cutoff": 0.4, "numtaps": 31},
    {"filter_type": "savgol", "window_length": 21},
    {"filter_type": "moving_average", "window_length": 15},
    {"filter_type": "whittaker"},
    {"filter_type": "kalman", "noise_ratio": 0.05},
    {"filter_type": "kalman", "kalman_model": "trend", "noise_ratio": 0.01},
)
SMOOTHERS = ("whittaker", "kalman")
BANDED = ("butterworth", "chebyshev1", "chebyshev2", "elliptic", "bessel")


def noise(samples: int = 600, channels: int | None = None) -> np.ndarray:
    return np.random.default_rng(5).normal(size=samples if channels is None else (samples, channels))


def name_of(options: dict) -> str:
    return "-".join(str(value) for key, value in options.items() if key in ("filter_type", "kalman_model")) or "default"


@pytest.mark.parametrize("zero_phase", [True, False])
@pytest.mark.parametrize("options", LINEAR, ids=name_of)
def test_responses_are_those_of_what_was_applied(options: dict, zero_phase: bool) -> None:
    """A single 1, far from the ends, gives the impulse response; its Fourier transform is the frequency response."""
    if not zero_phase and options.get("filter_type") in SMOOTHERS:
        pytest.skip("no time-invariant causal form")
    pulse = np.zeros(8001)
    pulse[4000] = 1.0
    result = filter_series(pulse, zero_phase=zero_phase, **options)
    impulse, response = result.impulse, result.response
    assert impulse is not None
    assert response is not None
    at = 4000 + impulse.times.astype(int)
    peak = np.abs(result.values).max()
    assert impulse.values == pytest.approx(result.values[at], abs=1e-6 * peak)
    offsets = np.arange(8001) - 4000
    for k in (0, 50, 300, 700, 1000):
        expected = np.sum(result.values * np.exp(-1j * np.pi * response.freqs[k] * offsets))
        found = 10 ** (response.magnitude_db[k] / 20) * np.exp(1j * response.phase[k])
        assert found == pytest.approx(expected, abs=1e-6)


def test_times_of_the_impulse_response_are_seconds() -> None:
    impulse = filter_series(noise(), filter_type="moving_average", window_length=5, sampling_rate=10.0).impulse
    assert impulse is not None
    assert impulse.times.tolist() == [-0.2, -0.1, 0.0, 0.1, 0.2]
    assert impulse.values.tolist() == [0.2] * 5


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("cutoff", [0.5, 0.1, 0.01, 0.001])
@pytest.mark.parametrize("samples", [100, 5000, 30011])
def test_both_kernels_equal_scipy(samples: int, cutoff: float, kernel: str) -> None:
    series = np.cumsum(noise(samples))
    result = filter_series(series, cutoff=cutoff, order=5, kernel=kernel)
    assert result.kernel == kernel
    expected = signal.sosfiltfilt(result.sos, series)
    assert result.values == pytest.approx(expected, rel=0, abs=1e-9 * np.abs(expected).max())
    causal = filter_series(series, cutoff=cutoff, order=5, kernel=kernel, zero_phase=False, initial_state="rest")
    assert np.array_equal(causal.values, signal.sosfilt(result.sos, series))


@pytest.mark.parametrize("kernel", KERNELS)
def test_fir_equals_a_convolution(kernel: str) -> None:
    series = noise(500)
    taps = signal.firwin(31, 0.2)
    options = {"filter_type": "fir_window", "cutoff": 0.2, "numtaps": 31, "kernel": kernel}
    causal = filter_series(series, zero_phase=False, initial_state="rest", **options)
    assert causal.values == pytest.approx(signal.lfilter(taps, 1.0, series), abs=1e-13)
    centred = filter_series(series, **options)
    extended = np.concatenate([2 * series[0] - series[15:0:-1], series, 2 * series[-1] - series[-2:-17:-1]])
    assert centred.values == pytest.approx(np.convolve(extended, taps, mode="valid"), abs=1e-13)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("length", [1, 5, 31])
def test_windows_equal_scipy(length: int, kernel: str) -> None:
    series = noise(300)
    options = {"window_length": length, "kernel": kernel}
    average = filter_series(series, filter_type="moving_average", **options)
    assert average.values == pytest.approx(ndimage.uniform_filter1d(series, length, mode="nearest"), abs=1e-13)
    degree = min(3, length - 1)
    savgol = filter_series(series, filter_type="savgol", polyorder=degree, **options)
    assert savgol.values == pytest.approx(signal.savgol_filter(series, length, degree, mode="interp"), abs=1e-12)
    newest = filter_series(series, filter_type="savgol", polyorder=degree, zero_phase=False, **options)
    weights = signal.savgol_coeffs(length, degree, pos=length - 1, use="dot")
    for k in (length - 1, 150, 299):
        assert newest.values[k] == pytest.approx(weights @ series[k - length + 1 : k + 1], abs=1e-10)


def test_causal_windows_end_with_their_sample() -> None:
    series = noise(50)
    options = {"window_length": 5, "zero_phase": False}
    medians = filter_series(series, filter_type="median", **options).values
    averages = filter_series(series, filter_type="moving_average", **options).values
    padded = [series[0]] * 4 + series.tolist()
    for k in range(50):
        assert medians[k] == statistics.median(padded[k : k + 5])
        assert averages[k] == pytest.approx(statistics.fmean(padded[k : k + 5]), abs=1e-14)
    at_rest = filter_series(series, filter_type="moving_average", initial_state="rest", **options).values
    assert at_rest[0] == pytest.approx(series[0] / 5, abs=1e-15)
    four = filter_series(series, filter_type="moving_average", window_length=4, zero_phase=False)
    assert four.values[10] == pytest.approx(series[7:11].mean(), abs=1e-14)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("zero_phase", [True, False])
@pytest.mark.parametrize("length", [1, 3, 9])
def test_hampel_equals_its_definition(length: int, zero_phase: bool, kernel: str) -> None:
    series = np.round(noise(200), 1)
    series[[20, 21, 90]] = 50.0, -40.0, 60.0
    result = filter_series(
        series, filter_type="hampel", window_length=length, n_sigmas=2.0, zero_phase=zero_phase, kernel=kernel
    )
    before = length // 2 if zero_phase else length - 1
    padded = np.pad(series, (before, length - 1 - before), mode="edge").tolist()
    for k in range(200):
        window = padded[k : k + length]
        median = statistics.median(window)
        deviation = statistics.median(abs(value - median) for value in window)
        far = abs(series[k] - median) > 2.0 * 1.4826022185056018 * deviation
        assert result.values[k] == (median if far else series[k])
    assert length < 9 or np.abs(result.values).max() < 5


def test_exponential_average_by_hand() -> None:
    series = noise(40)
    result = filter_series(series, filter_type="exponential", alpha=0.25, zero_phase=False)
    expected = series[0]
    for k in range(40):
        expected = 0.25 * series[k] + 0.75 * expected
        assert result.values[k] == pytest.approx(expected, abs=1e-13)


def whittaker_by_dense_solution(series: np.ndarray, smoothness: float, order: int) -> np.ndarray:
    known = np.isfinite(series)
    difference = np.diff(np.eye(len(series)), order, axis=0)
    matrix = np.diag(known.astype(float)) + smoothness * difference.T @ difference
    return np.linalg.solve(matrix, np.where(known, series, 0.0))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize(("smoothness", "samples"), [(0.5, 120), (1e4, 120), (1e3, 9), (2.0, 10)])
def test_whittaker_solves_its_normal_equations(smoothness: float, samples: int, order: int, kernel: str) -> None:
    series = noise(samples)
    series[[0, samples // 3, samples // 3 + 1, samples - 1]] = math.nan
    result = filter_series(
        series,
        filter_type="whittaker",
        smoothness=smoothness,
        difference_order=order,
        nan_policy="interpolate",
        kernel=kernel,
    )
    assert result.values == pytest.approx(whittaker_by_dense_solution(series, smoothness, order), abs=1e-8)
    assert result.missing == 4


def kalman_by_dense_posterior(
    series: np.ndarray, steps: np.ndarray, ratio: float, model: str
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance, in units of the observation's, of the Gaussian posterior with a flat prior."""
    size = 1 if model == "level" else 2
    n = len(series)
    information = np.zeros((size * n, size * n))
    towards = np.zeros(size * n)
    for k in np.flatnonzero(np.isfinite(series)):
        information[size * k, size * k] += 1.0
        towards[size * k] += series[k]
    for k in range(1, n):
        d = steps[k]
        if model == "level":
            move, spread = np.array([[1.0]]), np.array([[ratio * d]])
        else:
            move = np.array([[1.0, d], [0.0, 1.0]])
            spread = ratio * np.array([[d**3 / 3, d**2 / 2], [d**2 / 2, d]])
        row = np.zeros((size, size * n))
        row[:, size * (k - 1) : size * k] = -move
        row[:, size * k : size * (k + 1)] = np.eye(size)
        information += row.T @ np.linalg.inv(spread) @ row
    covariance = np.linalg.inv(information)
    return (covariance @ towards)[::size], np.diag(covariance)[::size]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("model", ["level", "trend"])
@pytest.mark.parametrize("ratio", [0.01, 2.0])
def test_kalman_smoother_is_the_posterior(ratio: float, model: str, kernel: str) -> None:
    rng = np.random.default_rng(1)
    steps = np.ones(60)
    series = np.cumsum(rng.normal(size=60))
    series[[0, 20, 21, 59]] = math.nan
    result = filter_series(
        series, filter_type="kalman", kalman_model=model, noise_ratio=ratio, nan_policy="interpolate", kernel=kernel
    )
    mean, variance = kalman_by_dense_posterior(series, steps, ratio, model)
    assert result.values == pytest.approx(mean, abs=1e-9)
    known = np.isfinite(series)
    assert result.standard_error is not None
    scale = result.standard_error[known] ** 2 / variance[known]
    assert scale == pytest.approx(np.full(known.sum(), scale[0]), rel=1e-9)
    assert np.isnan(result.standard_error[~known]).all()


@pytest.mark.parametrize("model", ["level", "trend"])
def test_kalman_takes_uneven_times_as_they_are(model: str) -> None:
    rng = np.random.default_rng(2)
    times = np.cumsum(rng.uniform(0.1, 3.0, 50))
    series = np.cumsum(rng.normal(size=50))
    unit = np.median(np.diff(times))
    result = filter_series(series, times=times, filter_type="kalman", kalman_model=model, noise_ratio=0.3)
    mean, _ = kalman_by_dense_posterior(series, np.diff(times, prepend=times[0]) / unit, 0.3, model)
    assert result.values == pytest.approx(mean, abs=1e-9)


@pytest.mark.parametrize("model", ["level", "trend"])
def test_causal_kalman_is_the_posterior_of_the_past(model: str) -> None:
    series = np.cumsum(noise(25))
    series[[10, 11]] = math.nan
    result = filter_series(
        series, filter_type="kalman", kalman_model=model, noise_ratio=0.2, zero_phase=False, nan_policy="interpolate"
    )
    for stop in range(2 if model == "trend" else 1, 26):
        mean, _ = kalman_by_dense_posterior(series[:stop], np.ones(stop), 0.2, model)
        assert result.values[stop - 1] == pytest.approx(mean[-1], abs=1e-9)
    assert result.response is None
    assert result.impulse is None


def minus_log_likelihood(series: np.ndarray, decade: float, model: str) -> float:
    """Diffuse likelihood with the variance concentrated out: that of contrasts which no level or line disturbs."""
    n, drop = len(series), 1 if model == "level" else 2
    ratio = 10.0**decade
    if model == "level":
        covariance = ratio * np.minimum.outer(np.arange(n), np.arange(n)) + np.eye(n)
    else:
        s, t = np.meshgrid(np.arange(n), np.arange(n))
        low, high = np.minimum(s, t), np.maximum(s, t)
        covariance = ratio * low**2 * (3 * high - low) / 6.0 + np.eye(n)
    contrasts = np.linalg.qr(np.vander(np.arange(n), drop), mode="complete")[0][:, drop:]
    projected = contrasts.T @ covariance @ contrasts
    values = contrasts.T @ series
    quadratic = values @ np.linalg.solve(projected, values)
    return float(np.linalg.slogdet(projected)[1] + (n - drop) * math.log(quadratic))


@pytest.mark.parametrize("model", ["level", "trend"])
def test_noise_ratio_is_the_most_likely_one(model: str) -> None:
    rng = np.random.default_rng(4)
    level = np.cumsum(rng.normal(size=80)) if model == "level" else np.cumsum(np.cumsum(0.1 * rng.normal(size=80)))
    series = level + rng.normal(size=80)
    result = filter_series(series, filter_type="kalman", kalman_model=model)
    best = optimize.minimize_scalar(
        lambda decade: minus_log_likelihood(series, decade, model), bounds=(-5, 3), method="bounded"
    )
    assert result.noise_ratio is not None
    assert math.log10(result.noise_ratio[0]) == pytest.approx(best.x, abs=1e-3)


def test_kalman_finds_a_ratio_for_each_channel() -> None:
    rng = np.random.default_rng(6)
    table = np.column_stack([np.cumsum(rng.normal(size=300)), 5.0 + rng.normal(size=300)])
    result = filter_series(table, filter_type="kalman")
    assert result.noise_ratio is not None
    assert result.noise_ratio[0] > 1.0 > 1e-3 > result.noise_ratio[1]
    assert result.response is None
    assert result.standard_error is not None
    assert result.standard_error.shape == table.shape


@pytest.mark.parametrize("smoother", ["whittaker", "kalman"])
def test_a_line_stays_a_line(smoother: str) -> None:
    line = 3.0 - 0.25 * np.arange(40)
    options = {"kalman_model": "trend", "noise_ratio": 0.1} if smoother == "kalman" else {"smoothness": 1e3}
    result = filter_series(line, filter_type=smoother, **options)
    assert result.values == pytest.approx(line, abs=1e-9)


def assert_close(one: FilteredSeries, other: FilteredSeries) -> None:
    assert one.values == pytest.approx(other.values, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("zero_phase", [True, False])
@pytest.mark.parametrize("options", [*LINEAR, {"filter_type": "median"}, {"filter_type": "hampel"}], ids=name_of)
def test_without_numba_the_results_are_the_same(options: dict, zero_phase: bool) -> None:
    if options.get("filter_type") == "whittaker" and not zero_phase:
        pytest.skip("it has no causal form")
    series = noise(400, 2)
    one, other = (filter_series(series, zero_phase=zero_phase, kernel=kernel, **options) for kernel in KERNELS)
    # Both ways in chunks, and the equations in one go: other orders of the same sums.
    if (zero_phase and one.sos is not None) or options.get("filter_type") == "whittaker":
        assert_close(one, other)
    else:
        assert np.array_equal(one.values, other.values)


WITHOUT = """
import json, sys
sys.modules[sys.argv[1]] = None
import numpy as np
from plugins.custom_filters import FilterStream, filter_series
series = np.cumsum(np.random.default_rng(0).normal(size=5000))
both, once = filter_series(series), filter_series(series, zero_phase=False)
stream = FilterStream(filter_type="hampel")
cleaned = np.concatenate([stream.push(series), stream.finish()])
try:
    filter_series(series, kernel="numba")
except ImportError as error:
    refusal = str(error)
else:
    refusal = ""
print(json.dumps([both.kernel, both.values.tolist(), once.values.tolist(), cleaned.tolist(), refusal]))
"""


@pytest.mark.parametrize(("absent", "kernel"), [("numba", "scipy"), ("scipy", "numba")])
def test_either_numba_or_scipy_is_enough(absent: str, kernel: str) -> None:
    process = subprocess.run(
        [sys.executable, "-c", WITHOUT, absent], cwd=ROOT, capture_output=True, text=True, check=True
    )
    ran, both, once, cleaned, refusal = json.loads(process.stdout)
    series = np.cumsum(np.random.default_rng(0).normal(size=5000))
    assert ran == kernel
    assert both == pytest.approx(filter_series(series).values.tolist(), rel=1e-10, abs=1e-10)
    assert once == filter_series(series, zero_phase=False).values.tolist()
    assert cleaned == filter_series(series, filter_type="hampel").values.tolist()
    assert ("install numba" in refusal) == (absent == "numba")


@pytest.mark.parametrize("cutoff", [0.1, 0.01, 0.001, 1e-4])
def test_chunks_in_vectors_lose_no_digits_near_the_unit_circle(cutoff: float) -> None:
    """Against the recursion in extended precision, sample by sample: no worse than SciPy, and better close to it."""
    series = np.cumsum(noise(20_000))
    result = filter_series(series, cutoff=cutoff, kernel="numba")
    exact = both_ways_in_extended_precision(result.sos, series, 15)
    scale = np.abs(exact).max()
    error = float(np.abs(result.values - exact).max() / scale)
    scipys = float(np.abs(signal.sosfiltfilt(result.sos, series) - exact).max() / scale)
    assert error < max(1.5 * scipys, 1e-14)
    assert cutoff > 1e-3 or error < 0.5 * scipys


def steady_state_in_extended_precision(sections: np.ndarray) -> np.ndarray:
    states = np.empty((len(sections), 2), dtype=np.longdouble)
    level = Fraction(1)
    for index, section in enumerate(sections.tolist()):
        b0, b1, b2, _, a1, a2 = map(Fraction, section)
        gain = (b0 + b1 + b2) / (1 + a1 + a2)
        for place, exact in enumerate((level * (gain - b0), level * (b2 - a2 * gain))):
            states[index, place] = np.longdouble(float(exact)) + np.longdouble(float(exact - Fraction(float(exact))))
        level *= gain
    return states


def run_in_extended_precision(sections: np.ndarray, line: np.ndarray, *, steady: bool = True) -> np.ndarray:
    states = steady_state_in_extended_precision(sections) * (line[0] if steady else 0)
    for (b0, b1, b2, _, a1, a2), (z0, z1) in zip(sections.astype(np.longdouble), states, strict=True):
        out = np.empty_like(line)
        for k, x in enumerate(line):
            y = b0 * x + z0
            z0 = b1 * x - a1 * y + z1
            z1 = b2 * x - a2 * y
            out[k] = y
        line = out
    return line


def both_ways_in_extended_precision(sections: np.ndarray, series: np.ndarray, edge: int) -> np.ndarray:
    start = 2 * series[0] - series[edge:0:-1]
    end = 2 * series[-1] - series[-2 : -edge - 2 : -1]
    line = np.concatenate([start, series, end]).astype(np.longdouble)
    for _ in range(2):
        line = run_in_extended_precision(sections, line)[::-1]
    return line[edge : len(line) - edge]


@st.composite
def recursive_designs(draw: st.DrawFn) -> dict[str, object]:
    filter_type = draw(st.sampled_from([*BANDED, "notch", "peak", "exponential"]))
    edges = sorted(draw(st.lists(st.integers(2, 18), min_size=2, max_size=2, unique=True)))
    if filter_type == "exponential":
        return {"filter_type": filter_type, "alpha": edges[0] / 20}
    if filter_type not in BANDED:
        return {"filter_type": filter_type, "cutoff": edges[0] / 20, "quality": draw(st.sampled_from([2.0, 10.0]))}
    btype = draw(st.sampled_from(["low", "high", "bandpass", "bandstop"]))
    cutoff = [edge / 20 for edge in edges] if btype.startswith("band") else edges[0] / 20
    return {"filter_type": filter_type, "btype": btype, "cutoff": cutoff, "order": draw(st.integers(1, 4))}


@pytest.mark.parametrize("kernel", KERNELS)
@settings(deadline=None, max_examples=40)
@given(options=recursive_designs(), samples=st.integers(1, 90), seed=st.integers(0, 2**16), steady=st.booleans())
def test_recursive_filters_equal_the_recursion(
    kernel: str, options: dict, samples: int, seed: int, steady: bool
) -> None:
    series = np.random.default_rng(seed).normal(size=samples) + 1.0
    state = "steady" if steady else "rest"
    causal = filter_series(series, zero_phase=False, initial_state=state, kernel=kernel, **options)
    assert isinstance(causal.filter, Cascade)
    expected = run_in_extended_precision(causal.sos, series.astype(np.longdouble), steady=steady).astype(float)
    assert causal.values == pytest.approx(expected, rel=0, abs=1e-12 * max(1.0, np.abs(expected).max()))
    edge = causal.filter.extension
    if samples <= edge:
        with pytest.raises(ValueError, match=f"series: expected at least {edge + 1} samples for zero_phase"):
            filter_series(series, kernel=kernel, **options)
        return
    both_ways = filter_series(series, kernel=kernel, **options).values
    expected = both_ways_in_extended_precision(causal.sos, series, edge).astype(float)
    assert both_ways == pytest.approx(expected, rel=0, abs=1e-12 * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"filter_type": "exponential", "alpha": 1.5}, ValueError, "alpha: expected at most 1"),
        ({"filter_type": "exponential", "alpha": 0.0}, ValueError, "alpha: expected a finite number above 0"),
        ({"filter_type": "exponential", "alpha": 1e-17}, ValueError, "no usable exponential: it is unstable"),
        ({"filter_type": "notch", "quality": 1e17}, ValueError, "no usable notch: it is unstable.*lower quality"),
        ({"filter_type": "notch", "quality": 0.05}, ValueError, "quality: expected more than 0.1"),
        ({"filter_type": "notch", "cutoff": [0.1, 0.2]}, ValueError, "expected 1 frequency"),
        ({"filter_type": "comb", "comb_type": "both"}, ValueError, "comb_type: expected one of notch"),
        ({"filter_type": "fir_window", "numtaps": 20}, ValueError, "numtaps: expected an odd number.*give 21"),
        ({"filter_type": "fir_window", "taper": "flat"}, ValueError, "taper: expected one of hamming"),
        ({"filter_type": "fir_window", "numtaps": 101}, ValueError, "numtaps: expected at most 49.*got 101"),
        ({"filter_type": "fir_least_squares", "transition": 0.2}, ValueError, "transition: expected less than .*0.1"),
        ({"filter_type": "moving_average", "window_length": 6}, ValueError, "odd number .*give 7"),
        ({"filter_type": "hampel", "n_sigmas": -1.0}, ValueError, "n_sigmas: expected"),
        ({"filter_type": "kalman", "kalman_model": "cycle"}, ValueError, "kalman_model: expected one of level, trend"),
        ({"filter_type": "kalman", "noise_ratio": 0}, ValueError, "noise_ratio: expected"),
        ({"filter_type": "whittaker", "smoothness": 1e14}, ValueError, "smoothness: expected at most 6.25e"),
        ({"filter_type": "whittaker", "zero_phase": False}, ValueError, "zero_phase: expected true for whittaker"),
        ({"filter_type": "whittaker", "difference_order": 0}, ValueError, "difference_order: expected at least 1"),
        ({"filter_type": "bessel", "order": 26}, ValueError, "up to order 25"),
        ({"kernel": "fortran"}, ValueError, "kernel: expected auto, numba or scipy"),
        ({"cutof": 0.1}, TypeError, "cutof: expected an option .*did you mean 'cutoff'"),
        ({"x": 0.1}, TypeError, "x: expected an option .*there are filter_type, btype"),
        ({"axis": 1}, ValueError, "axis: expected from -1 to 0"),
        ({"axis": -2}, ValueError, "axis: expected at least -1"),
        ({"nan_policy": "omit"}, ValueError, "nan_policy: expected one of raise"),
        ({"resampling": "spline"}, ValueError, "resampling: expected one of linear, cubic"),
    ],
)
def test_impossible_filters_get_a_clear_error(options: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        filter_series(noise(50), **options)


def test_a_filter_whose_memory_is_longer_than_the_series_says_so() -> None:
    slow = filter_series(noise(100), cutoff=0.001, order=2)
    assert any("takes" in warning and "samples to fall" in warning for warning in slow.warnings)
    assert filter_series(noise(50)).warnings == ()
    assert filter_series(noise(400), cutoff=0.2).warnings == ()
