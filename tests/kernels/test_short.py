"""Short series against the textbook programme, and against the strips, which give the same bits."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from platform_base.kernels.alignment import align_plain, measure_plain
from platform_base.kernels.rules import find_rules
from platform_base.kernels.short import align_short, measure_short

from . import textbook

RULES = [("symmetric1", "sqeuclidean"), ("symmetric2", "euclidean"), ("symmetric2", "sqeuclidean")]


def make_pair(n, m, *, ties):
    rng = np.random.default_rng(n * m)
    return (rng.integers(0, 3, size).astype(float) if ties else rng.normal(size=size) for size in (n, m))


@pytest.mark.parametrize("ties", [False, True], ids=["noise", "ties"])
@pytest.mark.parametrize(("pattern", "metric"), RULES)
@pytest.mark.parametrize(("n", "m", "radius"), [(1, 1, -1), (1, 6, 5), (6, 1, -1), (2, 2, 0), (9, 9, 2), (14, 11, 3)])
def test_cost_and_path_are_those_of_the_textbook(pattern, metric, n, m, radius, ties):
    x, y = make_pair(n, m, ties=ties)
    rows, reach = np.arange(n), n + m if radius < 0 else radius
    first, last = np.maximum(0, rows - reach), np.minimum(m - 1, rows + reach)
    expected, cost = textbook.align(pattern, metric, x[:, np.newaxis], y[:, np.newaxis], first, last)
    rules = find_rules(pattern, metric, 1)
    for measure, align, further in (
        (measure_short, align_short, (rules.diagonal_weight == 1.0, rules.squares)),
        (measure_plain, align_plain, rules[:6]),
    ):
        assert measure(x, y, radius, *further) == cost
        path, path_cost = align(x, y, radius, *further)
        assert path_cost == cost
        np.testing.assert_array_equal(path, expected)


@pytest.mark.parametrize(
    ("x", "y", "radius"),
    [([], [1.0], -1), ([1.0], [], -1), ([1.0, np.nan], [1.0], -1), ([1.0], [-np.inf], -1), ([1.0, 2.0, 3.0], [1.0], 1)],
    ids=str,
)
def test_a_call_that_is_not_right_gives_no_cost(x, y, radius):
    x, y, rules = np.array(x), np.array(y), find_rules("symmetric1", "sqeuclidean", 1)
    for measure, align, further in (
        (measure_short, align_short, (True, True)),
        (measure_plain, align_plain, rules[:6]),
    ):
        assert np.isnan(measure(x, y, radius, *further))
        path, cost = align(x, y, radius, *further)
        assert (path.shape, np.isnan(cost)) == ((0, 2), True)


def test_a_cost_that_overflows_is_infinite():
    x, y = np.full(3, 1e200), np.full(3, -1e200)
    assert measure_short(x, y, -1, True, True) == np.inf
    assert align_short(x, y, -1, True, True)[1] == np.inf
