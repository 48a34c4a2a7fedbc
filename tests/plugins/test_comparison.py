"""Comparison of results; NumPy's own assertion is the reference for numbers."""

from __future__ import annotations

import math

import numpy as np
import pandas
import polars
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from platform_base.plugins.comparison import Tolerance, compare

FLOATS = st.floats(width=64) | st.sampled_from([0.0, -0.0, 1.0, 1.0 + 1e-9, math.inf, -math.inf, math.nan])


def numpy_agrees(actual, expected, tolerance):
    try:
        np.testing.assert_allclose(actual, expected, rtol=tolerance.rtol, atol=tolerance.atol, equal_nan=True)
    except AssertionError:
        return False
    return True


@given(
    st.lists(st.tuples(FLOATS, FLOATS), max_size=8),
    st.sampled_from([0.0, 1e-12, 1e-6, 0.5]),
    st.sampled_from([0.0, 1e-9, 1.0]),
)
def test_numbers_agree_exactly_where_numpy_says_so(pairs, rtol, atol):
    actual, expected = (np.array(side, dtype=float) for side in (zip(*pairs, strict=True) if pairs else ([], [])))
    tolerance = Tolerance(rtol=rtol, atol=atol)
    with np.errstate(all="ignore"):
        assert compare(actual, expected, tolerance).agrees == numpy_agrees(actual, expected, tolerance)


@given(
    arrays.arrays(
        st.sampled_from([np.int64, np.uint8, np.float32, np.complex128, np.bool_, np.dtype("M8[s]"), np.dtype("U3")]),
        arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    )
)
def test_a_value_agrees_with_its_copy(value):
    found = compare(value.copy(), value, Tolerance(rtol=0, atol=0))
    assert found.agrees
    assert (found.largest_difference, found.largest_relative_difference) == (0.0, 0.0)


def test_how_far_apart_and_where():
    found = compare([[1.0, 2.0], [3.0, 5.0]], np.array([[1.0, 2.0], [3.0, 4.0]]), Tolerance(rtol=1e-3))
    assert found.findings == ("values[1, 1]: expected 4.0, got 5.0 (1 of 4 numbers differ, by at most 1)",)
    assert (found.largest_difference, found.largest_relative_difference) == (1.0, 0.25)


def test_what_is_within_the_tolerance_is_measured_too():
    found = compare([1.0, 10.1], [1.0, 10.0], Tolerance(rtol=0.1))
    assert found.agrees
    assert found.largest_difference == pytest.approx(0.1)
    assert found.largest_relative_difference == pytest.approx(0.01)


def test_large_integers_are_not_rounded():
    assert not compare(2**60 + 1, 2**60, Tolerance(rtol=0)).agrees
    assert compare(2**60 + 1, 2**60, Tolerance()).agrees


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (True, 1),
        (1, True),
        ("1", 1),
        (None, 0),
        (b"a", "a"),
        ([1, 2], [1, 2, 3]),
        ({"a": 1}, {"b": 1}),
        ({"a": [1, {"b": 2.0}]}, {"a": [1, {"b": 3.0}]}),
        (np.zeros((2, 1)), np.zeros(2)),
        (["x", 1.0], ["y", 1.0]),
        (np.array(["a"]), np.array(["b"])),
        (np.ma.array([1.0, 2.0], mask=[True, False]), np.ma.array([1.0, 2.0])),
        (1.0, math.nan),
        (1e308, math.inf),
    ],
)
def test_what_differs(actual, expected):
    found = compare(actual, expected, Tolerance(rtol=1e-3))
    assert found.findings
    assert found.largest_difference > 0


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (1, 1.0),
        ([1, 2.0], np.array([1.0, 2.0])),
        (np.float32(0.5), 0.5),
        ({"a": ["x", None, [1.0]]}, {"a": ["x", None, [1.0]]}),
        (np.ma.array([9.0, 2.0], mask=[True, False]), np.ma.array([1.0, 2.0], mask=[True, False])),
        (np.array(["2020-01-01", "NaT"], "M8[D]"), np.array(["2020-01-01", "NaT"], "M8[D]")),
        ([], []),
        ([[1], [2, 3]], [[1], [2, 3]]),
    ],
)
def test_what_agrees(actual, expected):
    assert compare(actual, expected, Tolerance()).findings == ()


@pytest.mark.parametrize(
    "make", [pandas.DataFrame, polars.DataFrame, pyarrow.table], ids=["pandas", "polars", "pyarrow"]
)
def test_tables(make):
    table, near, far = (make({"x": [1.0, value], "name": ["a", "b"]}) for value in (2.0, 2.0 + 1e-12, 2.5))
    assert compare(near, table, Tolerance()).agrees
    found = compare(far, table, Tolerance())
    assert len(found.findings) == 1
    assert "x" in found.findings[0]


def test_findings_are_few():
    assert len(compare({str(n): n for n in range(50)}, {str(n): -1 for n in range(50)}, Tolerance()).findings) == 5
