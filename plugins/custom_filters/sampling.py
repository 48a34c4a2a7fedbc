"""Uneven sampling: onto an even grid, and back to the time stamps.

A digital filter knows no time between samples. Series with uneven time stamps are interpolated onto an even grid,
filtered there, and interpolated back. Straight lines between samples lower the gain at frequency f by about
``sinc(f / rate)^2``, cubic Hermite curves far less; neither can bring back what was sampled too slowly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

METHODS = ("linear", "cubic")
# Time stamps this close to even, in sampling intervals, count as even: clocks jitter, decimals are rounded.
_EVEN = 1e-3
# An even grid may have so many times more samples than the series.
_LARGEST_GROWTH = 64
_WIDE_GAP = 5.0
_ONE = np.float64(1.0).tobytes()


def even_steps(samples: int) -> NDArray[np.float64]:
    """Return a step of 1 for every sample, read-only: one number in memory, whatever their count."""
    return np.ndarray((samples,), np.float64, _ONE, 0, (0,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """An even grid over uneven time stamps.

    Attributes:
        times: ``(n,)`` the time stamps, seconds.
        points: ``(m,)`` the grid, seconds.
        method: ``"linear"`` or ``"cubic"``.
    """

    times: NDArray[np.float64]
    points: NDArray[np.float64]
    method: str

    def sample(self, lines: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ``(channels, n)`` lines at the points of the grid, NaN being skipped; ``(channels, m)``.

        Raises:
            ValueError: If a line has fewer than two known samples.
        """
        out = np.empty((len(lines), len(self.points)))
        for channel, line in enumerate(lines):
            known = np.isfinite(line)
            if known.sum() < 2:
                raise ValueError(f"series: expected at least two known samples in channel {channel} to resample")
            out[channel] = self._interpolate(self.points, self.times[known], line[known])
        return out

    def read(self, lines: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ``(channels, m)`` lines on the grid at the time stamps; ``(channels, n)``."""
        return np.array([self._interpolate(self.times, self.points, line) for line in lines])

    def _interpolate(
        self, at: NDArray[np.float64], times: NDArray[np.float64], values: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        if self.method == "linear" or len(times) < 3:
            return np.interp(at, times, values)
        return interpolate_cubic(at, times, values)


def even_step(times: NDArray[np.float64]) -> float | None:
    """Return the sampling interval, seconds, if the time stamps are even to a thousandth of it."""
    if len(times) < 2:
        return None
    step = float(times[-1] - times[0]) / (len(times) - 1)
    off = np.abs(times - (times[0] + step * np.arange(len(times)))).max()
    return step if off <= _EVEN * step else None


def make_grid(times: NDArray[np.float64], sampling_rate: float | None, method: str) -> tuple[Grid, float, list[str]]:
    """Lay an even grid over time stamps.

    Args:
        times: ``(n,)``, increasing, seconds; at least two.
        sampling_rate: Of the grid, Hz; ``None``: one over the median interval.
        method: ``"linear"`` or ``"cubic"``.

    Returns:
        The grid, its sampling rate in Hz, and what the caller should know.

    Raises:
        ValueError: If the grid would be far larger than the series.
    """
    intervals = np.diff(times)
    step = float(np.median(intervals)) if sampling_rate is None else 1.0 / sampling_rate
    count = int(np.floor((times[-1] - times[0]) / step * (1.0 + 1e-12))) + 1
    if count > _LARGEST_GROWTH * len(times):
        raise ValueError(
            f"times: expected gaps that an even grid can span, got {len(times)} samples for {count} points of "
            f"{step:g} s; give a lower sampling_rate, or filter the parts on either side of the gaps by themselves"
        )
    notes = [f"uneven time stamps: filtered on an even grid of {step:g} s ({count} points), {method} interpolation"]
    if intervals.max() > _WIDE_GAP * step:
        notes.append(f"the widest gap between samples, {intervals.max():g} s, spans many points of the grid")
    return Grid(times=times, points=times[0] + step * np.arange(count), method=method), 1.0 / step, notes


def interpolate_cubic(
    at: NDArray[np.float64], times: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the cubic Hermite interpolant whose slopes are those of the parabolas through three neighbours.

    Args:
        at: Where, any shape ``(k,)``; beyond the ends the end values.
        times: ``(n,)``, increasing, n at least 3.
        values: ``(n,)``.
    """
    spans = np.diff(times)
    rises = np.diff(values) / spans
    slopes = np.empty_like(values)
    slopes[1:-1] = (spans[1:] * rises[:-1] + spans[:-1] * rises[1:]) / (spans[1:] + spans[:-1])
    slopes[0], slopes[-1] = 2.0 * rises[0] - slopes[1], 2.0 * rises[-1] - slopes[-2]
    where = np.clip(np.searchsorted(times, at, side="right") - 1, 0, len(times) - 2)
    part = np.clip((at - times[where]) / spans[where], 0.0, 1.0)
    bend = (slopes[where] - rises[where]) * (1.0 - part) - (slopes[where + 1] - rises[where]) * part
    return np.asarray(values[where] + spans[where] * part * (rises[where] + (1.0 - part) * bend))
