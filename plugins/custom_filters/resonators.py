"""Filters for single frequencies and their multiples, and the exponential average: sections in closed form.

Notch and peak: Orfanidis 1996, Introduction to Signal Processing, 11.3.2; comb: the same, 11.5; both with the width
where one pass loses 3.01 dB equal to ``frequency / quality``. Exponential average: Brown 1956, Exponential Smoothing
for Predicting Demand.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .pairing import to_sections
from .zpk import ZPK

# Farther from a whole number than this, and the teeth of a comb miss the multiples.
_WHOLE_TOLERANCE = 1e-6


def notch_sections(frequency: float, quality: float) -> NDArray[np.float64]:
    """Return ``(1, 6)`` sections that remove one frequency and keep the others.

    Args:
        frequency: What to remove, as a fraction of the Nyquist frequency.
        quality: Frequency over width at -3.01 dB.
    """
    centre, gain = _centre_and_gain(frequency, quality)
    return np.array([[gain, -2.0 * gain * centre, gain, 1.0, -2.0 * gain * centre, 2.0 * gain - 1.0]])


def peak_sections(frequency: float, quality: float) -> NDArray[np.float64]:
    """Return ``(1, 6)`` sections that keep one frequency and remove the others; arguments as for `notch_sections`."""
    centre, gain = _centre_and_gain(frequency, quality)
    return np.array([[1.0 - gain, 0.0, gain - 1.0, 1.0, -2.0 * gain * centre, 2.0 * gain - 1.0]])


def comb_sections(frequency: float, quality: float, comb_type: str) -> NDArray[np.float64]:
    """Return sections for a frequency and all its multiples up to the Nyquist frequency.

    Args:
        frequency: Fraction of the Nyquist frequency; 2 / frequency must be a whole number of samples.
        quality: Frequency over the width of one tooth at -3.01 dB.
        comb_type: ``"notch"`` removes the multiples and keeps the level (the multiple 0),
            ``"notch_with_level"`` removes the level too, ``"peak"`` keeps the level and the multiples only.

    Raises:
        ValueError: If the period is no whole number of samples.
    """
    period = round(2.0 / frequency)
    if period < 2 or abs(2.0 / frequency - period) > _WHOLE_TOLERANCE * period:
        raise ValueError(
            f"cutoff: expected a frequency whose period is a whole number of samples for a comb, got a period of "
            f"{2.0 / frequency:g} samples; resample the series, or use one notch for each multiple"
        )
    width = math.tan(0.5 * math.pi / quality)
    pole = (1.0 - width) / (1.0 + width)
    if not 0.0 < pole < 1.0:
        raise ValueError(f"quality: expected more than 2 for a comb, so that its teeth do not touch, got {quality:g}")
    teeth = _roots_of_unity(period, 0.0)
    poles = pole ** (1.0 / period) * teeth
    if comb_type == "peak":
        return to_sections(ZPK(zeros=_roots_of_unity(period, 0.5), poles=poles, gain=width / (1.0 + width)))
    if comb_type == "notch_with_level":
        return to_sections(ZPK(zeros=teeth, poles=poles, gain=1.0 / (1.0 + width)))
    # Without the tooth at 0 the gain of the level is a product of ratios close to 1; it is made 1.
    gain = float(np.prod((1.0 - poles[1:]) / (1.0 - teeth[1:])).real)
    return to_sections(ZPK(zeros=teeth[1:], poles=poles[1:], gain=gain))


def exponential_sections(alpha: float) -> NDArray[np.float64]:
    """Return ``(1, 6)`` sections of ``y[t] = alpha x[t] + (1 - alpha) y[t - 1]``."""
    return np.array([[alpha, 0.0, 0.0, 1.0, alpha - 1.0, 0.0]])


def _centre_and_gain(frequency: float, quality: float) -> tuple[float, float]:
    width = math.pi * frequency / quality
    return math.cos(math.pi * frequency), 1.0 / (1.0 + math.tan(0.5 * width))


def _roots_of_unity(count: int, offset: float) -> NDArray[np.complex128]:
    """Return `count` points spaced evenly around the circle, exactly symmetric about the real axis."""
    turns = (np.arange(count) + offset) / count
    points: NDArray[np.complex128] = np.exp(2j * np.pi * turns)
    points[np.isin(turns, (0.0, 0.5))] = points[np.isin(turns, (0.0, 0.5))].real
    lower = turns > 0.5
    points[lower] = points[::-1][np.flatnonzero(lower)].conj() if offset else np.roll(points[::-1], 1)[lower].conj()
    return points
