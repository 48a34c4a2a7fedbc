"""From zeros and poles to second-order sections.

The pole closest to the unit circle, with the zeros closest to it, makes the last section, and so on towards the
first, so that no section amplifies much what the ones before it have rounded (Jackson 1970, IEEE Trans. Audio
Electroacoust. 18, 107). The order is SciPy's ``pairing="nearest"``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .zpk import ZPK

_PAIR_TOLERANCE = 1e-6
_REAL_TOLERANCE = 100 * float(np.finfo(np.float64).eps)


def to_sections(digital: ZPK) -> NDArray[np.float64]:
    """Return the second-order sections of a digital filter.

    Args:
        digital: As many zeros as poles; complex ones in conjugate pairs.

    Returns:
        ``(sections, 6)``: b0, b1, b2, 1, a1, a2; the gain stands in the first.

    Raises:
        ValueError: If a complex pole or zero has no conjugate.
    """
    padding = np.zeros(len(digital.poles) % 2)
    poles = _Roots(np.concatenate([digital.poles, padding]))
    zeros = _Roots(np.concatenate([digital.zeros, padding]))
    count = (len(digital.poles) + 1) // 2
    sections = np.zeros((count, 6))
    for index in range(count - 1, -1, -1):
        pole = poles.take_outermost()
        second = np.conj(pole) if pole.imag else poles.take_outermost_real()
        # A lone real zero must stay for the pair of real poles: zeros come in pairs, as poles do.
        zero = zeros.take_nearest(pole)
        other = np.conj(zero) if zero.imag else zeros.take_nearest(pole, real=True)
        sections[index] = [*_quadratic(zero, other), *_quadratic(pole, second)]
    sections[0, :3] *= digital.gain
    return sections


def _quadratic(one: complex, other: complex) -> tuple[float, float, float]:
    return 1.0, -(one + other).real, (one * other).real


class _Roots:
    """Roots of a real polynomial: one of each conjugate pair, that above the axis, and the real ones."""

    def __init__(self, roots: NDArray[np.complex128]) -> None:
        roots = roots.astype(np.complex128)
        is_real = np.abs(roots.imag) <= _REAL_TOLERANCE * np.abs(roots)
        upper = np.sort_complex(roots[~is_real & (roots.imag > 0)])
        lower = np.sort_complex(roots[~is_real & (roots.imag < 0)].conj())
        if len(upper) != len(lower) or not (np.abs(upper - lower) <= _PAIR_TOLERANCE * (1.0 + np.abs(upper))).all():
            raise ValueError("complex poles and zeros must come in conjugate pairs")
        self._left = np.concatenate([0.5 * (upper + lower), np.sort(roots[is_real].real)])

    def take_outermost(self) -> complex:
        return self._take(int(np.argmin(np.abs(1.0 - np.abs(self._left)))))

    def take_outermost_real(self) -> complex:
        real = np.flatnonzero(self._left.imag == 0)
        return self._take(int(real[np.argmin(np.abs(1.0 - np.abs(self._left[real])))]))

    def take_nearest(self, to: complex, *, real: bool = False) -> complex:
        distance = np.abs(self._left - to)
        if real:
            distance[self._left.imag != 0] = np.inf
        return self._take(int(np.argmin(distance)))

    def _take(self, index: int) -> complex:
        taken = complex(self._left[index])
        self._left = np.delete(self._left, index)
        return taken
