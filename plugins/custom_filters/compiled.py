"""The kernels compiled with Numba.

Importing this module imports Numba; `recursion` does so when a call asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.compilation import kernel

from . import hampel_loop, kalman_recursion
from .chunked import BLOCK, CHUNK, LANES, run_blocks, state_tables
from .sliding_vectors import weighted_sums


@kernel
def run_line(
    line: NDArray[np.float64],
    out: NDArray[np.float64],
    backwards: bool,
    sections: NDArray[np.float64],
    state: NDArray[np.float64],
) -> None:
    """Filter a line once, one sample after the other.

    The sections go through the line in pairs: what bounds the speed is the way from one output to the next, and two
    such ways run beside each other in one loop.

    Args:
        line: ``(n,)``.
        out: ``(n,)``, written; may be `line`.
        backwards: From the last sample to the first.
        sections: ``(sections, 6)``.
        state: ``(sections, 2)``, read and written.
    """
    n = line.shape[0]
    count = sections.shape[0]
    source = line
    for first in range(0, count, 2):
        b0, b1, b2 = sections[first, 0], sections[first, 1], sections[first, 2]
        a1, a2 = sections[first, 4], sections[first, 5]
        z0, z1 = state[first, 0], state[first, 1]
        if first + 1 == count:
            for k in range(n):
                i = n - 1 - k if backwards else k
                x = source[i]
                y = b0 * x + z0
                z0 = b1 * x - a1 * y + z1
                z1 = b2 * x - a2 * y
                out[i] = y
        else:
            second = first + 1
            c0, c1, c2 = sections[second, 0], sections[second, 1], sections[second, 2]
            d1, d2 = sections[second, 4], sections[second, 5]
            w0, w1 = state[second, 0], state[second, 1]
            for k in range(n):
                i = n - 1 - k if backwards else k
                x = source[i]
                y = b0 * x + z0
                z0 = b1 * x - a1 * y + z1
                z1 = b2 * x - a2 * y
                v = c0 * y + w0
                w0 = c1 * y - d1 * v + w1
                w1 = c2 * y - d2 * v
                out[i] = v
            state[second, 0], state[second, 1] = w0, w1
        state[first, 0], state[first, 1] = z0, z1
        source = out


@kernel
def _run_both_ways(
    line: NDArray[np.float64],
    out: NDArray[np.float64],
    extension: NDArray[np.float64],
    sections: NDArray[np.float64],
    steady: NDArray[np.float64],
    weights: NDArray[np.float64],
    transfers: NDArray[np.float64],
    block: NDArray[np.float64],
    ends: NDArray[np.float64],
) -> None:
    n = line.shape[0]
    edge = extension.shape[0]
    for k in range(edge):
        extension[k] = 2.0 * line[0] - line[edge - k]
    state = steady * extension[0]
    run_line(extension, extension, False, sections, state)
    done = run_blocks(line, out, False, sections, state, weights, transfers, block, ends)
    run_line(line[done:], out[done:], False, sections, state)
    for k in range(edge):
        extension[k] = 2.0 * line[n - 1] - line[n - 2 - k]
    run_line(extension, extension, False, sections, state)
    state = steady * extension[edge - 1]
    run_line(extension, extension, True, sections, state)
    rest = n - run_blocks(out, out, True, sections, state, weights, transfers, block, ends)
    run_line(out[:rest], out[:rest], True, sections, state)


def run_both_ways(
    lines: NDArray[np.float64],
    out: NDArray[np.float64],
    sections: NDArray[np.float64],
    steady: NDArray[np.float64],
    edge: int,
) -> Iterator[int]:
    """Filter lines forwards and backwards, extended at both ends by odd symmetry.

    Args:
        lines: ``(channels, n)``, n more than `edge`.
        out: ``(channels, n)``, written.
        sections: ``(sections, 6)``.
        steady: ``(sections, 2)``, state after an input of 1 for ever.
        edge: Samples of extension, at least 1.

    Yields:
        How many lines are done, after each.
    """
    whole = lines.shape[1] >= BLOCK
    weights, transfers = state_tables(sections) if whole else (np.empty((0, 0, 0)), np.empty((0, 0, 0)))
    extension, block, ends = np.empty(edge), np.empty((CHUNK, LANES)), np.empty((2, LANES))
    for channel in range(len(lines)):
        _run_both_ways(lines[channel], out[channel], extension, sections, steady, weights, transfers, block, ends)
        yield channel + 1


replace_outliers = kernel(hampel_loop.replace_outliers)
filter_level = kernel(kalman_recursion.filter_level)
smooth_level = kernel(kalman_recursion.smooth_level)
filter_trend = kernel(kalman_recursion.filter_trend)
smooth_trend = kernel(kalman_recursion.smooth_trend)

__all__ = [
    "filter_level",
    "filter_trend",
    "replace_outliers",
    "run_both_ways",
    "run_line",
    "smooth_level",
    "smooth_trend",
    "weighted_sums",
]
