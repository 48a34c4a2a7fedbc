"""What is asked of a filter, checked: numbers in range, frequencies as fractions of the Nyquist frequency."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RECURSIVE_TYPES = ("butterworth", "chebyshev1", "chebyshev2", "elliptic", "bessel")
WINDOW_TYPES = ("savgol", "median")
FILTER_TYPES = RECURSIVE_TYPES + WINDOW_TYPES
BAND_TYPES = {
    "low": "low",
    "high": "high",
    "bandpass": "bandpass",
    "bandstop": "bandstop",
    "band": "bandpass",
    "stop": "bandstop",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecursiveDesign:
    """A recursive filter to design.

    Attributes:
        filter_type: One of `RECURSIVE_TYPES`.
        btype: ``"low"``, ``"high"``, ``"bandpass"`` or ``"bandstop"``.
        order: Order, at least 1.
        edges: One cutoff or two, increasing, as fractions of the Nyquist frequency, strictly between 0 and 1.
        ripple_db: Largest loss in the passband, dB.
        attenuation_db: Smallest loss in the stopband, dB.
    """

    filter_type: str
    btype: str
    order: int
    edges: tuple[float, ...]
    ripple_db: float
    attenuation_db: float


def check_design(
    *,
    filter_type: str,
    btype: str,
    cutoff: float | Sequence[float],
    order: int,
    sampling_rate: float | None,
    ripple_db: float,
    attenuation_db: float,
) -> RecursiveDesign:
    """Check what a caller asks of a recursive filter.

    Raises:
        ValueError: If a name is unknown, a number is out of range, or the edges do not fit `btype`.
        TypeError: If a number is none.
    """
    if btype not in BAND_TYPES:
        raise ValueError(f"btype: expected one of {', '.join(BAND_TYPES)}, got {btype!r}")
    kind = BAND_TYPES[btype]
    order = check_integer(order, "order", 1)
    ripple_db = check_positive(ripple_db, "ripple_db", "dB")
    attenuation_db = check_positive(attenuation_db, "attenuation_db", "dB")
    if filter_type == "elliptic" and attenuation_db <= ripple_db:
        raise ValueError(
            f"attenuation_db: expected more than ripple_db ({ripple_db:g} dB) for an elliptic filter, "
            f"got {attenuation_db:g}; raise attenuation_db or lower ripple_db"
        )
    return RecursiveDesign(
        filter_type=filter_type,
        btype=kind,
        order=order,
        edges=_check_edges(cutoff, kind, sampling_rate),
        ripple_db=ripple_db,
        attenuation_db=attenuation_db,
    )


def check_positive(value: float, name: str, unit: str) -> float:
    """Return `value` as a float above 0.

    Raises:
        ValueError: If it is not above 0 and finite.
        TypeError: If it is no number.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name}: expected a number above 0 ({unit}), got {value!r}")
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name}: expected a finite number above 0 ({unit}), got {value}")
    return float(value)


def check_integer(value: int, name: str, minimum: int) -> int:
    """Return `value` as an int of at least `minimum`.

    Raises:
        ValueError: If it is less.
        TypeError: If it is no integer.
    """
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: expected a whole number of at least {minimum}, got {value}")
    try:
        number = operator.index(value)
    except TypeError as error:
        raise TypeError(f"{name}: expected a whole number of at least {minimum}, got {value!r}") from error
    if number < minimum:
        raise ValueError(f"{name}: expected at least {minimum}, got {number}")
    return number


def check_window(window_length: int, samples: int) -> int:
    """Return `window_length` if it is odd and no longer than the series.

    Raises:
        ValueError: If it is even, or more than `samples`.
        TypeError: If it is no integer.
    """
    length = check_integer(window_length, "window_length", 1)
    if length % 2 == 0:
        raise ValueError(f"window_length: expected an odd number of samples, got {length}; give {length + 1}")
    if length > samples:
        longest = samples if samples % 2 else samples - 1
        raise ValueError(
            f"window_length: expected at most {longest} for a series of {samples} samples, got {length}; "
            "give a shorter window"
        )
    return length


def _check_edges(cutoff: float | Sequence[float], kind: str, sampling_rate: float | None) -> tuple[float, ...]:
    given = tuple(cutoff) if isinstance(cutoff, (list, tuple, np.ndarray)) else (cutoff,)
    wanted = 2 if kind in ("bandpass", "bandstop") else 1
    if len(given) != wanted:
        raise ValueError(
            f"cutoff: expected {wanted} frequency value(s) for btype {kind!r}, got {len(given)}; "
            + ("give cutoff and cutoff_high" if wanted == 2 else "give cutoff alone, without cutoff_high")
        )
    unit = "fraction of the Nyquist frequency" if sampling_rate is None else "Hz"
    nyquist = 1.0 if sampling_rate is None else check_positive(sampling_rate, "sampling_rate", "Hz") / 2
    for value in given:
        if check_positive(value, "cutoff", unit) >= nyquist:
            raise ValueError(
                f"cutoff: expected less than the Nyquist frequency, {nyquist:g} ({unit}), got {value:g}; "
                + ("give sampling_rate if it is in Hz" if sampling_rate is None else "check sampling_rate")
            )
    if wanted == 2 and given[0] >= given[1]:
        raise ValueError(f"cutoff_high: expected more than cutoff ({given[0]:g}), got {given[1]:g}; swap the two edges")
    return tuple(float(value) / nyquist for value in given)
