"""What a step through the cost matrix costs: the one thing in which the elastic distances differ.

All of them are the smallest cost of a path of steps from (-1, -1) to (n-1, m-1)::

    D(i, j) = min of
        D(i-1, j-1) + match(i, j)            the step (1, 1): match the two samples
        D(i-1, j)   + delete_first(i, j)     the step (1, 0)
        D(i, j-1)   + delete_second(i, j)    the step (0, 1)

Each distance is a `Steps`: a named tuple of its parameters with the three costs as a method, written in the operations
of `arithmetic`, so that NumPy and the compiled kernels compute with the same source. A named tuple, because Numba
compiles the kernels anew for each class of one, and finds what it compiled again in its cache.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .arithmetic import count, lane, magnitude, power, square_root


class Samples(NamedTuple):
    """One series as the kernels read it.

    Attributes:
        values: ``(channels, k)`` float64.
        features: ``(count, k)`` float64: what the distance has computed for each sample beforehand.
    """

    values: NDArray[np.float64]
    features: NDArray[np.float64]


class Cells(NamedTuple):
    """The cells to compute at once: neighbours along an anti-diagonal, i rising by one and j falling.

    Attributes:
        first: The first series.
        row: Where its samples of these cells are.
        second: The second series, read in reverse where the kernel is compiled.
        column: Where its samples of these cells are.
        lags: ``(2, k)``: a weight for each difference i - j, even differences in row 0, odd ones in row 1.
        parity: Which row of `lags` belongs to these cells.
        lag: Where in that row.
    """

    first: Samples
    row: Any
    second: Samples
    column: Any
    lags: NDArray[np.float64]
    parity: int
    lag: Any


class Steps(Protocol):
    """A distance, as the kernels see it."""

    def asks_spread(self) -> bool:
        """Return whether a parameter follows from the standard deviations of the series."""
        ...

    def between(self, first_spread: float, second_spread: float) -> Steps:
        """Return the steps for two series of these standard deviations, for the parameters that follow from them."""
        ...

    def width(self, channels: int) -> int:
        """Return how many features of a sample `describe` computes."""
        ...

    def describe(
        self,
        values: NDArray[np.float64],
        times: NDArray[np.float64],
        features: NDArray[np.float64],
        deletion: NDArray[np.float64],
    ) -> None:
        """Compute what depends on one series alone.

        Args:
            values: ``(channels, n)``, finite.
            times: ``(n,)``, strictly increasing.
            features: ``(width, n)``, to be written.
            deletion: ``(n,)``: what deleting each sample costs before any is matched; infinity, and to be left so,
                where paths begin by matching the two first samples.
        """
        ...

    def hold(self, first: Samples, row: Any) -> Any:
        """Return what `cost` needs of the samples of the first series: kernels keep it in registers."""
        ...

    def cost(self, gap: Any, held: Any, cells: Cells) -> tuple[Any, Any, Any]:
        """Return the costs of matching, of deleting in the first and of deleting in the second series.

        Args:
            gap: Local distance of the two samples of each cell.
            held: What `hold` returned.
            cells: Which cells.
        """
        ...

    def carry(self, total: Any, match: Any) -> Any:
        """Return what the match after these cells adds its cost to: `total`, unless a match pays for both its ends."""
        ...

    def recall(self, total: Any, carried: Any) -> Any:
        """Return `carried` if `carry` gives more than `total`, else `total`."""
        ...

    def finish(self, total: float, n: int, m: int) -> float:
        """Return the distance of series of n and m samples, of which D(n-1, m-1) is `total`."""
        ...

    def finish_matrix(self, matrix: NDArray[np.float64]) -> None:
        """Make of D, ``(n, m)``, infinite outside the window, the cost matrix as callers see it."""
        ...


def combined_distance(difference: Any, cells: Cells, degree: float, rooted: bool) -> Any:
    """Return the distance of the two samples of each cell over several channels.

    Args:
        difference: Absolute difference in the first channel.
        cells: Which cells.
        degree: p, of the Lp norm over the channels.
        rooted: Whether to take the root, which gives the norm; or not: the sum of the powers.

    Returns:
        The channels are added from the first to the last.
    """
    total = raised(difference, degree)
    for channel in range(1, count(cells.first.values)):
        other = lane(cells.second.values, channel, cells.column)
        total = total + raised(magnitude(lane(cells.first.values, channel, cells.row) - other), degree)
    return unraised(total, degree) if rooted else total


def raised(values: Any, degree: float) -> Any:
    """Return the values to the power of `degree`, exactly where that is 1 or 2."""
    if degree == 1.0:
        return values
    if degree == 2.0:
        return values * values
    return power(values, degree)


def unraised(values: Any, degree: float) -> Any:
    """Return the root of `degree`, correctly rounded where that is 1 or 2."""
    if degree == 1.0:
        return values
    if degree == 2.0:
        return square_root(values)
    return power(values, 1.0 / degree)


def sample_distance(
    values: NDArray[np.float64], sample: int, others: NDArray[np.float64], other: int, degree: float
) -> float:
    """Return the Lp norm of the difference of two samples of ``(channels, n)`` arrays, for `Steps.describe`."""
    difference = abs(values[0, sample] - others[0, other])
    channels = values.shape[0]
    if channels == 1:
        return difference
    total = raised(difference, degree)
    for channel in range(1, channels):
        total = total + raised(abs(values[channel, sample] - others[channel, other]), degree)
    norm: float = unraised(total, degree)
    return norm


# What most distances have in common: their `Steps` take these as methods.


def asks_nothing(self: Steps) -> bool:
    """Return that no parameter follows from the series."""
    return False


def keep_steps(self: Steps, first_spread: float, second_spread: float) -> Steps:
    """Return the steps themselves: no parameter follows from the series."""
    return self


def no_features(self: Steps, channels: int) -> int:
    """Return 0: the costs depend on pairs of samples alone."""
    return 0


def describe_nothing(
    self: Steps,
    values: NDArray[np.float64],
    times: NDArray[np.float64],
    features: NDArray[np.float64],
    deletion: NDArray[np.float64],
) -> None:
    """Compute nothing, and leave every deletion at infinity."""


def hold_nothing(self: Steps, first: Samples, row: Any) -> tuple[()]:
    """Return nothing: the costs need no features of the first series."""
    return ()


def carry_total(self: Steps, total: Any, match: Any) -> Any:
    """Return the total: a match pays for its end alone."""
    return total


def recall_total(self: Steps, total: Any, carried: Any) -> Any:
    """Return the total: a match pays for its end alone."""
    return total


def finish_total(self: Steps, total: float, n: int, m: int) -> float:
    """Return the total."""
    return total


def leave_matrix(self: Steps, matrix: NDArray[np.float64]) -> None:
    """Leave the matrix as it is."""
