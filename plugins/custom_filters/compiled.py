"""The kernels compiled with Numba.

Importing this module imports Numba; `recursion` does so when a call asks for it.
"""

from __future__ import annotations

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
def _run_lines(
    lines: NDArray[np.float64],
    out: NDArray[np.float64],
    backwards: bool,
    sections: NDArray[np.float64],
    states: NDArray[np.float64],
    weights: NDArray[np.float64],
    transfers: NDArray[np.float64],
    block: NDArray[np.float64],
    ends: NDArray[np.float64],
) -> None:
    n = lines.shape[1]
    for channel in range(lines.shape[0]):
        done = 0
        if weights.shape[0] > 0:
            done = run_blocks(
                lines[channel], out[channel], backwards, sections, states[channel], weights, transfers, block, ends
            )
        first = 0 if backwards else done
        stop = n - done if backwards else n
        run_line(lines[channel, first:stop], out[channel, first:stop], backwards, sections, states[channel])


ChunkTables = tuple[NDArray[np.float64], NDArray[np.float64]]


def chunk_tables(sections: NDArray[np.float64], samples: int) -> ChunkTables | None:
    """Return what `run_lines` needs to run in chunks; ``None`` where lines of so many samples hold no block."""
    return state_tables(sections) if samples >= BLOCK else None


def run_lines(
    lines: NDArray[np.float64],
    out: NDArray[np.float64],
    sections: NDArray[np.float64],
    states: NDArray[np.float64],
    *,
    backwards: bool = False,
    chunks: ChunkTables | None = None,
) -> None:
    """Filter lines once.

    Args:
        lines: ``(channels, n)``, C-contiguous.
        out: ``(channels, n)``, written; may be `lines`.
        sections: ``(sections, 6)``.
        states: ``(channels, sections, 2)``, read and written.
        backwards: From the last sample to the first.
        chunks: From `chunk_tables`, to go as fast as can be, in vectors, instead of in an order that does not depend on
            the length.
    """
    # Arrays that may be written and arrays that may not are different types to Numba: one of them is enough to compile.
    source = lines.view()
    source.flags.writeable = False
    if chunks is None:
        nothing = np.empty((0, 0, 0))
        _run_lines(source, out, backwards, sections, states, nothing, nothing, np.empty((0, 0)), np.empty((0, 0)))
    else:
        block, ends = np.empty((CHUNK, LANES)), np.empty((2, LANES))
        _run_lines(source, out, backwards, sections, states, *chunks, block, ends)


replace_outliers = kernel(hampel_loop.replace_outliers)
filter_level = kernel(kalman_recursion.filter_level)
smooth_level = kernel(kalman_recursion.smooth_level)
filter_trend = kernel(kalman_recursion.filter_trend)
smooth_trend = kernel(kalman_recursion.smooth_trend)

__all__ = [
    "chunk_tables",
    "filter_level",
    "filter_trend",
    "replace_outliers",
    "run_lines",
    "smooth_level",
    "smooth_trend",
    "weighted_sums",
]
