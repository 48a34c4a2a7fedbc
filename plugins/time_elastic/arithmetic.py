"""The few operations from which every cost is made, on arrays; `strips` gives them a second meaning, on vectors.

The costs of a distance are written once, in these names and the operators ``+ - * / < <=``. On NumPy arrays they
compute an anti-diagonal of the cost matrix, inside compiled kernels the lanes of a SIMD vector, with the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# Any: a NumPy array here, a vector in compiled kernels.


def lane(features: Any, feature: int, at: Any) -> Any:
    """Return one feature of the samples at `at`: a slice of an array's row, or the lanes from an index on.

    Args:
        features: ``(count, k)`` float64.
        feature: Which row.
        at: Where in the row.
    """
    return features[feature, at]


def count(features: Any) -> int:
    """Return how many features there are."""
    return len(features)


def magnitude(values: Any) -> Any:
    """Return the absolute values."""
    return np.abs(values)


def smaller(first: Any, second: Any) -> Any:
    """Return the smaller of each two values."""
    return np.minimum(first, second)


def choose(condition: Any, chosen: float, other: float) -> Any:
    """Return one number where `condition` holds, the other elsewhere."""
    return np.where(condition, chosen, other)


def keep(condition: Any, values: Any, other: float) -> Any:
    """Return `values` where `condition` holds, `other` elsewhere."""
    return np.where(condition, values, other)


def square_root(values: Any) -> Any:
    """Return the square roots."""
    return np.sqrt(values)


def power(values: Any, exponent: float) -> Any:
    """Return the values, not negative, to the power of `exponent`."""
    return values**exponent


def to_lengths(matrix: Any) -> None:
    """Replace the values by their sizes, and infinity by zero."""
    matrix[matrix == np.inf] = 0.0
    np.abs(matrix, out=matrix)
