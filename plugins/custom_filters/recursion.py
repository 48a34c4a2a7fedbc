"""Running second-order sections along lines, forwards or both ways: which kernel does it, and from which state.

Numba's kernels where it is installed, else SciPy's. One pass is the transposed direct form II with SciPy's order of
operations, so that it is the same bit for bit with either. Both ways agree to rounding: Numba's kernel runs through
chunks of the line in vectors, see `section_lines`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

KernelName = Literal["numba", "scipy"]

# Samples that go both ways together: short lines share the cost of a call, long ones come back while they are in cache.
_TOGETHER = 1 << 17


def choose_kernel(kernel: str) -> KernelName:
    """Resolve ``"auto"``.

    Args:
        kernel: ``"auto"``, ``"numba"`` or ``"scipy"``.

    Raises:
        ValueError: If it is none of these.
        ImportError: If ``"numba"`` is asked for and cannot be imported.
    """
    if kernel == "scipy":
        return "scipy"
    if kernel not in ("auto", "numba"):
        raise ValueError(f"kernel: expected auto, numba or scipy, got {kernel!r}")
    try:
        load_compiled()
    except ImportError as error:
        if kernel == "auto":
            return "scipy"
        raise ImportError('kernel: "numba" cannot be imported here; install numba, or use "scipy"') from error
    return "numba"


@functools.cache
def load_compiled() -> Any:
    """Import the compiled kernels.

    Raises:
        ImportError: If Numba cannot be imported.
    """
    # Inside a function, because a plugin without Numba must load, and one that is never called need not pay for it.
    try:
        # Asked for here although others import it: the operator's list of modules judges a plugin's own files.
        import numba  # noqa: F401
    except ImportError as error:
        raise ImportError("the compiled kernels need numba") from error
    from . import compiled

    return compiled


def steady_state(sections: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the state of each section after an input of 1 for ever.

    Args:
        sections: ``(sections, 6)``.

    Returns:
        ``(sections, 2)`` float64.
    """
    state = np.empty((len(sections), 2))
    level = 1.0
    for index, (b0, b1, b2, _, a1, a2) in enumerate(sections.tolist()):
        # Near the unit circle both sums all but cancel: they are rounded once, not twice.
        gain = math.fsum((b0, b1, b2)) / math.fsum((1.0, a1, a2))
        state[index] = level * (gain - b0), level * (b2 - a2 * gain)
        level *= gain
    return state


class SectionRunner:
    """Runs sections along lines, with what is computed once for them."""

    def __init__(self, sections: NDArray[np.float64]) -> None:
        """Take ``(sections, 6)``."""
        self._sections = sections

    @functools.cached_property
    def steady(self) -> NDArray[np.float64]:
        """See `steady_state`."""
        return steady_state(self._sections)

    @functools.cached_property
    def _chunk_tables(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        tables: tuple[NDArray[np.float64], NDArray[np.float64]] = load_compiled().state_tables(self._sections)
        return tables

    def run_forward(
        self, lines: NDArray[np.float64], states: NDArray[np.float64], kernel: KernelName
    ) -> NDArray[np.float64]:
        """Filter every line once, going on from a state.

        Args:
            lines: ``(channels, n)``, C-contiguous.
            states: ``(channels, sections, 2)``, C-contiguous, read and written.
            kernel: Who computes.

        Returns:
            ``(channels, n)``.
        """
        if kernel == "scipy":
            from scipy import signal

            # A copy, because SciPy takes no sections that are read-only.
            filtered, after = signal.sosfilt(self._sections.copy(), lines, zi=states.transpose(1, 0, 2))
            states[:] = after.transpose(1, 0, 2)
            return np.asarray(filtered)
        out = np.empty_like(lines)
        load_compiled().compile_run("run_lines")(lines, out, self._sections, states)
        return out

    def run_both_ways(
        self, lines: NDArray[np.float64], out: NDArray[np.float64], edge: int, kernel: KernelName
    ) -> Iterator[int]:
        """Filter every line forwards and then backwards, extended by odd symmetry at both ends.

        Args:
            lines: ``(channels, n)``, n more than `edge`; C-contiguous.
            out: ``(channels, n)``, written.
            edge: Samples of extension, at least 1.
            kernel: Who computes.

        Yields:
            How many lines are done, after each.
        """
        if kernel == "scipy":
            from scipy import signal

            for channel in range(len(lines)):
                out[channel] = signal.sosfiltfilt(self._sections.copy(), lines[channel], padlen=edge)
                yield channel + 1
            return
        compiled = load_compiled()
        run = compiled.compile_run("run_lines_both_ways")
        # A line that holds no block of chunks needs no tables.
        weights, transfers = self._chunk_tables if lines.shape[1] >= compiled.BLOCK else compiled.NO_TABLES
        together = max(1, _TOGETHER // lines.shape[1])
        for start in range(0, len(lines), together):
            some, filtered = lines[start : start + together], out[start : start + together]
            run(some, filtered, self._sections, self.steady, edge, weights, transfers)
            yield min(len(lines), start + together)
