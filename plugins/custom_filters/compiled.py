"""The kernels compiled with Numba.

Importing this module imports Numba; `recursion` does so when a call asks for it.
"""

from __future__ import annotations

from platform_base.kernels.compilation import kernel

from . import hampel_loop, kalman_recursion
from .section_lines import chunk_tables, run_lines
from .sliding_medians import running_medians
from .sliding_vectors import running_means, weighted_sums

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
    "running_means",
    "running_medians",
    "smooth_level",
    "smooth_trend",
    "weighted_sums",
]
