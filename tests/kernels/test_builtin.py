"""Compiled code that Python calls as a builtin: what it takes, what it hands on, and that it counts references."""

from __future__ import annotations

import gc
import sys
import threading

import numpy as np
import pytest

pytest.importorskip("numba")

from platform_base.kernels.builtin import Entry
from platform_base.kernels.short import enter_distance, enter_path

FLOAT64 = np.dtype(np.float64)
X, Y = np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0])

# Of X and Y, by hand: |1-1| + |2-3| + |4-3|, or the same squared, each step counting once.
PLAIN, SQUARED = (-1, True, False), (-1, True, True)


def bind(options=PLAIN, otherwise=lambda *arguments: arguments, arguments=(), function=enter_distance):
    return Entry(function, FLOAT64, options).bind(None, otherwise, otherwise, arguments)


def test_it_is_called_as_a_builtin_function():
    compare = bind()
    assert type(compare) is type(len)
    assert (compare.__name__, compare.__module__) == ("enter_distance", "platform_base.kernels.short")
    assert compare(X, Y) == 2.0
    with pytest.raises(TypeError, match="no keyword arguments"):
        compare(X, second=Y)


class Derived(np.ndarray):
    pass


@pytest.mark.parametrize(
    "other",
    [
        [1.0, 3.0],
        None,
        "text",
        np.float64(1.0),
        np.array(1.0),
        np.array([[1.0, 3.0]]),
        np.array([1.0, 3.0], dtype=np.float32),
        np.array([1.0, 3.0], dtype=">f8"),
        np.array([1, 3]),
        np.array([1.0, 3.0]).view(Derived),
        np.ma.array([1.0, 3.0]),
        np.empty(0),
        np.array([np.nan, 1.0]),
        np.array([np.inf, 1.0]),
        np.zeros(1000),
    ],
    ids=repr,
)
def test_what_is_no_plain_short_series_is_handed_on_as_it_came(other):
    compare = bind()
    for arguments in ((X, other), (other, X)):
        handed = compare(*arguments)
        assert [one is two for one, two in zip(handed, arguments, strict=True)] == [True, True]


def test_plain_series_beyond_it_and_everything_else_are_told_apart():
    compare = Entry(enter_distance, FLOAT64, PLAIN).bind(None, lambda *_: "beyond", lambda *_: "otherwise", ("name",))
    for beyond in (np.zeros(1000), np.empty(0), np.array([np.nan])):
        assert [compare(X, beyond, "name"), compare(beyond, Y, "name")] == ["beyond", "beyond"]
    for otherwise in ((X, None, "name"), (X, Y, "other"), (X, Y), (X, Y.astype(int), "name")):
        assert compare(*otherwise) == "otherwise"


@pytest.mark.parametrize("arguments", [(), (X,), (X, Y, X), (X, Y, None, None)], ids=len)
def test_another_number_of_arguments_is_handed_on(arguments):
    assert bind()(*arguments) == arguments


def test_any_stride_and_read_only_arrays_are_series():
    wide = np.zeros((3, 4))
    wide[:, 2] = X
    backward = X[::-1].copy()[::-1]
    frozen = X.copy()
    frozen.flags.writeable = False
    shifted = np.frombuffer(b"\0" + X.tobytes(), dtype=np.uint8)[1:].view(np.float64)
    for series in (wide[:, 2], backward, frozen, shifted):
        assert bind()(series, Y) == 2.0


def test_errors_of_what_it_hands_on_to_are_the_callers():
    def refuse(*_arguments):
        raise ValueError("not these")

    with pytest.raises(ValueError, match="not these"):
        bind(otherwise=refuse)(X, None)


def test_further_arguments_must_be_the_same_objects():
    name = "".join(["eucl", "idean"])
    compare = bind(arguments=(name, None))
    assert compare(X, Y, name, None) == 2.0
    for further in (("".join(["eucl", "idean"]), None), (None, name), (name,), (name, None, None), (name, False)):
        assert compare(X, Y, *further) == (X, Y, *further)


def test_binding_again_changes_options_and_arguments_of_the_same_function():
    first, second = Entry(enter_distance, FLOAT64, PLAIN), Entry(enter_distance, FLOAT64, SQUARED)
    compare = first.bind(None, *[lambda *_: "first"] * 2, ("plain",))
    assert second.bind(compare, *[lambda *_: "second"] * 2, ("squared",)) is compare
    assert compare(X, Y, "squared") == 2.0
    assert compare(X + 1, Y, "squared") == 1.0 + 0.0 + 4.0
    assert compare(X, Y, "plain") == "second"


def test_other_code_gets_a_function_of_its_own():
    """Code for float32 would read float64 as something else."""
    double, single = (Entry(enter_distance, np.dtype(name), PLAIN) for name in ("float64", "float32"))
    compare = single.bind(None, *[lambda *_: "single"] * 2)
    other = double.bind(compare, *[lambda *_: "double"] * 2)
    assert other is not compare
    assert [compare(X, Y), compare(X.astype(np.float32), Y.astype(np.float32))] == ["single", 2.0]
    assert [other(X, Y), other(X.astype(np.float32), Y.astype(np.float32))] == [2.0, "double"]


def test_a_path_is_an_array_of_its_own():
    align, x = bind(function=enter_path), np.array([1.0, 3.0, 4.0])
    path, distance = align(x, Y)
    assert (path.dtype, path.flags.owndata, path.flags.writeable, path.base) == (np.int64, True, True, None)
    np.testing.assert_array_equal(path, [[0, 0], [1, 1], [2, 1]])
    assert distance == 1.0
    other, _ = align(x, Y)
    path[:] = 7
    np.testing.assert_array_equal(other, [[0, 0], [1, 1], [2, 1]])


@pytest.mark.parametrize("function", [enter_distance, enter_path], ids=lambda function: function.__name__)
def test_calls_leave_no_reference_behind(function):
    name = "".join(["a ", "name"])
    compare = bind(otherwise=lambda *_: None, arguments=(name,), function=function)
    held = X.copy(), Y.copy(), name, FLOAT64, None, compare
    compare(*held[:3])
    gc.collect()
    counts, blocks = [sys.getrefcount(one) for one in held[:4]], sys.getallocatedblocks()
    for _ in range(5000):
        assert compare(held[0], held[1], name) is not None
        assert compare(held[0], None, name) is None
    gc.collect()
    assert [sys.getrefcount(one) for one in held[:4]] == counts
    assert sys.getallocatedblocks() - blocks < 100


def test_what_is_bound_lives_as_long_as_the_function():
    class Otherwise:
        alive = 0

        def __init__(self):
            Otherwise.alive += 1

        def __call__(self, *_arguments):
            return "handed on"

        def __del__(self):
            Otherwise.alive -= 1

    compare = bind(otherwise=Otherwise())
    gc.collect()
    assert (Otherwise.alive, compare(X, None)) == (1, "handed on")
    Entry(enter_distance, FLOAT64, SQUARED).bind(compare, Otherwise(), Otherwise())
    gc.collect()
    assert (Otherwise.alive, compare(X, None), compare(X + 1, Y)) == (2, "handed on", 5.0)
    del compare
    gc.collect()
    assert Otherwise.alive == 0


def test_threads_may_call_while_it_is_bound_again():
    entries = [Entry(enter_distance, FLOAT64, options) for options in (PLAIN, SQUARED)]
    names = "plain", "squared"
    compare = entries[0].bind(None, *[lambda *_: None] * 2, (names[0],))
    shifted, wrong, stop = X + 1, [], threading.Event()

    def call():
        while not stop.is_set():
            for name, distance in zip(names, (3.0, 5.0), strict=True):
                if compare(shifted, Y, name) not in (distance, None):
                    wrong.append(name)

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(2000):
        entries[turn % 2].bind(compare, *[lambda *_: None] * 2, (names[turn % 2],))
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong
