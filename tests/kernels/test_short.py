"""Short series against the textbook programme, and against the strips, which give the same bits."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from platform_base.kernels.alignment import align_plain, measure_plain
from platform_base.kernels.builtin import Entry
from platform_base.kernels.rules import find_rules
from platform_base.kernels.short import FEW_CELLS, FEW_CELLS_OF_PATH, enter_distance, enter_path

from . import textbook

RULES = [("symmetric1", "sqeuclidean"), ("symmetric2", "euclidean"), ("symmetric2", "sqeuclidean")]


def make_pair(n, m, *, ties):
    rng = np.random.default_rng(n * m)
    return (rng.integers(0, 3, size).astype(float) if ties else rng.normal(size=size) for size in (n, m))


def bind(*options):
    """Return the builtin functions for the distance and for the path; they give ``None`` for what they hand on."""
    return [
        Entry(function, np.dtype(np.float64), options).bind(None, *[lambda *_: None] * 2)
        for function in (enter_distance, enter_path)
    ]


@pytest.mark.parametrize("ties", [False, True], ids=["noise", "ties"])
@pytest.mark.parametrize(("pattern", "metric"), RULES)
@pytest.mark.parametrize(("n", "m", "radius"), [(1, 1, -1), (1, 6, 5), (6, 1, -1), (2, 2, 0), (9, 9, 2), (14, 11, 3)])
def test_cost_and_path_are_those_of_the_textbook(pattern, metric, n, m, radius, ties):
    x, y = make_pair(n, m, ties=ties)
    rows, reach = np.arange(n), n + m if radius < 0 else radius
    first, last = np.maximum(0, rows - reach), np.minimum(m - 1, rows + reach)
    expected, cost = textbook.align(pattern, metric, x[:, np.newaxis], y[:, np.newaxis], first, last)
    rules = find_rules(pattern, metric, 1)
    measure, align = bind(radius, rules.diagonal_weight == 1.0, rules.squares)
    answers = [(measure(x, y), *align(x, y))]
    answers.append((measure_plain(x, y, radius, *rules[:6]), *align_plain(x, y, radius, *rules[:6])))
    for distance, path, path_cost in answers:
        assert distance == path_cost == cost
        np.testing.assert_array_equal(path, expected)


@pytest.mark.parametrize(("n", "m"), [(1, FEW_CELLS), (FEW_CELLS, 1), (24, 24), (1, FEW_CELLS_OF_PATH), (40, 40)])
def test_up_to_few_cells_are_short_and_more_are_not(n, m):
    measure, align = bind(-1, True, True)
    x, y = make_pair(n, m, ties=False)
    expected, cost = textbook.align(
        "symmetric1", "sqeuclidean", x[:, None], y[:, None], np.zeros(n, int), np.full(n, m - 1)
    )
    assert measure(x, y) == (cost if n * m <= FEW_CELLS else None)
    path, path_cost = align(x, y)
    assert path_cost == cost
    np.testing.assert_array_equal(path, expected)
    more = np.append(y, 0.0) if n == 1 else np.append(x, 0.0)
    longer = (x, more) if n == 1 else (more, y)
    assert align(*longer) is None if n * m == FEW_CELLS_OF_PATH else align(*longer)[1] > 0
    assert measure(*longer) is None


@pytest.mark.parametrize(
    ("x", "y", "radius"),
    [([], [1.0], -1), ([1.0], [], -1), ([1.0, np.nan], [1.0], -1), ([1.0], [-np.inf], -1), ([1.0, 2.0, 3.0], [1.0], 1)],
    ids=str,
)
def test_a_call_that_is_not_right_is_handed_on(x, y, radius):
    x, y, rules = np.array(x), np.array(y), find_rules("symmetric1", "sqeuclidean", 1)
    assert [brief(x, y) for brief in bind(radius, True, True)] == [None, None]
    assert np.isnan(measure_plain(x, y, radius, *rules[:6]))
    path, cost = align_plain(x, y, radius, *rules[:6])
    assert (path.shape, np.isnan(cost)) == ((0, 2), True)


def test_a_cost_that_overflows_is_handed_on():
    x, y = np.full(3, 1e200), np.full(3, -1e200)
    assert [brief(x, y) for brief in bind(-1, True, True)] == [None, None]
