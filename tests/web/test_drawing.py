"""Decimation and heat maps, against plain computations."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_base.web.decimation import decimate
from platform_base.web.heatmap import draw_heatmap


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 3000), st.integers(1, 400), st.integers(0, 2**32 - 1), st.floats(0.0, 0.9))
def test_no_extreme_is_lost(length: int, width: int, seed: int, gaps: float) -> None:
    random = np.random.default_rng(seed)
    series = random.normal(size=length)
    series[random.random(length) < gaps] = np.nan
    start = int(random.integers(0, length))
    stop = int(random.integers(start, length + 1))
    places, values = decimate(series, start, stop, width)
    part = series[start:stop]
    assert len(places) == len(values) <= max(2 * width, 1)
    assert (np.diff(places) > 0).all()
    if len(part):
        assert places[0] >= start
        assert places[-1] < stop
    if len(part) <= 2 * width:
        np.testing.assert_array_equal(values, part)
    elif not np.isnan(part).all():
        assert np.nanmax(values) == np.nanmax(part)
        assert np.nanmin(values) == np.nanmin(part)
    assert set(values[~np.isnan(values)].tolist()) <= set(part[~np.isnan(part)].tolist())


@pytest.mark.parametrize(("start", "stop", "width"), [(-1, 5, 3), (3, 2, 3), (0, 11, 3), (0, 10, 0)])
def test_a_range_outside_the_series_is_refused(start: int, stop: int, width: int) -> None:
    with pytest.raises(ValueError, match="expected 0 <= start <= stop <= 10"):
        decimate(np.zeros(10), start, stop, width)


def read_png(content: bytes) -> np.ndarray:
    image = pytest.importorskip("matplotlib.image")
    return image.imread(io.BytesIO(content), format="png")


def test_a_heat_map_is_a_picture_that_others_can_read() -> None:
    picture = read_png(draw_heatmap(np.array([[0.0, 1.0, 2.0], [3.0, 4.0, np.nan]])))
    assert picture.shape[:2] == (2, 3)
    brightness = picture[..., :3].sum(axis=-1)
    assert brightness[1, 0] < brightness[1, 1] < brightness[1, 2] < brightness[0, 1]  # the first row is at the bottom
    np.testing.assert_allclose(picture[0, 2, :3], 128 / 255, atol=1e-3)


def test_a_large_matrix_is_shrunk_and_a_constant_one_is_drawn() -> None:
    assert read_png(draw_heatmap(np.arange(3000.0 * 2).reshape(3000, 2), most=100)).shape[:2] == (100, 2)
    assert read_png(draw_heatmap(np.full((3, 3), np.inf))).shape[:2] == (3, 3)
    assert read_png(draw_heatmap(np.full((3, 3), 7))).shape[:2] == (3, 3)
