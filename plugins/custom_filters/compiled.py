"""The kernels compiled with Numba, each when it is first asked for.

Importing this module imports Numba; `recursion` does so when a call asks for it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

try:
    from numba import types
except ImportError as error:
    # Said again so that the check of imports sees that the absence is handled: `recursion` falls back to SciPy.
    raise ImportError("the compiled kernels need numba") from error
import numpy as np

from platform_base.kernels.compilation import compile_for_python, kernel

from . import banded_lines, kalman_recursion, section_lines, sliding_lines, transposition
from .section_lines import BLOCK, state_tables

_LINE = types.Array(types.float64, 1, "C")
_LINES = types.Array(types.float64, 2, "C")
_WINDOW = types.int64, types.int64, types.int64
_CUBE = types.Array(types.float64, 3, "C")
_SIGNATURES = {
    "transpose": types.void(_LINES, _LINES),
    "penalize_lines": types.void(_LINES, _LINE, types.float64, _LINES),
    "run_lines": types.void(_LINES, _LINES, _LINES, _CUBE),
    "run_lines_both_ways": types.void(_LINES, _LINES, _LINES, _LINES, types.int64, _CUBE, _CUBE),
    "average_lines": types.void(_LINES, *_WINDOW, _LINES),
    "weigh_lines": types.void(_LINES, _LINE, *_WINDOW[1:], _LINES),
    "take_medians": types.boolean(_LINES, *_WINDOW, _LINES),
    "clean_lines": types.boolean(_LINES, types.int64, *_WINDOW, types.float64, _LINES),
}

# Tables of no chunks, for lines that hold none.
NO_TABLES = np.empty((0, 0, 0)), np.empty((0, 0, 0))

filter_level = kernel(kalman_recursion.filter_level)
smooth_level = kernel(kalman_recursion.smooth_level)
filter_trend = kernel(kalman_recursion.filter_trend)
smooth_trend = kernel(kalman_recursion.smooth_trend)

__all__ = [
    "BLOCK",
    "NO_TABLES",
    "compile_run",
    "compile_smoother",
    "compile_transposition",
    "compile_window",
    "filter_level",
    "filter_trend",
    "smooth_level",
    "smooth_trend",
    "state_tables",
]


@functools.cache
def compile_window(name: str) -> Callable[..., Any]:
    """Return a function of `sliding_lines`, compiled; it checks no types."""
    return _compile(sliding_lines, name)


@functools.cache
def compile_smoother() -> Callable[..., Any]:
    """Return `banded_lines.penalize_lines`, compiled; it checks no types."""
    return _compile(banded_lines, "penalize_lines")


@functools.cache
def compile_transposition() -> Callable[..., Any]:
    """Return `transposition.transpose`, compiled; it checks no types."""
    return _compile(transposition, "transpose")


@functools.cache
def compile_run(name: str) -> Callable[..., Any]:
    """Return a function of `section_lines`, compiled; it checks no types."""
    return _compile(section_lines, name)


def _compile(module: ModuleType, name: str) -> Callable[..., Any]:
    return compile_for_python(getattr(module, name), _SIGNATURES[name])
