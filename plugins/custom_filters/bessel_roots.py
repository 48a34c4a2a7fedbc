r"""Roots of reverse Bessel polynomials, ``theta[n](s)`` (Grosswald 1978, Bessel Polynomials).

The recurrence ``theta[n] = (2 n - 1) theta[n-1] + s^2 theta[n-2]`` makes the reciprocals of the roots the eigenvalues
of a tridiagonal matrix (Pasquini 2000, Numer. Math. 86). That matrix is far from normal, and the recurrence cancels:
at order 25 float64 keeps three digits of either. Newton's iteration therefore runs in integers, as fixed-point
numbers of 192 binary places; ``theta[n]' = theta[n] - s theta[n-1]`` gives the derivative.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LARGEST_ORDER = 25
_PLACES = 192
_STEPS = 8


def reverse_bessel_roots(order: int) -> NDArray[np.complex128]:
    """Return the roots, conjugate ones exactly so.

    Args:
        order: From 1 to `LARGEST_ORDER`; beyond, the eigenvalues no longer lead to every root.

    Raises:
        ValueError: If `order` is larger.

    Example:
        >>> reverse_bessel_roots(2).round(6).tolist()
        [(-1.5+0.866025j), (-1.5-0.866025j)]
    """
    if order > LARGEST_ORDER:
        raise ValueError(f"Bessel filters go up to order {LARGEST_ORDER}")
    weights = 1.0 / (2.0 * np.arange(order) + 1.0)
    matrix = np.diag(weights[:-1], 1) - np.diag(weights[1:], -1)
    matrix[0, 0] = -1.0
    rough = 1.0 / np.linalg.eigvals(matrix)
    upper = np.array([_polish(complex(root), order) for root in rough if root.imag > 1e-9], np.complex128)
    real = np.array([_polish(complex(root.real), order) for root in rough if abs(root.imag) <= 1e-9], np.complex128)
    return np.concatenate([upper, upper.conj(), real])


def _polish(root: complex, order: int) -> complex:
    real, imag = (int(part * 2.0**52) << (_PLACES - 52) for part in (root.real, root.imag))
    for _ in range(_STEPS):
        (a, b), (c, d) = _theta(real, imag, order)
        # theta[n] / (theta[n] - s theta[n-1]), both parts scaled alike, so that the quotient is a float's business.
        slope_real = a - ((real * c - imag * d) >> _PLACES)
        slope_imag = b - ((real * d + imag * c) >> _PLACES)
        norm = slope_real * slope_real + slope_imag * slope_imag
        real -= ((a * slope_real + b * slope_imag) << _PLACES) // norm
        imag -= ((b * slope_real - a * slope_imag) << _PLACES) // norm
    return complex(real / (1 << _PLACES), imag / (1 << _PLACES))


def _theta(real: int, imag: int, order: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return ``theta[order]`` and ``theta[order - 1]`` at a fixed-point number, as real and imaginary parts."""
    square_real = (real * real - imag * imag) >> _PLACES
    square_imag = (2 * real * imag) >> _PLACES
    before, now = (1 << _PLACES, 0), (real + (1 << _PLACES), imag)
    for degree in range(2, order + 1):
        weight = 2 * degree - 1
        following = (
            weight * now[0] + ((square_real * before[0] - square_imag * before[1]) >> _PLACES),
            weight * now[1] + ((square_real * before[1] + square_imag * before[0]) >> _PLACES),
        )
        before, now = now, following
    return now, before
