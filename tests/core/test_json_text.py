"""JSON in pieces is the JSON that Python's own encoder writes in one piece."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from platform_base.core.json_text import json_pieces, to_json
from platform_base.core.plain import plain

LONG = 10_000
"""More than are written at once."""


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"none": [], "empty": {}, 1: "first", "1": "last"},
        np.arange(float(LONG)),
        np.where(np.arange(LONG) % 3 == 0, np.nan, 0.5),
        np.arange(LONG, dtype=np.float32).reshape(-1, 2),
        np.arange(2 * LONG).reshape(2, -1),
        np.arange(24).reshape(2, 3, 4),
        np.zeros((3, 0)),
        np.zeros((0, 3)),
        np.array(2.5),
        np.array([1 + 2j, 3]),
        np.array(["a", "b\ud800"]),
        np.array(["2020-01-01", "NaT"], dtype="M8[D]"),
        np.array([True, False]),
        np.array([1.5, 2.5], dtype=np.longdouble),
        np.ma.array([[1.0, np.nan], [3.0, 4.0]], mask=[[False, True], [False, False]]),
        np.zeros(2, dtype=[("x", "f8"), ("y", "i4")]),
        [1, [2, (3.5, None)], "x", True, {"y": float("inf")}] * LONG,
        [np.arange(3), np.arange(2), (), (np.float64(1), np.int32(2))],
        [10**6000, b"bytes", "line\nbreak"],
        {10**6000: 1, (1, 10**6000): 2, (1, 2): 3},
    ],
    ids=lambda document: type(document).__name__,
)
def test_it_is_what_python_writes_at_once(document: Any) -> None:
    assert to_json(document) == json.dumps(plain(document), ensure_ascii=False, indent=2, allow_nan=False)


def test_a_subclass_of_an_array_is_not_taken_apart() -> None:
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix([[1, 2], [3, 4]])
    assert json.loads(to_json(matrix)) == [[1, 2], [3, 4]]


@pytest.mark.parametrize("shape", [(300_000,), (75_000, 4), (4, 75_000)])
def test_no_piece_of_many_numbers_is_large(shape: tuple[int, ...]) -> None:
    pieces = json_pieces({"values": np.full(shape, -1.2345678901234567e-300)})
    assert max(map(len, pieces)) < 200_000
