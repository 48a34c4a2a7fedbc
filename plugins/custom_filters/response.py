"""Frequency and impulse response of what was applied to a series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .base import Filter
from .recursion import KernelName

_POINTS = 1024
# Below this a gain is a zero of the filter plus rounding; it keeps the decibels finite.
_FLOOR_DB = -400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequencyResponse:
    """Gain and phase over frequency.

    Attributes:
        freqs: ``(points,)`` from 0 to the Nyquist frequency: Hz with a sampling rate, else fractions of the
            Nyquist frequency.
        magnitude_db: ``(points,)`` gain, dB, not below -400.
        phase: ``(points,)`` phase, radians, unwrapped.
    """

    freqs: NDArray[np.float64]
    magnitude_db: NDArray[np.float64]
    phase: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpulseResponse:
    """What becomes of a single 1 among zeros.

    Attributes:
        times: ``(k,)`` time since the 1: seconds with a sampling rate, else samples; negative where the filter looks
            ahead.
        values: ``(k,)``.
    """

    times: NDArray[np.float64]
    values: NDArray[np.float64]


def frequency_response(designed: Filter, sampling_rate: float | None) -> FrequencyResponse | None:
    """Return the frequency response at 1024 points; ``None`` where there is none."""
    response = designed.response_at(np.linspace(0.0, np.pi, _POINTS))
    if response is None:
        return None
    magnitude = np.maximum(np.abs(response), 10 ** (_FLOOR_DB / 20))
    return FrequencyResponse(
        freqs=np.linspace(0.0, 1.0 if sampling_rate is None else sampling_rate / 2, _POINTS),
        magnitude_db=20 * np.log10(magnitude),
        phase=np.unwrap(np.angle(response)),
    )


def impulse_response(designed: Filter, sampling_rate: float | None, kernel: KernelName) -> ImpulseResponse | None:
    """Return the impulse response until it has settled; ``None`` where there is none."""
    response = designed.impulse(kernel)
    if response is None:
        return None
    first, values = response
    times = (first + np.arange(len(values))) / (1.0 if sampling_rate is None else sampling_rate)
    return ImpulseResponse(times=times, values=values)
