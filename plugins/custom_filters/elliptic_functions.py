"""Jacobi's elliptic functions of complex argument, by Landen's transformation.

Arguments are in units of the quarter period K, as in Orfanidis 2006, Lecture Notes on Elliptic Filter Design. A
modulus is carried with its complement, so that neither loses digits where it is close to 1.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_TERMS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Modulus:
    """A modulus ``k`` and its complement ``sqrt(1 - k**2)``, both from 0 to 1."""

    k: float
    complement: float


def cd(argument: NDArray[np.complexfloating] | NDArray[np.floating], modulus: Modulus) -> NDArray[np.complex128]:
    """Return ``cd(argument K, k)``, elementwise.

    Example:
        >>> cd(np.array([0.0, 1.0]), Modulus(k=0.6, complement=0.8)).real.round(12).tolist()
        [1.0, 0.0]
    """
    return _ascend(np.cos(0.5 * np.pi * argument), modulus)


def sn(argument: NDArray[np.complexfloating], modulus: Modulus) -> NDArray[np.complex128]:
    """Return ``sn(argument K, k)``, elementwise."""
    return _ascend(np.sin(0.5 * np.pi * argument), modulus)


def inverse_sn(value: complex, modulus: Modulus) -> complex:
    """Return the argument, in units of K, whose ``sn`` is `value`."""
    k = modulus.k
    for smaller in _descend(modulus):
        value = 2.0 * value / ((1.0 + smaller) * (1.0 + cmath.sqrt(1.0 - (k * value) ** 2)))
        k = smaller
    return cmath.asin(value) * 2.0 / math.pi


def modulus_of_degree(degree: int, modulus: Modulus) -> Modulus:
    """Solve the degree equation: the modulus k with ``degree K'(k) / K(k) = K'(k1) / K(k1)``, k1 that of `modulus`.

    The nome of k is the root of that of k1. Theta series converge at once on the smaller of a nome and its
    complement, at most ``exp(-pi)``; K and K' are quarter periods by the arithmetic-geometric mean.
    """
    log_nome = -math.pi * _mean(modulus.complement) / _mean(modulus.k) / degree
    if log_nome <= -math.pi:
        return _modulus_of_nome(log_nome)
    dual = _modulus_of_nome(math.pi**2 / log_nome)
    return Modulus(k=dual.complement, complement=dual.k)


def _modulus_of_nome(log_nome: float) -> Modulus:
    nome = math.exp(log_nome)
    theta2 = sum(nome ** (m * (m + 1)) for m in range(_TERMS))
    theta3 = 1.0 + 2.0 * sum(nome ** (m * m) for m in range(1, _TERMS))
    theta4 = 1.0 + 2.0 * sum((-1) ** m * nome ** (m * m) for m in range(1, _TERMS))
    return Modulus(k=4.0 * math.exp(0.5 * log_nome) * (theta2 / theta3) ** 2, complement=(theta4 / theta3) ** 2)


def _mean(start: float) -> float:
    """Return the arithmetic-geometric mean of 1 and `start`."""
    arithmetic, geometric = 1.0, start
    while abs(arithmetic - geometric) > 1e-15 * arithmetic:
        arithmetic, geometric = 0.5 * (arithmetic + geometric), math.sqrt(arithmetic * geometric)
    return arithmetic


def _descend(modulus: Modulus) -> list[float]:
    """Return Landen's falling sequence of moduli, below `modulus`, until it vanishes beside 1."""
    moduli: list[float] = []
    k, complement = modulus.k, modulus.complement
    while k > 1e-16:
        k = (k / (1.0 + complement)) ** 2
        complement = 2.0 * math.sqrt(complement) / (1.0 + complement)
        moduli.append(k)
    return moduli


def _ascend(value: NDArray[np.complexfloating] | NDArray[np.floating], modulus: Modulus) -> NDArray[np.complex128]:
    result = value.astype(np.complex128)
    for k in reversed(_descend(modulus)):
        result = (1.0 + k) * result / (1.0 + k * result * result)
    return result
