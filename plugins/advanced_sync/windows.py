"""Windows: which samples may be matched, as the first and last target sample of every reference sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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
        """Return the first and last row of every anti-diagonal ``i + j = d``, each ``(n + m - 1,)``."""
        rows = np.arange(len(self.first))
        d = np.arange(len(self.first) + int(self.last[-1]))
        low = np.searchsorted(rows + self.last, d, side="left")
        high = np.searchsorted(rows + self.first, d, side="right") - 1
        return low, high


def full_band(n: int, m: int) -> Band:
    """Return the band that holds every cell of an ``(n, m)`` matrix."""
    return Band(first=np.zeros(n, dtype=np.int64), last=np.full(n, m - 1, dtype=np.int64))


def sakoe_chiba_band(n: int, m: int, radius: int) -> Band:
    """Return the cells with ``|i - j| <= radius``; `radius` is at least ``|n - m|``."""
    rows = np.arange(n, dtype=np.int64)
    return Band(first=np.clip(rows - radius, 0, m - 1), last=np.clip(rows + radius, 0, m - 1))
