"""Promises about results, kept and broken, one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from platform_base.core.models import ProcessingResult
from platform_base.plugins.product import Product
from platform_base.plugins.testing.identity import find_difference
from platform_base.plugins.testing.promises import broken_promises

INPUTS = {"series": np.zeros((5, 2)), "list": [1, 2, 3]}
VALUES = ProcessingResult(values=np.zeros((5, 2)), metadata={"n": 3, "x": 1.5, "t": "a", "l": [1], "m": {}, "b": True})


def broken(result: ProcessingResult, *products: dict[str, Any]) -> list[str]:
    return list(broken_promises([Product.model_validate({"name": "p", **each}) for each in products], result, INPUTS))


@pytest.mark.parametrize(
    "product",
    [
        {"at": "values", "type": "array", "dtype": "float64", "shape": "series"},
        {"at": "values", "dtype": "floating", "shape": [5, None]},
        {"at": "values", "dtype": "number", "shape": ["series", "series.1"]},
        {"at": "metadata.n", "type": "integer"},
        {"at": "metadata.x", "type": "float"},
        {"at": "metadata.t", "type": "string"},
        {"at": "metadata.l", "type": "list"},
        {"at": "metadata.m", "type": "object"},
        {"at": "metadata.b", "type": "boolean"},
        {"at": "metadata.none", "type": "float", "optional": True},
    ],
)
def test_promises_that_are_kept(product: dict[str, Any]) -> None:
    assert broken(VALUES, product) == []


@pytest.mark.parametrize(
    ("product", "said"),
    [
        ({"at": "values", "shape": "list"}, "expected array with the shape of list, got shape (5, 2)"),
        ({"at": "values", "dtype": "float32"}, "expected array of float32, got dtype float64"),
        ({"at": "values", "dtype": "integer"}, "got dtype float64"),
        ({"at": "values", "shape": ["list", None]}, "expected array with shape (list, any), got shape (5, 2)"),
        ({"at": "values", "shape": ["series"]}, "expected array with shape (series,), got shape (5, 2)"),
        ({"at": "values", "type": "float"}, "expected float, got an array of float64 with shape (5, 2)"),
        ({"at": "metadata.b", "type": "integer"}, "expected integer, got a bool"),
        ({"at": "metadata.n", "type": "float"}, "expected float, got a int"),
        ({"at": "metadata.none", "type": "float"}, "expected float, got nothing there"),
        ({"at": "metadata.x", "type": "array"}, "expected array, got a float"),
    ],
)
def test_promises_that_are_broken(product: dict[str, Any], said: str) -> None:
    (found,) = broken(VALUES, product)
    assert found.startswith(f"{product['at']}: ")
    assert said in found


def test_a_name_stands_for_one_length() -> None:
    result = ProcessingResult(values=np.zeros(4), metadata={"lags": np.zeros(4), "other": np.zeros(3), "none": None})
    values, lags = {"at": "values", "shape": ["n"]}, {"at": "metadata.lags", "shape": ["n"]}
    assert broken(result, values, lags) == []
    assert (
        "expected array with shape (n,), got shape (3,)" in broken(result, values, {**lags, "at": "metadata.other"})[0]
    )
    assert broken(result, {"at": "metadata.none", "dtype": "float64", "optional": True}) == []
    assert broken(result, {"at": "metadata.none", "dtype": "float64"}) == [
        "metadata.none: expected array of float64, got null"
    ]


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (1, 1.0, "values: a int, then a float"),
        (0.0, -0.0, "values: 0.0, then -0.0"),
        ([1, 2], [1], "values: 2 elements, then 1"),
        ({"a": 1}, {"b": 1}, "values: the keys a, then b"),
        (np.zeros(2), np.zeros(2, np.float32), "values: dtype float64, then float32"),
        (np.zeros(2), np.zeros(3), "values: shape (2,), then (3,)"),
        (np.array([[1.0, 2.0]]), np.array([[1.0, 3.0]]), "values[0, 1]: 2.0, then 3.0 (1 of 2 elements differ)"),
        (np.array(1.0), np.array(2.0), "values: 1.0, then 2.0 (1 of 1 elements differ)"),
        (np.float64(1), np.float64(2), "values: np.float64(1.0), then np.float64(2.0)"),
        (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[0, 0]), "values (mask)[1]: True, then False"),
        (1j, 2j, "values: 1j, then 2j"),
        ("a", "b", "values: 'a', then 'b'"),
    ],
)
def test_what_is_not_the_same(first: Any, second: Any, said: str) -> None:
    assert find_difference(first, second).startswith(said)


@pytest.mark.parametrize(
    "value", [float("nan"), np.array([np.nan, -0.0]), {"a": [1, (2, None)]}, np.ma.array([1], mask=[1])]
)
def test_what_is_the_same(value: Any) -> None:
    assert find_difference(value, value) == ""
