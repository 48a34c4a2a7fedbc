r"""Digital filters over series of one or more channels.

**Recursive filters** (butterworth, chebyshev1, chebyshev2, elliptic, bessel) run as cascades of second-order
sections::

    H(z) = product over sections of (b0 + b1 / z + b2 / z^2) / (1 + a1 / z + a2 / z^2)

because one polynomial of high order loses its poles to rounding. With ``zero_phase`` the series is filtered
forward and backward (Gustafsson 1996, doi 10.1109/78.492552), with odd extension at both ends: no delay, the
gain is \|H\|^2 and the loss at the cutoff is doubled.

**savgol** replaces every sample by a polynomial fitted to its window (Savitzky and Golay 1964, doi
10.1021/ac60214a047); at the ends the polynomial of the first or last window is evaluated. **median** replaces
every sample by the median of its window, the end samples repeated beyond the ends.

Time O(n channels order), or O(n channels window_length). The channels are filtered one after the other:
besides the answer, memory for a few copies of one channel.

Design formulas: A. V. Oppenheim and R. W. Schafer, Discrete-Time Signal Processing, chapter 7; T. W. Parks
and C. S. Burrus, Digital Filter Design. Design and recursion are SciPy's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from platform_base.plugins.base import get_context

from .parameters import (
    FILTER_TYPES,
    RECURSIVE_TYPES,
    check_design,
    check_integer,
    check_positive,
    check_window,
)
from .response import FrequencyResponse, response_of_sections, response_of_window
from .sections import design_sections
from .series import as_series


@dataclass(frozen=True, slots=True, kw_only=True)
class FilteredSeries:
    """A filtered series, and the filter.

    Attributes:
        values: Filtered series, float64, shape of the input.
        sos: ``(sections, 6)`` second-order sections of one pass; ``None`` for savgol and median.
        response: Frequency response of what was applied, both passes included; ``None`` for median, which is
            not linear and has none.
        btype: Canonical name of what passes; ``None`` for savgol and median.
        sampling_rate: As given, Hz.
    """

    values: NDArray[np.float64]
    sos: NDArray[np.float64] | None
    response: FrequencyResponse | None
    btype: str | None
    sampling_rate: float | None


def filter_series(
    series: ArrayLike,
    *,
    filter_type: str = "butterworth",
    btype: str = "low",
    cutoff: float | Sequence[float] = 0.1,
    sampling_rate: float | None = None,
    order: int = 4,
    ripple_db: float = 1.0,
    attenuation_db: float = 40.0,
    zero_phase: bool = True,
    initial_state: str = "steady",
    window_length: int = 11,
    polyorder: int = 3,
) -> FilteredSeries:
    """Filter a series, as the module's docstring describes.

    Args:
        series: ``(n,)`` or ``(n, channels)`` real numbers, evenly sampled.
        filter_type: ``"butterworth"``, ``"chebyshev1"``, ``"chebyshev2"``, ``"elliptic"``, ``"bessel"``,
            ``"savgol"`` or ``"median"``. The last two use `window_length` (and savgol `polyorder`) and none
            of the rest.
        btype: ``"low"``, ``"high"``, ``"bandpass"`` (or ``"band"``), ``"bandstop"`` (or ``"stop"``).
        cutoff: Cutoff, or ``[low, high]`` of a band: Hz with `sampling_rate`, else fractions of the Nyquist
            frequency. One pass loses there 3.01 dB (butterworth, bessel), `ripple_db` (chebyshev1, elliptic)
            or `attenuation_db` (chebyshev2).
        sampling_rate: Hz; ``None`` where frequencies are fractions of the Nyquist frequency.
        order: Order, at least 1; a band filter has twice as many poles.
        ripple_db: Largest loss in the passband of chebyshev1 and elliptic, dB.
        attenuation_db: Smallest loss in the stopband of chebyshev2 and elliptic, dB.
        zero_phase: Forward and backward instead of causal.
        initial_state: What came before the first sample of a causal filter: ``"steady"``, that sample
            forever, or ``"rest"``, zeros.
        window_length: Odd, at most n, samples.
        polyorder: Less than `window_length`.

    Returns:
        The filtered series, the sections and the frequency response.

    Raises:
        ValueError: If the series is empty or holds NaN or infinity, a name is unknown, a number is out of
            range, the design is impossible, unstable or beyond float64, or the series is too short.
        TypeError: If the series holds no real numbers, or a parameter is of the wrong type.
        ImportError: If SciPy is not installed.

    Example:
        >>> filter_series([0, 0, 0, 9, 0, 0, 0], filter_type="median", window_length=3).values.tolist()
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
        >>> sos = filter_series([1.0] * 50, cutoff=0.25, order=4).sos
        >>> sos.shape
        (2, 6)
    """
    if filter_type not in FILTER_TYPES:
        raise ValueError(f"filter_type: expected one of {', '.join(FILTER_TYPES)}, got {filter_type!r}")
    table = as_series(series, "series")
    rate = None if sampling_rate is None else check_positive(sampling_rate, "sampling_rate", "Hz")
    if filter_type in RECURSIVE_TYPES:
        design = check_design(
            filter_type=filter_type,
            btype=btype,
            cutoff=cutoff,
            order=order,
            sampling_rate=rate,
            ripple_db=ripple_db,
            attenuation_db=attenuation_db,
        )
        sections = design_sections(design)
        values = _apply_sections(table, sections, zero_phase=zero_phase, initial_state=initial_state)
        response = response_of_sections(sections, zero_phase=zero_phase, sampling_rate=rate)
        kind = design.btype
    else:
        sections, kind = None, None
        length = check_window(window_length, len(table))
        if filter_type == "savgol":
            values, response = _savgol(table, length, polyorder, rate)
        else:
            values, response = _median(table, length), None
    return FilteredSeries(
        values=values if np.ndim(series) == 2 else values[:, 0],
        sos=sections,
        response=response,
        btype=kind,
        sampling_rate=rate,
    )


def _apply_sections(
    table: NDArray[np.float64], sections: NDArray[np.float64], *, zero_phase: bool, initial_state: str
) -> NDArray[np.float64]:
    from scipy import signal

    if not isinstance(zero_phase, (bool, np.bool_)):
        raise TypeError(f"zero_phase: expected true or false, got {zero_phase!r}")
    if initial_state not in ("steady", "rest"):
        raise ValueError(f"initial_state: expected steady or rest, got {initial_state!r}")
    if zero_phase:
        extension = _extension(sections)
        if len(table) <= extension:
            raise ValueError(
                f"series: expected at least {extension + 1} samples for zero_phase with {len(sections)} "
                f"second-order section(s), got {len(table)}; give a longer series, a lower order, "
                "or zero_phase=false"
            )
        return _each_channel(table, lambda line: signal.sosfiltfilt(sections, line, padlen=extension))
    if initial_state == "rest":
        return _each_channel(table, lambda line: signal.sosfilt(sections, line))
    state = signal.sosfilt_zi(sections)
    return _each_channel(table, lambda line: signal.sosfilt(sections, line, zi=state * line[0])[0])


def _extension(sections: NDArray[np.float64]) -> int:
    """Return by how many samples each end is extended: three times the filter's length, as in SciPy."""
    absent = min(int((sections[:, 2] == 0).sum()), int((sections[:, 5] == 0).sum()))
    return 3 * (2 * len(sections) + 1 - absent)


def _savgol(
    table: NDArray[np.float64], length: int, polyorder: int, rate: float | None
) -> tuple[NDArray[np.float64], FrequencyResponse]:
    from scipy import signal

    degree = check_integer(polyorder, "polyorder", 0)
    if degree >= length:
        raise ValueError(
            f"polyorder: expected less than window_length ({length}), got {degree}; "
            "give a lower degree or a longer window"
        )
    values = _each_channel(table, lambda line: signal.savgol_filter(line, length, degree, mode="interp"))
    weights = signal.savgol_coeffs(length, degree)
    return values, response_of_window(weights, sampling_rate=rate)


def _median(table: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    from scipy import ndimage

    return _each_channel(table, lambda line: ndimage.median_filter(line, size=length, mode="nearest"))


def _each_channel(table: NDArray[np.float64], apply: Callable[[NDArray[np.float64]], Any]) -> NDArray[np.float64]:
    report_progress = get_context().report_progress
    channels = table.shape[1]
    filtered = np.empty_like(table)
    with np.errstate(over="ignore", invalid="ignore"):
        for channel in range(channels):
            filtered[:, channel] = apply(np.ascontiguousarray(table[:, channel]))
            report_progress((channel + 1) / channels, f"channel {channel + 1} of {channels}")
    if not np.isfinite(filtered).all():
        raise ValueError("series: the filtered values overflow float64; scale the series down")
    return filtered
