"""The Kalman filter and smoother of a wandering level or trend; its recursions are in `kalman_recursion`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from platform_base.plugins.base import get_context

from . import kalman_recursion
from .recursion import KernelName, load_compiled
from .whittaker import impulse_of_symmetric

_POINTS = 2048
# Where the likelihood is searched, decades of the ratio: from hardly a wandering to hardly an observation error.
_DECADES = (-9.0, 6.0)
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
_SEARCH_STEPS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Kalman:
    """State-space estimate of a level.

    Attributes:
        model: ``"level"``, a random walk, or ``"trend"``, whose slope is one.
        ratio: Variance of the wandering per sampling interval over that of the observations; ``None`` until `fit`
            has found the most likely one for each channel.
        smooth: From the whole series, instead of from the samples so far.
        ratios: ``(channels,)`` what `fit` found or was given.
        variances: ``(channels,)`` variance of the observations, estimated by `fit`.
    """

    model: str
    ratio: float | None
    smooth: bool
    ratios: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    variances: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

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
        """One sample for a level, two for a trend."""
        return 1 if self.model == "level" else 2

    def fit(self, lines: NDArray[np.float64], steps: NDArray[np.float64], kernel: KernelName) -> Kalman:
        """Find the ratio of largest likelihood for each channel, and the variance of the observations.

        The variance is concentrated out of the likelihood (Durbin and Koopman 2012, 2.10.2); the ratio is found by
        golden-section search over its logarithm.

        Raises:
            ValueError: If too few samples are known.
        """
        ratios = np.empty(len(lines))
        variances = np.empty(len(lines))
        for channel, line in enumerate(lines):
            known, since = self._observations(line, steps)
            ratio = self.ratio if self.ratio is not None else self._most_likely(known, since, kernel)
            _, _, (_, squares) = self._forward(known, since, ratio, kernel)
            ratios[channel] = ratio
            variances[channel] = squares / max(1, len(known) - self.shortest)
        return replace(self, ratios=ratios, variances=variances)

    def apply(self, lines: NDArray[np.float64], steps: NDArray[np.float64], kernel: KernelName) -> NDArray[np.float64]:
        """Estimate the level at every sample; see `estimate` for the errors."""
        return self.estimate(lines, steps, kernel)[0]

    def estimate(
        self, lines: NDArray[np.float64], steps: NDArray[np.float64], kernel: KernelName
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Estimate the level at every sample, and its standard error.

        Args:
            lines: ``(channels, n)``; NaN where there is no observation.
            steps: ``(n,)`` time since the sample before, in sampling intervals.
            kernel: Who computes.

        Returns:
            Levels and standard errors, ``(channels, n)``. Where there is no observation, the model fills the level
            in, and the error is NaN.
        """
        levels, errors = np.empty_like(lines), np.full_like(lines, np.nan)
        report_progress = get_context().report_progress
        for channel, line in enumerate(lines):
            known, since = self._observations(line, steps)
            ratio = float(self.ratios[channel])
            states, spreads, _ = self._forward(known, since, ratio, kernel)
            if self.smooth:
                _loop(f"smooth_{self.model}", kernel)(since, ratio, states, spreads)
            at = np.flatnonzero(np.isfinite(line))
            level_variance = spreads if self.model == "level" else spreads[:, 0]
            errors[channel, at] = np.sqrt(np.maximum(level_variance, 0.0) * self.variances[channel])
            levels[channel] = self._fill(np.cumsum(steps), at, states)
            report_progress((channel + 1) / len(lines), f"channel {channel + 1} of {len(lines)}")
        return levels, errors

    def open(self, channels: int, kernel: KernelName) -> KalmanState:
        """Begin a stream.

        Raises:
            ValueError: If the filter smooths, or is to estimate its own parameters.
        """
        if self.smooth:
            raise ValueError("zero_phase: expected false for a stream of a Kalman filter, got true: it smooths")
        if self.ratio is None:
            raise ValueError("noise_ratio: expected a number for a stream, got null: estimating it needs the series")
        return KalmanState(self, channels, kernel)

    def response_at(self, angles: NDArray[np.float64]) -> NDArray[np.complex128] | None:
        """Return the smoother's response far from the ends: that of the Wiener filter with the model's spectrum."""
        ratios = np.unique(self.ratios)
        if not self.smooth or len(ratios) != 1:
            return None
        difference = 2.0 - 2.0 * np.cos(angles)
        if self.model == "level":
            return np.asarray(ratios[0] / (ratios[0] + difference), dtype=np.complex128)
        # The second difference of the sampled trend is a moving average with covariances 2/3 q and 1/6 q.
        wandering = ratios[0] * (2.0 + np.cos(angles)) / 3.0
        return np.asarray(wandering / (wandering + difference * difference), dtype=np.complex128)

    def impulse(self, kernel: KernelName) -> tuple[int, NDArray[np.float64]] | None:
        """Return the smoother's impulse response far from the ends."""
        response = self.response_at(np.linspace(0.0, np.pi, _POINTS + 1))
        return None if response is None else impulse_of_symmetric(response)

    def _observations(
        self, line: NDArray[np.float64], steps: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        known = np.isfinite(line)
        if known.sum() < self.shortest:
            raise ValueError(
                f"series: expected at least {self.shortest} known sample(s) for kalman_model {self.model!r}, "
                f"got {int(known.sum())}"
            )
        times = np.cumsum(steps)[known]
        return np.ascontiguousarray(line[known]), np.diff(times, prepend=times[0])

    def _forward(
        self, line: NDArray[np.float64], steps: NDArray[np.float64], ratio: float, kernel: KernelName
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[float, float]]:
        shapes = ((len(line),), (len(line),)) if self.model == "level" else ((len(line), 2), (len(line), 3))
        states, spreads = np.empty(shapes[0]), np.empty(shapes[1])
        sums = _loop(f"filter_{self.model}", kernel)(line, steps, ratio, diffuse(self.model), states, spreads)
        return states, spreads, sums

    def _most_likely(self, line: NDArray[np.float64], steps: NDArray[np.float64], kernel: KernelName) -> float:
        count = len(line) - self.shortest

        def loss(decade: float) -> float:
            _, _, (logarithms, squares) = self._forward(line, steps, 10.0**decade, kernel)
            return logarithms + count * math.log(squares) if squares > 0 else -math.inf

        low, high = _DECADES
        inner = [high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)]
        losses = [loss(inner[0]), loss(inner[1])]
        for _ in range(_SEARCH_STEPS):
            if losses[0] <= losses[1]:
                high, inner[1], losses[1] = inner[1], inner[0], losses[0]
                inner[0] = high - _GOLDEN * (high - low)
                losses[0] = loss(inner[0])
            else:
                low, inner[0], losses[0] = inner[0], inner[1], losses[1]
                inner[1] = low + _GOLDEN * (high - low)
                losses[1] = loss(inner[1])
        return float(10.0 ** (0.5 * (low + high)))

    def _fill(
        self, times: NDArray[np.float64], at: NDArray[np.intp], states: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the level at every time from the states at the observations.

        Between two smoothed states the expected level is the straight line, or the cubic through both levels and
        slopes; beyond them, and from a filtered state on, it goes on as it is.
        """
        levels = states if self.model == "level" else states[:, 0]
        slopes = np.zeros(len(at)) if self.model == "level" else states[:, 1]
        before = np.searchsorted(at, np.arange(len(times)), side="right") - 1
        first = before < 0
        before[first] = 0
        elapsed = times - times[at[before]]
        filled = levels[before] + slopes[before] * elapsed
        if not self.smooth:
            filled[first] = np.nan
            return filled
        between = np.flatnonzero(~first & (before + 1 < len(at)))
        one = before[between]
        span = times[at[one + 1]] - times[at[one]]
        part = elapsed[between] / span
        rise = levels[one + 1] - levels[one]
        filled[between] = levels[one] + rise * part
        if self.model == "trend":
            bend = (slopes[one] * span - rise) * (1.0 - part) - (slopes[one + 1] * span - rise) * part
            filled[between] += part * (1.0 - part) * bend
        return filled


class KalmanState:
    """A Kalman filter in the middle of a series, evenly sampled."""

    def __init__(self, kalman: Kalman, channels: int, kernel: KernelName) -> None:
        self._model = kalman.model
        self._ratio = kalman.ratio
        self._kernel = kernel
        self._states = [diffuse(kalman.model) for _ in range(channels)]
        self._elapsed = np.ones(channels)

    def push(self, lines: NDArray[np.float64]) -> NDArray[np.float64]:
        """Estimate the level at the next samples, NaN being no observation; nothing waits."""
        out = np.empty_like(lines)
        for channel, line in enumerate(lines):
            out[channel] = self._push_line(line, channel)
        return out

    def _push_line(self, line: NDArray[np.float64], channel: int) -> NDArray[np.float64]:
        at = np.flatnonzero(np.isfinite(line))
        # Row 0 is where the chunk before ended, `_elapsed` samples before the first of this one.
        level, slope = self._last(channel)
        levels, slopes = np.full(len(at) + 1, level), np.full(len(at) + 1, slope)
        places = np.concatenate([[-self._elapsed[channel]], at])
        if len(at):
            two = self._model == "trend"
            states, spreads = np.empty((len(at), 2) if two else len(at)), np.empty((len(at), 3) if two else len(at))
            loop = _loop(f"filter_{self._model}", self._kernel)
            loop(line[at], np.diff(places), self._ratio, self._states[channel], states, spreads)
            levels[1:] = states[:, 0] if two else states
            slopes[1:] = states[:, 1] if two else 0.0
        row = np.searchsorted(at, np.arange(len(line)), side="right")
        self._elapsed[channel] = len(line) - places[-1]
        elapsed = np.arange(len(line)) - places[row]
        return np.asarray(levels[row] + slopes[row] * elapsed)

    def _last(self, channel: int) -> tuple[float, float]:
        state = self._states[channel]
        if self._model == "level":
            return (math.nan if state[1] == np.inf else float(state[0])), 0.0
        return (math.nan if state[0] == 0 else float(state[1])), float(state[2])

    def finish(self) -> NDArray[np.float64]:
        """Return nothing: every output has been given."""
        return np.empty((len(self._states), 0))


def diffuse(model: str) -> NDArray[np.float64]:
    """Return the state before the first observation: nothing is known."""
    return np.array([0.0, np.inf]) if model == "level" else np.zeros(6)


def _loop(name: str, kernel: KernelName) -> Any:
    return getattr(load_compiled() if kernel == "numba" else kalman_recursion, name)
