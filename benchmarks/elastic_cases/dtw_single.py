"""Dynamic time warping in float32, beside float64 and the peers, all of which compute in float64.

Ours is given series in float32, as a caller has them who asks for that precision; all others get the same in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from plugins.advanced_sync.dtw import dtw_distance
from plugins.advanced_sync.nearest import dtw_nearest
from plugins.advanced_sync.pairwise import dtw_pairwise

from elastic_cases.case import Case
from elastic_cases.dtw import QUICK, RULES, make_normal, make_walks, nearest_case, pairs_case, title, value_case

TITLE = "Dynamic time warping in float32"

# Samples, radius of the window.
VALUES = ((1024, None), (4096, None), (16384, None), (4096, 409))


def make_cases() -> Iterator[Case]:
    """Yield the cases."""
    rng = np.random.default_rng(1)
    options = {"dtype": "float32", **RULES}
    for n, radius in VALUES:
        x, y = as_float32(*rng.normal(size=(2, n)).cumsum(axis=1))
        case = value_case(f"value, {title(n, radius)}", x.astype(float), y.astype(float), radius, None)
        yield in_float32(case, lambda x=x, y=y, radius=radius: dtw_distance(x, y, window_size=radius, **options))
    (series,) = as_float32(make_walks(rng, 200))
    yield in_float32(pairs_case(series.astype(float)), lambda: dtw_pairwise(series, **options))
    query, rest = as_float32(*make_normal(rng))
    case = nearest_case(query.astype(float), rest.astype(float))
    yield in_float32(case, lambda: dtw_nearest(query, rest, window_size=25, **options)[0][0])


def as_float32(*arrays: Any) -> list[Any]:
    """Return arrays in float32."""
    return [array.astype(np.float32) for array in arrays]


def in_float32(case: Case, ours: Callable[[], Any]) -> Case:
    """Return a case with another function of ours; its own becomes the exact one."""
    name = f"{case.name}, float32"
    return replace(case, name=name, ours=ours, exact=case.ours, tolerance=1e-4, target=None, quick=f" {QUICK}," in name)
