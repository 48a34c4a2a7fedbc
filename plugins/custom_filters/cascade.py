"""Recursive filters: a cascade of second-order sections, causal or both ways."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from platform_base.plugins.base import get_context

from .recursion import KernelName, SectionRunner

# An impulse response is computed until nothing is left of it, at most so far, and shown for so many samples.
_GONE = 1e-9
_COMPUTED = 1 << 14
_SHOWN = 512


@dataclass(frozen=True, kw_only=True)
class Cascade:
    """Second-order sections, one after the other.

    Attributes:
        sections: ``(sections, 6)``.
        zero_phase: Forwards and backwards, instead of forwards.
        initial_state: What came before the first sample of one pass: ``"steady"``, that sample for ever, or
            ``"rest"``, zeros.
    """

    sections: NDArray[np.float64]
    zero_phase: bool
    initial_state: str

    @property
    def fills_gaps(self) -> bool:
        """It does not."""
        return False

    @functools.cached_property
    def extension(self) -> int:
        """By how many samples each end is extended: three times the filter's length, as in SciPy."""
        absent = min(int((self.sections[:, 2] == 0).sum()), int((self.sections[:, 5] == 0).sum()))
        return 3 * (2 * len(self.sections) + 1 - absent)

    @property
    def shortest(self) -> int:
        """One sample more than the extension, or one."""
        return self.extension + 1 if self.zero_phase else 1

    @functools.cached_property
    def pole_radius(self) -> float:
        """Largest distance of a pole from 0; below 1."""
        return largest_pole(self.sections)

    @functools.cached_property
    def runner(self) -> SectionRunner:
        """What runs the sections."""
        return SectionRunner(self.sections)

    def samples_until(self, rest: float) -> float:
        """Return after how many samples a transient has fallen to a fraction `rest` of itself."""
        radius = self.pole_radius
        return math.log(rest) / math.log(radius) if radius > 0 else float(2 * len(self.sections))

    def fit(self, lines: NDArray[np.float64], steps: NDArray[np.float64], kernel: KernelName) -> Cascade:
        """Return itself."""
        return self

    def apply(self, lines: NDArray[np.float64], steps: NDArray[np.float64], kernel: KernelName) -> NDArray[np.float64]:
        """Filter whole lines."""
        channels, samples = lines.shape
        if not self.zero_phase:
            states = np.zeros((channels, len(self.sections), 2))
            if self.initial_state == "steady":
                states += self.runner.steady * lines[:, :1, np.newaxis]
            return self.runner.run_forward(lines, states, kernel)
        if samples < self.shortest:
            raise ValueError(
                f"series: expected at least {self.shortest} samples for zero_phase with {len(self.sections)} "
                f"second-order section(s), got {samples}; give a longer series, a lower order, "
                "or zero_phase=false"
            )
        report_progress = get_context().report_progress
        out = np.empty_like(lines)
        for done in self.runner.run_both_ways(lines, out, self.extension, kernel):
            report_progress(done / channels, f"channel {done} of {channels}")
        return out

    def open(self, channels: int, kernel: KernelName) -> CascadeState:
        """Begin a stream.

        Raises:
            ValueError: If the filter runs both ways.
        """
        if self.zero_phase:
            raise ValueError(
                "zero_phase: expected false for a stream of a recursive filter, got true: the way back begins at the "
                "end of the series; give zero_phase=false, or a filter of finite length such as fir_window"
            )
        return CascadeState(self, channels, kernel)

    def response_at(self, angles: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Return the product of the sections' responses, squared in magnitude with `zero_phase`."""
        delay = np.exp(-1j * angles)
        response = np.ones(len(angles), np.complex128)
        for b0, b1, b2, _, a1, a2 in self.sections.tolist():
            response *= (b0 + delay * (b1 + delay * b2)) / (1.0 + delay * (a1 + delay * a2))
        return (np.abs(response) ** 2).astype(np.complex128) if self.zero_phase else response

    def impulse(self, kernel: KernelName) -> tuple[int, NDArray[np.float64]]:
        """Return the impulse response until nothing is left of it, at most 512 samples to either side."""
        length = int(min(_COMPUTED, self.samples_until(_GONE) + 2 * len(self.sections) + 1))
        pulse = np.zeros((1, length))
        pulse[0, 0] = 1.0
        state = np.zeros((1, len(self.sections), 2))
        once = self.runner.run_forward(pulse, state, kernel)[0]
        shown = min(_SHOWN, length)
        if not self.zero_phase:
            return 0, once[:shown]
        # Both ways the response is the autocorrelation of one pass.
        spectrum = np.fft.rfft(once, 2 * length)
        half = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, 2 * length)[:shown]
        return 1 - shown, np.concatenate([half[:0:-1], half])


class CascadeState:
    """A causal cascade in the middle of a series."""

    def __init__(self, cascade: Cascade, channels: int, kernel: KernelName) -> None:
        self._cascade = cascade
        self._kernel = kernel
        self._states = np.zeros((channels, len(cascade.sections), 2))
        self._begun = cascade.initial_state == "rest"

    def push(self, lines: NDArray[np.float64]) -> NDArray[np.float64]:
        """Filter the next samples; nothing waits."""
        if not lines.shape[1]:
            return lines.copy()
        if not self._begun:
            self._begun = True
            self._states = self._cascade.runner.steady * lines[:, :1, np.newaxis]
        return self._cascade.runner.run_forward(np.ascontiguousarray(lines), self._states, self._kernel)

    def finish(self) -> NDArray[np.float64]:
        """Return nothing: every output has been given."""
        return np.empty((len(self._states), 0))


def largest_pole(sections: NDArray[np.float64]) -> float:
    """Return the largest pole radius of the sections as they are stored, not as they were designed."""
    if not np.isfinite(sections).all():
        return math.inf
    a1, a2 = sections[:, 4], sections[:, 5]
    # Of z^2 + a1 z + a2: conjugate poles have the product a2; the larger of two real ones is that of larger sum.
    root = np.sqrt(np.maximum(a1 * a1 - 4.0 * a2, 0.0))
    conjugate = a1 * a1 < 4.0 * a2
    return float(np.where(conjugate, np.sqrt(np.abs(a2)), 0.5 * (np.abs(a1) + root)).max())
