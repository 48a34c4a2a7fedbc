"""Calls that remember the options of the call before, through the functions that use it."""

from __future__ import annotations

import threading
import types

import numpy as np
import pytest

pytest.importorskip("numba")

from plugins.advanced_sync import dtw
from plugins.advanced_sync.dtw import dtw_distance, dtw_path
from plugins.time_elastic.twed import twed_distance
from plugins.time_elastic.wdtw import wdtw_distance

from platform_base.kernels.inline_cache import InlineCache

X, Y = np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0])


def test_the_second_call_with_the_same_options_is_remembered():
    for _ in range(3):
        dtw_distance(X, Y, window_size=2, distance_metric="sqeuclidean")
    assert isinstance(dtw._DISTANCE.ask, types.BuiltinFunctionType)


def test_options_that_are_equal_but_of_another_type_are_other_options():
    for _ in range(3):
        dtw_distance(X, Y, window_size=1)
    for wrong in (True, 1.0, "1"):
        with pytest.raises(TypeError, match="window_size"):
            dtw_distance(X, Y, window_size=wrong)
    with pytest.raises(TypeError, match="window_size"):
        dtw_distance(X, Y, window_size=[1])
    for _ in range(3):
        twed_distance(X, Y, nu=1.0)
    with pytest.raises(TypeError, match="nu"):
        twed_distance(X, Y, nu=True)
    with pytest.raises(TypeError, match="nu"):
        twed_distance(X, Y, nu=[1.0])


def test_calls_that_take_turns_give_each_its_own_result():
    expected = {("euclidean", "symmetric1"): 2.0, ("sqeuclidean", "symmetric1"): 2.0, ("euclidean", "symmetric2"): 3.0}
    for turn in range(30):
        for (metric, pattern), distance in expected.items():
            for _ in range(1 + turn % 3):
                assert dtw_distance(X, Y, distance_metric=metric, step_pattern=pattern) == distance
                assert dtw_path(X, Y, distance_metric=metric, step_pattern=pattern)[1] == distance


def test_precisions_that_take_turns_give_each_its_own_result():
    x, y = np.array([0.1, 1.0, 2.5]), np.array([0.3, 2.0])
    expected = {name: dtw_distance(list(x), list(y), dtype=name) for name in ("float32", "float64")}
    assert expected["float32"] != expected["float64"]
    for _ in range(3):
        for name, distance in expected.items():
            assert [dtw_distance(x, y, dtype=name) for _ in range(4)] == [distance] * 4


def test_weights_that_depend_on_the_length_are_those_of_the_length():
    other = np.array([0.0, 2.0, 1.0, 5.0])
    expected = [wdtw_distance(list(X), list(one), steepness=0.7) for one in (Y, other)]
    for _ in range(4):
        for one, distance in zip((Y, other), expected, strict=True):
            assert [wdtw_distance(X, one, steepness=0.7) for _ in range(3)] == [distance] * 3


def test_after_an_error_the_next_call_works():
    for _ in range(3):
        assert dtw_distance(X, Y) == 3.0
        for wrong in (np.array([1.0, np.nan]), np.empty(0), None, "text", np.array([[]])):
            with pytest.raises((ValueError, TypeError), match="target"):
                dtw_distance(X, wrong)


def test_threads_with_other_options_do_not_disturb_each_other():
    wrong = []

    def call(nu):
        expected = twed_distance(list(X), list(Y), nu=nu)
        wrong.extend(nu for _ in range(3000) if twed_distance(X, Y, nu=nu) != expected)

    threads = [threading.Thread(target=call, args=(number / 4,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_without_a_short_way_every_call_is_asked_fully():
    cache = InlineCache(lambda *_options: None, lambda *arguments: arguments)
    assert [cache.ask(X, Y, "option"), cache.ask(X, Y, ["unhashable"])] == [(X, Y, "option"), (X, Y, ["unhashable"])]
