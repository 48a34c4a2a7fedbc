"""The short way of plain calls into compiled code, one for each question and distance.

Importing this module imports Numba; `kernels` does so when a call asks for it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

try:
    import numba
    from numba import types
except ImportError as error:
    # Said again so that the check of imports sees that the absence is handled: `kernels` falls back to NumPy.
    raise ImportError("the compiled kernels need numba") from error
import numpy as np

from platform_base.kernels.compilation import compile_for_python
from platform_base.kernels.shortcut import Shortcut, make_shortcut

from .plain import fill_matrix_plain, find_path_plain, measure_plain
from .short import FEW_CELLS, FEW_CELLS_OF_MATRIX, fill_matrix_short, find_path_short, measure_short
from .steps import Steps

_BRIEF = {"distance": measure_short, "matrix": fill_matrix_short, "path": find_path_short}
_LONG = {"distance": measure_plain, "matrix": fill_matrix_plain, "path": find_path_plain}


def find_shortcut(question: str, steps: Steps, rooted: bool, weights: Any) -> Shortcut:
    """Return the short way to the answer to a question.

    Args:
        question: ``"distance"``, ``"matrix"`` or ``"path"``.
        steps: Of the distance.
        rooted: As `short.measure_short`, as `weights`.
        weights: Likewise.

    Returns:
        What gives, for two series, D(n-1, m-1), or a matrix or a path and D(n-1, m-1); that is not finite where
        something is amiss.
    """
    few_cells = FEW_CELLS_OF_MATRIX if question == "matrix" else FEW_CELLS
    options = steps, rooted, weights
    brief, long = (
        functools.partial(compile_entry, question, numba.typeof(steps), weights is not None, brief)
        for brief in (True, False)
    )
    return make_shortcut(few_cells, brief, options, long, options)


@functools.cache
def compile_entry(question: str, steps: Any, weighted: bool, brief: bool) -> Callable[..., Any]:
    """Return what answers a question, compiled, given two series and what `short.measure_short` takes besides.

    Args:
        question: As `find_shortcut`.
        steps: Numba's type of a `steps.Steps`.
        weighted: Whether there are weights; without, ``None`` must be given for them.
        brief: Whether it is for short series; it keeps Python's lock.
    """
    series, matrix = types.Array(types.float64, 1, "A"), types.Array(types.float64, 2, "C")
    weights = types.Array(types.float64, 2, "C") if weighted else types.none
    further = steps, types.boolean, weights
    kernel = (_BRIEF if brief else _LONG)[question]
    if question == "distance":
        return compile_for_python(kernel, types.float64(series, series, *further), brief=brief)
    if question == "path":
        result = types.Tuple((types.Array(types.int64, 2, "C"), types.float64))
        return compile_for_python(kernel, result(series, series, *further), brief=brief)
    fill = compile_for_python(kernel, types.float64(series, series, matrix, *further), brief=brief)
    empty = np.empty

    def fill_matrix(first: Any, second: Any, *options: Any) -> Any:
        # Made here, because an array that compiled code returns costs twice as much.
        filled = empty((first.size, second.size))
        return filled, fill(first, second, filled, *options)

    return fill_matrix
