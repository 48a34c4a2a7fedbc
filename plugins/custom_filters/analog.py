r"""Analog low-pass prototypes: zeros, poles and gain of filters whose passband ends at 1 rad/s.

| family | what one pass loses at 1 rad/s | source |
|---|---|---|
| butterworth | 3.01 dB | Butterworth 1930, Experimental Wireless 7 |
| chebyshev1 | ``ripple_db`` | Parks and Burrus 1987, Digital Filter Design, 7.3 |
| chebyshev2 | ``attenuation_db`` | the same, 7.3.3 |
| elliptic | ``ripple_db`` | Orfanidis 2006, Lecture Notes on Elliptic Filter Design |
| bessel | 3.01 dB | Thomson 1949, Proc. IEE 96; Grosswald 1978, Bessel Polynomials |

Poles and zeros come in closed form, or polished in exact arithmetic. NumPy alone is needed.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .bessel_roots import reverse_bessel_roots
from .elliptic_functions import Modulus, cd, inverse_sn, modulus_of_degree, sn
from .zpk import ZPK

_BISECTIONS = 200


def butterworth_prototype(order: int) -> ZPK:
    """Return the poles evenly spaced on the left half of the unit circle.

    Example:
        >>> butterworth_prototype(2).poles.round(4).tolist()
        [(-0.7071+0.7071j), (-0.7071-0.7071j)]
    """
    return ZPK(zeros=np.zeros(0, np.complex128), poles=-np.exp(1j * _angles(order)), gain=1.0)


def chebyshev1_prototype(order: int, ripple_db: float) -> ZPK:
    """Return the prototype with equal ripples in the passband."""
    ripple = _ripple_factor(ripple_db)
    poles = -np.sinh(math.asinh(1.0 / ripple) / order + 1j * _angles(order))
    gain = float(np.prod(-poles).real)
    return ZPK(
        zeros=np.zeros(0, np.complex128),
        poles=poles,
        gain=gain / math.sqrt(1.0 + ripple * ripple) if order % 2 == 0 else gain,
    )


def chebyshev2_prototype(order: int, attenuation_db: float) -> ZPK:
    """Return the prototype with equal ripples in the stopband."""
    spread = math.asinh(_ripple_factor(attenuation_db)) / order
    angles = _angles(order)
    # The middle angle of an odd order has its zero at infinity.
    zeros = 1j / np.sin(angles[np.arange(order) != (order - 1) / 2])
    circle = -np.exp(1j * angles)
    poles = 1.0 / (math.sinh(spread) * circle.real + 1j * math.cosh(spread) * circle.imag)
    return ZPK(zeros=zeros, poles=poles, gain=_unit_gain(zeros, poles))


def elliptic_prototype(order: int, ripple_db: float, attenuation_db: float) -> ZPK:
    """Return the prototype with equal ripples in both bands."""
    ripple = _ripple_factor(ripple_db)
    low = ripple / _ripple_factor(attenuation_db)
    discrimination = Modulus(k=low, complement=math.sqrt((1.0 - low) * (1.0 + low)))
    selectivity = modulus_of_degree(order, discrimination)
    arguments = (2.0 * np.arange(1, order // 2 + 1) - 1.0) / order
    shift = complex(inverse_sn(1j / ripple, discrimination)).imag / order
    upper = 1j / (selectivity.k * cd(arguments, selectivity))
    poles = 1j * cd(arguments - 1j * shift, selectivity)
    zeros = np.concatenate([upper, upper.conj()])
    poles = np.concatenate([poles, poles.conj()])
    if order % 2:
        poles = np.append(poles, (1j * sn(np.array(1j * shift), selectivity)).real + 0j)
    gain = _unit_gain(zeros, poles)
    return ZPK(zeros=zeros, poles=poles, gain=gain if order % 2 else gain / math.sqrt(1.0 + ripple * ripple))


def bessel_prototype(order: int) -> ZPK:
    """Return the prototype of maximally flat delay, scaled to lose 3.01 dB at 1 rad/s.

    Raises:
        ValueError: If `order` is above 25.
    """
    roots = reverse_bessel_roots(order)
    poles = roots / _half_power_frequency(roots)
    return ZPK(zeros=np.zeros(0, np.complex128), poles=poles, gain=float(np.prod(-poles).real))


def _angles(order: int) -> NDArray[np.float64]:
    return np.asarray(np.pi * np.arange(1 - order, order, 2) / (2.0 * order), dtype=np.float64)


def _ripple_factor(loss_db: float) -> float:
    """Return the ripple factor: the loss is ``10 log10(1 + factor**2)`` dB."""
    return math.sqrt(math.expm1(0.1 * math.log(10.0) * loss_db))


def _unit_gain(zeros: NDArray[np.complex128], poles: NDArray[np.complex128]) -> float:
    return float((np.prod(-poles) / np.prod(-zeros)).real)


def _half_power_frequency(poles: NDArray[np.complex128]) -> float:
    """Return where the gain, 1 at 0 and falling, is ``1 / sqrt(2)``; by bisection on a logarithmic scale."""
    low, high = 1e-3, 1e3 * float(np.abs(poles).max())
    inverses = [1j / pole for pole in poles.tolist()]
    for _ in range(_BISECTIONS):
        middle = math.sqrt(low * high)
        if not low < middle < high:
            break
        power = math.prod(abs(1.0 - middle * inverse) ** 2 for inverse in inverses)
        low, high = (middle, high) if power < 2.0 else (low, middle)
    return math.sqrt(low * high)
