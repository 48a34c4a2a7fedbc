"""Many series at once: the costs of the best paths between one and many others, and between all pairs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.alignment import lay_out_radius, measure
from platform_base.kernels.compilation import kernel
from platform_base.kernels.rules import Rules


class Collection(NamedTuple):
    """Series of any lengths with the same channels.

    Attributes:
        samples: ``(total, channels)``, C-contiguous: one series after the other.
        starts: ``(count + 1,)`` int64: where each begins, and where the last one ends.
    """

    samples: NDArray[np.float64]
    starts: NDArray[np.int64]


@kernel
def measure_many(
    rules: Rules,
    x: NDArray[np.float64],
    others: Collection,
    radius: int,
    start: int,
    stop: int,
    costs: NDArray[np.float64],
) -> None:
    """Set ``costs[start:stop]`` to the costs of the best paths between a series and others.

    Args:
        rules: What is computed.
        x: ``(n, channels)``, C-contiguous, finite.
        others: The other series, finite.
        radius: The window is ``|i - j| <= radius``, at least the largest difference of lengths; -1 for none.
        start: The first of the others.
        stop: The end of the others, exclusive.
        costs: Written; infinity where a cost overflows float64.
    """
    m = -1
    first, last = lay_out_radius(0, 0, 0)
    for number in range(start, stop):
        y = others.samples[others.starts[number] : others.starts[number + 1]]
        if y.shape[0] != m:
            m = y.shape[0]
            first, last = lay_out_radius(x.shape[0], m, radius)
        costs[number] = measure(rules, x, y, first, last)
