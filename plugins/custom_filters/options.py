"""Every option of a filter, with its default."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterOptions:
    """What to filter with. An option that the chosen type does not use is ignored.

    Attributes:
        filter_type: Recursive: ``"butterworth"``, ``"chebyshev1"``, ``"chebyshev2"``, ``"elliptic"``, ``"bessel"``,
            ``"notch"``, ``"peak"``, ``"comb"``, ``"exponential"``. Of finite length: ``"fir_window"``,
            ``"fir_least_squares"``, ``"savgol"``, ``"moving_average"``, ``"median"``, ``"hampel"``. Of the whole
            series: ``"kalman"``, ``"whittaker"``.
        btype: What passes, for the band families and FIR: ``"low"``, ``"high"``, ``"bandpass"`` (or ``"band"``),
            ``"bandstop"`` (or ``"stop"``).
        cutoff: Cutoff, or ``[low, high]`` of a band, or the frequency of notch, peak and comb: Hz with a sampling
            rate, else fractions of the Nyquist frequency. One pass loses there 3.01 dB (butterworth, bessel),
            `ripple_db` (chebyshev1, elliptic), `attenuation_db` (chebyshev2), about 6 dB (FIR).
        order: Order of the band families, at least 1; a band filter has twice as many poles.
        ripple_db: Largest loss in the passband of chebyshev1 and elliptic, dB, one pass.
        attenuation_db: Smallest loss in the stopband of chebyshev2 and elliptic, dB, one pass.
        quality: Frequency over width at -3.01 dB of notch, peak and each tooth of comb, one pass.
        comb_type: ``"notch"`` removes the frequency and its multiples and keeps the level, ``"notch_with_level"``
            removes the level too, ``"peak"`` keeps the level and the multiples only.
        zero_phase: No delay, every output may use later samples: recursive filters run forwards and backwards,
            windows are centred, Kalman smooths. False: causal.
        initial_state: What came before the first sample of a causal filter: ``"steady"``, that sample for ever, or
            ``"rest"``, zeros.
        window_length: Window of savgol, median, hampel and moving_average, samples; odd (a causal moving average
            takes any).
        polyorder: Degree of savgol, less than `window_length`.
        n_sigmas: Distance from the median, in robust standard deviations, beyond which hampel replaces a sample.
        numtaps: Taps of the FIR filters.
        taper: Window function of fir_window: ``"hamming"``, ``"hann"``, ``"blackman"``, ``"bartlett"``,
            ``"rectangular"``, ``"kaiser"``.
        kaiser_beta: Shape of the Kaiser window.
        transition: Width of the transition of fir_least_squares, in the unit of `cutoff`; ``None``: a quarter of the
            narrowest band.
        alpha: Weight of the newest sample of exponential, above 0 and at most 1.
        kalman_model: ``"level"`` or ``"trend"``.
        noise_ratio: Variance of the model's noise per sampling interval over that of the observations; ``None``: the
            most likely one, for each channel.
        smoothness: Weight of the differences of whittaker.
        difference_order: Order of these differences.
    """

    filter_type: str = "butterworth"
    btype: str = "low"
    cutoff: float | Sequence[float] = 0.1
    order: int = 4
    ripple_db: float = 1.0
    attenuation_db: float = 40.0
    quality: float = 30.0
    comb_type: str = "notch"
    zero_phase: bool = True
    initial_state: str = "steady"
    window_length: int = 11
    polyorder: int = 3
    n_sigmas: float = 3.0
    numtaps: int = 101
    taper: str = "hamming"
    kaiser_beta: float = 8.6
    transition: float | None = None
    alpha: float = 0.3
    kalman_model: str = "level"
    noise_ratio: float | None = None
    smoothness: float = 100.0
    difference_order: int = 2


def read_options(given: Mapping[str, Any]) -> FilterOptions:
    """Return the options that a caller gave by name.

    Raises:
        TypeError: If there is no option of that name.
    """
    known = [field.name for field in fields(FilterOptions)]
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
            raise TypeError(f"{name}: expected an option of the filters, got an unknown name; {hint}")
    return FilterOptions(**given)
