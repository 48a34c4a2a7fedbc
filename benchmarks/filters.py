"""What the bundled filters cost beside SciPy's, one thread, interleaved; and how much memory each call needs.

Run ``python benchmarks/filters.py`` (``--quick``: fewer rounds, no series above 1M samples). The goals: zero-phase
Butterworth of order 4 over 1M samples at least 4 times as fast as `scipy.signal.sosfiltfilt`, in a third of its memory;
no case slower than SciPy.

Each side designs and applies the filter, as a user's call does. Rounds alternate, so that whatever else the machine
does falls on both alike; medians of the thread's processor time are compared. Memory is the growth of the peak resident
size during the call, each in a process of its own, the result included.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from plugins.custom_filters import FilterStream, filter_series  # noqa: E402
from scipy import ndimage, signal  # noqa: E402

_BUDGET_S = 6.0
_MEASURED = ("zero-phase butterworth 4", "zero-phase butterworth 4, 64 channels")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The same work done twice.

    Attributes:
        name: What it is.
        shape: Of the series; time is the last axis.
        ours: With the plugin's functions.
        peer: With SciPy.
    """

    name: str
    shape: tuple[int, ...]
    ours: Callable[[NDArray[np.float64]], Any]
    peer: Callable[[NDArray[np.float64]], Any]


def _stream_ours(series: NDArray[np.float64]) -> Any:
    stream = FilterStream(zero_phase=False)
    return [stream.push(chunk) for chunk in series.reshape(-1, 10_000)]


def _stream_peer(series: NDArray[np.float64]) -> Any:
    sections = signal.butter(4, 0.1, output="sos")
    state = signal.sosfilt_zi(sections) * series[0]
    filtered = []
    for chunk in series.reshape(-1, 10_000):
        part, state = signal.sosfilt(sections, chunk, zi=state)
        filtered.append(part)
    return filtered


def make_cases(*, quick: bool) -> list[Case]:
    """Return the cases, without the large one where time is short."""
    million = 1_000_000
    cases = [
        Case(
            name="zero-phase butterworth 4",
            shape=(samples,),
            ours=lambda x: filter_series(x, axis=-1),
            peer=lambda x: signal.sosfiltfilt(signal.butter(4, 0.1, output="sos"), x),
        )
        for samples in (100, 1_000, 10_000, 100_000, million)
    ]
    if not quick:
        cases.append(
            Case(
                name="zero-phase butterworth 4, 64 channels",
                shape=(64, million),
                ours=lambda x: filter_series(x, axis=-1),
                peer=lambda x: signal.sosfiltfilt(signal.butter(4, 0.1, output="sos"), x),
            )
        )
    return [
        *cases,
        Case(
            name="zero-phase butterworth 4, cutoff 0.001",
            shape=(million,),
            ours=lambda x: filter_series(x, cutoff=0.001),
            peer=lambda x: signal.sosfiltfilt(signal.butter(4, 0.001, output="sos"), x),
        ),
        Case(
            name="zero-phase elliptic 8, band",
            shape=(million,),
            ours=lambda x: filter_series(x, filter_type="elliptic", btype="band", cutoff=[0.2, 0.3], order=8),
            peer=lambda x: signal.sosfiltfilt(signal.ellip(8, 1.0, 40.0, [0.2, 0.3], "bandpass", output="sos"), x),
        ),
        Case(
            name="causal butterworth 4",
            shape=(million,),
            ours=lambda x: filter_series(x, zero_phase=False, initial_state="rest"),
            peer=lambda x: signal.sosfilt(signal.butter(4, 0.1, output="sos"), x),
        ),
        Case(name="causal, 100 chunks", shape=(million,), ours=_stream_ours, peer=_stream_peer),
        Case(
            name="FIR, 101 taps",
            shape=(million,),
            ours=lambda x: filter_series(x, filter_type="fir_window"),
            peer=lambda x: signal.oaconvolve(x, signal.firwin(101, 0.1), mode="same"),
        ),
        Case(
            name="Savitzky-Golay, 31 samples",
            shape=(million,),
            ours=lambda x: filter_series(x, filter_type="savgol", window_length=31),
            peer=lambda x: signal.savgol_filter(x, 31, 3),
        ),
        Case(
            name="moving average, 31 samples",
            shape=(million,),
            ours=lambda x: filter_series(x, filter_type="moving_average", window_length=31),
            peer=lambda x: ndimage.uniform_filter1d(x, 31, mode="nearest"),
        ),
        Case(
            name="median, 31 samples",
            shape=(100_000,),
            ours=lambda x: filter_series(x, filter_type="median", window_length=31),
            peer=lambda x: ndimage.median_filter(x, 31, mode="nearest"),
        ),
    ]


def make_series(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return random walks."""
    return np.cumsum(np.random.default_rng(0).normal(size=shape), axis=-1)


def compare(case: Case, *, rounds: int) -> tuple[float, float]:
    """Return the median seconds of either side."""
    series = make_series(case.shape)
    sides = (case.ours, case.peer)
    times: tuple[list[float], list[float]] = ([], [])
    for side in sides:
        side(series)
    began = time.perf_counter()
    while len(times[0]) < 3 or (len(times[0]) < rounds and time.perf_counter() - began < _BUDGET_S):
        for side, taken in zip(sides, times, strict=True):
            start = time.thread_time()
            side(series)
            taken.append(time.thread_time() - start)
    return statistics.median(times[0]), statistics.median(times[1])


def measure_memory(name: str, shape: tuple[int, ...], side: str) -> float:
    """Return by how many MB one call raises the peak resident size of a fresh process."""
    command = [sys.executable, __file__, "--memory", name, str(shape), side]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _print_memory(name: str, shape: str, side: str) -> None:
    case = next(case for case in make_cases(quick=False) if case.name == name and str(case.shape) == shape)
    call = case.ours if side == "ours" else case.peer
    # Compiling and importing belong to the first call of a process, not to this one.
    call(make_series((*case.shape[:-1], 5_000)))
    series = make_series(case.shape)
    Path("/proc/self/clear_refs").write_text("5")
    before = _resident("VmRSS")
    result = call(series)
    sys.stdout.write(f"{(_resident('VmHWM') - before) / 1e3:.1f}\n")
    assert result is not None


def _resident(key: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) * 1.024 for line in lines if line.startswith(f"{key}:"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, no series above 1M samples")
    parser.add_argument("--memory", nargs=3, metavar=("CASE", "SHAPE", "SIDE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory:
        _print_memory(*options.memory)
        return
    out = sys.stdout
    out.write("| case | samples | SciPy ms | ours ms | ratio |\n|---|---|---|---|---|\n")
    for case in make_cases(quick=options.quick):
        ours, peer = compare(case, rounds=9 if options.quick else 41)
        size = " x ".join(f"{length:,}" for length in case.shape)
        out.write(f"| {case.name} | {size} | {1e3 * peer:.3g} | {1e3 * ours:.3g} | {peer / ours:.2f} |\n")
        out.flush()
    out.write("\n| case | samples | SciPy MB | ours MB | ratio |\n|---|---|---|---|---|\n")
    for case in make_cases(quick=options.quick):
        if case.name in _MEASURED and case.shape[-1] == 1_000_000:
            peer, ours = (measure_memory(case.name, case.shape, side) for side in ("peer", "ours"))
            size = " x ".join(f"{length:,}" for length in case.shape)
            out.write(f"| {case.name} | {size} | {peer:.1f} | {ours:.1f} | {peer / ours:.2f} |\n")


if __name__ == "__main__":
    main()
