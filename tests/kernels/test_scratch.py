"""Room on the stack."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from platform_base.kernels.compilation import kernel
from platform_base.kernels.scratch import carve, scratch

ROOM = 24


@kernel
def fill_rows(room, start, rows, columns, value):
    matrix = carve(room, start, rows, columns)
    for i in range(rows):
        for j in range(columns):
            matrix[i, j] = value + i * columns + j


@kernel
def sum_of_two(rows, columns, owned):
    """Add up two matrices, in one piece of the stack or of memory, which nobody else holds on to."""
    size = rows * columns
    room = np.empty(2 * size) if owned else scratch(ROOM, np.float64)
    fill_rows(room, 0, rows, columns, 0.0)
    fill_rows(room, size, rows, columns, 100.0)
    first, second = carve(room, 0, rows, columns), carve(room, size, rows, columns)
    others = np.full(2 * size, -1.0)  # takes the place of memory that was given up too early
    total = 0.0
    for i in range(rows):
        for j in range(columns):
            total += first[i, j] * second[i, j]
    return total, others[0], first.shape, second[rows - 1].copy()


@pytest.mark.parametrize("owned", [False, True], ids=["stack", "memory"])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 4), (12, 1), (1, 12)])
def test_matrices_share_a_room_without_touching(rows, columns, owned):
    for _ in range(50):
        total, _, shape, last = sum_of_two(rows, columns, owned)
        cells = np.arange(rows * columns, dtype=float)
        assert total == (cells * (cells + 100)).sum()
        assert shape == (rows, columns)
        np.testing.assert_array_equal(last, 100 + cells[-columns:])


def test_a_room_of_unknown_size_is_refused():
    @kernel
    def make(size):
        return scratch(size, np.float64)[0]

    with pytest.raises(Exception, match="scratch"):
        make(5)
