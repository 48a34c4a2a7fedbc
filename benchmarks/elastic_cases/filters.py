"""Filters beside SciPy; each side is called as a user calls it, to design and apply the filter.

Ours keeps a design for the next call that asks for it; the case with a new design in every call leaves that out. SciPy
has no Hampel identifier: NumPy computes it by its definition. SciPy extends a line for zero-phase filters by fewer
samples, and cuts the ends of others in its own way: results are compared away from the ends.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from plugins.custom_filters import FilterStream, filter_series

from elastic_cases.case import Case, bind, find

TITLE = "Filters"

MILLION = 1_000_000
CHUNK = 10_000
LONGEST_QUICK = 10_000


def make_cases() -> Iterator[Case]:
    """Yield the cases."""
    ndimage, signal = find("scipy.ndimage"), find("scipy.signal")
    if signal is None:
        return
    yield from make_short_cases(ndimage, signal)
    for n in (100, 1_000, 10_000, 100_000, MILLION):
        yield make_butterworth_case(signal, make_series(n), f"{n:,}", target=4 if n == MILLION else 1)
    yield make_butterworth_case(signal, make_series(64, MILLION), "64 x 1,000,000", target=4)
    yield from make_channel_cases(ndimage, signal)
    x = make_series(MILLION)
    yield make_butterworth_case(signal, x, "1,000,000, cutoff 0.001", target=1, cutoff=0.001)
    yield make_case(
        "elliptic 8, band, zero-phase, 1,000,000",
        bind(filter_series, x, filter_type="elliptic", btype="band", cutoff=[0.2, 0.3], order=8),
        lambda: signal.sosfiltfilt(signal.ellip(8, 1.0, 40.0, [0.2, 0.3], "bandpass", output="sos"), x),
    )
    yield make_case(
        "Butterworth 4, causal, 1,000,000",
        bind(filter_series, x, zero_phase=False, initial_state="rest"),
        lambda: signal.sosfilt(signal.butter(4, 0.1, output="sos"), x),
        ends=0,
    )
    yield make_case(
        "Butterworth 4, causal, 100 chunks", bind(push_chunks, x), bind(push_chunks_scipy, signal, x), ends=0
    )
    yield make_case(
        "FIR, 101 taps, 1,000,000",
        bind(filter_series, x, filter_type="fir_window"),
        lambda: signal.oaconvolve(x, signal.firwin(101, 0.1), mode="same"),
    )
    yield make_case(
        "Savitzky-Golay, 31 samples, 1,000,000",
        bind(filter_series, x, filter_type="savgol", window_length=31),
        lambda: signal.savgol_filter(x, 31, 3),
    )
    yield from make_solver_cases(x[:100_000])
    for window in (5, 31, 301):
        yield make_case(
            f"moving average, {window} samples, 1,000,000",
            bind(filter_series, x, filter_type="moving_average", window_length=window),
            bind(ndimage.uniform_filter1d, x, window, mode="nearest"),
        )
        some = x[:100_000]
        yield make_case(
            f"median, {window} samples, 100,000",
            bind(filter_series, some, filter_type="median", window_length=window),
            bind(ndimage.median_filter, some, window, mode="nearest"),
        )


def make_short_cases(ndimage: Any, signal: Any) -> Iterator[Case]:
    """Yield cases of series so short that the call counts more than the filter."""
    for n in (64, 1_000):
        x = make_series(n)
        yield make_case(
            f"moving average, 5 samples, {n:,}",
            bind(filter_series, x, filter_type="moving_average", window_length=5),
            bind(ndimage.uniform_filter1d, x, 5, mode="nearest"),
            ends=0,
            quick=True,
        )
        yield make_case(
            f"median, 5 samples, {n:,}",
            bind(filter_series, x, filter_type="median", window_length=5),
            bind(ndimage.median_filter, x, 5, mode="nearest"),
            ends=0,
            quick=True,
        )
    yield make_case(
        "exponential, causal, 1,000",
        bind(filter_series, x, filter_type="exponential", zero_phase=False, initial_state="rest"),
        bind(signal.lfilter, [0.3], [1.0, -0.7], x),
        ends=0,
        quick=True,
    )
    ours, theirs = itertools.count(), itertools.count()
    yield make_case(
        "Butterworth 4, zero-phase, 1,000, a new design in every call",
        lambda: filter_series(x, cutoff=next_cutoff(ours)),
        lambda: signal.sosfiltfilt(signal.butter(4, next_cutoff(theirs), output="sos"), x),
        quick=True,
    )


def next_cutoff(numbers: Iterator[int]) -> float:
    """Return a cutoff that was not asked for before, all but the same."""
    return 0.1 + 1e-13 * next(numbers)


def make_channel_cases(ndimage: Any, signal: Any) -> Iterator[Case]:
    """Yield cases of many channels along the last axis, time being the first."""
    x = make_series(64, 16_000).T.copy()

    def compare(result: Any) -> Any:
        return np.asarray(getattr(result, "values", result))[7_000:9_000]

    cases = (
        (
            "Butterworth 4, zero-phase, 16,000 x 64, time first",
            bind(filter_series, x),
            lambda: signal.sosfiltfilt(signal.butter(4, 0.1, output="sos"), x, axis=0),
        ),
        (
            "moving average, 31 samples, 16,000 x 64, time first",
            bind(filter_series, x, filter_type="moving_average", window_length=31),
            bind(ndimage.uniform_filter1d, x, 31, axis=0, mode="nearest"),
        ),
    )
    for name, ours, scipy in cases:
        yield Case(name=name, ours=ours, peers={"SciPy": scipy}, target=1, compare=compare)


def make_solver_cases(x: Any) -> Iterator[Case]:
    """Yield the cases of outliers and smoothers."""
    for window in (11, 101):
        some = x[: 1_000_000 // window]
        case = make_case(
            f"Hampel, {window} samples, {len(some):,}",
            bind(filter_series, some, filter_type="hampel", window_length=window),
            bind(replace_outliers, some, window),
        )
        yield replace(case, peers={"NumPy": case.peers["SciPy"]})
    linalg = find("scipy.linalg")
    yield make_case(
        "Whittaker, 100,000", bind(filter_series, x, filter_type="whittaker"), bind(solve_penalized, linalg, x, 100.0)
    )


def replace_outliers(x: Any, window: int) -> Any:
    """Replace what lies more than three robust deviations from the median of its window by that median."""
    rows = np.lib.stride_tricks.sliding_window_view(np.pad(x, window // 2, mode="edge"), window)
    medians = np.median(rows, axis=1)
    deviations = np.median(np.abs(rows - medians[:, np.newaxis]), axis=1)
    return np.where(np.abs(x - medians) > 3 * 1.4826022185056018 * deviations, medians, x)


def solve_penalized(linalg: Any, x: Any, smoothness: float) -> Any:
    """Minimize the squared errors and the squared second differences."""
    n = len(x)
    band = np.empty((3, n))
    band[0], band[1], band[2] = 6.0, -4.0, 1.0
    band[0, [0, -1]], band[0, [1, -2]] = 1.0, 5.0
    band[1, [0, -2]] = -2.0
    band *= smoothness
    band[0] += 1.0
    return linalg.solveh_banded(band, x, overwrite_ab=True, lower=True, check_finite=False)


def make_butterworth_case(signal: Any, x: Any, title: str, *, target: float, cutoff: float = 0.1) -> Case:
    """Return a zero-phase case of order 4 along the last axis."""
    return make_case(
        f"Butterworth 4, zero-phase, {title}",
        bind(filter_series, x, cutoff=cutoff, axis=-1),
        lambda: signal.sosfiltfilt(signal.butter(4, cutoff, output="sos"), x),
        target=target,
        ends=x.shape[-1] // 2 - 1,
        quick=x.size <= LONGEST_QUICK,
    )


def make_case(
    name: str,
    ours: Callable[[], Any],
    scipy: Callable[[], Any],
    *,
    target: float = 1.0,
    ends: int = 400,
    quick: bool = False,
) -> Case:
    """Return a case with SciPy as the only peer; `ends` samples are not compared at either end."""

    def compare(result: Any) -> Any:
        values = np.asarray(getattr(result, "values", result))
        return values[..., ends : values.shape[-1] - ends]

    return Case(name=name, ours=ours, peers={"SciPy": scipy}, target=target, quick=quick, compare=compare)


def make_series(*shape: int) -> Any:
    """Return random walks along the last axis."""
    return np.random.default_rng(0).normal(size=shape).cumsum(axis=-1)


def push_chunks(series: Any) -> Any:
    """Filter a series chunk by chunk with a stream."""
    stream = FilterStream(zero_phase=False)
    return np.concatenate([stream.push(chunk) for chunk in series.reshape(-1, CHUNK)])


def push_chunks_scipy(signal: Any, series: Any) -> Any:
    """Do the same with SciPy, carrying the state by hand."""
    sections = signal.butter(4, 0.1, output="sos")
    state = signal.sosfilt_zi(sections) * series[0]
    filtered = []
    for chunk in series.reshape(-1, CHUNK):
        part, state = signal.sosfilt(sections, chunk, zi=state)
        filtered.append(part)
    return np.concatenate(filtered)
