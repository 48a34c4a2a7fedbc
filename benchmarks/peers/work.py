"""The work of the benchmark of calls, for peers that are given functions."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np


def double(series: np.ndarray | None) -> np.ndarray | None:
    """Return ``series * 2``; without a series do nothing."""
    return None if series is None else series * 2


def double_all(batch: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return every series times 2, for peers whose map has no chunks of its own."""
    return [series * 2 for series in batch]


def pause(seconds: float) -> None:
    """Occupy a worker without computing."""
    time.sleep(seconds)


def spin() -> None:
    """Compute without end."""
    while True:
        pass
