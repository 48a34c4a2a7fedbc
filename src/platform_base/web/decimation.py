"""A long series on a narrow screen: the smallest and the largest value of each column of pixels.

No peak is lost, however far one looks from. Method: J. Jugel, Z. Jerzak, G. Hackenbroich, V. Markl, "M4: a
visualization-oriented time series data aggregation", VLDB 7 (2014), without the first and last sample of each bucket.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def decimate(
    series: NDArray[np.float64], start: int, stop: int, width: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return what is to be drawn of ``series[start:stop]``.

    Args:
        series: ``(n,)`` float64; NaN is a gap.
        start: First sample.
        stop: Behind the last sample.
        width: Buckets, about one for each pixel.

    Returns:
        ``(k,)`` sample numbers that rise, and ``(k,)`` values: all samples where there are at most ``2 * width``, else
        the smallest and the largest of each bucket, the smallest first where the bucket ends higher than it begins, so
        that k is ``2 * width``. A bucket of nothing but NaN gives NaN. The numbers depend on the range and the width
        alone: series of one length share them.

    Raises:
        ValueError: The range is not inside the series, or the width is not positive.
    """
    if not 0 <= start <= stop <= len(series) or width < 1:
        raise ValueError(f"expected 0 <= start <= stop <= {len(series)} and width >= 1, got {start}, {stop}, {width}")
    count = stop - start
    if count <= 2 * width:
        return np.arange(start, stop), series[start:stop]
    edges = start + np.arange(width + 1, dtype=np.int64) * count // width
    part = series[start:stop]
    missing = np.isnan(part)
    offsets = edges[:-1] - start
    low = np.minimum.reduceat(np.where(missing, np.inf, part), offsets)
    high = np.maximum.reduceat(np.where(missing, -np.inf, part), offsets)
    low[low == np.inf], high[high == -np.inf] = np.nan, np.nan
    values = np.empty(2 * width)
    # Where they lie inside the bucket is less than a pixel: its ends say well enough which one to draw first.
    rising = part[offsets] <= part[edges[1:] - start - 1]
    values[0::2], values[1::2] = np.where(rising, low, high), np.where(rising, high, low)
    places = np.empty(2 * width, dtype=np.int64)
    places[0::2], places[1::2] = edges[:-1], np.maximum((edges[:-1] + edges[1:]) // 2, edges[:-1] + 1)
    return places, values
