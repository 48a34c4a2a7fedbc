"""One alignment to compute, checked: what the kernels may rely on."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .series import as_series
from .step_patterns import STEP_PATTERNS, StepPattern
from .windows import Band, full_band, sakoe_chiba_band

# Codes instead of names, because compiled kernels branch on them.
MANHATTAN = 0
SQEUCLIDEAN = 1
EUCLIDEAN = 2
METRICS = {"euclidean": EUCLIDEAN, "sqeuclidean": SQEUCLIDEAN, "manhattan": MANHATTAN}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignmentProblem:
    """Two series and the rules for aligning them; a path within the window is known to exist.

    Attributes:
        reference: ``(n, channels)`` float64, C-contiguous, finite.
        target: ``(m, channels)`` float64, C-contiguous, finite.
        metric: One of the codes of `METRICS`.
        pattern: The step pattern.
        band: The cells that a path may visit.
        open_begin: Whether the path may begin at any target sample.
        open_end: Whether the path may end at any target sample.
    """

    reference: NDArray[np.float64]
    target: NDArray[np.float64]
    metric: int
    pattern: StepPattern
    band: Band
    open_begin: bool = False
    open_end: bool = False


def check_problem(
    reference: Any, target: Any, *, distance_metric: str, window_size: int | None, step_pattern: str
) -> AlignmentProblem:
    """Check what a caller handed in.

    Raises:
        ValueError: If a series cannot be used, a name is unknown, or no path exists under the window and the
            pattern.
        TypeError: If a series holds no real numbers, or `window_size` is no integer.
    """
    x = as_series(reference, "reference")
    y = as_series(target, "target")
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            f"target: expected {x.shape[1]} channel(s) as in reference, got {y.shape[1]}; "
            "give both series the same channels"
        )
    if distance_metric not in METRICS:
        raise ValueError(f"distance_metric: expected one of {', '.join(METRICS)}, got {distance_metric!r}")
    if step_pattern not in STEP_PATTERNS:
        raise ValueError(f"step_pattern: expected one of {', '.join(STEP_PATTERNS)}, got {step_pattern!r}")
    pattern = STEP_PATTERNS[step_pattern]
    metric = METRICS[distance_metric]
    if metric == EUCLIDEAN and x.shape[1] == 1:
        metric = MANHATTAN  # the same number without a square root, and without overflow of the square
    band = _check_window(window_size, len(x), len(y))
    if pattern.asymmetric:
        _check_slope(len(x), len(y))
    return AlignmentProblem(reference=x, target=y, metric=metric, pattern=pattern, band=band)


def _check_window(window_size: int | None, n: int, m: int) -> Band:
    if window_size is None:
        return full_band(n, m)
    if isinstance(window_size, (bool, np.bool_)):
        raise TypeError(f"window_size: expected a whole number of samples or null, got {window_size}")
    try:
        window = operator.index(window_size)
    except TypeError as error:
        raise TypeError(f"window_size: expected a whole number of samples or null, got {window_size!r}") from error
    smallest = abs(n - m)
    if window < smallest:
        raise ValueError(
            f"window_size: expected at least {smallest}, because reference has {n} samples and target {m}, "
            f"got {window}; give window_size={smallest} or more, or null for no limit"
        )
    return sakoe_chiba_band(n, m, min(window, max(n, m)))


def _check_slope(n: int, m: int) -> None:
    longest = 2 * n - 1
    if m > longest:
        raise ValueError(
            f"target: expected at most {longest} samples, because an asymmetric path takes at most 2 target "
            f"samples for each of the {n} reference samples, got {m}; swap the series, resample one, "
            'or use step_pattern="symmetric"'
        )
