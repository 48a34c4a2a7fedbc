"""Series so long that no peer can compare them in reasonable time: seconds and peak memory of one call of ours.

Each in a process of its own, which has called the same kernels on shorter series before. The memory is that of the
first call, the time the median of three: where a machine is itself a guest, memory that it has never used before takes
longer than the kernels.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from plugins.advanced_sync.dtw import dtw_distance, dtw_path

from elastic_cases.dtw import RULES, make_similar
from elastic_cases.report import show
from elastic_cases.resident import grow

TITLE = "Very long series"

# Long enough that a call takes the same way as that with the longest: progress is reported.
SHORTER = 40_000

CALLS = 3


@dataclass(frozen=True, kw_only=True)
class HugeCase:
    """One call.

    Attributes:
        samples: Of each series.
        make: Gives two series of so many samples.
        compute: Of two series.
        most_s: How many seconds it is to take at most.
        most_mb: How many MB it is to need at most, its result included.
    """

    samples: int
    make: Callable[[int], tuple[Any, Any]]
    compute: Callable[[Any, Any], Any]
    most_s: float
    most_mb: float


def make_unrelated(n: int) -> tuple[Any, Any]:
    """Return two random walks."""
    x, y = np.random.default_rng(0).normal(size=(2, n)).cumsum(axis=1)
    return x, y


def make_alike(n: int) -> tuple[Any, Any]:
    """Return a smooth signal, and the same one warped."""
    return make_similar(np.random.default_rng(0), n)


CASES = {
    "DTW path, 1,000,000, radius 1000": HugeCase(
        samples=1_000_000,
        make=make_unrelated,
        compute=lambda x, y: dtw_path(x, y, window_size=1000, **RULES),
        most_s=0.5,
        most_mb=400,
    ),
    "DTW path, 100,000": HugeCase(
        samples=100_000, make=make_unrelated, compute=lambda x, y: dtw_path(x, y, **RULES), most_s=1.5, most_mb=200
    ),
    "DTW value, 1,000,000, similar": HugeCase(
        samples=1_000_000, make=make_alike, compute=lambda x, y: dtw_distance(x, y, **RULES), most_s=3.0, most_mb=400
    ),
}


def main(wanted: str) -> list[str]:
    """Measure one case in this process and print its figures, or every one, each in a process of its own.

    Args:
        wanted: A key of `CASES`; empty: every one.

    Returns:
        A Markdown table; empty for one case.
    """
    if wanted:
        seconds, megabytes = measure(CASES[wanted])
        print(seconds, megabytes)
        return []
    lines = ["| Case | Time | Target | Memory | Target |", "|---|---|---|---|---|"]
    print(*lines, sep="\n", flush=True)
    for name, case in CASES.items():
        seconds, megabytes = _measure_apart(name)
        lines.append(f"| {name} | {show(seconds)} | {show(case.most_s)} | {megabytes:.0f} MB | {case.most_mb:g} MB |")
        print(lines[-1], flush=True)
    return lines


def measure(case: HugeCase) -> tuple[float, float]:
    """Return the seconds and the MB that a call takes."""
    case.compute(*case.make(SHORTER))
    x, y = case.make(case.samples)
    times = []

    def call() -> Any:
        started = time.perf_counter()
        result = case.compute(x, y)
        times.append(time.perf_counter() - started)
        return result

    result, megabytes = grow(call)
    distance = result if isinstance(result, float) else check_path(*result, case.samples)
    assert np.isfinite(distance)
    del result
    for _ in range(CALLS - 1):
        call()
    return statistics.median(times), megabytes


def check_path(path: np.ndarray, distance: float, samples: int) -> float:
    """Return the cost of a path, which goes from the first samples to the last by allowed steps."""
    assert path[0].tolist() == [0, 0]
    assert path[-1].tolist() == [samples - 1, samples - 1]
    steps = np.diff(path, axis=0)
    assert ((steps >= 0) & (steps <= 1)).all()
    assert steps.any(axis=1).all()
    return distance


def _measure_apart(name: str) -> Sequence[float]:
    command = [sys.executable, sys.argv[0], "--huge", name]
    return [float(word) for word in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()]
