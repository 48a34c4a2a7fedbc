"""Digital filters over series of any number of channels; `filter_series` describes them, with their sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .base import Filter
from .gaps import POLICIES, apply_over_gaps
from .kalman import Kalman
from .parameters import check_option, check_positive
from .plans import NOTICEABLE, Plan, find_plan
from .recursion import KernelName, choose_kernel
from .response import FrequencyResponse, ImpulseResponse, frequency_response, impulse_response
from .sampling import METHODS, Grid, even_step, even_steps, make_grid
from .series import Lines, as_lines, as_times, take_plain_line

# A recursion never forgets what is not finite: it shows in the last output, both ways in the first. Looking there
# spares a reading of series as large as this.
_LARGE = 1 << 17
# No filter makes an infinity of samples below this.
_HARMLESS = 1e280
# A sampling rate that is given beside even time stamps may differ from theirs by so much.
_SAME_RATE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class FilteredSeries:
    """A filtered series, and the filter.

    Attributes:
        values: Filtered series, float64, shape of the input.
        filter: What was applied.
        btype: Canonical name of what passes; ``None`` for types without bands.
        sampling_rate: Hz, as given or as the time stamps say; ``None``: frequencies are fractions of the Nyquist
            frequency.
        kernel: Who computed: ``"numba"`` or ``"scipy"``.
        missing: How many samples were missing.
        standard_error: Of kalman: standard error of `values`, in its shape; NaN at missing samples. Else ``None``.
        warnings: What the caller should know, such as a filter whose memory is longer than the series.
    """

    values: NDArray[np.float64]
    filter: Filter
    btype: str | None
    sampling_rate: float | None
    kernel: KernelName
    missing: int
    standard_error: NDArray[np.float64] | None
    warnings: tuple[str, ...]

    @property
    def sos(self) -> NDArray[np.float64] | None:
        """``(sections, 6)`` second-order sections of one pass; ``None`` where there are none."""
        sections = self.filter.sections
        return None if sections is None else sections.copy()

    @property
    def response(self) -> FrequencyResponse | None:
        """Frequency response of what was applied, both passes included; ``None`` where there is none."""
        return frequency_response(self.filter, self.sampling_rate)

    @property
    def impulse(self) -> ImpulseResponse | None:
        """Impulse response of what was applied, both passes included; ``None`` where there is none."""
        return impulse_response(self.filter, self.sampling_rate, self.kernel)

    @property
    def noise_ratio(self) -> NDArray[np.float64] | None:
        """``(channels,)`` ratio of variances that kalman used; ``None`` for other types."""
        return self.filter.ratios if isinstance(self.filter, Kalman) else None


def filter_series(
    series: ArrayLike,
    *,
    times: ArrayLike | None = None,
    sampling_rate: float | None = None,
    axis: int = 0,
    nan_policy: str = "raise",
    resampling: str = "linear",
    kernel: str = "auto",
    **options: Any,
) -> FilteredSeries:
    r"""Filter a series.

    **Recursive filters** (butterworth, chebyshev1, chebyshev2, elliptic, bessel, notch, peak, comb, exponential) run as
    cascades of second-order sections::

        H(z) = product over sections of (b0 + b1 / z + b2 / z^2) / (1 + a1 / z + a2 / z^2)

    because one polynomial of high order loses its poles to rounding. With ``zero_phase`` the series is filtered
    forwards and backwards (Gustafsson 1996, doi 10.1109/78.492552), with odd extension at both ends: no delay, the gain
    is \|H\|^2 and the loss at the cutoff is doubled.

    **Filters of finite length** replace every sample by a function of its window: a weighted sum (fir_window,
    fir_least_squares, moving_average), a polynomial fitted to it (savgol: Savitzky and Golay 1964, doi
    10.1021/ac60214a047), its median, or its median where the sample lies too far away (hampel). With ``zero_phase`` the
    window is centred, else it ends with the sample.

    **Filters of the whole series**: the Kalman filter and Rauch-Tung-Striebel smoother of a wandering level or trend
    (`kalman_recursion`), and penalized least squares (`whittaker`).

    Time O(n channels order), O(n channels window_length) or O(n channels); memory for the answer, and a few copies of
    one channel where a window or a model needs them. Design formulas stand with their sources in `analog`, `zpk`,
    `pairing`, `resonators`, `fir` and `windows`; designing needs NumPy alone.

    Args:
        series: Real numbers, ``(n,)``, ``(n, channels)`` or any shape with time along `axis`.
        times: ``(n,)`` increasing time stamps, seconds or datetime64. Even ones give the sampling rate. Over uneven
            ones the series is interpolated onto an even grid and back; kalman takes them as they are.
        sampling_rate: Hz; of the grid, with uneven `times`. ``None``: as `times` say; without them frequencies are
            fractions of the Nyquist frequency.
        axis: Which axis is time.
        nan_policy: What to do about NaN: ``"raise"``, ``"propagate"``, ``"interpolate"`` or ``"segments"``, as
            `gaps` says.
        resampling: ``"linear"`` or ``"cubic"`` interpolation onto the grid and back.
        kernel: ``"auto"``, ``"numba"`` or ``"scipy"``.
        **options: Fields of `FilterOptions`: filter_type, btype, cutoff, order, ...

    Returns:
        The filtered series, the sections, the responses, and what to know.

    Raises:
        ValueError: If the series is empty, infinite, or too short, a sample is missing that may not, a name is
            unknown, a number is out of range, or the design is impossible, unstable or beyond float64.
        TypeError: If the series holds no real numbers, or an option is unknown or of the wrong type.
        ImportError: If neither Numba nor SciPy can do the work.

    Example:
        >>> filter_series([0, 0, 0, 9, 0, 0, 0], filter_type="median", window_length=3).values.tolist()
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
        >>> sos = filter_series([1.0] * 50, cutoff=0.25, order=4).sos
        >>> sos.shape
        (2, 6)
    """
    # Here and below, what goes without saying is not looked up: it takes as long as filtering a hundred samples.
    policy = "raise" if nan_policy == "raise" else check_option(nan_policy, "nan_policy", POLICIES)
    if resampling != "linear":
        check_option(resampling, "resampling", METHODS)
    chosen = choose_kernel(kernel)
    rate = None if sampling_rate is None else check_positive(sampling_rate, "sampling_rate", "Hz")
    plan = find_plan(options, rate) if times is None else None
    if plan is not None and policy == "raise":
        line = take_plain_line(series, axis, _LARGE if plan.recursive else None)
        if line is not None and not isinstance(plan.filter, Kalman):
            return _filter_plain_line(line, plan, rate, chosen)
    late = plan is not None and plan.recursive and policy == "raise" and np.size(series) >= _LARGE
    lines = as_lines(series, axis, chosen, may_miss=policy != "raise", look=not late)
    if plan is None:
        model = options.get("filter_type") == "kalman"
        clock = _read_clock(times, lines.values.shape[1], rate, resampling, uneven=model)
        plan = find_plan(options, clock.rate)
    else:
        clock = _Clock(rate=rate, steps=even_steps(lines.values.shape[1]))
    filtered, fitted, notes = _apply(plan.filter, lines, clock, policy, chosen)
    if late and not np.isfinite(filtered[:, [0, -1]]).all():
        as_lines(series, axis, chosen, may_miss=False)
    if not lines.peak < _HARMLESS or late:
        _check_result(filtered[:, [0, -1]] if late else filtered, missing=lines.missing)
    error = fitted.estimate(lines.values, clock.steps, chosen)[1] if isinstance(fitted, Kalman) else None
    return FilteredSeries(
        values=lines.restore(filtered),
        filter=fitted,
        btype=plan.btype,
        sampling_rate=clock.rate,
        kernel=chosen,
        missing=int(np.isnan(lines.values).sum()) if lines.missing else 0,
        standard_error=None if error is None else lines.restore(error),
        warnings=(*clock.notes, *notes, *_slow_to_settle(plan, filtered.shape[1])),
    )


def _filter_plain_line(line: NDArray[np.float64], plan: Plan, rate: float | None, kernel: KernelName) -> FilteredSeries:
    """Do what is left to do where nothing is missing, uneven, infinite or near overflow."""
    samples = line.shape[1]
    return FilteredSeries(
        values=plan.filter.apply(line, even_steps(samples), kernel)[0],
        filter=plan.filter,
        btype=plan.btype,
        sampling_rate=rate,
        kernel=kernel,
        missing=0,
        standard_error=None,
        warnings=() if plan.settles <= samples else tuple(_slow_to_settle(plan, samples)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clock:
    """When the samples were taken.

    Attributes:
        rate: Sampling rate, Hz, if it is known.
        steps: ``(n,)`` time since the sample before, in sampling intervals.
        grid: The even grid to filter on, if the samples are not on one.
        notes: What the caller should know.
    """

    rate: float | None
    steps: NDArray[np.float64]
    grid: Grid | None = None
    notes: tuple[str, ...] = ()


def _read_clock(times: ArrayLike, samples: int, rate: float | None, method: str, *, uneven: bool) -> _Clock:
    stamps = as_times(times, samples)
    step = even_step(stamps)
    if samples < 2:
        return _Clock(rate=rate, steps=np.ones(samples))
    if step is not None:
        if rate is not None and abs(rate * step - 1.0) > _SAME_RATE:
            raise ValueError(
                f"sampling_rate: expected {1.0 / step:g} Hz, as the time stamps say, or null, got {rate:g}"
            )
        return _Clock(rate=1.0 / step, steps=np.ones(samples))
    if uneven:
        unit = float(np.median(np.diff(stamps))) if rate is None else 1.0 / rate
        return _Clock(rate=1.0 / unit, steps=np.diff(stamps, prepend=stamps[0]) / unit)
    grid, rate, notes = make_grid(stamps, rate, method)
    return _Clock(rate=rate, steps=np.ones(len(grid.points)), grid=grid, notes=tuple(notes))


def _apply(
    designed: Filter, lines: Lines, clock: _Clock, policy: str, kernel: KernelName
) -> tuple[NDArray[np.float64], Filter, list[str]]:
    """Return the filtered lines, the filter with what it has estimated, and what the caller should know."""
    values, missing, grid = lines.values, lines.missing, clock.grid
    if grid is not None:
        if missing and policy != "interpolate":
            raise ValueError(
                f"nan_policy: expected interpolate for missing samples at uneven times, got {policy!r}; "
                "or drop the samples together with their times"
            )
        values, missing = grid.sample(values), False
    notes: list[str] = []
    with np.errstate(over="ignore", invalid="ignore"):
        fitted = designed.fit(values, clock.steps, kernel)
        if missing:
            filtered, notes = apply_over_gaps(fitted, values, clock.steps, policy, kernel)
        else:
            filtered = fitted.apply(values, clock.steps, kernel)
    return (filtered if grid is None else grid.read(filtered)), fitted, notes


def _check_result(filtered: NDArray[np.float64], *, missing: bool) -> None:
    if np.isinf(filtered).any() or (np.isnan(filtered).any() and not missing):
        raise ValueError("series: the filtered values overflow float64; scale the series down")


def _slow_to_settle(plan: Plan, samples: int) -> list[str]:
    if plan.settles <= samples:
        return []
    return [
        f"a transient of this filter takes {plan.settles:.3g} samples to fall to "
        f"{100 * NOTICEABLE:g} %, and the series has {samples}: what lies beyond its ends shows in all of the result"
    ]
