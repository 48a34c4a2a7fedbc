"""What becomes of missing samples in the edit distances; values in between are those of `numpy.interp`."""

from __future__ import annotations

import importlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plugins.time_elastic.distances import DISTANCES
from plugins.time_elastic.twed import twed_distance
from plugins.time_elastic.twed_plugin import TWEDPlugin

from platform_base.kernels.gaps import NAN_POLICIES

NAMES = tuple(DISTANCES)
KERNELS = ("numba", "numpy")
HOLES = [0, 7, 8, 9]


def ask(name: str, question: str, *arguments: Any, **options: Any) -> Any:
    return getattr(importlib.import_module(f"plugins.time_elastic.{name}"), f"{name}_{question}")(*arguments, **options)


def make_pair(channels: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a series with gaps, the same one filled, and another one."""
    shape = () if channels is None else (channels,)
    generator = np.random.default_rng(3)
    whole, other = generator.normal(size=(40, *shape)), generator.normal(size=(33, *shape))
    holed = whole.copy()
    holed.reshape(40, -1)[HOLES, 0] = np.nan
    filled = holed.copy().reshape(40, -1)
    known = np.setdiff1d(np.arange(40), HOLES)
    filled[:, 0] = np.interp(np.arange(40), known, filled[known, 0])
    return holed, filled.reshape(whole.shape), other


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("channels", [None, 2])
@pytest.mark.parametrize("name", NAMES)
def test_gaps(name: str, channels: int | None, kernel: str) -> None:
    holed, filled, other = make_pair(channels)
    for pair, sound in (((holed, other), (filled, other)), ((other, holed), (other, filled))):
        with pytest.raises(ValueError, match=r'series[12]\[0(, 0)?\]: .*got nan \(4 such.*nan_policy="interpolate"'):
            ask(name, "distance", *pair, kernel=kernel)

        nothing: dict[str, Any] = {"nan_policy": "propagate", "kernel": kernel}
        assert math.isnan(ask(name, "distance", *pair, **nothing))
        matrix = ask(name, "matrix", *pair, **nothing)
        assert matrix.shape == (len(pair[0]), len(pair[1]))
        assert np.isnan(matrix).all()
        path, distance = ask(name, "path", *pair, **nothing)
        assert path.shape == (0, 2)
        assert math.isnan(distance)

        masked = [np.ma.masked_invalid(one) for one in pair]
        between = {"nan_policy": "interpolate", "kernel": kernel}
        assert ask(name, "distance", *masked, **between) == ask(name, "distance", *sound, kernel=kernel)
        with pytest.raises(ValueError, match=r'got masked ones; .*nan_policy="interpolate"'):
            ask(name, "distance", *masked, kernel=kernel)
        assert ask(name, "distance", *pair, **between) == ask(name, "distance", *sound, kernel=kernel)
        assert np.array_equal(ask(name, "matrix", *pair, **between), ask(name, "matrix", *sound, kernel=kernel))
        assert np.array_equal(ask(name, "path", *pair, **between)[0], ask(name, "path", *sound, kernel=kernel)[0])


@pytest.mark.parametrize("policy", NAN_POLICIES)
@pytest.mark.parametrize("name", NAMES)
def test_a_policy_changes_nothing_where_nothing_is_missing(name: str, policy: str) -> None:
    _, filled, other = make_pair(None)
    assert ask(name, "distance", filled, other, nan_policy=policy) == ask(name, "distance", filled, other)
    broken = filled.copy()
    broken[3] = math.inf
    with pytest.raises(ValueError, match=r"series2\[3\]: expected a finite number, got inf"):
        ask(name, "distance", other, broken, nan_policy=policy)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("name", NAMES)
def test_gaps_in_many_series(name: str, kernel: str) -> None:
    holed, filled, other = make_pair(None)
    crowd = [other, holed, filled[:20], other * 2]
    with pytest.raises(ValueError, match=r"series\[1\]\[0\]: .*got nan"):
        ask(name, "pairwise", crowd, kernel=kernel)
    found = ask(name, "pairwise", crowd, nan_policy="propagate", kernel=kernel)
    assert np.isnan(found[1]).all()
    assert np.isnan(found[:, 1]).all()
    sound = [0, 2, 3]
    expected = ask(name, "pairwise", [crowd[number] for number in sound], kernel=kernel)
    assert np.array_equal(found[np.ix_(sound, sound)], expected)
    across = ask(name, "pairwise", crowd, [other, holed], nan_policy="propagate", kernel=kernel)
    assert np.isnan(across).tolist() == [[False, True], [True, True], [False, True], [False, True]]
    between = ask(name, "pairwise", crowd, nan_policy="interpolate", kernel=kernel)
    assert np.array_equal(between, ask(name, "pairwise", [other, filled, *crowd[2:]], kernel=kernel))


def test_gaps_are_filled_along_the_time_stamps() -> None:
    times, series = np.array([0.0, 1.0, 9.0, 10.0]), np.array([0.0, 1.0, np.nan, 10.0])
    stamps = {"times1": times, "times2": times}
    assert twed_distance(series, times, nan_policy="interpolate", **stamps) == 0.0
    assert twed_distance(series, times, nan_policy="interpolate") > 1.0


@pytest.mark.parametrize("question", ["distance", "pairwise"])
def test_what_cannot_be_done_is_said(question: str) -> None:
    arguments = ([1.0], [2.0]) if question == "distance" else ([[1.0], [2.0]],)
    with pytest.raises(ValueError, match="nan_policy: expected one of raise, propagate, interpolate, got 'omit'"):
        ask("twed", question, *arguments, nan_policy="omit")
    empty = ([math.nan], [2.0]) if question == "distance" else ([[2.0], [math.nan]],)
    with pytest.raises(ValueError, match=r"series(1|\[1\]): expected at least one value in channel 0"):
        ask("twed", question, *empty, nan_policy="interpolate")
    with pytest.raises(ValueError, match="window_size: expected at least 2"):
        twed_distance([math.nan], [1.0, 2.0, 3.0], window_size=1, nan_policy="propagate")


def test_the_plugin_has_the_parameter() -> None:
    manifest = json.loads((Path(__file__).parents[2] / "plugins" / "time_elastic" / "manifest.json").read_text())
    assert tuple(manifest["configuration"]["nan_policy"]["options"]) == NAN_POLICIES
    holed, filled, other = make_pair(None)
    inputs = {"series1": holed, "series2": other}
    result = TWEDPlugin().execute({**inputs, "params": {"nan_policy": "propagate", "path": True}})
    assert math.isnan(result.values)
    assert np.isnan(result.metadata["cost_matrix"]).all()
    assert result.metadata["path"].shape == (0, 2)
    result = TWEDPlugin().execute({**inputs, "params": {"nan_policy": "interpolate"}})
    assert result.values == twed_distance(filled, other)
