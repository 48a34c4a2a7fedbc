"""Frequency response of what was applied to a series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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


def response_of_sections(
    sections: NDArray[np.float64], *, zero_phase: bool, sampling_rate: float | None
) -> FrequencyResponse:
    """Return the response of second-order sections; with `zero_phase`, gain squared and phase 0."""
    from scipy import signal

    angles = np.linspace(0.0, np.pi, _POINTS)
    _, response = signal.sosfreqz(sections, worN=angles)
    if zero_phase:
        response = np.abs(response) ** 2
    return _to_response(response, sampling_rate)


def response_of_window(weights: NDArray[np.float64], *, sampling_rate: float | None) -> FrequencyResponse:
    """Return the response of a symmetric window that is centred on the sample it replaces.

    Args:
        weights: ``(k,)``, k odd.
        sampling_rate: Hz, or ``None``.
    """
    angles = np.linspace(0.0, np.pi, _POINTS)
    half = len(weights) // 2
    offsets = np.arange(-half, half + 1)
    # Symmetric weights leave the cosines only: the response is real, its phase 0 or pi.
    response = np.cos(np.outer(angles, offsets)) @ weights
    return _to_response(response.astype(np.complex128), sampling_rate)


def _to_response(
    response: NDArray[np.complex128] | NDArray[np.float64], sampling_rate: float | None
) -> FrequencyResponse:
    magnitude = np.maximum(np.abs(response), 10 ** (_FLOOR_DB / 20))
    return FrequencyResponse(
        freqs=np.linspace(0.0, 1.0 if sampling_rate is None else sampling_rate / 2, _POINTS),
        magnitude_db=20 * np.log10(magnitude),
        phase=np.unwrap(np.angle(response)),
    )
