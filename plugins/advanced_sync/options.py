"""What a caller may choose when two series are aligned; the same for every function of this package."""

from __future__ import annotations

from typing import TypedDict

from numpy.typing import ArrayLike

from .step_patterns import StepPattern


class WindowOptions(TypedDict, total=False):
    """Keyword arguments that limit which samples may be matched.

    Attributes:
        window_type: ``"sakoe_chiba"`` (default), ``"slanted_band"`` or ``"itakura"``; see `windows`.
        window_size: Radius in samples; ``None`` (default) for no limit.
        window_fraction: Radius as a fraction of the samples of the longer series, 0 to 1, rounded down.
        window_duration: Radius in the unit of the time stamps, for ``"sakoe_chiba"``.
        itakura_max_slope: Maximal slope of the Itakura parallelogram, at least 1; 2 by default.
        band: ``(n, 2)`` integers, the first and last target sample that each reference sample may be matched with,
            neither ever decreasing; in place of every other window.
    """

    window_type: str
    window_size: int | None
    window_fraction: float | None
    window_duration: float | None
    itakura_max_slope: float
    band: ArrayLike | None


class Options(WindowOptions, total=False):
    """Keyword arguments of `dtw_distance`, `dtw_path`, `dtw_align` and `dtw_matrices`, besides those of the window.

    Attributes:
        distance_metric: Local cost, ``"euclidean"`` by default; see `metrics` for all.
        minkowski_p: The exponent of ``"minkowski"``, at least 1; 2 by default.
        cost_matrix: ``(n, m)`` finite costs of at least 0, for ``"precomputed"`` only. Then the series may be ``None``
            where only the distance or the path is wanted.
        step_pattern: A name of `STEP_PATTERNS` or a `StepPattern`; ``"symmetric"`` (default) is symmetric2.
        open_begin: Whether the path may begin at any target sample.
        open_end: Whether the path may end at any target sample; with both, `reference` is sought within `target`.
        representation: What is compared: ``"values"`` (default), ``"derivative"`` or ``"shape"``; see
            `representations`.
        shape_reach: Samples on either side that make a shape, at least 1; 5 by default.
        reference_times: ``(n,)`` increasing time stamps, in any unit; where sampling is irregular, derivatives,
            slanted, Itakura and duration windows, and gaps follow them. Both or none.
        target_times: ``(m,)`` time stamps in the same unit.
        nan_policy: What becomes of NaN: ``"raise"`` (default) an error, ``"propagate"`` a distance that is NaN and
            an empty path, ``"interpolate"`` values in between.
        kernel: ``"auto"`` (default), ``"numba"`` or ``"numpy"``.
        dtype: Precision of the arithmetic, ``"float64"`` (default) or, faster and less exact, ``"float32"``; never
            chosen by the type of the series. See `precision` for the error, and for what is offered.
    """

    distance_metric: str
    minkowski_p: float
    cost_matrix: ArrayLike | None
    step_pattern: str | StepPattern
    open_begin: bool
    open_end: bool
    representation: str
    shape_reach: int
    reference_times: ArrayLike | None
    target_times: ArrayLike | None
    nan_policy: str
    kernel: str
    dtype: str
