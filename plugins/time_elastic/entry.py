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

from platform_base.kernels.builtin import Entry
from platform_base.kernels.compilation import compile_for_python
from platform_base.kernels.shortcut import Shortcut

from .plain import fill_matrix_plain, find_path_plain, measure_plain
from .short import FEW_CELLS, FEW_CELLS_OF_MATRIX, enter_distance, enter_matrix, enter_path
from .steps import Steps

_BRIEF = {"distance": enter_distance, "matrix": enter_matrix, "path": enter_path}


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
    options = steps, rooted, weights

    def compile_strips() -> Callable[[Any, Any], Any]:
        answer = compile_long(question, numba.typeof(steps), weights is not None)
        return lambda first, second: answer(first, second, *options)

    return Shortcut(
        FEW_CELLS_OF_MATRIX if question == "matrix" else FEW_CELLS,
        functools.partial(Entry, _BRIEF[question], np.dtype(np.float64), options),
        compile_strips,
    )


@functools.cache
def compile_long(question: str, steps: Any, weighted: bool) -> Callable[..., Any]:
    """Return what answers a question, compiled, given two series and what `short.measure_short` takes besides.

    Args:
        question: As `find_shortcut`.
        steps: Numba's type of a `steps.Steps`.
        weighted: Whether there are weights; without, ``None`` must be given for them.
    """
    series, matrix = types.Array(types.float64, 1, "A"), types.Array(types.float64, 2, "C")
    further = steps, types.boolean, matrix if weighted else types.none
    if question == "distance":
        return compile_for_python(measure_plain, types.float64(series, series, *further))
    if question == "path":
        result = types.Tuple((types.Array(types.int64, 2, "C"), types.float64))
        return compile_for_python(find_path_plain, result(series, series, *further))
    fill = compile_for_python(fill_matrix_plain, types.float64(series, series, matrix, *further))
    empty = np.empty

    def fill_matrix(first: Any, second: Any, *options: Any) -> Any:
        # Made here, because an array that compiled code returns costs twice as much.
        filled = empty((first.size, second.size))
        return filled, fill(first, second, filled, *options)

    return fill_matrix
