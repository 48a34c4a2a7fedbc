"""One alignment to compute, checked: what the kernels may rely on."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.gaps import REMEDY, check_nan_policy, fill_gaps
from platform_base.kernels.series import as_series, as_times

from .feasibility import feasible_target_lengths, is_feasible, reachable_rows, smallest_integer
from .metrics import CHEBYSHEV, EUCLIDEAN, MANHATTAN, METRICS, MINKOWSKI, PRECOMPUTED, LocalCosts
from .precision import as_dtype, check_dtype, refuse_unless_offered
from .representations import represent
from .step_patterns import STEP_PATTERNS, StepPattern
from .window_choice import Positions, Window, choose_window
from .windows import Band, full_band

# Options that say something to one choice alone: the default, the option of that choice, and the choice.
_OWNERS = {
    "minkowski_p": (2.0, "distance_metric", "minkowski"),
    "itakura_max_slope": (2.0, "window_type", "itakura"),
    "shape_reach": (5, "representation", "shape"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignmentProblem:
    """Two series and the rules for aligning them; a path within the band is known to exist.

    Attributes:
        costs: The local costs.
        pattern: The step pattern.
        band: The cells that a path may visit.
        open_begin: Whether the path may begin at any target sample.
        open_end: Whether the path may end at any target sample.
        missing: Whether NaN is to be propagated: then there is nothing to compute.
        reference_values: What the reference holds, ``(n, channels)``, gaps filled, before it is represented by
            anything else; ``(n, 0)`` if only costs were given.
        target_values: As `reference_values`, ``(m, channels)``.
        positions: Where the samples lie.
    """

    costs: LocalCosts
    pattern: StepPattern
    band: Band
    open_begin: bool
    open_end: bool
    missing: bool
    reference_values: NDArray[np.float64]
    target_values: NDArray[np.float64]
    positions: Positions

    @property
    def reference(self) -> NDArray[np.float64]:
        """What is compared of the reference, ``(n, features)`` of `dtype`, C-contiguous."""
        return self.costs.reference

    @property
    def target(self) -> NDArray[np.float64]:
        """What is compared of the target, ``(m, features)`` of `dtype`, C-contiguous."""
        return self.costs.target

    @property
    def dtype(self) -> str:
        """Precision of the costs, ``"float64"`` or ``"float32"``."""
        return self.costs.reference.dtype.name

    @property
    def metric(self) -> int:
        """One of the codes of `METRICS`."""
        return self.costs.metric


def check_problem(
    reference: Any,
    target: Any,
    *,
    distance_metric: str = "euclidean",
    minkowski_p: float = 2.0,
    cost_matrix: Any = None,
    window_type: str = "sakoe_chiba",
    window_size: int | None = None,
    window_fraction: float | None = None,
    window_duration: float | None = None,
    itakura_max_slope: float = 2.0,
    band: Any = None,
    step_pattern: str | StepPattern = "symmetric",
    open_begin: bool = False,
    open_end: bool = False,
    representation: str = "values",
    shape_reach: int = 5,
    reference_times: Any = None,
    target_times: Any = None,
    nan_policy: str = "raise",
    dtype: str = "float64",
) -> AlignmentProblem:
    """Check what a caller handed in; see `Options` for the meaning of the arguments.

    Raises:
        ValueError: If a series cannot be used, a name is unknown, options contradict each other, or no path exists
            under the window and the pattern.
        TypeError: If a series holds no real numbers, or an option is of another type.
    """
    check_nan_policy(nan_policy)
    check_dtype(dtype)
    choices = {"distance_metric": distance_metric, "window_type": window_type, "representation": representation}
    _refuse_idle(choices, minkowski_p=minkowski_p, itakura_max_slope=itakura_max_slope, shape_reach=shape_reach)
    if distance_metric not in METRICS:
        raise ValueError(f"distance_metric: expected one of {', '.join(METRICS)}, got {distance_metric!r}")
    pattern = find_pattern(step_pattern)
    _check_openings(pattern, open_begin=open_begin, open_end=open_end)
    metric = METRICS[distance_metric]
    matrix = _check_matrix(cost_matrix, metric, representation)
    allow_nan = nan_policy != "raise"
    x = _check_side(reference, "reference", matrix, 0, allow_nan=allow_nan)
    y = _check_side(target, "target", matrix, 1, allow_nan=allow_nan)
    if x.shape[1] != y.shape[1] and metric != PRECOMPUTED:
        raise ValueError(
            f"target: expected {x.shape[1]} channel(s) as in reference, got {y.shape[1]}; "
            "give both series the same channels"
        )
    refuse_unless_offered(
        dtype, distance_metric, pattern, open_begin=open_begin, open_end=open_end, samples=len(x) + len(y)
    )
    positions = _check_times(reference_times, target_times, len(x), len(y))
    if nan_policy == "interpolate":
        x = fill_gaps(x, positions.reference, "reference")
        y = fill_gaps(y, positions.target, "target")
    window = choose_window(
        positions,
        window_type=window_type,
        window_size=window_size,
        window_fraction=window_fraction,
        window_duration=window_duration,
        itakura_max_slope=itakura_max_slope,
        band=band,
    )
    return AlignmentProblem(
        costs=_local_costs(
            as_dtype(represent(x, positions.reference, representation, shape_reach, "reference"), dtype, "reference"),
            as_dtype(represent(y, positions.target, representation, shape_reach, "target"), dtype, "target"),
            metric,
            minkowski_p,
            matrix,
        ),
        pattern=pattern,
        band=_feasible_band(window, pattern, len(x), len(y), open_begin=open_begin, open_end=open_end),
        open_begin=open_begin,
        open_end=open_end,
        missing=nan_policy == "propagate" and bool(np.isnan(x).any() or np.isnan(y).any()),
        reference_values=x,
        target_values=y,
        positions=positions,
    )


def find_pattern(step_pattern: str | StepPattern) -> StepPattern:
    """Return the pattern of a name, or the pattern itself.

    Raises:
        ValueError: If there is no pattern of that name.
        TypeError: If it is neither.
    """
    if isinstance(step_pattern, StepPattern):
        return step_pattern
    if not isinstance(step_pattern, str):
        raise TypeError(f"step_pattern: expected a name or a StepPattern, got {step_pattern!r}")
    if step_pattern not in STEP_PATTERNS:
        close = difflib.get_close_matches(step_pattern, STEP_PATTERNS, n=1)
        hint = f"did you mean {close[0]}?" if close else "see STEP_PATTERNS for all of them"
        raise ValueError(
            "step_pattern: expected symmetric, symmetric1, symmetric2, asymmetric or another name of a pattern, got "
            f"{step_pattern!r}; {hint}"
        )
    return STEP_PATTERNS[step_pattern]


def _refuse_idle(choices: Mapping[str, Any], **given: Any) -> None:
    """Refuse an option that means nothing beside the others, lest it seem to count; a default was filled in."""
    for name, value in given.items():
        default, chooser, owner = _OWNERS[name]
        if choices[chooser] != owner and value != default:
            raise ValueError(
                f"{name}: is of {chooser} {owner}, not of {choices[chooser]}, got {value!r}; leave it out, or give "
                f'{chooser}="{owner}"'
            )


def _check_openings(pattern: StepPattern, *, open_begin: bool, open_end: bool) -> None:
    for name, value in (("open_begin", open_begin), ("open_end", open_end)):
        if not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"{name}: expected true or false, got {value!r}")
    if open_begin and pattern.normalization not in ("N", "NA"):
        raise ValueError(
            f"open_begin: expected false with step_pattern {pattern.name}, because its distance is divided by the "
            "matched target samples, so that paths with different begins cannot be compared step by step; use "
            "asymmetric, symmetric1, or a pattern with weighting c"
        )


def _check_matrix(value: Any, metric: int, representation: str) -> NDArray[np.float64] | None:
    if metric != PRECOMPUTED:
        if value is not None:
            raise ValueError('cost_matrix: expected none with this distance_metric; give distance_metric="precomputed"')
        return None
    if value is None:
        raise ValueError("cost_matrix: expected a matrix with distance_metric precomputed, got none")
    if representation != "values":
        raise ValueError(f"representation: expected values with distance_metric precomputed, got {representation!r}")
    if np.ndim(value) != 2:
        raise ValueError(f"cost_matrix: expected shape (n, m), got {np.shape(value)}")
    matrix = as_series(value, "cost_matrix")
    if (matrix < 0).any():
        i, j = (int(index) for index in np.argwhere(matrix < 0)[0])
        raise ValueError(f"cost_matrix[{i}, {j}]: expected a cost of at least 0, got {matrix[i, j]}")
    return matrix


def _check_side(
    value: Any, name: str, matrix: NDArray[np.float64] | None, axis: int, *, allow_nan: bool
) -> NDArray[np.float64]:
    if matrix is not None and value is None:
        return np.zeros((matrix.shape[axis], 0))
    series = as_series(value, name, allow_nan=allow_nan, remedy=REMEDY)
    if matrix is None:
        return series
    if len(series) != matrix.shape[axis]:
        raise ValueError(
            f"cost_matrix: expected {len(series)} {('rows', 'columns')[axis]} as {name} has samples, got "
            f"{matrix.shape[axis]}"
        )
    return series


def _check_times(reference_times: Any, target_times: Any, n: int, m: int) -> Positions:
    if reference_times is None and target_times is None:
        return Positions(reference=np.arange(float(n)), target=np.arange(float(m)), timed=False)
    if reference_times is None or target_times is None:
        lacking = "reference_times" if reference_times is None else "target_times"
        raise ValueError(f"{lacking}: expected time stamps for both series or for none, got none here; give both")
    return Positions(
        reference=as_times(reference_times, "reference_times", n),
        target=as_times(target_times, "target_times", m),
        timed=True,
    )


def _local_costs(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    metric: int,
    power: Any,
    matrix: NDArray[np.float64] | None,
) -> LocalCosts:
    if metric == MINKOWSKI:
        if isinstance(power, (bool, np.bool_)) or not isinstance(power, (int, float, np.integer, np.floating)):
            raise TypeError(f"minkowski_p: expected a number, got {power!r}")
        if not 1.0 <= power < math.inf:
            raise ValueError(f"minkowski_p: expected a finite number of at least 1, got {power}")
    if metric == METRICS["cosine"]:
        _refuse_zeros(x, "reference")
        _refuse_zeros(y, "target")
    if metric in (EUCLIDEAN, MINKOWSKI, CHEBYSHEV) and x.shape[1] == 1:
        metric = MANHATTAN  # the same number without root or power, and without their overflow
    if metric == PRECOMPUTED:
        x, y = x[:, :0], y[:, :0]
    empty = np.zeros((0, 0))
    return LocalCosts(
        reference=np.ascontiguousarray(x),
        target=np.ascontiguousarray(y),
        metric=metric,
        power=float(power) if metric == MINKOWSKI else 2.0,
        matrix=empty if matrix is None else matrix,
    )


def _refuse_zeros(series: NDArray[np.float64], name: str) -> None:
    zero = np.flatnonzero((series == 0).all(axis=1))
    if zero.size:
        raise ValueError(
            f"{name}[{int(zero[0])}]: expected a sample that is not zero in every channel, because cosine has no "
            "angle to it; drop such samples, or use another distance_metric"
        )


def _feasible_band(window: Window, pattern: StepPattern, n: int, m: int, *, open_begin: bool, open_end: bool) -> Band:
    def accepts(band: Band | None) -> bool:
        return is_feasible(pattern, band, m, open_begin=open_begin, open_end=open_end)

    band = window.build(window.value)
    if band is not None and accepts(band):
        return band
    if not accepts(full_band(n, m)):
        raise ValueError(_explain_lengths(pattern, n, m, open_begin=open_begin, open_end=open_end))
    smallest = window.smallest(accepts)
    if smallest is not None:
        raise ValueError(
            f"{window.parameter}: expected at least {smallest}, because reference has {n} samples and target {m}"
            f"{'' if pattern.stays else f' and the steps are those of {pattern.name}'}, got {window.value}; "
            f"give {window.parameter}={smallest} or more"
            + ("" if window.parameter == "itakura_max_slope" else ", or null for no limit")
        )
    if window.parameter == "band" and band is not None:
        rows = reachable_rows(pattern, band, open_begin=open_begin)
        reached = max((i for i, row in enumerate(rows) if row), default=-1)
        raise ValueError(
            f"band: expected room for a path of {pattern.name} from the first samples to the last, but none gets "
            f"beyond reference sample {reached}; widen the band from there on"
        )
    raise ValueError(
        f"{window.parameter}: expected room for a path, but no value leaves any for {n} reference and {m} target "
        "samples; use another window_type"
    )


def _explain_lengths(pattern: StepPattern, n: int, m: int, *, open_begin: bool, open_end: bool) -> str:
    start = f"step_pattern {pattern.name}"
    longest: int | None
    if open_begin or open_end:
        ends, longest = 0, None

        def accepts(length: int) -> bool:
            return length > 0 and is_feasible(
                pattern, full_band(n, length), length, open_begin=open_begin, open_end=open_end
            )

        shortest = smallest_integer(accepts, n * pattern.columns_back + 1) or 0
    else:
        ends, longest = feasible_target_lengths(pattern, n)
        shortest = (ends & -ends).bit_length()
    if not shortest:
        return f"reference: expected another number of samples, because no path of {start} covers {n}; resample it"
    if longest is None:
        span = f"at least {shortest}"
    elif shortest == 1:
        span = f"at most {longest}"
    else:
        span = f"{shortest} to {longest}" if shortest < longest else f"{shortest}"
    if longest is not None and shortest <= m <= longest:
        near = next(k for d in range(m) for k in (m - d, m + d) if k > 0 and ends >> (k - 1) & 1)
        span += f" but not {m}, {near} for example"
    return (
        f"target: expected {span} samples, because of the slopes that {start} allows for {n} reference samples, got "
        f'{m}; resample one of the series, or use step_pattern="symmetric"'
    )
