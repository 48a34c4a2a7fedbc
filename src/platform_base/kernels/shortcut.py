"""The short way of plain calls: for short series Python's checks would take many times as long as the kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

# For two series: what a compiled function gives, or ``None`` for series that are not plain, which must be checked.
Shortcut = Callable[[Any, Any], Any]

# More samples go the long way however few cells there are: it reports progress, and refuses more than float32 counts.
_SAMPLES = 1 << 22

# Up to so many cells unless it is said: a longer run reports progress, and may leave cells out.
_CELLS = 1 << 22

_ROUNDED = (np.dtype(np.float64), np.dtype(np.float32))

# Wider than any matrix.
UNBOUNDED = 1 << 40


def make_shortcut(
    few_cells: int,
    compile_brief: Callable[[], Callable[..., Any]],
    brief_options: Sequence[Any],
    compile_long: Callable[[], Callable[..., Any]],
    long_options: Sequence[Any],
    width: int = UNBOUNDED,
    cells_at_once: int = _CELLS,
    dtype: np.dtype[Any] = _ROUNDED[0],
    beyond: Shortcut | None = None,
) -> Shortcut:
    """Return the short way for one choice of options.

    Each of the two functions is compiled when it is called for the first time. They check no types.

    Args:
        few_cells: Up to how many cells the brief one is called.
        compile_brief: Returns a function of two ``(n,)`` series of `dtype` and `brief_options`. What that gives says in
            some way of its own, as by a cost that is NaN, where the call is not right.
        brief_options: See `compile_brief`.
        compile_long: Returns one of two series and `long_options`, with the same results, bit for bit.
        long_options: See `compile_long`.
        width: Of the window, in cells of each row.
        cells_at_once: Up to how many cells inside the window the long one is called; a longer run reports progress.
        dtype: Precision, float64 or float32; to the latter, series of float64 are rounded.
        beyond: What answers for more cells than that; ``None`` for nothing.
    """
    # Names of the closure, because looking up an attribute takes as long as computing a cell.
    array, element = np.ndarray, dtype
    brief: Any = None
    long: Any = None

    def take(first: Any, second: Any) -> Any:
        nonlocal brief, long
        # There is one object for each type of native numbers, so it can be told by looking which one it is.
        if not (type(first) is type(second) is array and first.dtype is second.dtype is element):
            return None
        if first.ndim != 1 or second.ndim != 1:
            return None
        cells = len(first) * len(second)
        if cells <= few_cells:
            if brief is None:
                brief = compile_brief()
            return brief(first, second, *brief_options)
        if len(first) + len(second) > _SAMPLES:
            return None
        if cells <= cells_at_once or len(first) * width <= cells_at_once:
            if long is None:
                long = compile_long()
            return long(first, second, *long_options)
        return None if beyond is None else beyond(first, second)

    def take_rounded(first: Any, second: Any) -> Any:
        if not type(first) is type(second) is array:
            return None
        if first.dtype is second.dtype is element:
            return take(first, second)
        if not (first.dtype in _ROUNDED and second.dtype in _ROUNDED):
            return None
        with np.errstate(over="ignore"):  # what becomes infinite is not plain, and looked at by the checks
            return take(first.astype(element), second.astype(element))

    return take if dtype == np.float64 else take_rounded
