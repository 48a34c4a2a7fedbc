"""The elastic distances against other programs, on recorded series; see `make_elastic_references.py`."""

from __future__ import annotations

import importlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plugins.advanced_sync.averaging import dtw_barycenter
from plugins.advanced_sync.dtw import dtw_distance, dtw_path
from plugins.advanced_sync.nearest import dtw_nearest
from plugins.advanced_sync.pairwise import dtw_pairwise
from plugins.advanced_sync.soft_dtw import soft_dtw, soft_dtw_gradient
from recordings import series, spell

SQUARED = {"distance_metric": "sqeuclidean", "step_pattern": "symmetric1"}


@cache
def references() -> dict[str, list[tuple[list[Any], dict[str, Any], Any]]]:
    """What is asked; then which series (their group and two numbers), the options, and the answer."""
    document = json.loads(Path(__file__).with_name("elastic_references.json").read_text("utf-8"))
    groups: dict[str, list[tuple[list[Any], dict[str, Any], Any]]] = {}
    for asked, kind, first, second, options, answer in document["values"]:
        groups.setdefault(asked, []).append(([kind, first, second], options, answer))
    return groups


def find_pair(which: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    kind, first, second = which
    several = series()[kind]
    return several[first], several[second]


@pytest.mark.parametrize("kernel", ["numba", "numpy"])
@pytest.mark.parametrize(
    ("asked", "cases"),
    [
        ("twed_distance", 56),
        ("twed_matrix", 6),
        ("erp_distance", 12),
        ("edr_distance", 18),
        ("lcss_distance", 32),
        ("msm_distance", 31),
        ("msm_matrix", 6),
        ("wdtw_distance", 31),
        ("wdtw_matrix", 6),
        ("wdtw_path", 6),
        ("adtw_distance", 31),
        ("adtw_matrix", 6),
    ],
)
def test_the_family(asked: str, cases: int, kernel: str) -> None:
    name, _, question = asked.partition("_")
    function = getattr(importlib.import_module(f"plugins.time_elastic.{name}"), asked)
    assert len(references()[asked]) == cases
    for which, options, answer in references()[asked]:
        found = function(*find_pair(which), **options, kernel=kernel)
        if question == "path":
            assert spell(found[0]) == answer
        else:
            # Of a matrix, the sums of every sixteenth row.
            found = found[::16].sum(axis=1) if question == "matrix" else found
            assert found == pytest.approx(answer, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("kernel", ["numba", "numpy"])
def test_warping(kernel: str) -> None:
    assert len(references()["dtw_distance"]) == 17
    for which, options, answer in references()["dtw_distance"]:
        found = dtw_distance(*find_pair(which), **options, kernel=kernel)
        assert found == pytest.approx(answer, rel=1e-12)
    for which, options, answer in references()["dtw_path"]:
        assert spell(dtw_path(*find_pair(which), **options, kernel=kernel)[0]) == answer


@pytest.mark.parametrize("kernel", ["numba", "numpy"])
def test_one_series_within_another(kernel: str) -> None:
    asked = {"dtw_subsequence": SQUARED, "dtw_asymmetric_subsequence": {"step_pattern": "asymmetric"}}
    for name, options in asked.items():
        assert len(references()[name]) == 2
        for _, given, (steps, cost) in references()[name]:
            path, distance = dtw_path(
                given["query"], given["target"], open_begin=True, open_end=True, kernel=kernel, **options
            )
            assert distance == pytest.approx(cost, rel=1e-12)
            assert spell(path) == steps


def test_soft_dtw() -> None:
    assert len(references()["soft_dtw"]) == 12
    for which, options, answer in references()["soft_dtw"]:
        assert soft_dtw(*find_pair(which), **options) == pytest.approx(answer, rel=1e-12)
    for which, options, answer in references()["soft_dtw_gradient"]:
        found = soft_dtw_gradient(*find_pair(which), **options).gradient
        np.testing.assert_allclose(found, answer, rtol=1e-9, atol=1e-9 * np.abs(answer).max())


@pytest.mark.parametrize("kernel", ["numba", "numpy"])
def test_many_series(kernel: str) -> None:
    power = series()["power"]
    ((_, options, sums),) = references()["dtw_pairwise"]
    table = dtw_pairwise(power[:4], power[4:], **options, **SQUARED, kernel=kernel)
    assert table.sum(axis=0) == pytest.approx(sums, rel=1e-12)
    for (_, query, start), options, (numbers, distances) in references()["dtw_nearest"]:
        found = dtw_nearest(power[query], power[start:], **options, **SQUARED, kernel=kernel)
        assert found[0].tolist() == numbers
        assert found[1] == pytest.approx(distances, rel=1e-12)


@pytest.mark.parametrize("kernel", ["numba", "numpy"])
def test_barycenter(kernel: str) -> None:
    (((_, first, stop), options, answer),) = references()["dtw_barycenter"]
    several = series()["power"][first:stop]
    found = dtw_barycenter(several, initial=several[0], **options, kernel=kernel)
    assert found.values == pytest.approx(answer, rel=1e-12)
