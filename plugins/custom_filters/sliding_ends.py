"""What lies beyond the ends of a series where a window reaches there."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

ENDS: Mapping[str, int] = MappingProxyType({"repeat": 0, "zeros": 1, "odd": 2, "fit": 0})
"""The end sample, zeros, or the series turned about the end sample, with what each is called in compiled kernels.

Outputs of ``"fit"`` that reach there are written anew.
"""


def extend(
    lines: NDArray[np.float64], before: int, length: int, ends: str, out: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return lines with what lies beyond their ends.

    Args:
        lines: ``(channels, n)``.
        before: How many samples of a window lie before the one whose output it is.
        length: Samples in a window.
        ends: One of `ENDS`.
        out: ``(channels, m)``, the outputs of the first m samples.

    Returns:
        ``(channels, m + length - 1)``, beginning `before` samples before the first.
    """
    samples = lines.shape[1]
    after = out.shape[1] + length - 1 - before - samples
    inside = lines if after >= 0 else lines[:, :after]
    extended = np.pad(inside, ((0, 0), (before, max(0, after))), mode="constant" if ends == "zeros" else "edge")
    if ends == "odd":
        extended[:, :before] = 2.0 * lines[:, :1] - lines[:, before:0:-1]
        if after > 0:
            extended[:, before + samples :] = 2.0 * lines[:, -1:] - lines[:, -2 : -after - 2 : -1]
    return extended
