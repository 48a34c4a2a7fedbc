"""Sliding means and medians against NumPy's of each window."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from plugins.custom_filters import filter_series, sliding_mean, sliding_selection
from plugins.custom_filters.sliding_lines import clean_lines, take_medians
from plugins.custom_filters.sliding_medians import LANES, replace_outliers, running_medians
from plugins.custom_filters.sliding_vectors import running_means
from plugins.custom_filters.windows import average_window, median_window

# Few values, so that many are the same; and any values, far apart.
SAMPLES = st.one_of(
    st.lists(st.integers(-2, 2).map(float), min_size=1, max_size=80),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=80),
)


def windows(series: np.ndarray, length: int) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(series, length)


@settings(deadline=None)
@given(samples=SAMPLES, half=st.integers(0, 20))
@example(samples=[1.0] * 30, half=LANES // 2)
@example(samples=[float(k) for k in range(40)], half=7)
@example(samples=[float(-k) for k in range(40)], half=8)
def test_medians(samples: list[float], half: int) -> None:
    length = min(2 * half + 1, len(samples) - (len(samples) + 1) % 2)
    series = np.array(samples)
    out = np.full(len(series) - length + 1, np.nan)
    expected = np.sort(windows(series, length), axis=1)[:, length // 2].tolist()
    running_medians(series, length, out)
    assert out.tolist() == expected
    sliding_selection.select_medians(np.append(series, np.zeros(sliding_selection.LANES)), length, out)
    assert out.tolist() == expected


@settings(deadline=None)
@given(samples=SAMPLES, half=st.integers(0, 20), data=st.data())
def test_outliers(samples: list[float], half: int, data: st.DataObject) -> None:
    """The identifier by its definition, with NumPy's sorting."""
    length = min(2 * half + 1, len(samples) - (len(samples) + 1) % 2)
    at = data.draw(st.integers(0, length - 1))
    rows = windows(np.array(samples), length)
    with np.errstate(over="ignore"):  # of samples that are farther apart than the largest number
        medians = np.sort(rows, axis=1)[:, length // 2]
        deviations = np.sort(np.abs(rows - medians[:, np.newaxis]), axis=1)[:, length // 2]
        values = rows[:, at]
        expected = np.where(np.abs(values - medians) > 1.5 * deviations, medians, values).tolist()
    out = np.full(len(rows), np.nan)
    replace_outliers(np.array(samples), length, at, 1.5, out)
    assert out.tolist() == expected
    sliding_selection.replace_far_ones(np.append(samples, np.zeros(sliding_selection.LANES)), length, at, 1.5, out)
    assert out.tolist() == expected


@pytest.mark.parametrize("length", [sliding_selection.LONGEST, sliding_selection.LONGEST + 2])
def test_no_median_is_taken_where_a_sample_is_missing(length: int) -> None:
    lines, out = np.zeros((2, 90)), np.empty((2, 90))
    assert take_medians(lines, length, 3, 0, out)
    assert clean_lines(lines, length, 3, 3, 0, 1.0, out)
    lines[1, 77] = np.nan
    assert not take_medians(lines, length, 3, 0, out)
    assert not clean_lines(lines, length, 3, 3, 0, 1.0, out)


@pytest.mark.parametrize("kernel", ["numba", "scipy"])
@pytest.mark.parametrize("filter_type", ["moving_average", "median", "hampel", "savgol", "fir_window"])
@pytest.mark.parametrize("zero_phase", [True, False])
def test_channels_and_pieces_change_nothing(filter_type: str, zero_phase: bool, kernel: str) -> None:
    """Together or alone, and in one piece or in several, a series gives the same, to the last bit."""
    series = np.random.default_rng(3).normal(size=(70_000, 3)).cumsum(axis=0)
    options = {"filter_type": filter_type, "zero_phase": zero_phase, "kernel": kernel, "numtaps": 11}
    together = filter_series(series, **options).values
    for channel in range(3):
        assert np.array_equal(filter_series(series[:, channel], **options).values, together[:, channel])
    middle = filter_series(series[32_000:34_000], **options).values
    assert np.array_equal(middle[20:-20], together[32_020:33_980])


@pytest.mark.parametrize("length", [1, 2 * LANES - 1, 2 * LANES + 1, 6 * LANES + 1, 299, 301, 303])
@pytest.mark.parametrize("kind", ["walk", "noise", "steps"])
def test_medians_of_long_series(kind: str, length: int) -> None:
    """Up to 301 samples the window is kept sorted, above SciPy computes."""
    generator = np.random.default_rng(length)
    series = {
        "walk": generator.normal(size=2000).cumsum(),
        "noise": generator.normal(size=2000),
        "steps": np.repeat(generator.integers(-3, 3, size=40), 50).astype(float),
    }[kind]
    expected = np.sort(windows(series, length), axis=1)[:, length // 2]
    for kernel in ("numba", "scipy"):
        found = np.empty((1, len(expected)))
        median_window(length, length // 2, ends="repeat").evaluate(series[np.newaxis], 0, "repeat", found, kernel)
        assert np.array_equal(found[0], expected)


@settings(deadline=None)
@given(data=st.data(), length=st.integers(1, 70))
def test_means_are_the_same_to_the_last_bit(data: st.DataObject, length: int) -> None:
    sizes = st.lists(st.floats(-1e6, 1e6), min_size=length, max_size=length + 60)
    series = np.array(data.draw(sizes))
    compiled, plain = np.full((2, len(series) - length + 1), np.nan)
    running_means(series, length, compiled)
    sliding_mean.running_means(series, length, plain)
    assert compiled.tobytes() == plain.tobytes()
    for window, mean in zip(windows(series, length), plain, strict=True):
        exact = sum(map(Fraction, window.tolist())) / length
        # As many roundings as a window has halves, each relative to the sum of the magnitudes.
        room = 8 * np.finfo(float).eps * sum(abs(Fraction(value)) for value in window.tolist()) / length
        assert abs(Fraction(mean) - exact) <= room


@pytest.mark.parametrize("length", [1, 2, 31, 64, 257, 1000, 5000])
def test_means_of_long_series(length: int) -> None:
    series = np.random.default_rng(length).normal(size=12_000).cumsum()
    found = np.empty((2, 1, len(series) - length + 1))
    for kernel, result in zip(("numba", "scipy"), found, strict=True):
        average_window(length, 0, ends="repeat").evaluate(series[np.newaxis], 0, "repeat", result, kernel)
    assert found[0].tobytes() == found[1].tobytes()
    # Every sum has an error below this, whatever the order of its additions.
    room = length * np.finfo(float).eps * np.abs(series).max()
    assert found[0, 0] == pytest.approx(windows(series, length).mean(axis=1), rel=0, abs=room)
