"""Which window a caller asked for, checked; and the smallest one that would do, where it leaves no path."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .feasibility import smallest_integer, smallest_number
from .windows import Band, full_band, given_band, itakura_band, radius_band, sakoe_chiba_band, slanted_band

WINDOW_TYPES = ("sakoe_chiba", "slanted_band", "itakura")


@dataclass(frozen=True, slots=True, kw_only=True)
class Positions:
    """Where the samples lie, for windows.

    Attributes:
        reference: ``(n,)`` float64: time stamps, or numbers of samples.
        target: ``(m,)`` float64: as `reference`.
        timed: Whether they are time stamps.
    """

    reference: NDArray[np.float64]
    target: NDArray[np.float64]
    timed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A window that was asked for.

    Attributes:
        parameter: Name of the parameter that sets its size; empty where there is no limit.
        value: Its size.
        build: The band of a size; ``None`` where a row of it is empty.
        smallest: The smallest size that a test of bands accepts; ``None`` if there is none.
    """

    parameter: str
    value: Any
    build: Callable[[Any], Band | None]
    smallest: Callable[[Callable[[Band | None], bool]], float | None]


def choose_window(
    positions: Positions,
    *,
    window_type: str,
    window_size: Any,
    window_fraction: Any,
    window_duration: Any,
    itakura_max_slope: Any,
    band: Any,
) -> Window:
    """Check the parameters of the window; see `Options` for their meaning.

    Raises:
        ValueError: If they contradict each other, or one is out of its range.
        TypeError: If one is no number.
    """
    n, m = len(positions.reference), len(positions.target)
    sizes = {"window_size": window_size, "window_fraction": window_fraction, "window_duration": window_duration}
    given = [name for name, value in sizes.items() if value is not None]
    if window_type not in WINDOW_TYPES:
        raise ValueError(f"window_type: expected one of {', '.join(WINDOW_TYPES)}, got {window_type!r}")
    if band is not None:
        _refuse(given, "band", "a band is the whole window")
        checked = given_band(band, n, m)
        return _fixed("band", checked)
    if window_type == "itakura":
        _refuse(given, "window_type=itakura", "its size is itakura_max_slope")
        return _itakura(positions, itakura_max_slope)
    if len(given) > 1:
        raise ValueError(f"{given[1]}: expected none beside {given[0]}, got {sizes[given[1]]!r}; give one of them")
    if not given:
        if window_type == "slanted_band":
            raise ValueError("window_type: slanted_band needs its radius; give window_size or window_fraction")
        return _fixed("", full_band(n, m))
    if window_duration is not None:
        return _duration(positions, window_type, window_duration)
    radius = _radius_band(positions, window_type)
    longest = max(n, m)
    if window_size is not None:
        size = _whole("window_size", window_size)
        return Window(
            parameter="window_size",
            value=size,
            build=radius,
            smallest=lambda accepts: smallest_integer(lambda r: accepts(radius(r)), longest),
        )
    fraction = _number("window_fraction", window_fraction, 0.0, 1.0)

    def build(part: float) -> Band | None:
        return radius(int(part * longest + 1e-9))

    def smallest(accepts: Callable[[Band | None], bool]) -> float | None:
        samples = smallest_integer(lambda r: accepts(radius(r)), longest)
        return None if samples is None else math.ceil(samples / longest * 1e6) / 1e6

    return Window(parameter="window_fraction", value=fraction, build=build, smallest=smallest)


def _refuse(given: list[str], beside: str, reason: str) -> None:
    if given:
        raise ValueError(f"{given[0]}: expected null beside {beside}, because {reason}; leave it out")


def _fixed(parameter: str, band: Band) -> Window:
    return Window(parameter=parameter, value=None, build=lambda _: band, smallest=lambda accepts: None)


def _radius_band(positions: Positions, window_type: str) -> Callable[[int], Band | None]:
    longest = max(len(positions.reference), len(positions.target))
    if window_type == "slanted_band":
        p, q = _scaled(positions.reference), _scaled(positions.target)
        return lambda radius: slanted_band(p, q, min(radius, longest))
    n, m = len(positions.reference), len(positions.target)
    return lambda radius: radius_band(n, m, min(radius, longest))


def _duration(positions: Positions, window_type: str, value: Any) -> Window:
    if window_type != "sakoe_chiba":
        raise ValueError(
            f"window_duration: expected null with window_type={window_type}; give window_size or window_fraction"
        )
    if not positions.timed:
        raise ValueError(
            "window_duration: expected reference_times and target_times with it, got none; give the time stamps, or "
            "window_size in samples"
        )
    u, v = positions.reference, positions.target
    widest = max(abs(float(v[-1] - u[0])), abs(float(u[-1] - v[0])), abs(float(u[0] - v[0])))

    def build(duration: float) -> Band | None:
        return sakoe_chiba_band(u, v, duration)

    return Window(
        parameter="window_duration",
        value=_number("window_duration", value, 0.0, math.inf),
        build=build,
        smallest=lambda accepts: smallest_number(lambda duration: accepts(build(duration)), 0.0, widest),
    )


def _itakura(positions: Positions, value: Any) -> Window:
    p, q = _scaled(positions.reference), _scaled(positions.target)
    steepest = 4.0 * max(len(p), len(q))

    def build(slope: float) -> Band | None:
        # A series of one sample has no slope: its sample is matched with everything.
        return itakura_band(p, q, slope) if min(len(p), len(q)) > 1 else full_band(len(p), len(q))

    return Window(
        parameter="itakura_max_slope",
        value=_number("itakura_max_slope", value, 1.0, math.inf),
        build=build,
        smallest=lambda accepts: smallest_number(lambda slope: accepts(build(slope)), 1.0, steepest),
    )


def _scaled(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(positions) == 1:
        return np.zeros(1)
    scaled: NDArray[np.float64] = (positions - positions[0]) / (positions[-1] - positions[0])
    return scaled


def _whole(name: str, value: Any) -> int:
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: expected a whole number of samples or null, got {value}")
    try:
        return operator.index(value)
    except TypeError as error:
        raise TypeError(f"{name}: expected a whole number of samples or null, got {value!r}") from error


def _number(name: str, value: Any, low: float, high: float) -> float:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name}: expected a number, got {value!r}")
    number = float(value)
    if not low <= number <= high or math.isinf(number):
        limits = f"at least {low:g}" if math.isinf(high) else f"{low:g} to {high:g}"
        raise ValueError(f"{name}: expected a finite number, {limits}, got {value}")
    return number
