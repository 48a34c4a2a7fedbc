"""What is asked of a filter, checked: numbers in range, frequencies as fractions of the Nyquist frequency."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

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
        filter_type: ``"butterworth"``, ``"chebyshev1"``, ``"chebyshev2"``, ``"elliptic"`` or ``"bessel"``.
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
    kind = check_btype(btype)
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
        edges=check_edges(cutoff, kind, sampling_rate),
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


def check_option(value: str, name: str, options: Iterable[str]) -> str:
    """Return `value` if it is one of the options.

    Raises:
        ValueError: If it is not.
    """
    listed = options if type(options) is tuple else tuple(options)
    if value not in listed:
        raise ValueError(f"{name}: expected one of {', '.join(listed)}, got {value!r}")
    return value


def check_flag(value: bool, name: str) -> bool:
    """Return `value` if it is true or false.

    Raises:
        TypeError: If it is neither.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: expected true or false, got {value!r}")
    return bool(value)


def check_window(window_length: int, *, odd: bool = True) -> int:
    """Return `window_length` if it can be one.

    Raises:
        ValueError: If it is below 1, or even and must not be.
        TypeError: If it is no integer.
    """
    length = check_integer(window_length, "window_length", 1)
    if odd and length % 2 == 0:
        raise ValueError(f"window_length: expected an odd number of samples, got {length}; give {length + 1}")
    return length


def check_btype(btype: str) -> str:
    """Return the canonical name of what passes.

    Raises:
        ValueError: If `btype` is none.
    """
    return BAND_TYPES[check_option(btype, "btype", BAND_TYPES)]


def check_edges(cutoff: float | Sequence[float], kind: str, sampling_rate: float | None) -> tuple[float, ...]:
    """Return one frequency or two, increasing, as fractions of the Nyquist frequency.

    Args:
        cutoff: One frequency, or two for ``"bandpass"`` and ``"bandstop"``.
        kind: What passes, by its canonical name, or the type of a filter for one frequency.
        sampling_rate: Hz; ``None`` where `cutoff` is a fraction already.

    Raises:
        ValueError: If there are too few or too many, one lies outside 0 and Nyquist, or they are swapped.
        TypeError: If one is no number.
    """
    given = tuple(cutoff) if isinstance(cutoff, (list, tuple, np.ndarray)) else (cutoff,)
    wanted = 2 if kind in ("bandpass", "bandstop") else 1
    if len(given) != wanted:
        raise ValueError(
            f"cutoff: expected {wanted} frequency value(s) for {kind!r}, got {len(given)}; "
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
