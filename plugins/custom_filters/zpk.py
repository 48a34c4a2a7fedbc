"""A filter as zeros, poles and gain, and its way from an analog low-pass to a digital filter of any band.

Sources: Oppenheim and Schafer, Discrete-Time Signal Processing, chapter 7; Parks and Burrus 1987, Digital Filter
Design, 7.4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# The bilinear transform is s = 4 (z - 1) / (z + 1) throughout: any constant does, since the edges are warped by it.
_BILINEAR = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ZPK:
    """``gain * prod(s - zeros) / prod(s - poles)``.

    Attributes:
        zeros: ``(m,)`` complex.
        poles: ``(n,)`` complex, n at least m.
        gain: Real factor.
    """

    zeros: NDArray[np.complex128]
    poles: NDArray[np.complex128]
    gain: float

    @property
    def degree(self) -> int:
        """Number of zeros at infinity."""
        return len(self.poles) - len(self.zeros)


def to_digital(prototype: ZPK, btype: str, edges: Sequence[float]) -> ZPK:
    """Move an analog low-pass of edge 1 rad/s to a digital band.

    Args:
        prototype: Analog low-pass.
        btype: ``"low"``, ``"high"``, ``"bandpass"`` or ``"bandstop"``.
        edges: One edge or two, increasing, fractions of the Nyquist frequency.

    Returns:
        The digital filter, with as many zeros as poles.
    """
    warped = [_BILINEAR * math.tan(0.5 * math.pi * edge) for edge in edges]
    if btype == "low":
        analog = _scale(prototype, warped[0])
    elif btype == "high":
        analog = _invert(prototype, warped[0])
    else:
        width, centre = warped[1] - warped[0], math.sqrt(warped[0] * warped[1])
        analog = (_to_band if btype == "bandpass" else _to_stop)(prototype, width, centre)
    return _bilinear(analog)


def _scale(low: ZPK, edge: float) -> ZPK:
    return ZPK(zeros=low.zeros * edge, poles=low.poles * edge, gain=low.gain * edge**low.degree)


def _invert(low: ZPK, edge: float) -> ZPK:
    return ZPK(
        zeros=np.concatenate([edge / low.zeros, np.zeros(low.degree)]),
        poles=edge / low.poles,
        gain=low.gain * _product_ratio(low),
    )


def _to_band(low: ZPK, width: float, centre: float) -> ZPK:
    return ZPK(
        zeros=np.concatenate([_split(low.zeros * (0.5 * width), centre), np.zeros(low.degree)]),
        poles=_split(low.poles * (0.5 * width), centre),
        gain=low.gain * width**low.degree,
    )


def _to_stop(low: ZPK, width: float, centre: float) -> ZPK:
    return ZPK(
        zeros=np.concatenate([_split(0.5 * width / low.zeros, centre), *[[1j * centre, -1j * centre]] * low.degree]),
        poles=_split(0.5 * width / low.poles, centre),
        gain=low.gain * _product_ratio(low),
    )


def _split(roots: NDArray[np.complex128], centre: float) -> NDArray[np.complex128]:
    half = np.sqrt(roots.astype(np.complex128) ** 2 - centre**2)
    return np.concatenate([roots + half, roots - half])


def _product_ratio(low: ZPK) -> float:
    return float((np.prod(-low.zeros) / np.prod(-low.poles)).real)


def _bilinear(analog: ZPK) -> ZPK:
    gain = np.prod(_BILINEAR - analog.zeros) / np.prod(_BILINEAR - analog.poles)
    return ZPK(
        zeros=np.concatenate([(_BILINEAR + analog.zeros) / (_BILINEAR - analog.zeros), -np.ones(analog.degree)]),
        poles=(_BILINEAR + analog.poles) / (_BILINEAR - analog.poles),
        gain=analog.gain * float(gain.real),
    )
