"""The filters of a sliding window: polynomial fit, average, FIR taps, median, Hampel identifier."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from . import sliding_mean, sliding_sum
from .recursion import KernelName, load_compiled
from .sliding_ends import ENDS, extend
from .sliding_window import SlidingWindow

# Median absolute deviation to standard deviation, for normal samples: 1 / quantile(0.75).
_DEVIATION_TO_SIGMA = 1.4826022185056018
# Windows that are laid out side by side at a time where there is no compiled loop, in samples.
_BLOCK = 1 << 20
# Windows up to this length are kept sorted, in vectors: up to three times as fast as SciPy's heaps.
_LONGEST_SORTED = 301


def savgol_window(length: int, degree: int, *, centred: bool, before_first: str) -> SlidingWindow:
    """Return the Savitzky-Golay filter (Savitzky and Golay 1964, doi 10.1021/ac60214a047).

    The fit to a window is a projection on the polynomials; a QR factorization of Legendre polynomials keeps it
    well-conditioned at any degree.

    Args:
        length: Samples in a window, odd.
        degree: Degree of the polynomial, less than `length`.
        centred: Take the polynomial in the middle of its window, and at the ends of the series that of the end
            window; else at the newest sample of the window.
        before_first: ``"repeat"`` or ``"zeros"``, for the latter.
    """
    places = np.linspace(-1.0, 1.0, length)
    basis = np.linalg.qr(np.polynomial.legendre.legvander(places, degree))[0]
    before = length // 2 if centred else length - 1
    taps = basis @ basis[before]
    if centred:
        taps = 0.5 * (taps + taps[::-1])
        return weighted_window(taps, before, ends="fit", basis=basis)
    return weighted_window(taps, before, ends=before_first)


def weighted_window(
    taps: NDArray[np.float64],
    before: int,
    *,
    ends: str,
    basis: NDArray[np.float64] | None = None,
    name: str = "window_length",
) -> SlidingWindow:
    """Return the filter that weights each window with `taps`, the oldest sample first."""
    length = len(taps)

    def evaluate(
        lines: NDArray[np.float64], before: int, beyond: str, out: NDArray[np.float64], kernel: KernelName
    ) -> None:
        if kernel == "numba":
            load_compiled().compile_window("weigh_lines")(lines, taps, before, ENDS[beyond], out)
            return
        for line, result in zip(extend(lines, before, length, beyond, out), out, strict=True):
            sliding_sum.weighted_sums(line, taps, result)

    return SlidingWindow(length=length, before=before, evaluate=evaluate, ends=ends, taps=taps, basis=basis, name=name)


def average_window(length: int, before: int, *, ends: str) -> SlidingWindow:
    """Return the running mean."""

    def evaluate(
        lines: NDArray[np.float64], before: int, beyond: str, out: NDArray[np.float64], kernel: KernelName
    ) -> None:
        if kernel == "numba":
            load_compiled().compile_window("average_lines")(lines, length, before, ENDS[beyond], out)
            return
        for line, result in zip(extend(lines, before, length, beyond, out), out, strict=True):
            sliding_mean.running_means(line, length, result)

    taps = np.full(length, 1.0 / length)
    return SlidingWindow(length=length, before=before, evaluate=evaluate, ends=ends, taps=taps)


def median_window(length: int, before: int, *, ends: str) -> SlidingWindow:
    """Return the running median; of long windows SciPy's, which takes O(n log k)."""

    def evaluate(
        lines: NDArray[np.float64], before: int, beyond: str, out: NDArray[np.float64], kernel: KernelName
    ) -> None:
        if kernel == "numba" and length <= _LONGEST_SORTED:
            take = load_compiled().compile_window("take_medians")
            if take(lines, length, before, ENDS[beyond], out):
                return
        for line, result in zip(extend(lines, before, length, beyond, out), out, strict=True):
            _fill_around_gaps(_find_medians, line, length, result)

    return SlidingWindow(length=length, before=before, evaluate=evaluate, ends=ends)


def _find_medians(line: NDArray[np.float64], length: int, out: NDArray[np.float64]) -> None:
    from scipy import ndimage

    half = length // 2
    out[:] = ndimage.median_filter(line, size=length, mode="nearest")[half : len(line) - half]


def hampel_window(length: int, before: int, *, ends: str, n_sigmas: float) -> SlidingWindow:
    """Return the Hampel identifier (Davies and Gather 1993, JASA 88; Pearson 2002).

    A sample is replaced by the median of its window if it lies farther from it than `n_sigmas` times 1.4826 times the
    window's median absolute deviation, which estimates the standard deviation.
    """
    limit = n_sigmas * _DEVIATION_TO_SIGMA
    # Where the sample stands in its window; windows of a stream begin where the line does.
    at = before

    def evaluate(
        lines: NDArray[np.float64], before: int, beyond: str, out: NDArray[np.float64], kernel: KernelName
    ) -> None:
        if kernel == "numba":
            clean = load_compiled().compile_window("clean_lines")
            if clean(lines, length, at, before, ENDS[beyond], limit, out):
                return

        def replace_outliers(line: NDArray[np.float64], length: int, result: NDArray[np.float64]) -> None:
            _replace_outliers(line, length, at, limit, result)

        for line, result in zip(extend(lines, before, length, beyond, out), out, strict=True):
            _fill_around_gaps(replace_outliers, line, length, result)

    return SlidingWindow(length=length, before=before, evaluate=evaluate, ends=ends)


def _replace_outliers(line: NDArray[np.float64], length: int, at: int, limit: float, out: NDArray[np.float64]) -> None:
    rows = np.lib.stride_tricks.sliding_window_view(line, length)
    step = max(1, _BLOCK // length)
    for start in range(0, len(out), step):
        windows = rows[start : start + step]
        medians = np.median(windows, axis=1)
        deviations = np.median(np.abs(windows - medians[:, np.newaxis]), axis=1)
        values = windows[:, at]
        far = np.abs(values - medians) > limit * deviations
        out[start : start + step] = np.where(far, medians, values)


def _fill_around_gaps(
    fill: Callable[[NDArray[np.float64], int, NDArray[np.float64]], None],
    line: NDArray[np.float64],
    length: int,
    out: NDArray[np.float64],
) -> None:
    """Make NaN of what a missing sample reaches: an order among samples that are missing has no meaning."""
    missing = np.isnan(line)
    if not missing.any():
        fill(line, length, out)
        return
    fill(np.where(missing, 0.0, line), length, out)
    counts = np.concatenate([[0], np.cumsum(missing)])
    out[counts[length:] > counts[:-length]] = np.nan
