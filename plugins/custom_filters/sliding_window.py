"""Filters whose every output depends on a window of the series: FIR, Savitzky-Golay, averages, medians."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from platform_base.plugins.base import get_context

from .recursion import KernelName

# Channels are filtered together up to so many samples, so that short ones share the cost of a call.
_TOGETHER = 1 << 17

Evaluate = Callable[[NDArray[np.float64], int, str, NDArray[np.float64], KernelName], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlidingWindow:
    """A function of each window of a line.

    Attributes:
        length: Samples in a window.
        before: How many of them lie before the sample that is replaced; the rest lie after it.
        evaluate: Takes ``(channels, n)`` samples, how many samples of a window lie before its output's, what lies
            beyond the ends, and ``(channels, m)``, where the outputs of the first m samples go.
        ends: What lies beyond the ends: ``"repeat"``, the end sample; ``"zeros"``; ``"odd"``, the series turned
            about the end sample; ``"fit"``, nothing: the outputs there are those of the fit of
            `basis` to the end window.
        taps: ``(length,)`` weights, if the function is a weighted sum.
        basis: ``(length, functions)`` orthonormal, for ``"fit"``.
        name: The parameter that sets the length, for messages.
    """

    length: int
    before: int
    evaluate: Evaluate
    ends: str = "repeat"
    taps: NDArray[np.float64] | None = None
    basis: NDArray[np.float64] | None = None
    name: str = "window_length"

    @property
    def after(self) -> int:
        """How many samples of a window lie after the sample that is replaced: the delay of a stream."""
        return self.length - 1 - self.before

    @property
    def fills_gaps(self) -> bool:
        """It does not."""
        return False

    @property
    def sections(self) -> None:
        """There are none."""
        return None

    @property
    def shortest(self) -> int:
        """The window where it looks ahead, else one sample."""
        return self.length if self.after else 1

    def fit(self, lines: NDArray[np.float64], steps: NDArray[np.float64], kernel: KernelName) -> SlidingWindow:
        """Return itself."""
        return self

    def apply(self, lines: NDArray[np.float64], steps: NDArray[np.float64], kernel: KernelName) -> NDArray[np.float64]:
        """Filter whole lines."""
        channels, samples = lines.shape
        self.check_samples(samples)
        out = np.empty_like(lines)
        report_progress = get_context().report_progress
        together = max(1, _TOGETHER // samples)
        for start in range(0, channels, together):
            some, filtered = lines[start : start + together], out[start : start + together]
            self.evaluate(some, self.before, self.ends, filtered, kernel)
            done = min(channels, start + together)
            report_progress(done / channels, f"channel {done} of {channels}")
        if self.basis is not None:
            first, last = lines[:, : self.length], lines[:, samples - self.length :]
            out[:, : self.before] = _fit_ends(first, self.basis, self.basis[: self.before])
            out[:, samples - self.after :] = _fit_ends(last, self.basis, self.basis[self.before + 1 :])
        return out

    def check_samples(self, samples: int) -> None:
        """Refuse a series that the window does not fit into.

        Raises:
            ValueError: If it does not.
        """
        if samples < self.shortest:
            raise ValueError(
                f"{self.name}: expected at most {samples if samples % 2 else samples - 1} for a series of {samples} "
                f"samples, got {self.length}; give a shorter window"
            )

    def open(self, channels: int, kernel: KernelName) -> WindowState:
        """Begin a stream; its outputs come `after` samples late."""
        return WindowState(self, channels, kernel)

    def response_at(self, angles: NDArray[np.float64]) -> NDArray[np.complex128] | None:
        """Return the sum of the taps' responses."""
        if self.taps is None:
            return None
        offsets = np.arange(self.length) - self.before
        if self.before == self.after and np.array_equal(self.taps, self.taps[::-1]):
            # Symmetric taps leave the cosines only: the response is real, its phase 0 or pi.
            return np.asarray(np.cos(np.outer(angles, offsets)) @ self.taps, dtype=np.complex128)
        return np.asarray(np.exp(1j * np.outer(angles, offsets)) @ self.taps)

    def impulse(self, kernel: KernelName) -> tuple[int, NDArray[np.float64]] | None:
        """Return the taps, backwards in time."""
        return None if self.taps is None else (-self.after, self.taps[::-1].copy())


class WindowState:
    """A window in the middle of a series."""

    def __init__(self, window: SlidingWindow, channels: int, kernel: KernelName) -> None:
        self._window = window
        self._kernel = kernel
        self._held = np.empty((channels, 0))
        self._last = self._held
        self._begun = False
        self._samples = 0

    def push(self, lines: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take samples; give every output whose window is complete."""
        window = self._window
        self._samples += lines.shape[1]
        self._held = np.concatenate([self._held, lines], axis=1) if self._held.size else lines
        first = np.empty((len(lines), 0))
        if not self._begun:
            needed = {"fit": window.length, "odd": window.before + 1}.get(window.ends, 1)
            if self._held.shape[1] < needed:
                self._held = self._held.copy()
                return first
            self._begun = True
            first = self._begin()
        return np.concatenate([first, self._evaluate()], axis=1) if first.size else self._evaluate()

    def finish(self) -> NDArray[np.float64]:
        """Give the outputs at the end."""
        window = self._window
        window.check_samples(self._samples)
        if not window.after or not self._samples:
            return np.empty((len(self._held), 0))
        if window.basis is not None:
            return _fit_ends(self._last, window.basis, window.basis[window.before + 1 :])
        last = self._held[:, -1:]
        beyond = np.repeat(last, window.after, axis=1)
        if window.ends == "zeros":
            beyond[:] = 0.0
        elif window.ends == "odd":
            beyond = 2.0 * last - self._held[:, -2 : -window.after - 2 : -1]
        self._held = np.concatenate([self._held, beyond], axis=1)
        return self._evaluate()

    def _begin(self) -> NDArray[np.float64]:
        """Put what lies before the first sample in front of it; return the outputs that do without."""
        window = self._window
        if window.basis is not None:
            return _fit_ends(self._held[:, : window.length], window.basis, window.basis[: window.before])
        before = np.repeat(self._held[:, :1], window.before, axis=1)
        if window.ends == "zeros":
            before[:] = 0.0
        elif window.ends == "odd":
            before = 2.0 * before - self._held[:, window.before : 0 : -1]
        self._held = np.concatenate([before, self._held], axis=1)
        return np.empty((len(before), 0))

    def _evaluate(self) -> NDArray[np.float64]:
        window = self._window
        count = self._held.shape[1] - window.length + 1
        if count <= 0:
            self._held = self._held.copy()
            return np.empty((len(self._held), 0))
        out = np.empty((len(self._held), count))
        window.evaluate(np.ascontiguousarray(self._held), 0, "repeat", out, self._kernel)
        self._last = self._held[:, -window.length :].copy()
        self._held = self._held[:, count:].copy()
        return out


def _fit_ends(windows: NDArray[np.float64], basis: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the fit to each channel's window where the basis has the values `at`.

    One channel at a time: a product of matrices may sum in another order when there are more of them.
    """
    return np.array([at @ (basis.T @ np.ascontiguousarray(window)) for window in windows])
