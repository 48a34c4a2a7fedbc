"""Dynamic time warping against a textbook programme, brute force, published values and its own laws."""

from __future__ import annotations

import doctest
import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.advanced_sync import dtw
from plugins.advanced_sync.dtw import dtw_align, dtw_distance, dtw_path

KERNELS = ("numba", "numpy")
METRICS = ("euclidean", "sqeuclidean", "manhattan")
PATTERNS = ("symmetric1", "symmetric2", "asymmetric")
STEPS = {
    "symmetric1": {(1, 1): 1, (1, 0): 1, (0, 1): 1},
    "symmetric2": {(1, 1): 2, (1, 0): 1, (0, 1): 1},
    "asymmetric": {(1, 1): 1, (1, 0): 1, (1, 2): 1},
}


def local_cost(a: np.ndarray, b: np.ndarray, metric: str) -> float:
    differences = [float(p) - float(q) for p, q in zip(np.atleast_1d(a), np.atleast_1d(b), strict=True)]
    if metric == "manhattan":
        return sum(abs(d) for d in differences)
    square = sum(d * d for d in differences)
    return math.sqrt(square) if metric == "euclidean" else square


def textbook(x: np.ndarray, y: np.ndarray, metric: str, pattern: str, window: int | None) -> float:
    """The recurrence cell by cell, in a dictionary: nothing in common with the kernels but the definition."""
    reach = max(len(x), len(y)) if window is None else window
    total = {(0, 0): local_cost(x[0], y[0], metric)}
    for i in range(len(x)):
        for j in range(len(y)):
            if (i, j) == (0, 0) or abs(i - j) > reach:
                continue
            cost = local_cost(x[i], y[j], metric)
            total[i, j] = min(
                total.get((i - di, j - dj), math.inf) + weight * cost for (di, dj), weight in STEPS[pattern].items()
            )
    return total[len(x) - 1, len(y) - 1]


def all_paths(n: int, m: int, pattern: str) -> Iterator[list[tuple[int, int]]]:
    def extend(path: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
        i, j = path[-1]
        if (i, j) == (n - 1, m - 1):
            yield path
        for di, dj in STEPS[pattern]:
            if i + di < n and j + dj < m:
                yield from extend([*path, (i + di, j + dj)])

    yield from extend([(0, 0)])


def cost_of(path: np.ndarray, x: np.ndarray, y: np.ndarray, metric: str, pattern: str) -> float:
    total = local_cost(x[0], y[0], metric)
    for (i0, j0), (i1, j1) in zip(path[:-1].tolist(), path[1:].tolist(), strict=True):
        total += STEPS[pattern][i1 - i0, j1 - j0] * local_cost(x[i1], y[j1], metric)
    return total


@st.composite
def problems(draw: st.DrawFn) -> dict:
    """Two series of up to 12 samples with a feasible window; small integers as well, because they tie."""
    pattern = draw(st.sampled_from(PATTERNS))
    n = draw(st.integers(1, 12))
    m = draw(st.integers(1, min(12, 2 * n - 1) if pattern == "asymmetric" else 12))
    channels = draw(st.integers(1, 3))
    value = draw(st.sampled_from([st.integers(-2, 2), st.floats(-1e3, 1e3, allow_nan=False, allow_subnormal=False)]))

    def series(length: int) -> np.ndarray:
        flat = draw(st.lists(value, min_size=length * channels, max_size=length * channels))
        return np.array(flat, dtype=float).reshape(length, channels)

    return {
        "x": series(n),
        "y": series(m),
        "distance_metric": draw(st.sampled_from(METRICS)),
        "step_pattern": pattern,
        "window_size": draw(st.none() | st.integers(abs(n - m), 14)),
    }


def split(problem: dict) -> tuple[np.ndarray, np.ndarray, dict]:
    options = dict(problem)
    return options.pop("x"), options.pop("y"), options


@pytest.mark.parametrize("kernel", KERNELS)
@settings(deadline=None)
@given(problem=problems())
def test_distance_equals_the_textbook(kernel: str, problem: dict) -> None:
    x, y, options = split(problem)
    expected = textbook(x, y, options["distance_metric"], options["step_pattern"], options["window_size"])
    assert dtw_distance(x, y, kernel=kernel, **options) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("kernel", KERNELS)
@settings(deadline=None)
@given(problem=problems())
def test_path_is_valid_and_costs_the_distance(kernel: str, problem: dict) -> None:
    x, y, options = split(problem)
    path, distance = dtw_path(x, y, kernel=kernel, **options)
    assert path.dtype == np.int64
    assert path.shape[1] == 2
    assert path[0].tolist() == [0, 0]
    assert path[-1].tolist() == [len(x) - 1, len(y) - 1]
    assert {tuple(step) for step in np.diff(path, axis=0).tolist()} <= set(STEPS[options["step_pattern"]])
    if options["window_size"] is not None:
        assert np.abs(path[:, 0] - path[:, 1]).max() <= options["window_size"]
    cost = cost_of(path, x, y, options["distance_metric"], options["step_pattern"])
    assert distance == pytest.approx(cost, rel=1e-12, abs=1e-12)
    assert distance == dtw_distance(x, y, kernel=kernel, **options)


@settings(deadline=None)
@given(problem=problems())
def test_both_kernels_agree_to_the_last_bit(problem: dict) -> None:
    x, y, options = split(problem)
    compiled = dtw_align(x, y, kernel="numba", **options)
    plain = dtw_align(x, y, kernel="numpy", **options)
    assert (compiled.kernel, plain.kernel) == KERNELS
    assert compiled.distance == plain.distance
    assert np.array_equal(compiled.path, plain.path)
    assert np.array_equal(compiled.warped, plain.warped)


@settings(deadline=None)
@given(problem=problems())
def test_warped_is_the_mean_of_the_matched_samples(problem: dict) -> None:
    x, y, options = split(problem)
    alignment = dtw_align(x, y, **options)
    for i in range(len(x)):
        matched = y[alignment.path[alignment.path[:, 0] == i, 1]]
        assert len(matched) == 1 or options["step_pattern"] != "asymmetric"
        assert np.allclose(alignment.warped[i], matched.mean(axis=0), rtol=1e-12, atol=1e-12)


@settings(deadline=None)
@given(problem=problems())
def test_laws(problem: dict) -> None:
    x, y, options = split(problem)
    distance = dtw_distance(x, y, **options)
    assert distance >= 0
    assert dtw_distance(x, x, **options) == 0
    wider = {**options, "window_size": None}
    assert dtw_distance(x, y, **wider) <= distance
    if options["step_pattern"] != "asymmetric":
        assert dtw_distance(y, x, **options) == pytest.approx(distance, rel=1e-12, abs=1e-12)
    if options["step_pattern"] == "symmetric1" and (options["window_size"] is None or len(x) == len(y)):
        # Only then is the window, |i - j|, the same seen from the end.
        assert dtw_distance(x[::-1], y[::-1], **options) == pytest.approx(distance, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (4, 4), (5, 3), (4, 6)])
def test_no_path_is_cheaper(pattern: str, metric: str, shape: tuple[int, int]) -> None:
    generator = np.random.default_rng(shape[0] * 10 + shape[1])
    x, y = (generator.normal(size=(length, 2)) for length in shape)
    costs = [cost_of(np.array(path), x, y, metric, pattern) for path in all_paths(*shape, pattern)]
    distance = dtw_distance(x, y, distance_metric=metric, step_pattern=pattern)
    assert distance == pytest.approx(min(costs), rel=1e-12)


# Expected values: dtw-python 1.9.0, dtw(X, Y, dist_method=..., step_pattern=...). It does not normalize
# symmetric1, for which we divide by the 9 pairs of the path.
X = [0.0, 1.0, 3.0, 2.0, -1.0, 0.5, 4.0]
Y = [0.5, 3.5, 2.5, 2.0, -2.0, 0.0, 0.0, 4.5]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    ("pattern", "metric", "expected", "normalized"),
    [
        ("symmetric1", "euclidean", 4.5, 4.5 / 9),
        ("symmetric1", "sqeuclidean", 2.75, 2.75 / 9),
        ("symmetric2", "euclidean", 7.0, 7.0 / 15),
        ("symmetric2", "sqeuclidean", 4.5, 4.5 / 15),
        ("symmetric2", "manhattan", 7.0, 7.0 / 15),
        ("asymmetric", "euclidean", 3.5, 3.5 / 7),
        ("asymmetric", "sqeuclidean", 2.25, 2.25 / 7),
    ],
)
def test_equals_the_r_package(kernel: str, pattern: str, metric: str, expected: float, normalized: float) -> None:
    alignment = dtw_align(X, Y, distance_metric=metric, step_pattern=pattern, kernel=kernel)
    assert alignment.distance == pytest.approx(expected, rel=1e-14)
    assert alignment.normalized_distance == pytest.approx(normalized, rel=1e-14)


def test_symmetric_is_symmetric2() -> None:
    alignment = dtw_align(X, Y)
    assert alignment.step_pattern == "symmetric2"
    assert alignment.distance == dtw_distance(X, Y, step_pattern="symmetric2")
    assert alignment.normalized_distance == alignment.distance / (len(X) + len(Y))


def test_ties_take_the_diagonal_then_stay_on_the_target() -> None:
    for kernel in KERNELS:
        path, distance = dtw_path(np.ones(3), np.ones(5), step_pattern="symmetric1", kernel=kernel)
        assert distance == 0
        assert path.tolist() == [[0, 0], [0, 1], [0, 2], [1, 3], [2, 4]]
        path, _ = dtw_path(np.ones(3), np.ones(3), step_pattern="symmetric2", kernel=kernel)
        assert path.tolist() == [[0, 0], [1, 1], [2, 2]]


def test_one_point_is_matched_with_everything() -> None:
    for kernel in KERNELS:
        alignment = dtw_align([1.0, 2.0, 4.0], [2.0], kernel=kernel)
        assert alignment.path.tolist() == [[0, 0], [1, 0], [2, 0]]
        assert alignment.distance == 3.0
        assert alignment.warped.tolist() == [2.0, 2.0, 2.0]
        other_way = dtw_align([2.0], [1.0, 2.0, 3.0], kernel=kernel)
        assert other_way.warped.tolist() == [2.0]
        assert dtw_align([5.0], [3.0], kernel=kernel).distance == 2.0


def test_constant_series_have_the_distance_of_their_levels() -> None:
    assert dtw_distance(np.full(10, 3.0), np.full(10, 3.0)) == 0
    assert dtw_distance(np.full(10, 3.0), np.full(10, 5.0), step_pattern="symmetric1") == 20.0


def test_shifted_pulse_is_found() -> None:
    time = np.arange(200)
    reference = np.exp(-(((time - 90) / 8.0) ** 2))
    target = np.exp(-(((time - 104) / 8.0) ** 2))
    alignment = dtw_align(reference, target, window_size=20)
    assert np.argmax(alignment.warped) == 90
    assert np.abs(alignment.warped - reference).max() < 0.05


def as_float32(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float32)


def read_only(x: np.ndarray) -> np.ndarray:
    copy = x.copy()
    copy.flags.writeable = False
    return copy


def strided(x: np.ndarray) -> np.ndarray:
    return np.repeat(x, 2, axis=0)[::2]


def backward_strides(x: np.ndarray) -> np.ndarray:
    return x[::-1].copy()[::-1]


def big_endian(x: np.ndarray) -> np.ndarray:
    return x.astype(">f8")


@pytest.mark.parametrize(
    "form",
    [
        np.ndarray.tolist,
        tuple,
        as_float32,
        read_only,
        strided,
        backward_strides,
        big_endian,
        np.asfortranarray,
    ],
    ids=lambda form: form.__name__,
)
@pytest.mark.parametrize("channels", [None, 3])
def test_every_form_of_the_same_numbers_gives_the_same_result(
    form: Callable[[np.ndarray], object], channels: int | None
) -> None:
    generator = np.random.default_rng(7)
    tail = () if channels is None else (channels,)
    x = generator.integers(-9, 9, size=(30, *tail)).astype(float)
    y = generator.integers(-9, 9, size=(34, *tail)).astype(float)
    expected = dtw_align(x, y, window_size=8)
    got = dtw_align(form(x), form(y), window_size=8)  # type: ignore[arg-type]
    assert got.distance == expected.distance
    assert np.array_equal(got.path, expected.path)
    assert np.array_equal(got.warped, expected.warped)
    assert got.warped.shape == x.shape
    assert got.warped.dtype == np.float64


def test_integers_and_booleans_are_numbers() -> None:
    assert dtw_distance(np.array([0, 3], dtype=np.uint8), np.array([3, 0], dtype=np.uint8)) == 6.0
    assert dtw_distance([True, False], [True, False]) == 0.0


def test_inputs_are_left_alone() -> None:
    x, y = np.arange(5.0), np.arange(6.0)[::-1].copy()
    dtw_align(x, y)
    assert x.tolist() == [0, 1, 2, 3, 4]
    assert y.tolist() == [5, 4, 3, 2, 1, 0]


@pytest.mark.parametrize(
    ("x", "y", "options", "error", "message"),
    [
        ([1.0, math.nan], [1.0], {}, ValueError, r"reference\[1\]: expected a finite number, got nan"),
        ([1.0], [[math.inf]], {}, ValueError, r"target\[0, 0\]: expected a finite number, got inf"),
        ([], [1.0], {}, ValueError, r"reference: expected at least one sample.*\(0,\)"),
        ([1.0], np.zeros((3, 0)), {}, ValueError, r"target: expected at least one sample.*\(3, 0\)"),
        (np.zeros((2, 2, 2)), [1.0], {}, ValueError, r"reference: expected shape.*\(2, 2, 2\)"),
        (3.0, [1.0], {}, ValueError, r"reference: expected shape.*\(\)"),
        ([[1, 2], [3]], [1.0], {}, ValueError, "reference: .*ragged"),
        (["a"], [1.0], {}, TypeError, "reference: expected real numbers, got dtype"),
        ([1j], [1.0], {}, TypeError, "reference: expected real numbers, got dtype complex128"),
        ([None], [1.0], {}, TypeError, "reference: expected real numbers, got dtype object"),
        (np.ma.masked_less([1.0, -1.0], 0), [1.0], {}, ValueError, "reference: .*masked"),
        (np.zeros((3, 2)), np.zeros((3, 1)), {}, ValueError, r"target: expected 2 channel\(s\).*got 1"),
        ([1.0], [1.0], {"distance_metric": "canberra"}, ValueError, "distance_metric: .*'canberra'"),
        ([1.0], [1.0], {"step_pattern": "mori"}, ValueError, "step_pattern: .*'mori'"),
        ([1.0], [1.0], {"kernel": "cuda"}, ValueError, "kernel: .*'cuda'"),
        ([1.0], [1.0], {"window_size": True}, TypeError, "window_size: .*got True"),
        ([1.0], [1.0], {"window_size": 2.0}, TypeError, "window_size: .*got 2.0"),
        ([1.0], [1.0], {"window_size": -1}, ValueError, "window_size: expected at least 0"),
        (np.zeros(9), np.zeros(4), {"window_size": 3}, ValueError, "give window_size=5 or more"),
        (np.zeros(4), np.zeros(8), {"step_pattern": "asymmetric"}, ValueError, "at most 7 samples.*got 8"),
        ([1e308, -1e308], [-1e308, 1e308], {}, ValueError, "overflow float64.*scale both series"),
    ],
)
def test_bad_input_gets_a_clear_error(
    x: object, y: object, options: dict, error: type[Exception], message: str
) -> None:
    for function in (dtw_distance, dtw_path, dtw_align):
        with pytest.raises(error, match=message):
            function(x, y, **options)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("n", "m"), [(6, 6), (6, 9), (9, 6), (1, 5), (5, 1)])
def test_smallest_feasible_window_is_what_the_error_says(kernel: str, n: int, m: int) -> None:
    x, y = np.arange(float(n)), np.arange(float(m))
    smallest = abs(n - m)
    path, _ = dtw_path(x, y, window_size=smallest, kernel=kernel)
    assert np.abs(path[:, 0] - path[:, 1]).max() == smallest
    if smallest:
        with pytest.raises(ValueError, match=f"give window_size={smallest} or more"):
            dtw_path(x, y, window_size=smallest - 1, kernel=kernel)


@pytest.mark.parametrize("kernel", KERNELS)
def test_longest_asymmetric_target_is_what_the_error_says(kernel: str) -> None:
    path, _ = dtw_path(np.zeros(4), np.arange(7.0), step_pattern="asymmetric", kernel=kernel)
    assert path.tolist() == [[0, 0], [1, 2], [2, 4], [3, 6]]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_several_blocks_of_rows_join_seamlessly(pattern: str) -> None:
    # 2,500 x 2,500 cells are a hundred blocks of the compiled kernel.
    generator = np.random.default_rng(11)
    x = generator.normal(size=2500).cumsum()
    y = x[::-1].copy()
    compiled, plain = (dtw_distance(x, y, step_pattern=pattern, kernel=kernel) for kernel in KERNELS)
    assert compiled == plain


def test_doctests() -> None:
    outcome = doctest.testmod(dtw)
    assert outcome.attempted >= 7
    assert outcome.failed == 0


def test_what_one_call_chose_is_not_taken_for_another() -> None:
    x, y = np.array([0.0, 3.0, 1.0]), np.array([1.0, 3.0, 3.0])
    assert dtw_distance(x, y, window_size=1) == 3.0
    for wrong in (True, 1.0):
        with pytest.raises(TypeError, match="window_size"):
            dtw_distance(x, y, window_size=wrong)  # type: ignore[arg-type]
    assert dtw_distance(x, y, window_size=np.int64(1)) == 3.0  # type: ignore[arg-type]
    assert dtw_distance(x, y, window_size=10**30) == 3.0
    with pytest.raises(ValueError, match="window_size"):
        dtw_distance(x, y, window_size=-1)
    assert dtw_distance(x, y, window_size=1, distance_metric="sqeuclidean") == 5.0
    assert dtw_distance(None, None, distance_metric="precomputed", cost_matrix=[[1.0, 2.0], [0.0, 1.0]]) == 2.0


@pytest.mark.parametrize("size", [3, 24, 25, 40, 41, 90])
def test_series_in_any_form_give_the_same(size: int) -> None:
    rng = np.random.default_rng(size)
    x, y = rng.normal(size=(2, size))
    path, distance = dtw_path(x, y, window_size=size // 2)
    wrong_type = np.zeros((size, 1), dtype=[("value", np.float64)])
    wrong_type["value"] = x[:, np.newaxis]
    for form in (x[::-1].copy()[::-1], x.astype(">f8"), x[:, np.newaxis], x.tolist(), np.ma.masked_array(x)):
        found, same = dtw_path(form, y, window_size=size // 2)
        assert same == distance == dtw_distance(form, y, window_size=size // 2)
        np.testing.assert_array_equal(found, path)
    for wrong in (wrong_type, x.astype("M8[s]"), x + 1j):
        with pytest.raises((TypeError, ValueError), match="reference"):
            dtw_distance(wrong, y)


@pytest.mark.parametrize("radius", [3, 20, 70, 900])
def test_long_series_in_a_window_are_aligned_alike(radius: int) -> None:
    rng = np.random.default_rng(radius)
    x, y = rng.normal(size=(2, 2100)).cumsum(axis=1)
    path, distance = dtw_path(x, y, window_size=radius, kernel="numba")
    expected, cost = dtw_path(x, y, window_size=radius, kernel="numpy")
    assert distance == dtw_distance(x, y, window_size=radius, kernel="numba") == pytest.approx(cost, rel=1e-12)
    np.testing.assert_array_equal(path, expected)
