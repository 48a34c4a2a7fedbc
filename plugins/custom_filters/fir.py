"""Design of linear-phase FIR filters, by window and by least squares.

Window: Oppenheim and Schafer, Discrete-Time Signal Processing, 7.5. Least squares: Parks and Burrus 1987, Digital
Filter Design, 3.3 (the integral of the squared error over the bands, minimized by a linear system). NumPy alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_TAPERS: dict[str, Callable[[int], NDArray[np.float64]]] = {
    "hamming": np.hamming,
    "hann": np.hanning,
    "blackman": np.blackman,
    "bartlett": np.bartlett,
    "rectangular": np.ones,
}
TAPERS = (*_TAPERS, "kaiser")
# Beyond this the least-squares system has lost half of the digits.
_LARGEST_CONDITION = 1e12


def design_by_window(
    numtaps: int, btype: str, edges: tuple[float, ...], *, taper: str, kaiser_beta: float
) -> NDArray[np.float64]:
    """Return the taps of an ideal band, cut to length by a taper.

    Args:
        numtaps: Number of taps; odd for ``"high"`` and ``"bandstop"``, which an even number forces to 0 at the
            Nyquist frequency.
        btype: ``"low"``, ``"high"``, ``"bandpass"`` or ``"bandstop"``.
        edges: Where the gain is about one half, fractions of the Nyquist frequency.
        taper: One of `TAPERS`.
        kaiser_beta: Shape of the Kaiser taper.

    Returns:
        ``(numtaps,)`` symmetric; the gain is exactly 1 at 0, at the Nyquist frequency (high) or in the middle of
        the band.
    """
    offsets = np.arange(numtaps) - 0.5 * (numtaps - 1)
    taps = np.zeros(numtaps)
    for low, high in passbands(btype, edges):
        taps += high * np.sinc(high * offsets) - low * np.sinc(low * offsets)
    taps *= np.kaiser(numtaps, kaiser_beta) if taper == "kaiser" else _TAPERS[taper](numtaps)
    low, high = passbands(btype, edges)[0]
    middle = 0.0 if low == 0 else 1.0 if high == 1 else 0.5 * (low + high)
    scaled: NDArray[np.float64] = taps / np.sum(taps * np.cos(np.pi * middle * offsets))
    return scaled


def design_by_least_squares(
    numtaps: int, btype: str, edges: tuple[float, ...], transition: float
) -> NDArray[np.float64]:
    """Return the taps whose gain is closest to 1 in the passbands and 0 in the stopbands, in the mean square.

    Args:
        numtaps: Number of taps, odd.
        btype: As for `design_by_window`.
        edges: Middle of each transition, fractions of the Nyquist frequency.
        transition: Width of each transition, which does not count, fraction of the Nyquist frequency.

    Raises:
        ValueError: If the system is too ill-conditioned for float64.
    """
    half = numtaps // 2
    shift = 0.5 * transition
    borders = [0.0, *(edge + sign * shift for edge in edges for sign in (-1, 1)), 1.0]
    gains = {low: 1.0 for low, _ in passbands(btype, edges)}
    bands = list(zip(borders[0::2], borders[1::2], strict=True))
    desired = [gains.get(low, 0.0) for low in (0.0, *edges)]
    orders = np.arange(numtaps)
    integrals = np.array([high * np.sinc(high * orders) - low * np.sinc(low * orders) for low, high in bands])
    every = integrals.sum(axis=0)
    row, column = np.ogrid[: half + 1, : half + 1]
    matrix = every[np.abs(row - column)] + every[row + column]
    condition = float(np.linalg.cond(matrix))
    if not condition < _LARGEST_CONDITION:
        raise ValueError(
            f"numtaps: expected fewer taps or a narrower transition; the least-squares system has condition "
            f"{condition:.1e} (numtaps {numtaps}, transition {transition:g} of the Nyquist frequency)"
        )
    cosines = np.linalg.solve(matrix, np.array(desired) @ integrals[:, : half + 1])
    return np.concatenate([cosines[:0:-1], [2.0 * cosines[0]], cosines[1:]])


def passbands(btype: str, edges: tuple[float, ...]) -> list[tuple[float, float]]:
    """Return what passes, from low to high, as pairs of fractions of the Nyquist frequency."""
    if btype == "low":
        return [(0.0, edges[0])]
    if btype == "high":
        return [(edges[0], 1.0)]
    return [(edges[0], edges[1])] if btype == "bandpass" else [(0.0, edges[0]), (edges[1], 1.0)]
