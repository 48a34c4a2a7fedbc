"""Windows whose whole width is in registers, against the textbook programme."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from platform_base.kernels.matrix import LANES
from platform_base.kernels.narrow import align_narrow, compile_narrow, count_narrow_lanes, measure_narrow

from . import textbook

RULES = [
    ("symmetric1", "sqeuclidean", True, True),
    ("symmetric2", "sqeuclidean", False, True),
    ("symmetric2", "euclidean", False, False),
]


def solve(x, y, radius, single, squares):
    lanes = count_narrow_lanes(radius)
    value, recording = (compile_narrow(lanes, single, squares, record).address for record in (False, True))
    cost = measure_narrow(x, y, radius, value, lanes, single, squares)
    return cost, *align_narrow(x, y, radius, recording, lanes, single, squares)


@pytest.mark.parametrize("ties", [False, True], ids=["walks", "ties"])
@pytest.mark.parametrize(("pattern", "metric", "single", "squares"), RULES)
@pytest.mark.parametrize(
    ("n", "m", "radius"),
    [
        (1, 1, 0),
        (1, 4, 6),
        (5, 1, 4),
        (40, 40, 0),
        (40, 40, 1),
        (33, 38, 5),
        (38, 33, 6),
        (9, 9, 60),
        (90, 81, LANES - 2),
    ],
)
def test_cost_and_path_are_those_of_the_textbook(pattern, metric, single, squares, n, m, radius, ties):
    if count_narrow_lanes(radius) == 0:
        pytest.skip(f"{radius} is not narrow on this processor")
    rng = np.random.default_rng(n * m)
    x, y = (rng.integers(0, 3, s).astype(float) if ties else rng.normal(size=s).cumsum() for s in (n, m))
    rows = np.arange(n)
    first, last = np.maximum(0, rows - radius), np.minimum(m - 1, rows + radius)
    expected, cost = textbook.align(pattern, metric, x[:, np.newaxis], y[:, np.newaxis], first, last)
    found, path, path_cost = solve(x, y, radius, single, squares)
    assert found == path_cost == cost
    np.testing.assert_array_equal(path, expected)


def test_lanes_are_as_many_as_the_window_takes():
    assert [count_narrow_lanes(radius) for radius in (-1, 0, 6)] == [0, 8, 8]
    assert count_narrow_lanes(LANES - 2) == LANES
    assert count_narrow_lanes(LANES - 1) == 0


def test_a_call_that_is_not_right_gives_no_cost():
    good = np.arange(30.0)
    for x, y in ((good, np.arange(20.0)), (good, np.full(30, np.nan)), (good, np.zeros(0))):
        cost, path, path_cost = solve(x, y, 4, True, True)
        assert np.isnan(cost)
        assert np.isnan(path_cost)
        assert path.shape == (0, 2)


def test_a_cost_that_overflows_is_infinite():
    assert solve(np.full(30, 1e200), np.full(30, -1e200), 4, True, True)[::2] == (np.inf, np.inf)
