"""How kernels are compiled: once, cached on disk, without Python's lock, with IEEE 754 arithmetic as written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile `function` when it is first called, and keep the machine code in Numba's cache directory.

    The function runs without Python's lock, checks no index and raises nothing: division by zero gives what NumPy
    gives. Where Numba finds no directory to write to, every process compiles for itself.

    Args:
        function: Of numbers, arrays and vectors (`platform_base.kernels.vectors`) alone.
    """
    options = {"nogil": True, "error_model": "numpy", "boundscheck": False}
    try:
        compiled: Callable[..., Any] = numba.njit(cache=True, **options)(function)
    except RuntimeError:
        compiled = numba.njit(**options)(function)
    return compiled
