"""Time warp edit distance against a textbook programme, values worked out by hand, and its own laws."""

from __future__ import annotations

import doctest
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from plugins.time_elastic import twed
from plugins.time_elastic.twed import twed_distance, twed_matrix

KERNELS = ("numba", "numpy")


def norm(a: np.ndarray, b: np.ndarray, degree: float) -> float:
    total = sum(abs(float(p) - float(q)) ** degree for p, q in zip(a, b, strict=True))
    return total ** (1 / degree)


def textbook(a: np.ndarray, ta: list[float], b: np.ndarray, tb: list[float], **options: float) -> list[list[float]]:
    """Marteau 2009 literally: index 0 is the sample at time 0 with value 0, the borders are infinite."""
    nu, lmbda, degree = options["nu"], options["lmbda"], options["degree"]
    zero = np.zeros((1, a.shape[1]))
    a, b = np.vstack((zero, a)), np.vstack((zero, b))
    ta, tb = [0.0, *ta], [0.0, *tb]
    total = [[math.inf] * len(b) for _ in a]
    total[0][0] = 0.0
    for i in range(1, len(a)):
        for j in range(1, len(b)):
            match = norm(a[i], b[j], degree) + norm(a[i - 1], b[j - 1], degree)
            match += nu * (abs(ta[i] - tb[j]) + abs(ta[i - 1] - tb[j - 1]))
            delete_a = norm(a[i], a[i - 1], degree) + nu * (ta[i] - ta[i - 1]) + lmbda
            delete_b = norm(b[j], b[j - 1], degree) + nu * (tb[j] - tb[j - 1]) + lmbda
            total[i][j] = min(total[i - 1][j - 1] + match, total[i - 1][j] + delete_a, total[i][j - 1] + delete_b)
    return [row[1:] for row in total[1:]]


def draw_series(draw: st.DrawFn, length: int, channels: int) -> np.ndarray:
    value = draw(st.sampled_from([st.integers(-2, 2), st.floats(-1e3, 1e3, allow_nan=False, allow_subnormal=False)]))
    flat = draw(st.lists(value, min_size=length * channels, max_size=length * channels))
    return np.array(flat, dtype=float).reshape(length, channels)


def draw_times(draw: st.DrawFn, length: int) -> np.ndarray:
    steps = draw(st.lists(st.sampled_from([0.25, 1.0, 3.5]), min_size=length, max_size=length))
    return np.cumsum(steps)


@st.composite
def problems(draw: st.DrawFn) -> dict:
    n, m, channels = draw(st.integers(1, 10)), draw(st.integers(1, 10)), draw(st.integers(1, 3))
    stamped = draw(st.booleans())
    return {
        "a": draw_series(draw, n, channels),
        "b": draw_series(draw, m, channels),
        "times1": draw_times(draw, n) if stamped else None,
        "times2": draw_times(draw, m) if stamped else None,
        "nu": draw(st.sampled_from([0.0, 0.001, 0.5, 1.0])),
        "lmbda": draw(st.sampled_from([0.0, 0.25, 1.0])),
        "degree": draw(st.sampled_from([1.0, 2.0, 3.0, 1.5])),
    }


def split(problem: dict) -> tuple[np.ndarray, np.ndarray, dict]:
    options = dict(problem)
    return options.pop("a"), options.pop("b"), options


@pytest.mark.parametrize("kernel", KERNELS)
@settings(deadline=None)
@given(problem=problems())
def test_equals_the_textbook(kernel: str, problem: dict) -> None:
    a, b, options = split(problem)
    ta = list(range(1, len(a) + 1)) if options["times1"] is None else options["times1"].tolist()
    tb = list(range(1, len(b) + 1)) if options["times2"] is None else options["times2"].tolist()
    expected = textbook(a, ta, b, tb, nu=options["nu"], lmbda=options["lmbda"], degree=options["degree"])
    matrix = twed_matrix(a, b, kernel=kernel, **options)
    assert matrix.dtype == np.float64
    assert matrix == pytest.approx(np.array(expected), rel=1e-12, abs=1e-11)
    assert twed_distance(a, b, kernel=kernel, **options) == matrix[-1, -1]


@settings(deadline=None)
@given(problem=problems())
def test_both_kernels_agree(problem: dict) -> None:
    a, b, options = split(problem)
    compiled = twed_matrix(a, b, kernel="numba", **options)
    plain = twed_matrix(a, b, kernel="numpy", **options)
    if options["degree"] in (1.0, 2.0) or a.shape[1] == 1:
        assert np.array_equal(compiled, plain)
    else:
        assert compiled == pytest.approx(plain, rel=1e-12)


@st.composite
def triples(draw: st.DrawFn) -> list[np.ndarray]:
    channels = draw(st.integers(1, 2))
    return [draw_series(draw, draw(st.integers(1, 8)), channels) for _ in range(3)]


@settings(deadline=None)
@given(
    series=triples(),
    nu=st.sampled_from([0.001, 0.5, 1.0]),
    lmbda=st.sampled_from([0.0, 0.5, 2.0]),
    degree=st.sampled_from([1.0, 2.0, 3.0]),
)
def test_is_a_metric(series: list[np.ndarray], nu: float, lmbda: float, degree: float) -> None:
    def distance(one: np.ndarray, other: np.ndarray) -> float:
        return twed_distance(one, other, nu=nu, lmbda=lmbda, degree=degree)

    a, b, c = series
    assert distance(a, a) == 0
    assert distance(a, b) == pytest.approx(distance(b, a), rel=1e-12, abs=1e-11)
    assert distance(a, c) <= (distance(a, b) + distance(b, c)) * (1 + 1e-11) + 1e-11


@settings(deadline=None)
@given(series=triples())
def test_different_series_are_apart(series: list[np.ndarray]) -> None:
    # The norm over several channels squares them: what is smaller than 1e-154 and not 0 has a square that is.
    a, b = (np.where(np.abs(one) < 1e-150, 0.0, one) for one in series[:2])
    assume(not np.array_equal(a, b))
    assert twed_distance(a, b, nu=0.5, lmbda=0.0) > 0


@settings(deadline=None)
@given(problem=problems(), origin=st.sampled_from([-8.0, 0.5, 1024.0]))
def test_the_origin_of_time_does_not_matter(problem: dict, origin: float) -> None:
    a, b, options = split({**problem, "times1": None, "times2": None})
    expected = twed_distance(a, b, **options)
    options["times1"] = np.arange(len(a)) + origin
    options["times2"] = np.arange(len(b)) + origin
    assert twed_distance(a, b, **options) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    ("a", "b", "options", "expected"),
    [
        # One sample each: |1 - 4|, and no difference in time.
        ([1.0], [4.0], {}, 3.0),
        # A second sample is deleted: |5 - 2| + nu (2 - 1) + lambda.
        ([2.0], [2.0, 5.0], {"nu": 0.5, "lmbda": 1.0}, 4.5),
        # The same two samples, 3 s apart instead of 1 s: the match of the second costs nu |2 - 4|.
        ([0.0, 2.0], [0.0, 2.0], {"times1": [1, 2], "times2": [1, 4], "nu": 0.5, "lmbda": 1.0}, 1.0),
        # Two channels: 3-4-5 triangle, then degree 1.
        ([[0.0, 0.0]], [[3.0, 4.0]], {}, 5.0),
        ([[0.0, 0.0]], [[3.0, 4.0]], {"degree": 1.0}, 7.0),
    ],
)
def test_values_by_hand(kernel: str, a: list, b: list, options: dict, expected: float) -> None:
    assert twed_distance(a, b, kernel=kernel, **options) == expected


# aeon 1.6.0: twe_distance(A, B, nu=..., lmbda=...).
A = [0.0, 1.0, 3.0, 2.0, -1.0, 0.5, 4.0]
B = [0.5, 3.5, 2.5, 2.0, -2.0, 0.0, 0.0, 4.5]


@pytest.mark.parametrize(
    ("nu", "lmbda", "expected"),
    [(0.001, 1.0, 10.507), (1.0, 1.0, 14.5), (0.25, 0.0, 9.25)],
)
def test_equals_another_program(nu: float, lmbda: float, expected: float) -> None:
    assert twed_distance(A, B, nu=nu, lmbda=lmbda) == pytest.approx(expected, rel=1e-14)


def test_zero_stiffness_is_no_metric() -> None:
    assert twed_distance([1.0, 1.0], [1.0], nu=0.0, lmbda=0.0) == 0
    assert twed_distance([1.0, 1.0], [1.0], nu=0.1, lmbda=0.0) == 0.1


def test_distance_grows_with_the_penalties() -> None:
    a, b = np.sin(np.arange(30.0)), np.sin(np.arange(40.0) / 1.3)
    by_nu = [twed_distance(a, b, nu=nu) for nu in (0.0, 0.1, 1.0, 10.0)]
    by_lambda = [twed_distance(a, b, lmbda=lmbda) for lmbda in (0.0, 0.1, 1.0, 10.0)]
    assert by_nu == sorted(by_nu)
    assert by_lambda == sorted(by_lambda)
    assert by_nu[0] < by_nu[-1]
    assert by_lambda[0] < by_lambda[-1]


def as_float32(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float32)


def read_only(x: np.ndarray) -> np.ndarray:
    copy = x.copy()
    copy.flags.writeable = False
    return copy


def strided(x: np.ndarray) -> np.ndarray:
    return np.repeat(x, 2, axis=0)[::2]


@pytest.mark.parametrize(
    "form",
    [np.ndarray.tolist, as_float32, read_only, strided, np.asfortranarray],
    ids=lambda form: form.__name__,
)
@pytest.mark.parametrize("channels", [None, 3])
def test_every_form_of_the_same_numbers_gives_the_same_result(
    form: Callable[[np.ndarray], object], channels: int | None
) -> None:
    generator = np.random.default_rng(7)
    tail = () if channels is None else (channels,)
    a = generator.integers(-9, 9, size=(20, *tail)).astype(float)
    b = generator.integers(-9, 9, size=(24, *tail)).astype(float)
    times = np.arange(20.0), np.arange(24.0)
    expected = twed_matrix(a, b, times1=times[0], times2=times[1])
    got = twed_matrix(form(a), form(b), times1=form(times[0]), times2=form(times[1]))  # type: ignore[arg-type]
    assert np.array_equal(got, expected)
    assert expected.shape == (20, 24)


@pytest.mark.parametrize(
    ("a", "b", "options", "error", "message"),
    [
        ([1.0, math.nan], [1.0], {}, ValueError, r"series1\[1\]: expected a finite number, got nan"),
        ([1.0], [], {}, ValueError, r"series2: expected at least one sample"),
        (["x"], [1.0], {}, TypeError, "series1: expected real numbers"),
        (np.zeros((3, 2)), np.zeros((3, 1)), {}, ValueError, r"series2: expected 2 channel\(s\).*got 1"),
        ([1.0], [1.0], {"times1": [1.0]}, ValueError, "times2: .*give times2 too"),
        ([1.0], [1.0], {"times2": [1.0]}, ValueError, "times1: .*give times1 too"),
        ([1.0], [1.0], {"times1": [1.0, 2.0], "times2": [1.0]}, ValueError, "times1: expected 1 time stamps"),
        ([1, 2], [1], {"times1": [3, 3], "times2": [1]}, ValueError, r"times1\[1\]: expected more than.*3.0"),
        (
            [1, 2],
            [1],
            {"times1": [1, math.nan], "times2": [1]},
            ValueError,
            r"times1\[1\]: expected a finite",
        ),
        (
            [1],
            [1],
            {"times1": np.array(["2020-01-01"], dtype="datetime64[D]"), "times2": [1]},
            TypeError,
            "times1: expected real numbers",
        ),
        ([1.0], [1.0], {"nu": -0.1}, ValueError, "nu: expected a finite number of at least 0, got -0.1"),
        ([1.0], [1.0], {"nu": math.nan}, ValueError, "nu: expected a finite number"),
        ([1.0], [1.0], {"nu": True}, TypeError, "nu: expected a number.*True"),
        ([1.0], [1.0], {"lmbda": -1}, ValueError, "lambda: expected a finite number"),
        ([1.0], [1.0], {"lmbda": "1"}, TypeError, "lambda: expected a number.*'1'"),
        ([1.0], [1.0], {"degree": 0.5}, ValueError, "degree: expected a finite number of at least 1"),
        ([1.0], [1.0], {"kernel": "cuda"}, ValueError, "kernel: .*'cuda'"),
        ([1e308, -1e308], [-1e308, 1e308], {}, ValueError, "overflow float64.*scale both series"),
    ],
)
def test_bad_input_gets_a_clear_error(
    a: object, b: object, options: dict, error: type[Exception], message: str
) -> None:
    for function in (twed_distance, twed_matrix):
        with pytest.raises(error, match=message):
            function(a, b, **options)


def test_several_blocks_of_rows_join_seamlessly() -> None:
    generator = np.random.default_rng(11)
    a = generator.normal(size=7000).cumsum()
    b = a[::-1].copy()
    compiled, plain = (twed_distance(a, b, kernel=kernel) for kernel in KERNELS)
    assert compiled == plain


def test_doctests() -> None:
    outcome = doctest.testmod(twed)
    assert outcome.attempted >= 3
    assert outcome.failed == 0
