"""Filters against SciPy called by hand, difference equations in plain Python, and what designs promise."""

from __future__ import annotations

import doctest
import math
import statistics
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.custom_filters import filters
from plugins.custom_filters.filters import filter_series
from scipy import signal

RECURSIVE = ("butterworth", "chebyshev1", "chebyshev2", "elliptic", "bessel")
BANDS = {"low": 0.2, "high": 0.3, "bandpass": [0.2, 0.4], "bandstop": [0.2, 0.4]}


def noise(samples: int = 400, channels: int | None = None) -> np.ndarray:
    shape = samples if channels is None else (samples, channels)
    return np.random.default_rng(3).normal(size=shape)


def by_scipy(filter_type: str, btype: str, order: int) -> np.ndarray:
    band = {"Wn": BANDS[btype], "btype": btype, "output": "sos"}
    designs: dict[str, Callable[[], np.ndarray]] = {
        "butterworth": lambda: signal.butter(order, **band),
        "chebyshev1": lambda: signal.cheby1(order, 1.0, **band),
        "chebyshev2": lambda: signal.cheby2(order, 40.0, **band),
        "elliptic": lambda: signal.ellip(order, 1.0, 40.0, **band),
        "bessel": lambda: signal.bessel(order, norm="mag", **band),
    }
    return designs[filter_type]()


@pytest.mark.parametrize("order", [1, 4, 7])
@pytest.mark.parametrize("btype", BANDS)
@pytest.mark.parametrize("filter_type", RECURSIVE)
def test_recursive_filters_equal_scipy(filter_type: str, btype: str, order: int) -> None:
    series = noise()
    sos = by_scipy(filter_type, btype, order)
    options = {"filter_type": filter_type, "btype": btype, "cutoff": BANDS[btype], "order": order}
    both_ways = filter_series(series, **options)
    assert both_ways.sos == pytest.approx(sos, rel=1e-9, abs=1e-12)
    assert both_ways.values == pytest.approx(signal.sosfiltfilt(sos, series), rel=1e-9, abs=1e-9)
    causal = filter_series(series, zero_phase=False, initial_state="rest", **options)
    assert causal.values == pytest.approx(signal.sosfilt(sos, series), rel=1e-9, abs=1e-9)


def difference_equation(sos: np.ndarray, series: np.ndarray) -> list[float]:
    """Direct form I, sample by sample, section by section."""
    line = [float(value) for value in series]
    for b0, b1, b2, _, a1, a2 in sos.tolist():
        x1 = x2 = y1 = y2 = 0.0
        out = []
        for x0 in line:
            y0 = b0 * x0 + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2
            out.append(y0)
            x1, x2, y1, y2 = x0, x1, y0, y1
        line = out
    return line


@pytest.mark.parametrize("filter_type", RECURSIVE)
def test_causal_filter_is_the_difference_equation_of_its_sections(filter_type: str) -> None:
    series = noise(120)
    result = filter_series(series, filter_type=filter_type, order=5, zero_phase=False, initial_state="rest")
    assert result.sos is not None
    assert result.values == pytest.approx(difference_equation(result.sos, series), rel=1e-9, abs=1e-12)


def gain_db(sos: np.ndarray, frequency: float) -> float:
    """Gain from the definition of H(z), frequency as a fraction of the Nyquist frequency."""
    z = np.exp(1j * np.pi * frequency)
    gain = 1.0 + 0j
    for b0, b1, b2, _, a1, a2 in sos.tolist():
        gain *= (b0 + b1 / z + b2 / z**2) / (1 + a1 / z + a2 / z**2)
    return 20 * math.log10(max(abs(gain), 1e-300))


@pytest.mark.parametrize("order", [2, 3, 6])
@pytest.mark.parametrize("btype", BANDS)
@pytest.mark.parametrize(
    ("filter_type", "loss_at_cutoff"),
    [
        ("butterworth", 3.0103),
        ("bessel", 3.0103),
        ("chebyshev1", 0.5),
        ("elliptic", 0.5),
        ("chebyshev2", 50.0),
    ],
)
def test_loss_at_the_cutoff_is_what_the_family_promises(
    filter_type: str, loss_at_cutoff: float, btype: str, order: int
) -> None:
    options = {"ripple_db": 0.5, "attenuation_db": 50.0, "order": order, "btype": btype}
    result = filter_series(noise(), filter_type=filter_type, cutoff=BANDS[btype], **options)
    assert result.sos is not None
    for edge in np.atleast_1d(BANDS[btype]):
        assert gain_db(result.sos, float(edge)) == pytest.approx(-loss_at_cutoff, abs=1e-4)


@pytest.mark.parametrize("zero_phase", [True, False])
@pytest.mark.parametrize("btype", BANDS)
@pytest.mark.parametrize("filter_type", RECURSIVE)
def test_response_is_that_of_the_sections(filter_type: str, btype: str, zero_phase: bool) -> None:
    result = filter_series(noise(), filter_type=filter_type, btype=btype, cutoff=BANDS[btype], zero_phase=zero_phase)
    response = result.response
    assert result.sos is not None
    assert response is not None
    assert response.freqs[0] == 0
    assert response.freqs[-1] == 1
    passes = 2 if zero_phase else 1
    for k in (100, 300, 500, 900):
        expected = passes * gain_db(result.sos, response.freqs[k])
        assert response.magnitude_db[k] == pytest.approx(expected, abs=1e-6)
    assert np.isfinite(response.magnitude_db).all()
    if zero_phase:
        assert not response.phase.any()
    else:
        assert np.ptp(response.phase) > 1


@pytest.mark.parametrize("filter_type", RECURSIVE)
def test_hertz_and_fractions_of_nyquist_are_the_same_filter(filter_type: str) -> None:
    series = noise()
    in_hertz = filter_series(series, filter_type=filter_type, cutoff=12.5, sampling_rate=250.0)
    fraction = filter_series(series, filter_type=filter_type, cutoff=0.1)
    assert np.array_equal(in_hertz.values, fraction.values)
    assert in_hertz.response is not None
    assert in_hertz.response.freqs[-1] == 125.0
    assert in_hertz.sampling_rate == 250.0


@pytest.mark.parametrize(("name", "alias"), [("bandpass", "band"), ("bandstop", "stop")])
def test_short_names_of_bands(name: str, alias: str) -> None:
    long, short = (filter_series(noise(), btype=btype, cutoff=[0.2, 0.4]) for btype in (name, alias))
    assert np.array_equal(long.values, short.values)
    assert long.btype == short.btype == name


@pytest.mark.parametrize("zero_phase", [True, False])
@pytest.mark.parametrize("filter_type", ["butterworth", "bessel"])
def test_a_level_passes_low_and_is_removed_by_high(filter_type: str, zero_phase: bool) -> None:
    level = np.full(300, 340.0)
    low = filter_series(level, filter_type=filter_type, zero_phase=zero_phase)
    high = filter_series(level, filter_type=filter_type, btype="high", zero_phase=zero_phase)
    assert low.values == pytest.approx(level, rel=1e-9)
    assert high.values == pytest.approx(np.zeros(300), abs=1e-9)


def test_sines_are_separated_without_delay() -> None:
    time = np.arange(0, 4, 1 / 500)
    slow, fast = np.sin(2 * np.pi * 3 * time), np.sin(2 * np.pi * 80 * time)
    options = {"sampling_rate": 500.0, "order": 6}
    inside = slice(200, -200)
    low = filter_series(slow + fast, cutoff=20.0, **options)
    assert low.values[inside] == pytest.approx(slow[inside], abs=1e-4)
    high = filter_series(slow + fast, btype="high", cutoff=20.0, **options)
    assert high.values[inside] == pytest.approx(fast[inside], abs=1e-4)
    band = filter_series(slow + fast, btype="bandpass", cutoff=[40.0, 160.0], **options)
    assert band.values[inside] == pytest.approx(fast[inside], abs=1e-2)


@settings(deadline=None)
@given(
    values=st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=1, max_size=30),
    half=st.integers(0, 7),
)
def test_median_is_the_median_of_each_window(values: list[float], half: int) -> None:
    length = min(2 * half + 1, len(values) if len(values) % 2 else len(values) - 1)
    half = length // 2
    padded = [values[0]] * half + values + [values[-1]] * half
    expected = [statistics.median(padded[k : k + length]) for k in range(len(values))]
    result = filter_series(values, filter_type="median", window_length=length)
    assert result.values.tolist() == expected
    assert result.sos is None
    assert result.response is None


@settings(deadline=None)
@given(
    coefficients=st.lists(st.integers(-5, 5), min_size=4, max_size=4),
    samples=st.integers(11, 40),
)
def test_savgol_keeps_polynomials_of_its_degree(coefficients: list[int], samples: int) -> None:
    polynomial = np.polyval(coefficients, np.linspace(-1, 1, samples))
    result = filter_series(polynomial, filter_type="savgol", window_length=11, polyorder=3)
    assert result.values == pytest.approx(polynomial, abs=1e-9)


def test_savgol_is_a_least_squares_fit_of_each_window() -> None:
    series = noise(60)
    result = filter_series(series, filter_type="savgol", window_length=9, polyorder=2)
    offsets = np.arange(-4, 5)
    for k in range(4, 56):
        fitted = np.polyval(np.polyfit(offsets, series[k - 4 : k + 5], 2), 0)
        assert result.values[k] == pytest.approx(fitted, abs=1e-10)
    assert result.response is not None
    # The published 9-point quadratic weights (Savitzky and Golay 1964, table I).
    weights = np.array([-21, 14, 39, 54, 59, 54, 39, 14, -21]) / 231
    for k in (0, 200, 700):
        expected = abs(np.sum(weights * np.exp(-1j * np.pi * result.response.freqs[k] * offsets)))
        assert 10 ** (result.response.magnitude_db[k] / 20) == pytest.approx(expected, abs=1e-10)


def test_channels_are_filtered_one_by_one() -> None:
    table = noise(200, 3)
    for filter_type in (*RECURSIVE, "savgol", "median"):
        together = filter_series(table, filter_type=filter_type).values
        assert together.shape == (200, 3)
        for channel in range(3):
            alone = filter_series(table[:, channel], filter_type=filter_type).values
            assert np.array_equal(together[:, channel], alone)


def as_float32(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float32)


def read_only(x: np.ndarray) -> np.ndarray:
    copy = x.copy()
    copy.flags.writeable = False
    return copy


def strided(x: np.ndarray) -> np.ndarray:
    return np.repeat(x, 2, axis=0)[::2]


@pytest.mark.parametrize(
    "form",
    [np.ndarray.tolist, as_float32, read_only, strided, np.asfortranarray],
    ids=lambda form: form.__name__,
)
@pytest.mark.parametrize("filter_type", ["butterworth", "savgol", "median"])
def test_every_form_of_the_same_numbers_gives_the_same_result(
    form: Callable[[np.ndarray], object], filter_type: str
) -> None:
    table = np.random.default_rng(1).integers(-9, 9, size=(60, 2)).astype(float)
    expected = filter_series(table, filter_type=filter_type)
    got = filter_series(form(table), filter_type=filter_type)  # type: ignore[arg-type]
    assert np.array_equal(got.values, expected.values)
    assert got.values.dtype == np.float64


def test_shortest_series_for_zero_phase_is_what_the_error_says() -> None:
    with pytest.raises(ValueError, match=r"series: expected at least 16 samples.*got 15"):
        filter_series(np.ones(15))
    assert filter_series(np.ones(16)).values == pytest.approx(np.ones(16))
    assert filter_series([5.0], zero_phase=False).values == pytest.approx([5.0])
    assert filter_series([5.0], filter_type="median", window_length=1).values.tolist() == [5.0]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"filter_type": "fir"}, ValueError, "filter_type: .*'fir'"),
        ({"btype": "notch"}, ValueError, "btype: .*'notch'"),
        ({"cutoff": 0.0}, ValueError, "cutoff: expected a finite number above 0"),
        ({"cutoff": math.nan}, ValueError, "cutoff: expected a finite number above 0"),
        ({"cutoff": "0.1"}, TypeError, "cutoff: expected a number above 0"),
        ({"cutoff": 1.0}, ValueError, "Nyquist frequency, 1 .*give sampling_rate if it is in Hz"),
        ({"cutoff": 60.0, "sampling_rate": 100.0}, ValueError, r"Nyquist frequency, 50 \(Hz\), got 60"),
        ({"sampling_rate": -1.0}, ValueError, "sampling_rate: expected a finite number above 0"),
        ({"cutoff": [0.1, 0.2]}, ValueError, "expected 1 frequency .*without cutoff_high"),
        ({"btype": "band"}, ValueError, "expected 2 frequency .*cutoff and cutoff_high"),
        (
            {"btype": "band", "cutoff": [0.3, 0.2]},
            ValueError,
            r"cutoff_high: expected more than cutoff \(0.3\)",
        ),
        ({"order": 0}, ValueError, "order: expected at least 1"),
        ({"order": 2.5}, TypeError, "order: expected a whole number"),
        ({"order": True}, TypeError, "order: expected a whole number"),
        ({"ripple_db": 0.0}, ValueError, "ripple_db: expected"),
        ({"attenuation_db": -3.0}, ValueError, "attenuation_db: expected"),
        (
            {"filter_type": "elliptic", "ripple_db": 50.0},
            ValueError,
            r"attenuation_db: expected more than ripple_db \(50 dB\)",
        ),
        ({"zero_phase": 1}, TypeError, "zero_phase: expected true or false"),
        ({"zero_phase": False, "initial_state": "hot"}, ValueError, "initial_state: .*'hot'"),
        ({"cutoff": 1e-8}, ValueError, "no usable butterworth low filter.*rounding moves its gain"),
        ({"cutoff": 1e-160, "order": 2}, ValueError, "unstable: a pole lies at radius 1"),
        ({"order": 500, "cutoff": 0.01}, ValueError, "no usable .* of order 500.*give a lower order"),
        ({"filter_type": "chebyshev1", "ripple_db": 5000.0}, ValueError, "no usable chebyshev1"),
        ({"filter_type": "elliptic", "ripple_db": 1e-300, "attenuation_db": 4000.0}, ValueError, "no usable"),
        (
            {"filter_type": "savgol", "window_length": 10},
            ValueError,
            "odd number .*got 10; give 11",
        ),
        ({"filter_type": "savgol", "window_length": 51}, ValueError, "at most 49 for a series of 50 samples"),
        ({"filter_type": "savgol", "polyorder": 11}, ValueError, r"polyorder: expected less than .*\(11\)"),
        ({"filter_type": "median", "window_length": 4}, ValueError, "odd number"),
    ],
)
def test_impossible_filters_get_a_clear_error(options: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        filter_series(noise(50), **options)


@pytest.mark.parametrize(
    ("series", "error", "message"),
    [
        ([1.0, math.nan], ValueError, r"series\[1\]: expected a finite number, got nan"),
        ([], ValueError, "series: expected at least one sample"),
        (["a"], TypeError, "series: expected real numbers"),
        (np.float64(3.0), ValueError, "series: expected shape"),
        (np.full(50, 1.7e308) * np.tile([1, -1], 25), ValueError, "overflow float64"),
    ],
)
def test_bad_series_get_a_clear_error(series: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        filter_series(series, btype="high", cutoff=0.5)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(40, 8), (41, 9), (64, 3, 5), (47, 16), (100, 7), (8, 100)])
@pytest.mark.parametrize("filter_type", ["median", "whittaker", "exponential"])
def test_time_may_be_the_first_axis_or_the_last(shape: tuple[int, ...], filter_type: str) -> None:
    series = np.random.default_rng(4).normal(size=shape)
    options = {"filter_type": filter_type, "window_length": 5}
    first = filter_series(series, **options)
    last = filter_series(np.ascontiguousarray(np.moveaxis(series, 0, -1)), axis=-1, **options)
    assert first.values.flags.c_contiguous
    assert np.array_equal(first.values, np.moveaxis(last.values, -1, 0))
    for channel in np.ndindex(shape[1:]):
        alone = filter_series(series[(slice(None), *channel)], **options).values
        assert np.array_equal(alone, first.values[(slice(None), *channel)])


def test_channels_with_gaps_and_without_are_smoothed_by_themselves() -> None:
    series = noise(60, 5)
    series[[3, 4, 30], 1] = math.nan
    series[59, 3] = math.nan
    together = filter_series(series, filter_type="whittaker", nan_policy="interpolate").values
    for channel in range(5):
        alone = filter_series(series[:, channel], filter_type="whittaker", nan_policy="interpolate").values
        assert np.array_equal(alone, together[:, channel])


def test_a_filter_is_designed_once() -> None:
    first = filter_series(noise(), cutoff=[20.0, 30.0], btype="band", sampling_rate=100.0)
    again = filter_series(noise(300), cutoff=[20.0, 30.0], btype="band", sampling_rate=100.0)
    other = filter_series(noise(), cutoff=[20.0, 30.0], btype="band", sampling_rate=101.0)
    assert again.filter is first.filter
    assert other.filter is not first.filter
    # Nobody can spoil it for others: what is given away is a copy, what is kept is read-only.
    before = first.sos.copy()
    first.sos[:] = 0.0
    with pytest.raises(ValueError, match="read-only"):
        first.filter.sections[:] = 0.0
    assert np.array_equal(again.sos, before)
    window = filter_series(noise(), filter_type="savgol").filter
    with pytest.raises(ValueError, match="read-only"):
        window.taps[0] = 1.0


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ({"order": 1}, {"order": True}, "order: expected a whole number"),
        ({"cutoff": 1.0}, {"cutoff": True}, "cutoff: expected a number"),
        ({"cutoff": (1, 5), "btype": "band"}, {"cutoff": (True, 5), "btype": "band"}, "cutoff: expected a number"),
        ({"cutoff": [1, 5], "btype": "band"}, {"cutoff": [True, 5], "btype": "band"}, "cutoff: expected a number"),
    ],
)
def test_a_kept_design_is_no_excuse(right: dict, wrong: dict, message: str) -> None:
    """True equals 1 in a dictionary, and is refused all the same, however often."""
    assert np.isfinite(filter_series(noise(), sampling_rate=20.0, **right).values).all()
    for _ in range(2):
        with pytest.raises(TypeError, match=message):
            filter_series(noise(), sampling_rate=20.0, **wrong)


def test_doctests() -> None:
    outcome = doctest.testmod(filters)
    assert outcome.attempted >= 3
    assert outcome.failed == 0
