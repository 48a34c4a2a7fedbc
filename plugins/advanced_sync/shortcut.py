"""The short way of plain calls: for short series Python's checks would take many times as long as the kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# For two series: what a compiled function gives, or ``None`` for series that are not plain, which must be checked.
Shortcut = Callable[[Any, Any], Any]


def make_shortcut(
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
        few_cells: Up to how many cells `brief` is called.
        brief: Of two ``(n,)`` float64 series, `radius`, `single` and `squares`: the cost, or the path and the cost; NaN
            where the call is not right. It checks no types.
        long: Of two series, `radius` and what is in `further`: the same, bit for bit.
        cells_at_once: Up to how many cells inside the window `long` is called; a longer run reports progress.
        width: Of the window, in cells of each row.
        radius: Of the window; -1 for none.
        single: Whether a diagonal step counts once.
        squares: Whether costs are squares.
        further: See `long`.
    """
    # Names of the closure, because looking up an attribute takes as long as computing a cell.
    array, float64 = np.ndarray, np.dtype(np.float64)

    def take(reference: Any, target: Any) -> Any:
        # There is one object for the type of native float64, so it can be told by looking which one it is.
        if not (type(reference) is type(target) is array and reference.dtype is target.dtype is float64):
            return None
        if reference.ndim != 1 or target.ndim != 1:
            return None
        cells = reference.size * target.size
        if cells <= few_cells:
            return brief(reference, target, radius, single, squares)
        if cells <= cells_at_once or reference.size * width <= cells_at_once:
            return long(reference, target, radius, *further)
        return None

    return take
