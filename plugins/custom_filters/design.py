"""From options to a filter: one builder for each type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from .base import Filter
from .cascade import Cascade, largest_pole
from .fir import TAPERS, design_by_least_squares, design_by_window
from .kalman import Kalman
from .options import FilterOptions
from .parameters import (
    check_btype,
    check_design,
    check_edges,
    check_flag,
    check_integer,
    check_option,
    check_positive,
    check_window,
)
from .resonators import comb_sections, exponential_sections, notch_sections, peak_sections
from .sections import design_sections
from .whittaker import Whittaker
from .windows import average_window, hampel_window, median_window, savgol_window, weighted_window

_MODELS = ("level", "trend")
_COMBS = ("notch", "notch_with_level", "peak")


def design_filter(options: FilterOptions, sampling_rate: float | None) -> Filter:
    """Return the filter that the options describe.

    Args:
        options: What is wanted.
        sampling_rate: Hz; ``None`` where frequencies are fractions of the Nyquist frequency.

    Raises:
        ValueError: If a name is unknown, a number is out of range, or the design is impossible, unstable or beyond
            float64.
        TypeError: If an option is of the wrong type.
    """
    build = FILTERS[check_option(options.filter_type, "filter_type", FILTERS)]
    check_flag(options.zero_phase, "zero_phase")
    check_option(options.initial_state, "initial_state", ("steady", "rest"))
    return build(options, sampling_rate)


def passes(options: FilterOptions) -> str | None:
    """Return the canonical name of what passes, for the types that have bands; else ``None``."""
    has_bands = options.filter_type in _BANDED or options.filter_type.startswith("fir_")
    return check_btype(options.btype) if has_bands else None


def _cascade(sections: NDArray[np.float64], options: FilterOptions) -> Cascade:
    radius = largest_pole(sections)
    if not radius < 1.0:
        raise ValueError(
            f"no usable {options.filter_type}: it is unstable, a pole lies at radius {radius:.17g}; give a lower "
            "quality, a larger alpha, or a frequency farther from 0 and from Nyquist"
        )
    return Cascade(sections=sections, zero_phase=options.zero_phase, initial_state=options.initial_state)


def _build_banded(options: FilterOptions, rate: float | None) -> Filter:
    design = check_design(
        filter_type=options.filter_type,
        btype=options.btype,
        cutoff=options.cutoff,
        order=options.order,
        sampling_rate=rate,
        ripple_db=options.ripple_db,
        attenuation_db=options.attenuation_db,
    )
    return _cascade(design_sections(design), options)


def _build_resonator(options: FilterOptions, rate: float | None) -> Filter:
    (frequency,) = check_edges(options.cutoff, options.filter_type, rate)
    quality = check_positive(options.quality, "quality", "frequency over width")
    if options.filter_type == "comb":
        comb_type = check_option(options.comb_type, "comb_type", _COMBS)
        return _cascade(comb_sections(frequency, quality, comb_type), options)
    if frequency / quality >= 1.0:
        raise ValueError(
            f"quality: expected more than {frequency:.3g}, so that the band is narrower than the Nyquist frequency, "
            f"got {quality:g}"
        )
    return _cascade((notch_sections if options.filter_type == "notch" else peak_sections)(frequency, quality), options)


def _build_exponential(options: FilterOptions, rate: float | None) -> Filter:
    alpha = check_positive(options.alpha, "alpha", "weight of the newest sample")
    if alpha > 1.0:
        raise ValueError(f"alpha: expected at most 1, got {alpha:g}")
    return _cascade(exponential_sections(alpha), options)


def _build_fir(options: FilterOptions, rate: float | None) -> Filter:
    kind = check_btype(options.btype)
    edges = check_edges(options.cutoff, kind, rate)
    numtaps = check_integer(options.numtaps, "numtaps", 1)
    least_squares = options.filter_type == "fir_least_squares"
    if numtaps % 2 == 0 and (options.zero_phase or least_squares or kind in ("high", "bandstop")):
        raise ValueError(
            f"numtaps: expected an odd number with zero_phase, for fir_least_squares, and where the Nyquist frequency "
            f"passes, got {numtaps}; give {numtaps + 1}"
        )
    if least_squares:
        taps = design_by_least_squares(numtaps, kind, edges, _transition(options, edges, rate))
    else:
        taper = check_option(options.taper, "taper", TAPERS)
        beta = check_positive(options.kaiser_beta, "kaiser_beta", "shape of the Kaiser window")
        taps = design_by_window(numtaps, kind, edges, taper=taper, kaiser_beta=beta)
    if options.zero_phase:
        return weighted_window(taps, numtaps // 2, ends="odd", name="numtaps")
    return weighted_window(taps, numtaps - 1, ends=_before_first(options), name="numtaps")


def _transition(options: FilterOptions, edges: tuple[float, ...], rate: float | None) -> float:
    """Return the width of the transitions, checked to leave something of every band."""
    narrowest = float(np.diff([0.0, *edges, 1.0]).min())
    if options.transition is None:
        return 0.25 * narrowest
    nyquist = 1.0 if rate is None else 0.5 * rate
    width = check_positive(options.transition, "transition", "as cutoff") / nyquist
    if width >= narrowest:
        raise ValueError(
            f"transition: expected less than the narrowest band, {narrowest * nyquist:g}, got {options.transition:g}"
        )
    return width


def _build_savgol(options: FilterOptions, rate: float | None) -> Filter:
    length = check_window(options.window_length)
    degree = check_integer(options.polyorder, "polyorder", 0)
    if degree >= length:
        raise ValueError(
            f"polyorder: expected less than window_length ({length}), got {degree}; "
            "give a lower degree or a longer window"
        )
    return savgol_window(length, degree, centred=options.zero_phase, before_first=_before_first(options))


def _build_average(options: FilterOptions, rate: float | None) -> Filter:
    length = check_window(options.window_length, odd=options.zero_phase)
    return average_window(length, _before(length, options), ends=_beyond(options))


def _build_median(options: FilterOptions, rate: float | None) -> Filter:
    length = check_window(options.window_length)
    return median_window(length, _before(length, options), ends=_beyond(options))


def _build_hampel(options: FilterOptions, rate: float | None) -> Filter:
    length = check_window(options.window_length)
    n_sigmas = check_positive(options.n_sigmas, "n_sigmas", "robust standard deviations")
    return hampel_window(length, _before(length, options), ends=_beyond(options), n_sigmas=n_sigmas)


def _build_kalman(options: FilterOptions, rate: float | None) -> Filter:
    model = check_option(options.kalman_model, "kalman_model", _MODELS)
    ratio = options.noise_ratio
    if ratio is not None:
        ratio = check_positive(ratio, "noise_ratio", "variance over variance")
    return Kalman(model=model, ratio=ratio, smooth=options.zero_phase)


def _build_whittaker(options: FilterOptions, rate: float | None) -> Filter:
    if not options.zero_phase:
        raise ValueError("zero_phase: expected true for whittaker, got false; kalman has a causal form")
    return Whittaker(
        smoothness=check_positive(options.smoothness, "smoothness", "weight of the differences"),
        difference_order=check_integer(options.difference_order, "difference_order", 1),
    )


def _before(length: int, options: FilterOptions) -> int:
    return length // 2 if options.zero_phase else length - 1


def _before_first(options: FilterOptions) -> str:
    return "repeat" if options.initial_state == "steady" else "zeros"


def _beyond(options: FilterOptions) -> str:
    return "repeat" if options.zero_phase else _before_first(options)


_BANDED = ("butterworth", "chebyshev1", "chebyshev2", "elliptic", "bessel")
RECURSIVE = (*_BANDED, "notch", "peak", "comb", "exponential")
FILTERS: Mapping[str, Callable[[FilterOptions, float | None], Filter]] = MappingProxyType(
    {
        **dict.fromkeys(_BANDED, _build_banded),
        "fir_window": _build_fir,
        "fir_least_squares": _build_fir,
        "notch": _build_resonator,
        "peak": _build_resonator,
        "comb": _build_resonator,
        "savgol": _build_savgol,
        "median": _build_median,
        "hampel": _build_hampel,
        "moving_average": _build_average,
        "exponential": _build_exponential,
        "kalman": _build_kalman,
        "whittaker": _build_whittaker,
    }
)
"""Every type of filter, and what makes one."""
