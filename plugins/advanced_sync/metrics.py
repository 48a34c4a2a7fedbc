"""Local costs: how far one reference sample is from one target sample, over the channels d = x[i] - y[j].

=============  ==========================================  =================================
name           cost                                        unit
=============  ==========================================  =================================
euclidean      sqrt(sum d^2)                               that of the series
sqeuclidean    sum d^2                                     its square
manhattan      sum abs(d)                                  that of the series
chebyshev      max abs(d)                                  that of the series
minkowski      (sum abs(d)^p)^(1/p), p at least 1          that of the series
cosine         1 - x[i].y[j] / (abs(x[i]) abs(y[j]))       none
precomputed    the caller's ``cost_matrix[i, j]``          that of the matrix
=============  ==========================================  =================================
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Codes instead of names, because compiled kernels branch on them. From MINKOWSKI on the costs are computed by
# `LocalCosts.cells` alone: compiled powers differ from NumPy's in the last bit.
MANHATTAN = 0
SQEUCLIDEAN = 1
EUCLIDEAN = 2
CHEBYSHEV = 3
MINKOWSKI = 4
COSINE = 5
PRECOMPUTED = 6
METRICS = {
    "euclidean": EUCLIDEAN,
    "sqeuclidean": SQEUCLIDEAN,
    "manhattan": MANHATTAN,
    "chebyshev": CHEBYSHEV,
    "minkowski": MINKOWSKI,
    "cosine": COSINE,
    "precomputed": PRECOMPUTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalCosts:
    """The local costs of one problem, computed where they are asked for.

    Attributes:
        reference: ``(n, channels)`` float64 or float32, C-contiguous, finite; ``(n, 0)`` for precomputed costs.
        target: ``(m, channels)`` of the same dtype, C-contiguous, finite; ``(m, 0)`` for precomputed costs.
        metric: One of the codes of `METRICS`.
        power: The exponent of minkowski.
        matrix: ``(n, m)`` float64 for precomputed costs, else ``(0, 0)``.
    """

    reference: NDArray[np.float64]
    target: NDArray[np.float64]
    metric: int
    power: float
    matrix: NDArray[np.float64]

    def cells(self, i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the costs of the cells ``(i[k], j[k])``, ``(cells,)`` of the dtype of the series.

        The sums run over the channels one after the other, as those of the compiled kernel do, so that both give
        the same bits.
        """
        if self.metric == PRECOMPUTED:
            taken: NDArray[np.float64] = self.matrix[i, j]
            return taken
        with np.errstate(over="ignore"):  # infinite costs are an error where they end up in the distance
            return self._compare(self.reference[i], self.target[j])

    def _compare(self, rows: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.metric == COSINE:
            return _cosine(rows, columns)
        total = np.zeros(len(rows), rows.dtype)
        for channel in range(rows.shape[1]):
            difference = rows[:, channel] - columns[:, channel]
            if self.metric in (SQEUCLIDEAN, EUCLIDEAN):
                total += difference * difference
            elif self.metric == CHEBYSHEV:
                np.maximum(total, np.abs(difference), out=total)
            elif self.metric == MINKOWSKI:
                total += np.abs(difference) ** self.power
            else:
                total += np.abs(difference)
        if self.metric == MINKOWSKI:
            return total ** (1.0 / self.power)
        return np.sqrt(total) if self.metric == EUCLIDEAN else total

    def dense(self) -> NDArray[np.float64]:
        """Return all costs, ``(n, m)`` float64."""
        columns = np.arange(len(self.target))
        rows = [self.cells(np.full(len(columns), i), columns) for i in range(len(self.reference))]
        return np.array(rows)


def _cosine(rows: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.float64]:
    product, of_rows, of_columns = (np.zeros(len(rows)) for _ in range(3))
    for channel in range(rows.shape[1]):
        product += rows[:, channel] * columns[:, channel]
        of_rows += rows[:, channel] * rows[:, channel]
        of_columns += columns[:, channel] * columns[:, channel]
    # Rounding may put parallel samples a hair below zero, which no cost may be.
    result: NDArray[np.float64] = np.clip(1.0 - product / (np.sqrt(of_rows) * np.sqrt(of_columns)), 0.0, 2.0)
    return result
