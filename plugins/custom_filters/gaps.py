"""Missing samples: what each policy makes of the NaN in a series.

| policy | what it does |
|---|---|
| raise | refuses them, before anything is computed |
| propagate | NaN wherever an output depends on one: the rest of the line, or of the window, or the sample alone |
| interpolate | straight lines over gaps, the nearest sample at the ends; kalman and whittaker fill by their model |
| segments | filters each stretch without gaps by itself; the gaps stay NaN |
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .base import Filter
from .recursion import KernelName

POLICIES = ("raise", "propagate", "interpolate", "segments")


def apply_over_gaps(
    designed: Filter, lines: NDArray[np.float64], steps: NDArray[np.float64], policy: str, kernel: KernelName
) -> tuple[NDArray[np.float64], list[str]]:
    """Filter lines in which samples are missing.

    Args:
        designed: The filter.
        lines: ``(channels, n)``, NaN where a sample is missing.
        steps: ``(n,)`` time since the sample before, in sampling intervals.
        policy: ``"propagate"``, ``"interpolate"`` or ``"segments"``.
        kernel: Who computes.

    Returns:
        ``(channels, n)``, and what the caller should know.

    Raises:
        ValueError: If too few samples are known.
    """
    if policy == "segments":
        return _apply_by_segments(designed, lines, steps, kernel)
    if policy == "interpolate" and not designed.fills_gaps:
        return designed.apply(fill_linearly(lines, steps), steps, kernel), []
    filtered = designed.apply(lines, steps, kernel)
    if policy == "propagate" and designed.fills_gaps:
        filtered[np.isnan(lines)] = np.nan
    return filtered, []


def fill_linearly(lines: NDArray[np.float64], steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lines with their gaps filled by straight lines, at the ends by the nearest sample.

    Raises:
        ValueError: If a line has no known sample.
    """
    times = np.cumsum(steps)
    filled = lines.copy()
    for channel, line in enumerate(filled):
        missing = np.isnan(line)
        if missing.all():
            raise ValueError(f"series: expected at least one known sample in channel {channel}, got NaN only")
        line[missing] = np.interp(times[missing], times[~missing], line[~missing])
    return filled


def _apply_by_segments(
    designed: Filter, lines: NDArray[np.float64], steps: NDArray[np.float64], kernel: KernelName
) -> tuple[NDArray[np.float64], list[str]]:
    if designed.fills_gaps:
        raise ValueError(
            "nan_policy: expected raise, propagate or interpolate for kalman and whittaker, whose models know gaps, "
            "got 'segments'"
        )
    filtered = np.full_like(lines, np.nan)
    short = 0
    for channel, line in enumerate(lines):
        for start, stop in find_segments(line):
            if stop - start < designed.shortest:
                short += 1
                continue
            one = np.ascontiguousarray(lines[channel : channel + 1, start:stop])
            filtered[channel, start:stop] = designed.apply(one, steps[start:stop], kernel)[0]
    if not short:
        return filtered, []
    return filtered, [
        f"{short} stretch(es) between gaps have fewer than the {designed.shortest} samples that the filter needs; "
        "they are NaN"
    ]


def find_segments(line: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the stretches without NaN, as first index and end, exclusive.

    Example:
        >>> find_segments(np.array([np.nan, 1.0, 2.0, np.nan, 3.0]))
        [(1, 3), (4, 5)]
    """
    known = np.concatenate([[False], np.isfinite(line), [False]])
    borders = np.flatnonzero(known[1:] != known[:-1])
    return [(int(start), int(stop)) for start, stop in zip(borders[::2], borders[1::2], strict=True)]
