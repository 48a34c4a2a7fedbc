"""What a caller may choose when two series are aligned; the same for every function of this package."""

from __future__ import annotations

from typing import TypedDict

from numpy.typing import ArrayLike

from .step_patterns import StepPattern


class WindowShape(TypedDict, total=False):
    """Keyword arguments that limit which samples may be matched, besides `window_size`.

    Attributes:
        window_type: ``"sakoe_chiba"`` (default), ``"slanted_band"`` or ``"itakura"``; see `windows`.
        window_fraction: Radius as a fraction of the samples of the longer series, 0 to 1, rounded down.
        window_duration: Radius in the unit of the time stamps, for ``"sakoe_chiba"``.
        itakura_max_slope: Maximal slope of the Itakura parallelogram, at least 1; 2 by default.
        band: ``(n, 2)`` integers, the first and last target sample that each reference sample may be matched with,
            neither ever decreasing; in place of every other window.
    """

    window_type: str
    window_fraction: float | None
    window_duration: float | None
    itakura_max_slope: float
    band: ArrayLike | None


class WindowOptions(WindowShape, total=False):
    """Keyword arguments that limit which samples may be matched.

    Attributes:
        window_size: Radius in samples; ``None`` (default) for no limit.
    """

    window_size: int | None


class FurtherOptions(WindowShape, total=False):
    """Keyword arguments that few calls name.

    Attributes:
        minkowski_p: The exponent of ``"minkowski"``, at least 1; 2 by default.
        cost_matrix: ``(n, m)`` finite costs of at least 0, for ``"precomputed"`` only. Then the series may be ``None``
            where only the distance or the path is wanted.
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
    """

    minkowski_p: float
    cost_matrix: ArrayLike | None
    open_begin: bool
    open_end: bool
    representation: str
    shape_reach: int
    reference_times: ArrayLike | None
    target_times: ArrayLike | None
    nan_policy: str


class Options(FurtherOptions, total=False):
    """Keyword arguments of `dtw_distance`, `dtw_path`, `dtw_align` and `dtw_matrices`.

    Attributes:
        distance_metric: Local cost, ``"euclidean"`` by default; see `metrics` for all.
        step_pattern: A name of `STEP_PATTERNS` or a `StepPattern`; ``"symmetric"`` (default) is symmetric2.
        window_size: Radius of the window in samples; ``None`` (default) for no limit.
        kernel: ``"auto"`` (default), ``"numba"`` or ``"numpy"``.
        dtype: Precision of the arithmetic, ``"float64"`` (default) or, faster and less exact, ``"float32"``; never
            chosen by the type of the series. See `precision` for the error, and for what is offered.
    """

    distance_metric: str
    step_pattern: str | StepPattern
    window_size: int | None
    kernel: str
    dtype: str
