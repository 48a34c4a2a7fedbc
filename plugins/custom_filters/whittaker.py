r"""The Whittaker smoother (Whittaker 1923; Eilers 2003, Analytical Chemistry 75, doi 10.1021/ac034173t).

It minimizes ``sum w (y - z)^2 + smoothness * sum (D^d z)^2``, where D^d is the difference of order d and w is 0 at
missing samples, 1 elsewhere: they are filled by the smoothest continuation. The normal equations are banded; time
O(n d^2), memory O(n d).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from platform_base.plugins.base import get_context

from .recursion import KernelName, load_compiled

# The matrix has condition 1 + smoothness * 4**d: beyond this fewer than three digits are left.
_LARGEST_CONDITION = 1e13
_POINTS = 2048
_NEGLIGIBLE = 1e-9
# Channels are smoothed together up to so many samples.
_TOGETHER = 1 << 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Whittaker:
    """Penalized least squares.

    Attributes:
        smoothness: Weight of the differences, above 0.
        difference_order: 1 pulls towards a level, 2 towards a line, 3 towards a parabola.
    """

    smoothness: float
    difference_order: int

    def __post_init__(self) -> None:
        condition = self.smoothness * 4.0**self.difference_order
        if condition > _LARGEST_CONDITION:
            raise ValueError(
                f"smoothness: expected at most {_LARGEST_CONDITION / 4.0**self.difference_order:.3g} with "
                f"difference_order {self.difference_order}, got {self.smoothness:g}: beyond, rounding spoils the "
                "result; take fewer samples per unit of time, or a lower difference_order"
            )

    @property
    def fills_gaps(self) -> bool:
        """It does."""
        return True

    @property
    def sections(self) -> None:
        """There are none."""
        return None

    @property
    def shortest(self) -> int:
        """One sample more than the order of the differences."""
        return self.difference_order + 1

    def fit(self, lines: NDArray[np.float64], steps: NDArray[np.float64], kernel: KernelName) -> Whittaker:
        """Return itself."""
        return self

    def apply(self, lines: NDArray[np.float64], steps: NDArray[np.float64], kernel: KernelName) -> NDArray[np.float64]:
        """Smooth whole lines.

        Raises:
            ValueError: If fewer samples are known than the differences need.
        """
        channels = len(lines)
        for known in np.isfinite(lines).sum(axis=1):
            if known < self.shortest:
                raise ValueError(
                    f"series: expected at least {self.shortest} known samples for whittaker with difference_order "
                    f"{self.difference_order}, got {int(known)}"
                )
        out = np.empty_like(lines)
        report_progress = get_context().report_progress
        together = max(1, _TOGETHER // lines.shape[1]) if kernel == "numba" else 1
        for start in range(0, channels, together):
            some, smoothed = lines[start : start + together], out[start : start + together]
            if kernel == "numba":
                load_compiled().compile_smoother()(some, self._differences, self.smoothness, smoothed)
            else:
                self._solve(some[0], smoothed[0])
            done = min(channels, start + together)
            report_progress(done / channels, f"channel {done} of {channels}")
        return out

    def _solve(self, line: NDArray[np.float64], out: NDArray[np.float64]) -> None:
        from scipy import linalg

        known = np.isfinite(line)
        matrix = self._penalty(len(line))
        matrix[0] += known
        out[:] = linalg.solveh_banded(
            matrix, np.where(known, line, 0.0), overwrite_ab=True, overwrite_b=True, lower=True, check_finite=False
        )

    @property
    def _differences(self) -> NDArray[np.float64]:
        """Weights of a difference."""
        order = self.difference_order
        return np.array([(-1.0) ** k * math.comb(order, k) for k in range(order + 1)])

    def _penalty(self, samples: int) -> NDArray[np.float64]:
        """Return the lower band of ``smoothness * D'D``, ``(d + 1, n)``."""
        order = self.difference_order
        weights = self._differences
        band = np.zeros((order + 1, samples))
        for shift in range(order + 1):
            for k in range(order + 1 - shift):
                band[shift, k : samples - order + k] += weights[k] * weights[k + shift]
        return self.smoothness * band

    def open(self, channels: int, kernel: KernelName) -> NoReturn:
        """Refuse.

        Raises:
            ValueError: Always: every output depends on every sample.
        """
        raise ValueError(
            "filter_type: expected one that can run on a stream, got 'whittaker', whose every output depends on the "
            "whole series; use kalman with zero_phase=false"
        )

    def response_at(self, angles: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Return the response far from the ends."""
        return (1.0 / (1.0 + self.smoothness * (2.0 - 2.0 * np.cos(angles)) ** self.difference_order)).astype(
            np.complex128
        )

    def impulse(self, kernel: KernelName) -> tuple[int, NDArray[np.float64]]:
        """Return the impulse response far from the ends."""
        return impulse_of_symmetric(self.response_at(np.linspace(0.0, np.pi, _POINTS + 1)))


def impulse_of_symmetric(response: NDArray[np.complex128]) -> tuple[int, NDArray[np.float64]]:
    """Return the impulse response of a real, even frequency response, cut where it becomes negligible.

    Args:
        response: ``(points,)`` from 0 to the Nyquist frequency, both included.
    """
    half = np.fft.irfft(response.real)[: len(response)]
    reach = int(np.flatnonzero(np.abs(half) >= _NEGLIGIBLE * np.abs(half).max())[-1])
    return -reach, np.concatenate([half[reach:0:-1], half[: reach + 1]])
