"""Sliding means and medians against NumPy's of each window."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from plugins.custom_filters import sliding_mean
from plugins.custom_filters.sliding_medians import LANES, running_medians
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
    running_medians(series, length, out)
    assert out.tolist() == np.sort(windows(series, length), axis=1)[:, length // 2].tolist()


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
        assert np.array_equal(median_window(length, length // 2, ends="repeat").evaluate(series, kernel), expected)


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
    found = [average_window(length, 0, ends="repeat").evaluate(series, kernel) for kernel in ("numba", "scipy")]
    assert found[0].tobytes() == found[1].tobytes()
    # Every sum has an error below this, whatever the order of its additions.
    room = length * np.finfo(float).eps * np.abs(series).max()
    assert found[0] == pytest.approx(windows(series, length).mean(axis=1), rel=0, abs=room)
