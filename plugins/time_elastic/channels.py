"""Distances that compare each channel by itself and add up what they find."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.gaps import REMEDY
from platform_base.kernels.series import as_series


def split_pair(a: NDArray[np.float64], b: NDArray[np.float64]) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return the channels of two series, ``(n, channels)`` and ``(m, channels)``, pair by pair."""
    return [(a[:, channel].copy(), b[:, channel].copy()) for channel in range(a.shape[1])]


def split_all(series: Any, name: str, *, allow_nan: bool) -> list[list[NDArray[np.float64]]]:
    """Return many series channel by channel: for each channel, that of every series.

    Raises:
        ValueError: If there is none, one cannot be used, or they differ in their channels.
        TypeError: If one holds no real numbers.
    """
    checked = [
        as_series(one, f"{name}[{number}]", allow_nan=allow_nan, remedy=REMEDY) for number, one in enumerate(series)
    ]
    if not checked:
        raise ValueError(f"{name}: expected at least one series, got none")
    check_channels([one.shape[1] for one in checked], name, checked[0].shape[1])
    return [[one[:, channel].copy() for one in checked] for channel in range(checked[0].shape[1])]


def check_channels(counts: Sequence[int], name: str, expected: int) -> None:
    """See that series have as many channels as the first one.

    Args:
        counts: Channels of each.
        name: What to call the series in messages.
        expected: Channels of the first one.

    Raises:
        ValueError: If one has more or fewer.
    """
    for number, count in enumerate(counts):
        if count != expected:
            raise ValueError(
                f"{name}[{number}]: expected {expected} channel(s) as in series[0], got {count}; "
                "give all series the same channels"
            )
