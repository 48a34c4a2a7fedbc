"""Every step pattern and every opening of the ends against dtw-python, and against all paths there are."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest
from dtw import dtw as r_dtw
from dtw import rabinerJuangStepPattern
from dtw import stepPattern as r_patterns
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.advanced_sync.dtw import Alignment, dtw_align, dtw_distance, dtw_matrices, dtw_path
from plugins.advanced_sync.step_patterns import STEP_PATTERNS, StepPattern, rabiner_juang

KERNELS = ("numba", "numpy")
NAMES = sorted(set(STEP_PATTERNS) - {"symmetric"})
ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7}


def r_pattern(name: str):
    """The same pattern as dtw-python builds it."""
    match = re.fullmatch(r"rabinerJuang([IV]+)([a-d])(s?)", name)
    if match:
        return rabinerJuangStepPattern(ROMAN[match[1]], match[2], match[3] == "s")
    return getattr(r_patterns, name)


def r_terms(name: str) -> set[tuple]:
    """Its productions as a set of (origin, {cell: weight}) in offsets, whatever their order."""
    table = r_pattern(name).mx
    terms = set()
    for number in np.unique(table[:, 0]):
        rows = table[table[:, 0] == number]
        origin = rows[rows[:, 3] == -1][0, 1:3]
        paid = rows[rows[:, 3] != -1]
        terms.add((tuple(origin), frozenset((*row[1:3], round(row[3], 12)) for row in paid)))
    return terms


def our_terms(pattern: StepPattern) -> set[tuple]:
    table = pattern.table
    return {
        (
            tuple(table.origins[p].astype(float)),
            frozenset(
                (*table.offsets[k].astype(float), round(table.weights[k], 12))
                for k in range(table.starts[p], table.starts[p + 1])
            ),
        )
        for p in range(len(pattern.productions))
    }


@pytest.mark.parametrize("name", NAMES)
def test_table_is_that_of_r(name: str) -> None:
    assert our_terms(STEP_PATTERNS[name]) == r_terms(name)
    assert STEP_PATTERNS[name].normalization == r_pattern(name).hint
    assert STEP_PATTERNS[name].name == name


def series(n: int, m: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.normal(size=(n, 2)).cumsum(axis=0), generator.normal(size=(m, 2)).cumsum(axis=0)


def r_align(x: np.ndarray, y: np.ndarray, name: str, **options):
    with warnings.catch_warnings():
        # It tells of deprecated NumPy calls of its own.
        warnings.simplefilter("ignore", DeprecationWarning)
        return r_dtw(x, y, step_pattern=r_pattern(name), keep_internals=True, **options)


def assert_same_path(path: np.ndarray, expected, name: str) -> None:
    if STEP_PATTERNS[name].productions[-1] == ((0, 1, 0.0),):
        # A step that costs nothing: the path has equals, of which either side takes one. What it costs is tested below.
        assert path[-1].tolist() == [expected.index1[-1], expected.index2[-1]]
        return
    assert path.tolist() == np.stack([expected.index1, expected.index2], axis=1).tolist()


def assert_same(got: Alignment, expected, name: str) -> None:
    assert got.distance == pytest.approx(expected.distance, rel=1e-12)
    if STEP_PATTERNS[name].normalization != "NA":
        assert got.normalized_distance == pytest.approx(expected.normalizedDistance, rel=1e-12)
    assert_same_path(got.path, expected, name)
    if got.matrices is not None:
        accumulated = np.where(np.isnan(expected.costMatrix), np.inf, expected.costMatrix)
        np.testing.assert_allclose(got.matrices.accumulated, accumulated, rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_distance_path_and_matrices_equal_those_of_r(name: str) -> None:
    for n, m in [(20, 20), (23, 19), (17, 22)] if name != "rigid" else [(20, 20)]:
        x, y = series(n, m, seed=n + m)
        expected = r_align(x, y, name)
        for kernel in KERNELS:
            got = dtw_align(x, y, step_pattern=name, matrices=True, kernel=kernel)
            assert_same(got, expected, name)
            np.testing.assert_allclose(got.matrices.local, expected.localCostMatrix, rtol=1e-12)
            assert got.distance == dtw_distance(x, y, step_pattern=name, kernel=kernel)


@pytest.mark.parametrize("name", [name for name in NAMES if STEP_PATTERNS[name].normalization != "NA"])
def test_open_end_equals_that_of_r(name: str) -> None:
    x, y = series(12, 24, seed=5)
    expected = r_align(x, y, name, open_end=True)
    for kernel in KERNELS:
        assert_same(dtw_align(x, y, step_pattern=name, open_end=True, kernel=kernel), expected, name)


@pytest.mark.parametrize("open_end", [True, False])
@pytest.mark.parametrize("name", [name for name in NAMES if STEP_PATTERNS[name].normalization == "N"])
def test_open_begin_equals_that_of_r(name: str, open_end: bool) -> None:
    x, y = series(12, 24, seed=6)
    expected = r_align(x, y, name, open_begin=True, open_end=open_end)
    for kernel in KERNELS:
        got = dtw_align(x, y, step_pattern=name, open_begin=True, open_end=open_end, kernel=kernel, matrices=True)
        assert_same(got, expected, name)


# With an open begin dtw-python counts the row of zeros as the first of the window, which moves it by one sample.
@pytest.mark.parametrize("name", NAMES)
def test_windows_and_open_ends_equal_those_of_r(name: str) -> None:
    windows = [
        (20, 20, {"window_size": 6}, {"window_type": "sakoechiba", "window_args": {"window_size": 6}}),
        (
            19,
            23,
            {"window_type": "slanted_band", "window_size": 5},
            {"window_type": "slantedband", "window_args": {"window_size": 5}},
        ),
    ]
    for n, m, ours, theirs in windows if name != "rigid" else windows[:1]:
        x, y = series(n, m, seed=n)
        for open_end in [False, True] if STEP_PATTERNS[name].normalization != "NA" else [False]:
            expected = r_align(x, y, name, open_end=open_end, **theirs)
            for kernel in KERNELS:
                got = dtw_align(x, y, step_pattern=name, open_end=open_end, kernel=kernel, **ours)
                assert_same(got, expected, name)


def test_hand_checkable_example_of_the_r_package() -> None:
    # Myers 1980, page 61, as in the documentation of dtw: local costs by hand, transposed as the package lays them out.
    costs = np.array([[1, 3, 4, 4, 5], [2, 2, 3, 3, 4], [3, 1, 1, 1, 3], [4, 2, 3, 3, 2], [5, 3, 4, 4, 1]], float)
    for name in ("symmetric1", "symmetric2", "asymmetric", "typeIa", "typeIId", "mori2006"):
        expected = r_dtw(costs, step_pattern=r_pattern(name)).distance
        got = dtw_distance(None, None, cost_matrix=costs, distance_metric="precomputed", step_pattern=name)
        assert got == pytest.approx(expected, rel=1e-14)


Cells = list[tuple[int, int]]


def slow(x: np.ndarray, y: np.ndarray, pattern: StepPattern, begin: bool) -> dict[tuple[int, int], tuple[float, Cells]]:
    """The recurrence as the productions say it, in a dictionary, for one channel and absolute differences.

    Each cell has its cost, and the path to it: by the first of the productions that cost the same.
    """
    total: dict[tuple[int, int], tuple[float, Cells]] = {(-1, j): (0.0, []) for j in range(len(y))} if begin else {}
    for i in range(len(x)):
        for j in range(len(y)):
            ways = [] if begin or (i, j) != (0, 0) else [(abs(x[0] - y[0]), [(0, 0)])]
            for moves in pattern.productions:
                row, column = i - sum(m[0] for m in moves), j - sum(m[1] for m in moves)
                if (row, column) not in total:
                    continue
                cost, path = total[row, column]
                for di, dj, weight in moves:
                    row, column = row + di, column + dj
                    cost += weight * abs(x[row] - y[column])
                    path = [*path, (row, column)]
                ways.append((cost, path))
            if ways:
                total[i, j] = min(ways, key=lambda way: way[0])
    return total


@pytest.mark.parametrize("kernel", KERNELS)
@settings(deadline=None, max_examples=60)
@given(data=st.data(), name=st.sampled_from(NAMES))
def test_every_pattern_equals_the_slow_recurrence(kernel: str, name: str, data: st.DataObject) -> None:
    pattern = STEP_PATTERNS[name]
    begin = pattern.normalization in ("N", "NA") and data.draw(st.booleans())
    value = data.draw(st.sampled_from([st.integers(-2, 2), st.floats(-1e3, 1e3, allow_subnormal=False)]))
    x = np.array(data.draw(st.lists(value, min_size=1, max_size=9)), float)
    y = np.array(data.draw(st.lists(value, min_size=1, max_size=9)), float)
    total = slow(x, y, pattern, begin)
    options = {"step_pattern": name, "open_begin": begin, "kernel": kernel}
    if (len(x) - 1, len(y) - 1) not in total:
        with pytest.raises(ValueError, match=r"^(target|reference): expected"):
            dtw_distance(x, y, **options)
        return
    expected, _ = total[len(x) - 1, len(y) - 1]
    assert dtw_distance(x, y, **options) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    matrix = np.array([[total.get((i, j), (np.inf, []))[0] for j in range(len(y))] for i in range(len(x))])
    np.testing.assert_allclose(dtw_matrices(x, y, **options).accumulated, matrix, rtol=1e-12, atol=1e-12)
    ends = {j: total[len(x) - 1, j][0] for j in range(len(y)) if (len(x) - 1, j) in total}
    by_length = pattern.normalization in ("M", "N+M")
    best = min(cost / pattern.divisor(len(x), j + 1) if by_length else cost for j, cost in ends.items())
    path, distance = dtw_path(x, y, open_end=True, **options)
    end = int(path[-1, 1])
    assert distance == pytest.approx(ends[end], rel=1e-12, abs=1e-12)
    divisor = pattern.divisor(len(x), end + 1) if by_length else 1
    assert distance / divisor == pytest.approx(best, rel=1e-12, abs=1e-12)


def is_exact(pattern: StepPattern) -> bool:
    """Whether sums of whole costs are exact: else what ties on paper does not tie in float64."""
    return all(float(2 * weight).is_integer() for moves in pattern.productions for *_, weight in moves)


@pytest.mark.parametrize("name", [name for name in NAMES if is_exact(STEP_PATTERNS[name])])
def test_ties_are_broken_as_documented(name: str) -> None:
    pattern = STEP_PATTERNS[name]
    generator = np.random.default_rng(17)
    compared = 0
    for begin in [False, True] if pattern.normalization in ("N", "NA") else [False]:
        for n, m in [(12, 12), (10, 13), (13, 11)]:
            x, y = (generator.integers(0, 3, size).astype(float) for size in (n, m))
            total = slow(x, y, pattern, begin)
            if (n - 1, m - 1) in total:
                compared += 1
                cost, path = total[n - 1, m - 1]
                for kernel in KERNELS:
                    found, distance = dtw_path(x, y, step_pattern=name, open_begin=begin, kernel=kernel)
                    assert distance == cost
                    assert found.tolist() == [list(cell) for cell in path]
    assert compared >= (2 if name == "rigid" else 3)


def productions_of(path: np.ndarray, pattern: StepPattern) -> list[int] | None:
    """Into which productions a path falls, from its end; ``None`` if it does not."""
    cells = path.tolist()
    if len(cells) == 1:
        return []
    for number, moves in enumerate(pattern.productions):
        steps = [
            (b[0] - a[0], b[1] - a[1]) for a, b in zip(cells[-len(moves) - 1 : -1], cells[-len(moves) :], strict=False)
        ]
        if steps == [move[:2] for move in moves]:
            rest = productions_of(path[: -len(moves)], pattern)
            if rest is not None:
                return [*rest, number]
    return None


@pytest.mark.parametrize("name", NAMES)
def test_path_is_made_of_productions_and_costs_the_distance(name: str) -> None:
    pattern = STEP_PATTERNS[name]
    x, y = series(16, 16, seed=9)
    path, distance = dtw_path(x, y, step_pattern=name, distance_metric="manhattan")
    numbers = productions_of(path, pattern)
    assert numbers is not None
    weights = [1.0, *(move[2] for number in numbers for move in pattern.productions[number])]
    local = np.abs(x[path[:, 0]] - y[path[:, 1]]).sum(axis=1)
    assert distance == pytest.approx(float(np.dot(weights, local)), rel=1e-12)


@settings(deadline=None, max_examples=60)
@given(name=st.sampled_from(NAMES), seed=st.integers(0, 1 << 16), channels=st.integers(1, 3), open_end=st.booleans())
def test_both_kernels_agree_to_the_last_bit(name: str, seed: int, channels: int, open_end: bool) -> None:
    generator = np.random.default_rng(seed)
    x, y = generator.integers(-3, 4, (14, channels)).astype(float), generator.normal(size=(14, channels))
    options = {"step_pattern": name, "open_end": open_end, "matrices": True}
    compiled, plain = (dtw_align(x, y, kernel=kernel, **options) for kernel in KERNELS)
    assert compiled.distance == plain.distance
    assert np.array_equal(compiled.path, plain.path)
    assert np.array_equal(compiled.matrices.accumulated, plain.matrices.accumulated)


@pytest.mark.parametrize("kernel", KERNELS)
def test_subsequence_is_found_where_it_was_put(kernel: str) -> None:
    generator = np.random.default_rng(4)
    target = generator.normal(size=300)
    for name in ("symmetric1", "asymmetric", "rigid", "typeIc", "asymmetricP0"):
        path, distance = dtw_path(
            target[120:160], target, step_pattern=name, open_begin=True, open_end=True, kernel=kernel
        )
        assert distance == 0.0
        assert path[-1].tolist() == [39, 159]
        assert path[0].tolist() == [0, 120]


def test_open_symmetric1_is_the_cheapest_of_all_subsequences() -> None:
    x, y = (one[:, 0] for one in series(6, 9, seed=2))
    pieces = [dtw_distance(x, y[a:b], step_pattern="symmetric1") for a in range(9) for b in range(a + 1, 10)]
    got = dtw_distance(x, y, step_pattern="symmetric1", open_begin=True, open_end=True)
    assert got == pytest.approx(min(pieces), rel=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step_pattern": "symmetric2", "open_begin": True}, "open_begin: expected false with step_pattern symmetric2"),
        ({"step_pattern": "mori2006", "open_begin": True}, "open_begin: .*asymmetric, symmetric1"),
        ({"step_pattern": "asymetric"}, "did you mean asymmetric"),
        ({"step_pattern": "rigid"}, "target: expected 12 samples.*got 30"),
        ({"step_pattern": "symmetricP1"}, "target: expected 7 to 23 samples.*12 reference samples, got 30"),
        ({"step_pattern": "asymmetric"}, "target: expected at most 23 samples"),
        ({"step_pattern": "asymmetric", "open_begin": True, "window_size": 5}, "window_size: .*give window_size=18 or"),
    ],
)
def test_impossible_patterns_say_what_is_possible(options: dict, message: str) -> None:
    x, y = series(12, 30, seed=1)
    with pytest.raises(ValueError, match=message):
        dtw_distance(x, y, **options)


@pytest.mark.parametrize("begin", [True, False])
@pytest.mark.parametrize("name", ["asymmetricP1", "typeIVc", "rigid", "rabinerJuangVIc"])
def test_targets_too_short_for_an_open_path_say_what_is_needed(name: str, begin: bool) -> None:
    options = {"step_pattern": name, "open_begin": begin, "open_end": True}
    x = np.zeros(20)
    with pytest.raises(ValueError, match="target: expected at least") as caught:
        dtw_distance(x, np.zeros(3), **options)
    shortest = int(re.search(r"at least (\d+)", str(caught.value))[1])
    assert dtw_distance(x, np.zeros(shortest), **options) == 0.0
    with pytest.raises(ValueError, match=f"target: expected at least {shortest} "):
        dtw_distance(x, np.zeros(shortest - 1), **options)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_feasible_lengths_are_those_that_the_error_names(name: str, n: int) -> None:
    feasible = []
    messages = []
    for m in range(1, 30):
        try:
            dtw_distance(np.zeros(n), np.zeros(m), step_pattern=name)
            feasible.append(m)
        except ValueError as error:
            messages.append(str(error))
    total = slow(np.zeros(n), np.zeros(29), STEP_PATTERNS[name], False)
    assert feasible == [m for m in range(1, 30) if (n - 1, m - 1) in total]
    if feasible and messages and max(feasible) < 29:
        assert all(re.match(rf"target: expected .*\b{max(feasible)}\b", message) for message in messages)


def test_scheme_refuses_what_it_does_not_hold() -> None:
    with pytest.raises(ValueError, match="path_type: expected 1 to 7, got 8"):
        rabiner_juang(8)
    with pytest.raises(ValueError, match="weighting: expected one of a, b, c, d, got 'e'"):
        rabiner_juang(1, "e")


def test_own_pattern_is_taken() -> None:
    itakura = StepPattern(
        name="itakura",
        productions=(((1, 1, 1),), ((1, 2, 1),), ((1, 1, 1), (1, 0, 1)), ((1, 2, 1), (1, 0, 1))),
        normalization="N",
    )
    x, y = series(20, 22, seed=3)
    expected = r_dtw(x, y, step_pattern=r_patterns._asymmetricItakura)
    got = dtw_align(x, y, step_pattern=itakura)
    assert got.distance == pytest.approx(expected.distance, rel=1e-12)
    assert got.step_pattern == "itakura"


@pytest.mark.parametrize(
    ("productions", "normalization", "message"),
    [
        ((), "N", "expected 1 to 16 productions, got 0"),
        (((),), "N", "production 0: expected at least one move"),
        ((((1, -1, 1),),), "N", "expected moves forward"),
        ((((0, 0, 1),),), "N", "expected moves forward"),
        ((((1, 1, -1),),), "N", "expected finite weights of at least 0, got -1"),
        ((((0, 1, 1),), ((1, 1, 1),)), "N", "in the last production"),
        ((((1, 1, 1),), ((0, 2, 1),)), "N", "in the last production"),
        ((((1, 1, 1),),), "N*M", "expected normalization N, M"),
    ],
)
def test_broken_patterns_are_refused(productions: tuple, normalization: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StepPattern(name="own", productions=productions, normalization=normalization)
