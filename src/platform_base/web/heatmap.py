"""A matrix as a picture in PNG, small enough for a screen, without any library of pictures.

Colours: cividis (J. R. Nuñez, C. R. Anderton, R. S. Renslow, "Optimizing colormaps with consideration for color vision
deficiency", PLoS ONE 13 (2018) e0199239), read off at nine places and interpolated.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CIVIDIS = np.array(
    [(0, 34, 78), (18, 53, 112), (59, 73, 108), (87, 93, 109), (112, 113, 115), (138, 134, 120), (165, 156, 116),
     (195, 179, 105), (254, 232, 56)],
    dtype=np.float64,
)  # fmt: skip
_MISSING = (128, 128, 128)


def draw_heatmap(matrix: NDArray[Any], most: int = 512) -> bytes:
    """Draw a matrix: its first row at the bottom, its first column on the left.

    Args:
        matrix: ``(rows, columns)`` numbers; what is not finite becomes grey.
        most: Rows and columns at most; larger matrices are averaged over blocks.

    Returns:
        The content of a PNG file.
    """
    small = _shrink(_shrink(np.asarray(matrix, dtype=np.float64), most, 0), most, 1)
    finite = np.isfinite(small)
    half = np.where(finite, small, 0.0) / 2  # the difference of two float64 may be none
    low, high = (half[finite].min(), half[finite].max()) if finite.any() else (0.0, 1.0)
    shares = (np.where(finite, half, low) - low) / ((high - low) or 1.0)
    levels = np.where(finite, 1 + np.round(shares * 254), 0).astype(np.uint8)[::-1]
    stops = np.linspace(0.0, 1.0, len(_CIVIDIS))
    palette = np.column_stack([np.interp(np.linspace(0, 1, 255), stops, channel) for channel in _CIVIDIS.T])
    colors = np.vstack([[_MISSING], np.round(palette)]).astype(np.uint8)
    rows, columns = levels.shape
    header = struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)
    lines = np.zeros((rows, columns + 1), dtype=np.uint8)  # each begins with the number of its filter: none
    lines[:, 1:] = levels
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, content)
        for kind, content in (
            (b"IHDR", header),
            (b"PLTE", colors.tobytes()),
            (b"IDAT", zlib.compress(lines.tobytes(), 6)),
            (b"IEND", b""),
        )
    )


def _shrink(matrix: NDArray[np.float64], most: int, axis: int) -> NDArray[np.float64]:
    """Average blocks of rows (axis 0) or columns (axis 1), so that `most` are left; infinity counts as no value."""
    length = matrix.shape[axis]
    if length <= most:
        return matrix
    edges = np.arange(most, dtype=np.int64) * length // most
    finite = np.isfinite(matrix)
    sums = np.add.reduceat(np.where(finite, matrix, 0.0), edges, axis=axis)
    counts = np.add.reduceat(finite.astype(np.int64), edges, axis=axis)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
