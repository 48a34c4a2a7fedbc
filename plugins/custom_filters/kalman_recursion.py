r"""Kalman filter and Rauch-Tung-Striebel smoother of a level that wanders, alone or with a slope that wanders.

Level:  x(t + d) = x(t) + noise of variance q d
Trend:  x(t + d) = x(t) + d v(t) + noise,  v(t + d) = v(t) + noise, of covariance q [[d^3 / 3, d^2 / 2], [d^2 / 2, d]]

observed as y = x + noise of variance 1; all variances are in units of that of the observation. Nothing is known
before the first samples (diffuse start, exact): the level starts at the first, the trend at the first two.

Sources: Rauch, Tung and Striebel 1965, AIAA Journal 3; Durbin and Koopman 2012, Time Series Analysis by State Space
Methods, chapters 2, 3 and 5; for the trend Wecker and Ansley 1983, JASA 78. Time and memory O(n).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def filter_level(
    line: NDArray[np.float64],
    steps: NDArray[np.float64],
    ratio: float,
    start: NDArray[np.float64],
    levels: NDArray[np.float64],
    variances: NDArray[np.float64],
) -> tuple[float, float]:
    """Filter forwards.

    Args:
        line: ``(n,)`` observations.
        steps: ``(n,)`` time since the observation before; the first is ignored at a diffuse start.
        ratio: q.
        start: ``(2,)`` level and its variance before the first observation, the variance infinite where nothing is
            known; left as they are after the last.
        levels: ``(n,)``, written: estimates from the observations so far.
        variances: ``(n,)``, written: their variances.

    Returns:
        Sum over the innovations of the logarithms of their variances, and of their squares over their variances.
    """
    level, variance = start[0], start[1]
    logarithms = 0.0
    squares = 0.0
    for i in range(line.shape[0]):
        if variance == np.inf:
            level, variance = line[i], 1.0
        else:
            predicted = variance + ratio * steps[i]
            spread = predicted + 1.0
            innovation = line[i] - level
            level += predicted / spread * innovation
            variance = predicted / spread
            logarithms += np.log(spread)
            squares += innovation * innovation / spread
        levels[i] = level
        variances[i] = variance
    start[0], start[1] = level, variance
    return logarithms, squares


def smooth_level(
    steps: NDArray[np.float64], ratio: float, levels: NDArray[np.float64], variances: NDArray[np.float64]
) -> None:
    """Smooth backwards what `filter_level` left; `levels` and `variances` are read and written."""
    for i in range(levels.shape[0] - 2, -1, -1):
        predicted = variances[i] + ratio * steps[i + 1]
        gain = variances[i] / predicted
        levels[i] += gain * (levels[i + 1] - levels[i])
        variances[i] += gain * gain * (variances[i + 1] - predicted)


def filter_trend(
    line: NDArray[np.float64],
    steps: NDArray[np.float64],
    ratio: float,
    start: NDArray[np.float64],
    states: NDArray[np.float64],
    covariances: NDArray[np.float64],
) -> tuple[float, float]:
    """Filter forwards.

    Args:
        line: ``(n,)`` observations.
        steps: ``(n,)`` time since the observation before.
        ratio: q.
        start: ``(6,)`` how many observations came before (0, 1 or 2 for more), level, slope, and variance of the level,
            covariance, variance of the slope; left as they are after the last.
        states: ``(n, 2)``, written: level and slope.
        covariances: ``(n, 3)``, written; infinite variance of the slope after one observation.

    Returns:
        As `filter_level`.
    """
    seen, level, slope = start[0], start[1], start[2]
    p, c, s = start[3], start[4], start[5]
    logarithms = 0.0
    squares = 0.0
    for i in range(line.shape[0]):
        d = steps[i]
        if seen == 0.0:
            seen, level, slope, p, c, s = 1.0, line[i], 0.0, 1.0, 0.0, np.inf
        elif seen == 1.0:
            # Two observations and nothing else: the line through both. Its slope errs by their noise and by how the
            # slope wandered between them.
            seen, slope, level = 2.0, (line[i] - level) / d, line[i]
            p, c, s = 1.0, 1.0 / d, 2.0 / (d * d) + ratio * d / 3.0
        else:
            level += d * slope
            p += d * (2.0 * c + d * s) + ratio * d * d * d / 3.0
            c += d * s + ratio * d * d / 2.0
            s += ratio * d
            spread = p + 1.0
            innovation = line[i] - level
            gain = c / spread
            level += p / spread * innovation
            slope += gain * innovation
            s -= gain * c
            c = gain
            p = p / spread
            logarithms += np.log(spread)
            squares += innovation * innovation / spread
        states[i, 0], states[i, 1] = level, slope
        covariances[i, 0], covariances[i, 1], covariances[i, 2] = p, c, s
    start[0], start[1], start[2], start[3], start[4], start[5] = seen, level, slope, p, c, s
    return logarithms, squares


def smooth_trend(
    steps: NDArray[np.float64], ratio: float, states: NDArray[np.float64], covariances: NDArray[np.float64]
) -> None:
    """Smooth backwards what `filter_trend` left; `states` and `covariances` are read and written."""
    for i in range(states.shape[0] - 2, -1, -1):
        d = steps[i + 1]
        qp, qc, qs = ratio * d * d * d / 3.0, ratio * d * d / 2.0, ratio * d
        p, c, s = covariances[i, 0], covariances[i, 1], covariances[i, 2]
        later_p, later_c, later_s = covariances[i + 1, 0], covariances[i + 1, 1], covariances[i + 1, 2]
        if s == np.inf:
            # Only the first observation stands before: what the later state says of this one, joined with it.
            tp = later_p - 2.0 * d * later_c + d * d * later_s
            tc = later_c - d * later_s
            back_p, back_c, back_s = qp - 2.0 * d * qc + d * d * qs, qc - d * qs, qs
            weight_p, weight_c = back_p / (back_p + 1.0), back_c / (back_p + 1.0)
            level = states[i + 1, 0] - d * states[i + 1, 1]
            slope = states[i + 1, 1]
            gap = states[i, 0] - level
            states[i, 0], states[i, 1] = level + weight_p * gap, slope + weight_c * gap
            keep = 1.0 - weight_p
            covariances[i, 0] = keep * back_p + keep * keep * tp
            covariances[i, 1] = keep * back_c + keep * (tc - weight_c * tp)
            covariances[i, 2] = back_s - weight_c * back_c + later_s - 2.0 * weight_c * tc + weight_c * weight_c * tp
            continue
        pp = p + d * (2.0 * c + d * s) + qp
        pc = c + d * s + qc
        ps = s + qs
        determinant = pp * ps - pc * pc
        # Gain: covariance of this state with the next one, times the inverse of the covariance predicted for that.
        g00 = ((p + d * c) * ps - c * pc) / determinant
        g01 = (c * pp - (p + d * c) * pc) / determinant
        g10 = ((c + d * s) * ps - s * pc) / determinant
        g11 = (s * pp - (c + d * s) * pc) / determinant
        level_gap = states[i + 1, 0] - (states[i, 0] + d * states[i, 1])
        slope_gap = states[i + 1, 1] - states[i, 1]
        states[i, 0] += g00 * level_gap + g01 * slope_gap
        states[i, 1] += g10 * level_gap + g11 * slope_gap
        ep, ec, es = later_p - pp, later_c - pc, later_s - ps
        covariances[i, 0] = p + g00 * (g00 * ep + g01 * ec) + g01 * (g00 * ec + g01 * es)
        covariances[i, 1] = c + g00 * (g10 * ep + g11 * ec) + g01 * (g10 * ec + g11 * es)
        covariances[i, 2] = s + g10 * (g10 * ep + g11 * ec) + g11 * (g10 * ec + g11 * es)
