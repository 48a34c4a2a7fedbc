"""The elastic family against its papers' definitions, published values, and its own laws."""

from __future__ import annotations

import doctest
import importlib
import math
from types import ModuleType
from typing import Any

import elastic_textbook as textbook
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.time_elastic import sweep
from plugins.time_elastic.distances import DISTANCES, make_distance

KERNELS = ("numba", "numpy")
NAMES = tuple(DISTANCES)
PARAMETERS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "twed": st.fixed_dictionaries({"nu": st.sampled_from([0.0, 0.25, 1.0]), "lmbda": st.sampled_from([0.0, 0.5])}),
    "erp": st.fixed_dictionaries({"gap_value": st.sampled_from([0.0, -1.5])}),
    "edr": st.fixed_dictionaries({"epsilon": st.sampled_from([None, 0.0, 0.75])}),
    "lcss": st.fixed_dictionaries({"epsilon": st.sampled_from([None, 0.0, 0.75])}),
    "msm": st.fixed_dictionaries({"cost": st.sampled_from([0.0, 0.3, 1.0])}),
    "wdtw": st.fixed_dictionaries({"steepness": st.sampled_from([0.0, 0.05, 0.4])}),
    "adtw": st.fixed_dictionaries({"warp_penalty": st.sampled_from([0.0, 0.2, 2.0])}),
}


def module(name: str) -> ModuleType:
    return importlib.import_module(f"plugins.time_elastic.{name}")


def ask(name: str, question: str, *arguments: Any, **options: Any) -> Any:
    return getattr(module(name), f"{name}_{question}")(*arguments, **options)


def draw_series(draw: st.DrawFn, length: int, channels: int) -> np.ndarray:
    # Few values, so that ties and matches are common; multiples of 1/4, so that no comparison hangs on rounding.
    value = draw(st.sampled_from([st.integers(-2, 2), st.integers(-40, 40).map(lambda k: k / 4)]))
    flat = draw(st.lists(value, min_size=length * channels, max_size=length * channels))
    return np.array(flat, dtype=float).reshape(length, channels)


@st.composite
def problems(draw: st.DrawFn, name: str) -> dict[str, Any]:
    n, m, channels = draw(st.integers(1, 9)), draw(st.integers(1, 9)), draw(st.integers(1, 3))
    slack = draw(st.sampled_from([None, 0, 1, 3]))
    return {
        "a": draw_series(draw, n, channels),
        "b": draw_series(draw, m, channels),
        "window": None if slack is None else abs(n - m) + slack,
        "parameters": draw(PARAMETERS[name]),
    }


def expect(name: str, problem: dict[str, Any]) -> tuple[np.ndarray, textbook.Cost]:
    a, b = problem["a"], problem["b"]
    cost = getattr(textbook, name)(a.tolist(), b.tolist(), **problem["parameters"])
    return textbook.fill(cost, len(a), len(b), problem["window"]), cost


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_equals_the_textbook(name: str, kernel: str, data: st.DataObject) -> None:
    problem = data.draw(problems(name))
    a, b = problem["a"], problem["b"]
    options = {**problem["parameters"], "window_size": problem["window"], "kernel": kernel}
    expected, cost = expect(name, problem)
    matrix = ask(name, "matrix", a, b, **options)
    path, distance = ask(name, "path", a, b, **options)
    total = expected[-1, -1]
    if name == "lcss":
        expected = -np.where(np.isfinite(expected), expected, 0.0)
        total = 1 + total / min(len(a), len(b))
        assert 1 + textbook.price(cost, path) / min(len(a), len(b)) == distance
    else:
        assert textbook.price(cost, path) == pytest.approx(distance, rel=1e-12, abs=1e-12)
    assert matrix == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert distance == pytest.approx(total, rel=1e-12, abs=1e-12)
    assert ask(name, "distance", a, b, **options) == distance
    assert path[-1].tolist() == [len(a) - 1, len(b) - 1]
    if problem["window"] is not None:
        assert (np.abs(path[:, 0] - path[:, 1]) <= problem["window"]).all()


# With these, the costs of whole numbers and their sums are exact: what ties on paper ties in float64.
EXACT: dict[str, dict[str, Any]] = {
    "twed": {"nu": 0.25, "lmbda": 0.5},
    "erp": {"gap_value": 1.0},
    "edr": {"epsilon": 0.0},
    "lcss": {"epsilon": 0.0},
    "msm": {"cost": 0.5},
    "wdtw": {"steepness": 0.0},
    "adtw": {"warp_penalty": 1.0},
}


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("name", NAMES)
def test_ties_are_broken_as_documented(name: str, kernel: str) -> None:
    generator = np.random.default_rng(12)
    for n, m in ((1, 1), (1, 6), (7, 1), (9, 9), (12, 17), (40, 33), (70, 66)):
        a, b = (generator.integers(-1, 2, size=(size, 1)).astype(float) for size in (n, m))
        expected = textbook.follow(getattr(textbook, name)(a.tolist(), b.tolist(), **EXACT[name]), n, m)
        for one, other in ((a, b), (a[:, 0], b[:, 0])):
            assert ask(name, "path", one, other, **EXACT[name], kernel=kernel)[0].tolist() == expected


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("channels", [1, 2])
def test_both_kernels_agree_to_the_last_bit(name: str, channels: int) -> None:
    generator = np.random.default_rng(5)
    # Around the number of rows that one strip has, whatever it is on this processor, and several strips.
    for n, m in ((1, 1), (1, 70), (70, 1), (31, 33), (32, 64), (65, 64), (130, 97), (97, 200)):
        a, b = generator.normal(size=(n, channels)).cumsum(axis=0), generator.normal(size=(m, channels)).cumsum(axis=0)
        for window in (None, abs(n - m), abs(n - m) + 5, abs(n - m) + 40):
            matrices = [ask(name, "matrix", a, b, window_size=window, kernel=kernel) for kernel in KERNELS]
            (path, distance), (other_path, other) = (
                ask(name, "path", a, b, window_size=window, kernel=kernel) for kernel in KERNELS
            )
            assert np.array_equal(*matrices)
            assert np.array_equal(path, other_path)
            assert distance == other == ask(name, "distance", a, b, window_size=window)


@pytest.mark.parametrize("name", NAMES)
def test_plain_arrays_take_the_short_way_to_the_same_bits(name: str) -> None:
    generator = np.random.default_rng(6)
    for n, m in ((1, 1), (1, 40), (33, 32), (64, 100), (150, 31)):
        a, b = generator.normal(size=n), generator.normal(size=m)
        expected = ask(name, "distance", a, b, kernel="numpy")
        assert ask(name, "distance", a, b) == expected
        assert np.array_equal(ask(name, "matrix", a, b), ask(name, "matrix", a, b, kernel="numpy"))
        path, distance = ask(name, "path", a, b)
        assert distance == expected
        assert np.array_equal(path, ask(name, "path", a, b, kernel="numpy")[0])
        read_only = a.copy()
        read_only.flags.writeable = False
        assert ask(name, "distance", read_only, b[::-1][::-1]) == expected


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("at", "value"), [(0, math.nan), (5, math.nan), (9, math.inf)])
def test_plain_arrays_are_looked_at(name: str, at: int, value: float) -> None:
    sound, broken = np.arange(10.0), np.arange(10.0)
    broken[at] = value
    for order, which in (((sound, broken), 2), ((broken, sound), 1)):
        with pytest.raises(ValueError, match=rf"series{which}\[{at}\]: expected a finite number, got {value}"):
            ask(name, "distance", *order)
        with pytest.raises(ValueError, match=rf"series{which}\[{at}\]"):
            ask(name, "path", *order)
    with pytest.raises(ValueError, match="series2: expected at least one sample"):
        ask(name, "distance", sound, np.empty(0))


@pytest.mark.parametrize("name", ["twed", "erp"])
@pytest.mark.parametrize("window", [None, 90])
@pytest.mark.parametrize("direction_bytes", [1, 20_000, 1 << 30])
def test_paths_are_the_same_with_less_memory(name: str, window: int | None, direction_bytes: int) -> None:
    generator = np.random.default_rng(9)
    a, b = generator.normal(size=(400, 1)).cumsum(axis=0), generator.normal(size=(333, 1)).cumsum(axis=0)
    distance = make_distance(name, {})
    prepared = [distance.prepare(series, np.arange(1.0, len(series) + 1), "numba") for series in (a, b)]
    told: list[float] = []
    path, total = sweep.sweep_path(distance.pose(*prepared, window), told.append, direction_bytes)
    expected, expected_total = ask(name, "path", a, b, window_size=window, kernel="numpy")
    assert np.array_equal(path, expected)
    assert total == expected_total
    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.parametrize("kernel", KERNELS)
def test_msm_of_independent_channels(kernel: str) -> None:
    """Each channel by the definition, added up."""
    generator = np.random.default_rng(8)
    a, b, c = (generator.normal(size=(length, 3)) for length in (12, 9, 10))
    options = {"cost": 0.3, "independent": True, "kernel": kernel}

    def expected(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        channels = [(first[:, [k]].tolist(), second[:, [k]].tolist()) for k in range(3)]
        return sum(textbook.fill(textbook.msm(*pair, cost=0.3), len(first), len(second), None) for pair in channels)

    assert ask("msm", "matrix", a, b, **options) == pytest.approx(expected(a, b), rel=1e-12)
    total = ask("msm", "distance", a, b, **options)
    assert total == pytest.approx(expected(a, b)[-1, -1], rel=1e-12)
    assert ask("msm", "distance", a[:, 0], b[:, 0], **options) == ask(
        "msm", "distance", a[:, 0], b[:, 0], cost=0.3, kernel=kernel
    )
    table = ask("msm", "pairwise", [a, b, c], **options)
    assert table[0, 1] == table[1, 0] == total
    assert ask("msm", "pairwise", [a], [c, b], **options).tolist() == [[table[0, 2], total]]

    path, _ = ask("msm", "path", a[:, 0], b[:, 0], **options)
    assert np.array_equal(path, ask("msm", "path", a[:, 0], b[:, 0], cost=0.3, kernel=kernel)[0])
    with pytest.raises(ValueError, match=r"path: expected independent=false, because channels .* have a path each"):
        ask("msm", "path", a, b, **options)
    with pytest.raises(TypeError, match="independent: expected true or false, got 'yes'"):
        ask("msm", "distance", a, b, independent="yes")
    with pytest.raises(ValueError, match=r"series\[1\]: expected 3 channel\(s\) as in series\[0\], got 2"):
        ask("msm", "pairwise", [a, b[:, :2]], **options)
    with pytest.raises(ValueError, match=r"others\[0\]: expected 3 channel\(s\) as in series\[0\], got 2"):
        ask("msm", "pairwise", [a], [b[:, :2]], **options)
    holed = a.copy()
    holed[2, 1] = math.nan
    assert math.isnan(ask("msm", "distance", holed, b, nan_policy="propagate", **options))
    with pytest.raises(ValueError, match=r"series1\[2, 1\]: expected a finite number, got nan"):
        ask("msm", "distance", holed, b, **options)


def letters(word: str) -> list[float]:
    return [float(ord(letter)) for letter in word]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    # Levenshtein distances; the last two from Wagner and Fischer's and Sankoff and Kruskal's examples.
    [("kitten", "sitting", 3), ("saturday", "sunday", 3), ("industry", "interest", 6)],
)
def test_edr_of_letters_is_the_distance_of_levenshtein(one: str, other: str, expected: int) -> None:
    assert ask("edr", "distance", letters(one), letters(other), epsilon=0.0) == expected


def test_lcss_of_letters_is_the_longest_common_subsequence() -> None:
    # Cormen, Leiserson, Rivest, Stein, Introduction to Algorithms, section 15.4: lengths 4 and 20.
    word, other_word = "ABCBDAB", "BDCABA"
    path, distance = ask("lcss", "path", letters(word), letters(other_word), epsilon=0.0)
    assert distance == pytest.approx(1 - 4 / 6, rel=1e-15)
    steps = np.diff(path, axis=0, prepend=[[-1, -1]]).sum(axis=1)
    pairs = [(word[i], other_word[j]) for (i, j), step in zip(path.tolist(), steps.tolist(), strict=True) if step == 2]
    assert len([one for one, other in pairs if one == other]) == 4
    one, other = "ACCGGTCGAGTGCGCGGAAGCCGGCCGAA", "GTCGTTCGGAATGCCGTTGCTCTGTAAA"
    assert ask("lcss", "matrix", letters(one), letters(other), epsilon=0.0)[-1, -1] == 20


@pytest.mark.parametrize("kernel", KERNELS)
@settings(deadline=None, max_examples=60)
@given(data=st.data(), slack=st.integers(0, 4), epsilon=st.sampled_from([0.0, 0.5, 1.0]))
def test_a_window_of_lcss_bounds_matches_alone(kernel: str, data: st.DataObject, slack: int, epsilon: float) -> None:
    a, b = (draw_series(data.draw, data.draw(st.integers(1, 9)), 1) for _ in range(2))
    window = abs(len(a) - len(b)) + slack
    expected = textbook.common(a.tolist(), b.tolist(), epsilon, window)
    got = ask("lcss", "matrix", a, b, epsilon=epsilon, window_size=window, kernel=kernel)
    i, j = np.indices(expected.shape)
    inside = np.abs(i - j) <= window
    assert np.array_equal(got[inside], expected[inside])
    assert not got[~inside].any()


def test_erp_by_hand() -> None:
    # Deleting a sample that equals the gap is free: zeros may be inserted anywhere.
    assert ask("erp", "distance", [1.0, 0.0, 2.0], [1.0, 2.0, 0.0, 0.0]) == 0
    assert ask("erp", "distance", [1.0, 2.0], [2.0, 1.0]) == 2


def test_limits_of_the_warping_distances() -> None:
    generator = np.random.default_rng(8)
    a, b = generator.normal(size=80), generator.normal(size=80)
    cells = (a[:, np.newaxis] - b) ** 2
    warped = np.full((81, 81), np.inf)
    warped[0, 0] = 0
    for i in range(80):
        for j in range(80):
            warped[i + 1, j + 1] = cells[i, j] + min(warped[i, j], warped[i, j + 1], warped[i + 1, j])
    assert ask("adtw", "distance", a, b, warp_penalty=0.0) == pytest.approx(warped[-1, -1], rel=1e-12)
    assert ask("wdtw", "distance", a, b, steepness=0.0) == pytest.approx(warped[-1, -1] / 2, rel=1e-12)
    assert ask("adtw", "distance", a, b, warp_penalty=1e6) == pytest.approx(((a - b) ** 2).sum(), rel=1e-12)
    assert ask("wdtw", "distance", a, b, window_size=0) == pytest.approx(
        ((a - b) ** 2).sum() / (1 + math.exp(0.05 * 40)), rel=1e-12
    )


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_laws(name: str, data: st.DataObject) -> None:
    problem = data.draw(problems(name))
    a, b, parameters = problem["a"], problem["b"], problem["parameters"]
    distance = ask(name, "distance", a, b, **parameters)
    assert ask(name, "distance", a, a, **parameters) == 0
    assert distance >= 0
    assert ask(name, "distance", b, a, **parameters) == pytest.approx(distance, rel=1e-12, abs=1e-12)
    smallest = abs(len(a) - len(b))
    by_window = [ask(name, "distance", a, b, **parameters, window_size=smallest + k) for k in range(12)]
    assert by_window == sorted(by_window, reverse=True)
    assert by_window[-1] == distance


@pytest.mark.parametrize("name", ["twed", "erp", "msm"])
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_metrics_keep_the_triangle(name: str, data: st.DataObject) -> None:
    channels = data.draw(st.integers(1, 2)) if name != "msm" else 1
    lengths = data.draw(st.lists(st.integers(1, 7), min_size=3, max_size=3))
    a, b, c = (data.draw(st.composite(draw_series)(length, channels)) for length in lengths)
    parameters = data.draw(PARAMETERS[name])
    detour = ask(name, "distance", a, b, **parameters) + ask(name, "distance", b, c, **parameters)
    assert ask(name, "distance", a, c, **parameters) <= detour * (1 + 1e-12) + 1e-12


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kernel", KERNELS)
def test_pairwise_is_every_distance(name: str, kernel: str) -> None:
    generator = np.random.default_rng(2)
    series = [generator.normal(size=(length, 2)) for length in (4, 40, 33, 70, 12)]
    expected = [[ask(name, "distance", a, b, kernel=kernel) for b in series] for a in series]
    among = ask(name, "pairwise", series, kernel=kernel)
    assert np.array_equal(among, among.T)
    assert among == pytest.approx(np.array(expected), rel=1e-12, abs=1e-12)
    between = ask(name, "pairwise", series, series[1:3], kernel=kernel, threads=1)
    assert np.array_equal(between, np.array(expected)[:, 1:3])
    square = [generator.normal(size=50) for _ in range(6)]
    one, two = (ask(name, "pairwise", square, window_size=7, threads=threads) for threads in (1, 2))
    assert np.array_equal(one, two)
    assert one[4, 2] == ask(name, "distance", square[2], square[4], window_size=7)


def test_pairwise_takes_time_stamps() -> None:
    generator = np.random.default_rng(4)
    series = [generator.normal(size=20) for _ in range(3)]
    stamps = [np.cumsum(generator.uniform(0.1, 2.0, size=20)) for _ in range(3)]
    expected = ask("twed", "distance", series[0], series[2], times1=stamps[0], times2=stamps[2])
    assert ask("twed", "pairwise", series, times=stamps)[0, 2] == expected
    shared = ask("twed", "pairwise", series, series, times=stamps[0], other_times=stamps[0])
    assert shared[1, 2] == ask("twed", "distance", series[1], series[2], times1=stamps[0], times2=stamps[0])


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda k: ask("twed", "pairwise", [[1.0], [math.nan]], kernel=k), ValueError, r"series\[1\]\[0\]: .*nan"),
        (lambda k: ask("twed", "pairwise", [], kernel=k), ValueError, "series: expected at least one series"),
        (lambda k: ask("erp", "pairwise", [[1.0]], [], kernel=k), ValueError, "others: expected at least one series"),
        (lambda k: ask("msm", "pairwise", [[1.0]], [[[1.0, 2.0]]], kernel=k), ValueError, r"others\[0\]: .*got 2"),
        (lambda k: ask("twed", "pairwise", [[1.0]], [[1.0]], times=[1.0], kernel=k), ValueError, "other_times: "),
        (
            lambda k: ask("twed", "pairwise", [[1.0]], times=[[1.0], [2.0]], kernel=k),
            ValueError,
            "times of series: .*1 of them, got 2",
        ),
        (lambda k: ask("msm", "pairwise", [[1.0]], threads=0, kernel=k), ValueError, "threads: .*at least 1.*got 0"),
        (lambda k: ask("adtw", "pairwise", [[1.0], [1.0] * 9], window_size=3, kernel=k), ValueError, "at least 8"),
        (lambda k: ask("edr", "distance", [1.0], [1.0] * 9, window_size=3, kernel=k), ValueError, "at least 8.*got 3"),
        (lambda k: ask("edr", "distance", [1.0], [1.0], window_size=1.5, kernel=k), TypeError, "window_size: .*1.5"),
        (lambda k: ask("edr", "distance", [1.0], [1.0], window_size=True, kernel=k), TypeError, "window_size: .*True"),
        (lambda k: ask("edr", "distance", [1.0], [1.0], epsilon=-1, kernel=k), ValueError, "epsilon: .*at least 0"),
        (lambda k: ask("lcss", "distance", [1.0], [1.0], epsilon="a", kernel=k), TypeError, "epsilon: .*'a'"),
        (lambda k: ask("msm", "distance", [1.0], [1.0], cost=-1, kernel=k), ValueError, "cost: .*at least 0"),
        (lambda k: ask("erp", "distance", [1.0], [1.0], gap_value=math.inf, kernel=k), ValueError, "gap_value: .*inf"),
        (lambda k: ask("wdtw", "distance", [1.0], [1.0], steepness=-1, kernel=k), ValueError, "steepness: "),
        (lambda k: ask("adtw", "distance", [1.0], [1.0], warp_penalty=-1, kernel=k), ValueError, "warp_penalty: "),
        (lambda k: ask("adtw", "distance", [1e200], [-1e200], kernel=k), ValueError, "overflow.*series1 and series2"),
        (lambda k: ask("adtw", "pairwise", [[1e200], [-1e200]], kernel=k), ValueError, r"overflow.*series\[0\]"),
    ],
)
def test_bad_input_gets_a_clear_error(kernel: str, call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(kernel)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("dtw", {}, "distance: expected one of twed, erp.*'dtw'"),
        ("twed", {"epsilon": 0.5}, "epsilon: is a parameter of edr, lcss, not of twed"),
        ("erp", {"lambda": 0.5}, "lambda: is a parameter of twed, not of erp, got 0.5"),
        ("erp", {"radius": 1}, "radius: no such parameter; erp has gap_value"),
    ],
)
def test_a_parameter_of_another_distance_is_refused(name: str, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_distance(name, parameters)


def test_filled_in_defaults_of_other_distances_are_no_mistake() -> None:
    assert make_distance("erp", {"nu": 1.0, "lambda": 1.0, "degree": 2.0, "gap_value": None}) == make_distance(
        "erp", {}
    )


def test_long_series_report_progress_and_can_be_ended() -> None:
    from platform_base.plugins.base import PluginContext, enter_context

    told: list[float] = []

    def report(fraction: float, _text: str) -> None:
        told.append(fraction)
        if len(told) == 2:
            raise KeyboardInterrupt

    series = np.random.default_rng(3).normal(size=30_000)
    with enter_context(PluginContext(report_progress=report)), pytest.raises(KeyboardInterrupt):
        ask("adtw", "distance", series, series[::-1], kernel="numba")
    assert 0 < told[0] < told[1] < 1


@pytest.mark.parametrize("name", NAMES)
def test_doctests(name: str) -> None:
    outcome = doctest.testmod(module(name))
    assert outcome.attempted >= 4
    assert outcome.failed == 0
