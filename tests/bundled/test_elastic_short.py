"""Plain series, which go straight into compiled code: the papers' costs, the bits of NumPy's kernel, errors as ever."""

from __future__ import annotations

import importlib
import math
from typing import Any

import elastic_textbook as textbook
import numpy as np
import pytest

pytest.importorskip("numba")

from numba import typeof
from plugins.time_elastic.distance import find_shortcut
from plugins.time_elastic.distances import DISTANCES, make_distance
from plugins.time_elastic.entry import compile_long
from plugins.time_elastic.short import FEW_CELLS, FEW_CELLS_OF_MATRIX, enter_distance, enter_matrix, enter_path
from plugins.time_elastic.spread import measure_spread, sum_pairwise

from platform_base.kernels.builtin import Entry

PARAMETERS: dict[str, dict[str, Any]] = {
    "twed": {"nu": 0.25, "lmbda": 0.5},
    "erp": {"gap_value": -0.5},
    "edr": {"epsilon": 0.75},
    "lcss": {"epsilon": 0.75},
    "msm": {"cost": 0.3},
    "wdtw": {"steepness": 0.4},
    "adtw": {"warp_penalty": 0.2},
}
CASES = [*PARAMETERS.items(), ("edr", {}), ("lcss", {}), ("msm", {"cost": 0.5, "independent": True})]
# Around the number of cells from which on it is strips that compute, and the halves of sums of 128.
SIZES = [
    (1, 1),
    (1, 9),
    (8, 1),
    (2, 2),
    (7, 12),
    (24, 24),
    (26, 26),
    (27, 26),
    (40, 40),
    (41, 40),
    (1, 700),
    (140, 131),
]


def ask(name: str, question: str, *arguments: Any, **options: Any) -> Any:
    function = getattr(importlib.import_module(f"plugins.time_elastic.{name}"), f"{name}_{question}")
    return function(*arguments, **options)


def make_pair(n: int, m: int, *, ties: bool) -> list[np.ndarray]:
    generator = np.random.default_rng(1000 * n + m)
    if ties:
        return [generator.integers(-2, 3, size).astype(float) for size in (n, m)]
    return [generator.normal(size=size).cumsum() for size in (n, m)]


@pytest.mark.parametrize(("name", "parameters"), CASES, ids=str)
@pytest.mark.parametrize("ties", [False, True], ids=["noise", "ties"])
def test_short_series_have_the_costs_of_the_papers(name: str, parameters: dict[str, Any], ties: bool) -> None:
    known = {key: value for key, value in parameters.items() if key != "independent"}
    for n, m in SIZES[:6]:
        a, b = make_pair(n, m, ties=ties)
        cost = getattr(textbook, name)(a[:, np.newaxis].tolist(), b[:, np.newaxis].tolist(), **known)
        expected = textbook.fill(cost, n, m)
        total = expected[-1, -1]
        if name == "lcss":
            expected, total = -expected, 1 + total / min(n, m)
        path, distance = ask(name, "path", a, b, **parameters)
        assert ask(name, "distance", a, b, **parameters) == distance == pytest.approx(total, rel=1e-12, abs=1e-12)
        assert ask(name, "matrix", a, b, **parameters) == pytest.approx(expected, rel=1e-12, abs=1e-12)
        price = textbook.price(cost, path)
        assert distance == pytest.approx(1 + price / min(n, m) if name == "lcss" else price, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(("name", "parameters"), CASES, ids=str)
@pytest.mark.parametrize("ties", [False, True], ids=["noise", "ties"])
def test_all_ways_give_the_same_bits(name: str, parameters: dict[str, Any], ties: bool) -> None:
    for n, m in SIZES:
        a, b = make_pair(n, m, ties=ties)
        track, total = ask(name, "path", a, b, kernel="numpy", **parameters)
        matrix = ask(name, "matrix", a, b, kernel="numpy", **parameters)
        backwards = a[::-1].copy()[::-1]
        fixed = b.copy()
        fixed.flags.writeable = False
        # Arrays, those with steps between their samples, those that may not be written, and what is no array.
        for first, second in ((a, b), (backwards, fixed), (a.tolist(), b)):
            path, distance = ask(name, "path", first, second, **parameters)
            assert distance == total == ask(name, "distance", first, second, **parameters)
            np.testing.assert_array_equal(path, track)
            np.testing.assert_array_equal(ask(name, "matrix", first, second, **parameters), matrix)


@pytest.mark.parametrize(("name", "parameters"), PARAMETERS.items(), ids=str)
def test_cells_one_by_one_and_strips_give_the_same_bits(name: str, parameters: dict[str, Any]) -> None:
    distance = make_distance(name, parameters)
    steps, weighted = distance.steps(), distance.weighted
    for question, enter in (("distance", enter_distance), ("matrix", enter_matrix), ("path", enter_path)):
        few = FEW_CELLS_OF_MATRIX if question == "matrix" else FEW_CELLS
        strips = compile_long(question, typeof(steps), weighted)
        for n, m in SIZES[:10]:
            a, b = make_pair(n, m, ties=False)
            further = steps, distance.rooted, distance.weights(max(n, m))[np.newaxis] if weighted else None
            brief = Entry(enter, np.dtype(np.float64), further).bind(None, *[lambda *_: None] * 2)
            answers = brief(a, b), strips(a, b, *further)
            if n * m > few:
                assert answers[0] is None
            elif question == "distance":
                assert answers[0] == answers[1]
            else:
                np.testing.assert_array_equal(answers[0][0], answers[1][0])
                assert answers[0][1] == answers[1][1]


@pytest.mark.parametrize("name", DISTANCES)
@pytest.mark.parametrize("question", ["distance", "matrix", "path"])
def test_plain_series_take_the_short_way_and_others_do_not(name: str, question: Any) -> None:
    found = find_shortcut(question, make_distance(name, PARAMETERS[name]))
    assert found is not None

    def shortcut(first: Any, second: Any) -> Any:
        chosen = found.choose(first, second)
        return chosen and chosen.take(first, second)

    a, b = make_pair(5, 6, ties=False)
    assert shortcut(a, b) is not None
    for other in (a.tolist(), a.astype(np.float32), a.astype(">f8"), a[:, np.newaxis], np.float64(1.0), None):
        assert shortcut(other, b) is None
        assert shortcut(a, other) is None
    for fault in (np.empty(0), np.array([1.0, np.nan]), np.array([np.inf]), np.array([-np.inf, 0.0])):
        for pair in ((fault, b), (a, fault)):
            assert shortcut(*pair) is None


@pytest.mark.parametrize("name", DISTANCES)
@pytest.mark.parametrize("question", ["distance", "matrix", "path"])
@pytest.mark.parametrize("length", [3, 60])
def test_errors_say_the_same_as_those_of_the_long_way(name: str, question: str, length: int) -> None:
    sound = np.zeros(length)
    broken = np.where(np.arange(length) == 1, np.nan, 0.0)
    huge = np.where(np.arange(length) % 2 == 0, 1e308, -1e308)
    for first, second, extra in (
        (broken, sound, {}),
        (sound, np.empty(0), {}),
        (sound, sound, {"nan_policy": "never"}),
        (sound, sound, {"kernel": "fast"}),
        (sound, sound[:2], {"window_size": 0}),
        *([(huge, -huge, {})] if name not in ("edr", "lcss") else []),
    ):
        options = {**PARAMETERS[name], **extra}
        with pytest.raises(ValueError) as arrays:
            ask(name, question, first, second, **options)
        with pytest.raises(ValueError) as lists:
            ask(name, question, first.tolist(), second.tolist(), **options)
        assert str(arrays.value) == str(lists.value)


@pytest.mark.parametrize(("name", "parameters"), PARAMETERS.items(), ids=str)
def test_a_parameter_is_checked_though_one_like_it_was_right(name: str, parameters: dict[str, Any]) -> None:
    (key,) = list(parameters)[:1]
    a, b = make_pair(4, 4, ties=False)
    ones = {**parameters, key: 1.0}
    assert ask(name, "distance", a, b, **ones) == ask(name, "distance", a, b, **{**ones, key: 1})
    with pytest.raises(TypeError, match=rf"{key}: expected a number.*got True"):
        ask(name, "distance", a, b, **{**ones, key: True})
    with pytest.raises(TypeError, match=rf"{key}: expected a number.*got \[1.0\]"):
        ask(name, "distance", a, b, **{**ones, key: [1.0]})
    with pytest.raises(ValueError, match=rf"{key}: expected a finite number.*got nan"):
        ask(name, "distance", a, b, **{**ones, key: math.nan})


@pytest.mark.parametrize("n", [*range(1, 20), 127, 128, 129, 135, 136, 137, 255, 256, 257, 1000, 2048, 5000])
def test_spread_is_that_of_numpy_to_the_last_bit(n: int) -> None:
    generator = np.random.default_rng(n)
    for _ in range(3):
        series = generator.normal(size=n) * 10.0 ** generator.uniform(-3, 3) + generator.normal()
        assert sum_pairwise(series) == np.add.reduce(series)
        assert measure_spread(series) == np.std(series)
