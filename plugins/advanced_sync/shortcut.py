"""The short way of plain calls: for short series Python's checks would take many times as long as the kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# For two series: what a compiled function gives, or ``None`` for series that are not plain, which must be checked.
Shortcut = Callable[[Any, Any], Any]

_ROUNDED = (np.dtype(np.float64), np.dtype(np.float32))

# More samples go the long way however few cells there are: it reports progress, and refuses more than float32 counts.
_SAMPLES = 1 << 22


def make_shortcut(
    dtype: np.dtype[Any],
    few_cells: int,
    brief: Callable[..., Any],
    long: Callable[..., Any],
    cells_at_once: int,
    width: int,
    radius: int,
    single: bool,
    squares: bool,
    further: tuple[Any, ...],
) -> Shortcut:
    """Return the short way for one choice of options.

    Args:
        dtype: Precision, float64 or float32; to the latter, series of float64 are rounded.
        few_cells: Up to how many cells `brief` is called.
        brief: Of two ``(n,)`` series of `dtype`, `radius`, `single` and `squares`: the cost, or the path and the cost;
            NaN where the call is not right. It checks no types.
        long: Of two series, `radius` and what is in `further`: the same, bit for bit.
        cells_at_once: Up to how many cells inside the window `long` is called; a longer run reports progress.
        width: Of the window, in cells of each row.
        radius: Of the window; -1 for none.
        single: Whether a diagonal step counts once.
        squares: Whether costs are squares.
        further: See `long`.
    """
    # Names of the closure, because looking up an attribute takes as long as computing a cell.
    array, element = np.ndarray, dtype

    def take(reference: Any, target: Any) -> Any:
        # There is one object for each type of native numbers, so it can be told by looking which one it is.
        if not (type(reference) is type(target) is array and reference.dtype is target.dtype is element):
            return None
        if reference.ndim != 1 or target.ndim != 1:
            return None
        cells = reference.size * target.size
        if cells <= few_cells:
            return brief(reference, target, radius, single, squares)
        if reference.size + target.size > _SAMPLES:
            return None
        if cells <= cells_at_once or reference.size * width <= cells_at_once:
            return long(reference, target, radius, *further)
        return None

    def take_rounded(reference: Any, target: Any) -> Any:
        if not type(reference) is type(target) is array:
            return None
        if reference.dtype is target.dtype is element:
            return take(reference, target)
        if not (reference.dtype in _ROUNDED and target.dtype in _ROUNDED):
            return None
        with np.errstate(over="ignore"):  # what becomes infinite is not plain, and looked at by the checks
            return take(reference.astype(element), target.astype(element))

    return take if dtype == np.float64 else take_rounded
