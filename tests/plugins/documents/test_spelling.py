"""Suggestions."""

from __future__ import annotations

import pytest

from platform_base.plugins.documents.spelling import did_you_mean, nearest

KNOWN = ["entry_point", "requires", "max_memory_mb", "max_threads"]


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("entrypoint", "entry_point"),
        ("Entry-Point", "entry_point"),
        ("require", "requires"),
        ("max_memroy_mb", "max_memory_mb"),
        ("colour", None),
        ("", None),
        ("e" * 100_000, None),
    ],
)
def test_nearest(word: str, name: str | None) -> None:
    assert nearest(word, KNOWN) == name


def test_hint_lists_the_names_where_none_is_near() -> None:
    assert did_you_mean("colour", KNOWN) == "known: entry_point, requires, max_memory_mb, max_threads"
    assert did_you_mean("x", [f"name{number}" for number in range(50)]).endswith("name11, ...")
    assert did_you_mean("x", []) == ""
