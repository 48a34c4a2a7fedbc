"""By how much one call raises the peak resident size of a fresh process: filters over long series beside SciPy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import numpy as np
from plugins.custom_filters import filter_series

from elastic_cases.resident import grow

SHAPES = {"1,000,000": (1_000_000,), "64 x 1,000,000": (64, 1_000_000)}
SIDES = ("ours", "SciPy")


def main(wanted: Sequence[str]) -> None:
    """Measure one case in this process, or every one, each in a process of its own.

    Args:
        wanted: A key of `SHAPES` and a side; empty: every one.
    """
    if wanted:
        shape, side = wanted
        print(f"{measure(SHAPES[shape], side):.1f}")
        return
    print("| Zero-phase Butterworth 4 | SciPy | platform_base | Ratio |\n|---|---|---|---|")
    for shape in SHAPES:
        ours, peer = (_measure_apart(shape, side) for side in SIDES)
        print(f"| {shape} | {peer:.1f} MB | {ours:.1f} MB | {peer / ours:.1f} |", flush=True)


def measure(shape: tuple[int, ...], side: str) -> float:
    """Return the MB that a call needs at most, its result included; what is imported and compiled before is not."""
    filter_by = filter_series_ours if side == "ours" else filter_series_scipy
    filter_by(make_series(*shape[:-1], 5_000))
    series = make_series(*shape)
    result, megabytes = grow(lambda: filter_by(series))
    assert np.shape(result) == shape
    return megabytes


def filter_series_ours(series: np.ndarray) -> np.ndarray:
    """Filter along the last axis."""
    return filter_series(series, axis=-1).values


def filter_series_scipy(series: np.ndarray) -> np.ndarray:
    """Filter along the last axis."""
    from scipy import signal

    return signal.sosfiltfilt(signal.butter(4, 0.1, output="sos"), series)


def make_series(*shape: int) -> np.ndarray:
    """Return random walks along the last axis."""
    return np.random.default_rng(0).normal(size=shape).cumsum(axis=-1)


def _measure_apart(shape: str, side: str) -> float:
    command = [sys.executable, sys.argv[0], "--memory", shape, side]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
