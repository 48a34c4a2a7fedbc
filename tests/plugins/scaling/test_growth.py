"""Fits of costs whose law is known, and inputs of any size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from platform_base.plugins.generators import Generator
from platform_base.plugins.scaling.growth import fit_growth
from platform_base.plugins.scaling.limits import round_up, suggest_limits
from platform_base.plugins.scaling.measurement import Measurement, Step
from platform_base.plugins.scaling.resizing import Sizes, resize

SIZES = [2**power for power in range(8, 19)]


def costs(law: Callable[[float], float], constant: float, spread: float = 0.05) -> list[list[float]]:
    """Costs with a constant part and lognormal noise, of which the largest is about a second."""
    random = np.random.default_rng(5)
    scale = 1 / law(SIZES[-1])
    return [list((constant + scale * law(size)) * random.lognormal(0, spread, 15)) for size in SIZES]


@pytest.mark.parametrize("constant", [0.0, 1e-3, 0.05])
@pytest.mark.parametrize(
    ("name", "law", "exponent"),
    [
        ("n", lambda n: n, 1.0),
        ("n^1.5", lambda n: n**1.5, 1.5),
        ("n^2", lambda n: n**2, 2.0),
        ("n^3", lambda n: n**3, 3.0),
    ],
)
def test_powers_are_found_with_their_interval(
    name: str, law: Callable[[float], float], exponent: float, constant: float
) -> None:
    fit = fit_growth(SIZES, costs(law, constant))
    assert fit is not None
    assert fit.law == name
    assert fit.low <= fit.exponent <= fit.high
    assert fit.low - 0.05 <= exponent <= fit.high + 0.05
    assert fit.high - fit.low < 0.5
    np.testing.assert_allclose(
        fit.predict(np.array(SIZES[-3:])), [constant + law(n) / law(SIZES[-1]) for n in SIZES[-3:]], rtol=0.1
    )


@pytest.mark.parametrize(
    ("name", "law"), [("n log n", lambda n: n * np.log(n)), ("n^2 log n", lambda n: n**2 * np.log(n))]
)
def test_logarithms_are_told_from_powers_where_the_noise_lets_them(name: str, law: Callable[[float], float]) -> None:
    fit = fit_growth(SIZES, costs(law, 0.0, spread=0.01))
    assert fit is not None
    assert (fit.law, fit.share >= 0.8) == (name, True)


def test_a_law_that_is_not_sure_says_so() -> None:
    sizes, noisy = SIZES[:5], [each[:5] for each in costs(lambda n: n * np.log(n), 0.0, spread=0.4)[:5]]
    fit = fit_growth(sizes, noisy)
    assert fit is not None
    assert fit.share < 0.8
    assert fit.high - fit.low > 0.3


def test_no_growth() -> None:
    fit = fit_growth(SIZES, costs(lambda _: 1.0, 0.0))
    assert fit is not None
    assert (fit.law, fit.exponent, fit.low, fit.high) == ("constant", 0.0, 0.0, 0.0)
    assert fit.constant == pytest.approx(1.0, rel=0.05)


def test_growth_on_top_of_a_large_constant() -> None:
    """Memory: 150 MiB that are always there, and 8 bytes for each sample, with hardly any noise."""
    peaks = [
        [150 * 2**20 + 8.0 * size, 150 * 2**20 + 8.0 * size + 4096] for size in [2**power for power in range(10, 23)]
    ]
    fit = fit_growth([2**power for power in range(10, 23)], peaks)
    assert fit is not None
    assert fit.law == "n"
    assert fit.exponent == pytest.approx(1.0, abs=0.05)
    assert fit.constant == pytest.approx(150 * 2**20, rel=0.01)


def test_too_few_sizes() -> None:
    assert fit_growth(SIZES[:3], costs(lambda n: n, 0.0)[:3]) is None


def test_the_same_figures_give_the_same_fit() -> None:
    samples = costs(lambda n: n**2, 0.01)
    assert fit_growth(SIZES, samples) == fit_growth(SIZES, samples)


class TestInputs:
    def test_shorter_is_the_beginning_and_longer_repeats(self) -> None:
        series = np.array([3.0, 1.0, 2.0])
        assert resize(series, 2).tolist() == [3, 1]
        assert resize(series, 7).tolist() == [3, 1, 2, 3, 1, 2, 3]
        assert resize([1, 0], 3).tolist() == [1, 0, 1]

    def test_channels_stay(self) -> None:
        assert resize(np.array([[1, 2], [0, 4]]), 3).tolist() == [[1, 2], [0, 4], [1, 2]]

    @pytest.mark.parametrize(
        ("times", "expected"),
        [
            (np.array([0.0, 0.5, 1.0]), [0, 0.5, 1, 1.5, 2, 2.5, 3]),
            (np.array([10, 20, 30]), [10, 20, 30, 40, 50, 60, 70]),
        ],
    )
    def test_time_stamps_go_on_rising(self, times: np.ndarray, expected: list[float]) -> None:
        longer = resize(times, 7)
        assert longer.dtype == times.dtype
        assert longer.tolist() == expected

    def test_dates_go_on_rising(self) -> None:
        days = np.arange("2024-02-27", "2024-03-02", dtype="datetime64[D]")
        assert (np.diff(resize(days, 100)) > np.timedelta64(0)).all()

    def test_proportions_fixed_and_what_is_no_series(self) -> None:
        sizes = Sizes(
            {"a": np.arange(100), "b": [1, 2] * 25, "template": np.ones(5), "name": "x", "k": 3}, fixed=["template"]
        )
        assert sizes.base == 100
        made = sizes.make(1000)
        assert {name: np.size(each) for name, each in made.items()} == {
            "a": 1000,
            "b": 500,
            "template": 5,
            "name": 1,
            "k": 1,
        }

    def test_generators_are_carried_out_anew(self) -> None:
        ramp = Generator(name="ramp", length=4)
        assert Sizes({"series": ramp}).make(8)["series"].tolist() == [each / 8 for each in range(8)]


def test_limits_leave_room() -> None:
    steps = (Step(size=10, wall_seconds=[0.1] * 99 + [0.9], cpu_seconds=[0.1], peak_bytes=[100 * 2**20, 90 * 2**20]),)
    limits = suggest_limits(Measurement(plugin_id="p", version="1", digest="d", steps=steps, ended=""))
    # 1.5 x 100 MiB is 150, in steps of 64; the 99th percentile of these numbers is 0.108, five times that 0.54.
    assert (limits.size, limits.max_memory_mb, limits.timeout_s) == (10, 192, 1.0)


@pytest.mark.parametrize(("value", "expected"), [(1, 1), (1.01, 2), (2.4, 5), (5.1, 10), (0.021, 0.05), (99, 100)])
def test_round_up(value: float, expected: float) -> None:
    assert round_up(value) == expected
