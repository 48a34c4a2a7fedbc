"""What every kind of filter can do, and what it carries from one chunk of a stream to the next."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .recursion import KernelName


class StreamState(Protocol):
    """A filter in the middle of a series."""

    def push(self, lines: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take the next ``(channels, m)`` samples; return those outputs, ``(channels, k)``, that are settled now."""
        ...

    def finish(self) -> NDArray[np.float64]:
        """Return the outputs that waited for samples which do not come, ``(channels, k)``.

        Raises:
            ValueError: If the series was too short for the filter.
        """
        ...


class Filter(Protocol):
    """A designed filter, ready to run along lines of samples."""

    @property
    def fills_gaps(self) -> bool:
        """Whether missing samples (NaN) are estimated from a model, and uneven sampling is taken as it is."""
        ...

    @property
    def sections(self) -> NDArray[np.float64] | None:
        """``(sections, 6)`` second-order sections of one pass, where there are any."""
        ...

    @property
    def shortest(self) -> int:
        """Fewest samples that can be filtered."""
        ...

    def fit(self, lines: NDArray[np.float64], steps: NDArray[np.float64], kernel: KernelName) -> Filter:
        """Estimate from the samples what the caller left open; the filter itself where nothing was."""
        ...

    def apply(self, lines: NDArray[np.float64], steps: NDArray[np.float64], kernel: KernelName) -> NDArray[np.float64]:
        """Filter whole lines.

        Args:
            lines: ``(channels, n)`` C-contiguous; NaN makes NaN of whatever depends on it, or is a gap to fill.
            steps: ``(n,)`` time since the sample before, in sampling intervals; all 1 for most filters.
            kernel: Who computes.

        Returns:
            ``(channels, n)``.

        Raises:
            ValueError: If the lines are too short.
        """
        ...

    def open(self, channels: int, kernel: KernelName) -> StreamState:
        """Begin a stream.

        Raises:
            ValueError: If the filter needs the whole series.
        """
        ...

    def response_at(self, angles: NDArray[np.float64]) -> NDArray[np.complex128] | None:
        """Return what becomes of ``exp(1j angle t)``; ``None`` where the filter is not linear and time-invariant."""
        ...

    def impulse(self, kernel: KernelName) -> tuple[int, NDArray[np.float64]] | None:
        """Return the offset of the first value, samples, and the response to a single 1; ``None`` as above."""
        ...
