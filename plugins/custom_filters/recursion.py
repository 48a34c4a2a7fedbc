"""Running second-order sections along lines, forwards or both ways: which kernel does it, and from which state.

Numba's kernels where it is installed, else SciPy's. One pass is the transposed direct form II with SciPy's order of
operations, so that it is the same bit for bit with either. Both ways agree to rounding: Numba's kernel runs through
chunks of the line in vectors, see `section_lines`.
"""

from __future__ import annotations

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


def run_forward(
    lines: NDArray[np.float64], sections: NDArray[np.float64], states: NDArray[np.float64], kernel: KernelName
) -> NDArray[np.float64]:
    """Filter every line once, going on from a state.

    Args:
        lines: ``(channels, n)``, C-contiguous.
        sections: ``(sections, 6)``.
        states: ``(channels, sections, 2)``, read and written.
        kernel: Who computes.

    Returns:
        ``(channels, n)``.
    """
    if kernel == "scipy":
        from scipy import signal

        filtered, after = signal.sosfilt(sections, lines, zi=states.transpose(1, 0, 2))
        states[:] = after.transpose(1, 0, 2)
        return np.asarray(filtered)
    out = np.empty_like(lines)
    load_compiled().run_lines(lines, out, sections, states)
    return out


def run_both_ways(
    lines: NDArray[np.float64], out: NDArray[np.float64], sections: NDArray[np.float64], edge: int, kernel: KernelName
) -> Iterator[int]:
    """Filter every line forwards and then backwards, extended by odd symmetry at both ends.

    Args:
        lines: ``(channels, n)``, n more than `edge`.
        out: ``(channels, n)``, written.
        sections: ``(sections, 6)``.
        edge: Samples of extension, at least 1.
        kernel: Who computes.

    Yields:
        How many lines are done, after each.
    """
    if kernel == "scipy":
        from scipy import signal

        for channel in range(len(lines)):
            out[channel] = signal.sosfiltfilt(sections, lines[channel], padlen=edge)
            yield channel + 1
        return
    compiled = load_compiled()
    run_lines, chunks = compiled.run_lines, compiled.chunk_tables(sections, lines.shape[1])
    steady = steady_state(sections)
    together = max(1, _TOGETHER // lines.shape[1])
    for start in range(0, len(lines), together):
        some, filtered = lines[start : start + together], out[start : start + together]
        before = 2.0 * some[:, :1] - some[:, edge:0:-1]
        beyond = 2.0 * some[:, -1:] - some[:, -2 : -edge - 2 : -1]
        states = steady * before[:, :1, np.newaxis]
        run_lines(before, before, sections, states)
        run_lines(some, filtered, sections, states, chunks=chunks)
        run_lines(beyond, beyond, sections, states)
        states = steady * beyond[:, -1:, np.newaxis]
        run_lines(beyond, beyond, sections, states, backwards=True)
        run_lines(filtered, filtered, sections, states, backwards=True, chunks=chunks)
        yield min(len(lines), start + together)
