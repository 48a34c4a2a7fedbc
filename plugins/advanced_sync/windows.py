"""Windows: which samples may be matched, as the first and last target sample of every reference sample.

With positions u(i) and v(j) of the samples, which are their time stamps or else their numbers, a window holds the
cells with

- Sakoe-Chiba: ``|u(i) - v(j)| <= radius``;
- slanted band: ``|j - i (m - 1) / (n - 1)| <= radius``, around the line from corner to corner;
- Itakura: ``p / s <= q <= s p`` and ``(1 - p) / s <= 1 - q <= s (1 - p)`` for the maximal slope s, where p and q
  are the positions scaled to run from 0 to 1: the parallelogram between the corners.

References: H. Sakoe and S. Chiba, IEEE TASSP 26 (1978), doi 10.1109/TASSP.1978.1163055; F. Itakura, Minimum
prediction residual principle applied to speech recognition, IEEE TASSP 23 (1975), doi 10.1109/TASSP.1975.1162641;
slanted band: T. Giorgino, J. Stat. Softw. 31 (2009), doi 10.18637/jss.v031.i07.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SLACK = 1e-9  # of one sample: a bound that is meant to fall on a sample includes it in spite of rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The cells of the cost matrix that a path may visit: in row i, the columns ``first[i]`` to ``last[i]``.

    Both are non-decreasing and ``first[i] <= last[i]``, so that rows and anti-diagonals meet the band in one
    piece.

    Attributes:
        first: ``(n,)`` int64, in ``[0, m - 1]``.
        last: ``(n,)`` int64, in ``[0, m - 1]``.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]

    @property
    def width(self) -> int:
        """Most cells in one row."""
        return int((self.last - self.first).max()) + 1

    @property
    def cells(self) -> int:
        """Cells in all rows."""
        return int((self.last - self.first).sum()) + len(self.first)

    def diagonals(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the first and last row of every anti-diagonal ``i + j = d`` up to the last cell of the band."""
        rows = np.arange(len(self.first))
        d = np.arange(len(self.first) + int(self.last[-1]))
        low = np.searchsorted(rows + self.last, d, side="left")
        high = np.searchsorted(rows + self.first, d, side="right") - 1
        return low, high


def full_band(n: int, m: int) -> Band:
    """Return the band that holds every cell of an ``(n, m)`` matrix."""
    return Band(first=np.zeros(n, dtype=np.int64), last=np.full(n, m - 1, dtype=np.int64))


def sakoe_chiba_band(u: NDArray[np.float64], v: NDArray[np.float64], radius: float) -> Band | None:
    """Return the cells with ``|u[i] - v[j]| <= radius``.

    Args:
        u: Positions of the reference samples, ``(n,)``, increasing.
        v: Positions of the target samples, ``(m,)``, increasing.
        radius: In the unit of the positions.

    Returns:
        The band; ``None`` where a row has no such cell.
    """
    slack = _SLACK * radius
    first = np.searchsorted(v, u - radius - slack, side="left")
    last = np.searchsorted(v, u + radius + slack, side="right") - 1
    return _band(first, last)


def radius_band(n: int, m: int, radius: int) -> Band | None:
    """Return the cells with ``|i - j| <= radius``: `sakoe_chiba_band` of the samples' numbers, without searching."""
    rows = np.arange(n)
    return _band(np.maximum(rows - radius, 0), np.minimum(rows + radius, m - 1))


def slanted_band(p: NDArray[np.float64], q: NDArray[np.float64], radius: float) -> Band | None:
    """Return the cells around the line from corner to corner.

    Args:
        p: Positions of the reference samples, ``(n,)``, scaled to run from 0 to 1.
        q: As `p`, of the target samples, ``(m,)``.
        radius: In target samples; between time stamps they are counted by interpolation.
    """
    centre = np.interp(p, q, np.arange(len(q)))
    last_column = len(q) - 1
    first = np.maximum(np.ceil(centre - radius - _SLACK), 0).astype(np.int64)
    last = np.minimum(np.floor(centre + radius + _SLACK), last_column).astype(np.int64)
    return _band(first, last)


def itakura_band(p: NDArray[np.float64], q: NDArray[np.float64], slope: float) -> Band | None:
    """Return the Itakura parallelogram; arguments as `slanted_band`, `slope` at least 1."""
    low = np.maximum(p / slope, 1.0 - slope * (1.0 - p))
    high = np.minimum(slope * p, 1.0 - (1.0 - p) / slope)
    slack = _SLACK / len(q)
    first = np.searchsorted(q, low - slack, side="left")
    last = np.searchsorted(q, high + slack, side="right") - 1
    return _band(first, last)


def given_band(value: Any, n: int, m: int) -> Band:
    """Check a band that the caller gave.

    Args:
        value: ``(n, 2)`` integers: first and last target sample of every reference sample, both included.
        n: Samples of the reference.
        m: Samples of the target.

    Raises:
        ValueError: If it is no monotone band of an ``(n, m)`` matrix.
        TypeError: If its elements are no integers.
    """
    array = np.asarray(value)
    if array.shape != (n, 2):
        raise ValueError(f"band: expected shape ({n}, 2), a first and last target sample each, got {array.shape}")
    if array.dtype.kind not in "iu":
        raise TypeError(f"band: expected integers, got dtype {array.dtype}; round and convert to int64")
    bounds = array.astype(np.int64)
    outside = np.flatnonzero((bounds < 0).any(axis=1) | (bounds >= m).any(axis=1) | (bounds[:, 0] > bounds[:, 1]))
    if outside.size:
        row = int(outside[0])
        raise ValueError(
            f"band[{row}]: expected first <= last, both from 0 to {m - 1}, got {bounds[row].tolist()}; correct the row"
        )
    falling = np.flatnonzero((np.diff(bounds, axis=0) < 0).any(axis=1))
    if falling.size:
        row = int(falling[0]) + 1
        raise ValueError(
            f"band[{row}]: expected at least {bounds[row - 1].tolist()} as in the row above, got "
            f"{bounds[row].tolist()}; both columns of a band must never decrease"
        )
    return Band(first=np.ascontiguousarray(bounds[:, 0]), last=np.ascontiguousarray(bounds[:, 1]))


def _band(first: NDArray[np.int64], last: NDArray[np.int64]) -> Band | None:
    if (first > last).any():
        return None
    return Band(first=first.astype(np.int64), last=last.astype(np.int64))
