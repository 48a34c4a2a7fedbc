"""The kernels compiled with Numba, each when it is first asked for.

Importing this module imports Numba; `recursion` does so when a call asks for it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from numba import types

from platform_base.kernels.compilation import compile_for_python, kernel

from . import kalman_recursion, sliding_lines
from .section_lines import chunk_tables, run_lines

_LINE = types.Array(types.float64, 1, "C")
_LINES = types.Array(types.float64, 2, "C")
_WINDOW = types.int64, types.int64, types.int64
_SIGNATURES = {
    "average_lines": types.void(_LINES, *_WINDOW, _LINES),
    "weigh_lines": types.void(_LINES, _LINE, *_WINDOW[1:], _LINES),
    "take_medians": types.boolean(_LINES, *_WINDOW, _LINES),
    "clean_lines": types.boolean(_LINES, types.int64, *_WINDOW, types.float64, _LINES),
}

filter_level = kernel(kalman_recursion.filter_level)
smooth_level = kernel(kalman_recursion.smooth_level)
filter_trend = kernel(kalman_recursion.filter_trend)
smooth_trend = kernel(kalman_recursion.smooth_trend)

__all__ = [
    "chunk_tables",
    "compile_window",
    "filter_level",
    "filter_trend",
    "run_lines",
    "smooth_level",
    "smooth_trend",
]


@functools.cache
def compile_window(name: str) -> Callable[..., Any]:
    """Return a function of `sliding_lines`, compiled; it checks no types."""
    return compile_for_python(getattr(sliding_lines, name), _SIGNATURES[name])
