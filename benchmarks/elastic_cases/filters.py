"""Filters beside SciPy; each side designs and applies the filter, as a user's call does.

SciPy extends a line for zero-phase filters by fewer samples, and cuts the ends of others in its own way: results are
compared away from the ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    for n in (100, 1_000, 10_000, 100_000, MILLION):
        yield make_butterworth_case(signal, make_series(n), f"{n:,}", target=4 if n == MILLION else 1)
    yield make_butterworth_case(signal, make_series(64, MILLION), "64 x 1,000,000", target=4)
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
