"""The kernels compiled with Numba.

Importing this module imports Numba; `recursion` does so when a call asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

try:
    import numba
except ImportError as error:
    # Said again so that the check of imports sees that the absence is handled: SciPy or NumPy takes over.
    raise ImportError("the compiled kernels need numba") from error
import numpy as np
from numpy.typing import NDArray

from . import hampel_loop, kalman_recursion, sliding_sum


def _compile(function: Callable[..., Any]) -> Callable[..., Any]:
    try:
        compiled: Callable[..., Any] = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:
        # Numba raises this where no directory can be written to for its cache: then every process compiles.
        compiled = numba.njit(nogil=True, error_model="numpy")(function)
    return compiled


@_compile
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


@_compile
def run_both_ways(
    line: NDArray[np.float64],
    out: NDArray[np.float64],
    sections: NDArray[np.float64],
    steady: NDArray[np.float64],
    edge: int,
) -> None:
    """Filter a line forwards and backwards, extended at both ends by odd symmetry.

    Args:
        line: ``(n,)``, n more than `edge`.
        out: ``(n,)``, written.
        sections: ``(sections, 6)``.
        steady: ``(sections, 2)``, state after an input of 1 for ever.
        edge: Samples of extension.
    """
    n = line.shape[0]
    extension = np.empty(edge)
    for k in range(edge):
        extension[k] = 2.0 * line[0] - line[edge - k]
    state = steady * (extension[0] if edge else line[0])
    run_line(extension, extension, False, sections, state)
    run_line(line, out, False, sections, state)
    for k in range(edge):
        extension[k] = 2.0 * line[n - 1] - line[n - 2 - k]
    run_line(extension, extension, False, sections, state)
    state = steady * (extension[edge - 1] if edge else out[n - 1])
    run_line(extension, extension, True, sections, state)
    run_line(out, out, True, sections, state)


weighted_sums = _compile(sliding_sum.weighted_sums)
replace_outliers = _compile(hampel_loop.replace_outliers)
filter_level = _compile(kalman_recursion.filter_level)
smooth_level = _compile(kalman_recursion.smooth_level)
filter_trend = _compile(kalman_recursion.filter_trend)
smooth_trend = _compile(kalman_recursion.smooth_trend)
