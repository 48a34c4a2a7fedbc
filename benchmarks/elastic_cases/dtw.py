"""Dynamic time warping: squared differences, symmetric1, which all peers have.

Peers count a window differently: aeon and tsdistances take a fraction, dtaidistance, librosa and wildboar one more than
the radius. augurs, dtaidistance, tslearn and wildboar take the square root of the sum at the end, which is undone here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from plugins.advanced_sync.dtw import dtw_distance, dtw_path
from plugins.advanced_sync.nearest import dtw_nearest
from plugins.advanced_sync.pairwise import dtw_pairwise

from elastic_cases.case import Case, find

TITLE = "Dynamic time warping"

RULES = {"distance_metric": "sqeuclidean", "step_pattern": "symmetric1"}

# Samples, radius of the window, target; from docs of what was found to be within reach.
VALUES = (
    (2, None, 1), (16, None, 1), (64, None, None), (256, None, 20), (1024, None, 25), (4096, None, 25),
    (16384, None, 25), (256, 25, 10), (1024, 102, 15), (4096, 409, 30), (16384, 1638, 35), (100_000, 1000, 40),
)  # fmt: skip
PATHS = (
    (2, None, 1), (16, None, 1), (64, None, None), (256, None, 10), (1024, None, 30), (4096, None, 60),
    (16384, None, 70), (256, 25, 10), (1024, 102, 12), (4096, 409, 25), (16384, 1638, 60),
)  # fmt: skip
QUICK = 1024


def make_cases() -> Iterator[Case]:
    """Yield the cases."""
    rng = np.random.default_rng(0)
    for n, radius, target in VALUES:
        x, y = rng.normal(size=(2, n)).cumsum(axis=1)
        yield value_case(f"value, {title(n, radius)}", x, y, radius, target)
    for n, radius, target in PATHS:
        x, y = rng.normal(size=(2, n)).cumsum(axis=1)
        yield path_case(f"path, {title(n, radius)}", x, y, radius, target)
    for n, target in ((4096, 150), (16384, 300)):
        x, y = make_similar(rng, n)
        yield path_case(f"path, {n}, similar", x, y, None, target)
    x, y = make_similar(rng, 16384)
    yield value_case("value, 16384, similar", x, y, None, 200)
    yield from make_many_cases(rng)


def title(n: int, radius: int | None) -> str:
    """Return how a case of this size is called."""
    return f"{n}" if radius is None else f"{n}, radius {radius}"


def make_similar(rng: np.random.Generator, n: int) -> tuple[Any, Any]:
    """Return a smooth signal, and the same one warped by up to 2 % of its length, both with a little noise."""
    t = np.linspace(0, 1, n)
    warped = t + 0.02 * np.sin(2 * np.pi * t) / (2 * np.pi) * 3
    knots = rng.normal(size=n // 64 + 2).cumsum()
    places = np.linspace(0, 1, len(knots))
    x, y = np.interp(t, places, knots), np.interp(np.clip(warped, 0, 1), places, knots)
    return x + rng.normal(size=n) * 0.02, y + rng.normal(size=n) * 0.02


def value_case(name: str, x: Any, y: Any, radius: int | None, target: float | None) -> Case:
    """Return a case for the distance alone."""
    n = len(x)
    aeon, rust, c = find("aeon.distances"), find("tsdistances"), find("dtaidistance.dtw")
    learn, augurs = find("tslearn.metrics"), find("augurs")
    peers: dict[str, Callable[[], Any]] = {}
    if aeon:
        window = None if radius is None else (radius + 0.5) / n
        peers["aeon"] = lambda: aeon.dtw_distance(x, y, window=window)
    if augurs:
        warping = augurs.Dtw(window=radius)
        peers["augurs"] = lambda: warping.distance(x, y) ** 2
    if rust and (radius is None or n <= 16384):  # 20 ns for each cell of a narrow band
        band = 1.0 if radius is None else (radius - 0.5) / n
        peers["tsdistances"] = lambda: rust.dtw_distance(x, y, band=band, par=False)
    if c:
        width = None if radius is None else radius + 1
        peers["dtaidistance"] = lambda: c.distance_fast(x, y, window=width) ** 2
    if learn and n * (radius or n) <= 1 << 24:
        limit = {} if radius is None else {"global_constraint": "sakoe_chiba", "sakoe_chiba_radius": radius}
        peers["tslearn"] = lambda: learn.dtw(x, y, **limit) ** 2
    return Case(
        name=f"DTW {name}",
        # Options by name, not unpacked: that takes as long as comparing a few samples, and peers are spared it.
        ours=lambda: dtw_distance(x, y, window_size=radius, distance_metric="sqeuclidean", step_pattern="symmetric1"),
        peers=peers,
        target=target,
        quick=n <= QUICK,
    )


def path_case(name: str, x: Any, y: Any, radius: int | None, target: float | None) -> Case:
    """Return a case for the path."""
    n = len(x)
    aeon, c, learn = find("aeon.distances"), find("dtaidistance.dtw"), find("tslearn.metrics")
    music = find("librosa.sequence")
    peers: dict[str, Callable[[], Any]] = {}
    if music and n <= 4096:  # it keeps two matrices of the full size
        band = {} if radius is None else {"global_constraints": True, "band_rad": (radius + 1) / n}
        peers["librosa"] = lambda: music.dtw(x[None], y[None], metric="sqeuclidean", **band)[0][-1, -1]
    if aeon:
        window = None if radius is None else (radius + 0.5) / n
        peers["aeon"] = lambda: aeon.dtw_alignment_path(x, y, window=window)[1]
    if c:
        width = None if radius is None else radius + 1
        peers["dtaidistance"] = lambda: c.warping_path_fast(x, y, window=width, include_distance=True)[1] ** 2
    if learn:
        limit = {} if radius is None else {"global_constraint": "sakoe_chiba", "sakoe_chiba_radius": radius}
        peers["tslearn"] = lambda: learn.dtw_path(x, y, **limit)[1] ** 2
    return Case(
        name=f"DTW {name}",
        ours=lambda: dtw_path(x, y, window_size=radius, distance_metric="sqeuclidean", step_pattern="symmetric1")[1],
        peers=peers,
        target=target,
        quick=n <= QUICK,
    )


def make_many_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield all pairs, and the nearest of many."""
    yield pairs_case(make_walks(rng, 200))
    yield nearest_case(*make_normal(rng))


def make_walks(rng: np.random.Generator, count: int) -> Any:
    """Return random walks of 256 samples."""
    return rng.normal(size=(count, 256)).cumsum(axis=1)


def pairs_case(series: Any) -> Case:
    """Return the case of all pairs."""
    aeon, rust = find("aeon.distances"), find("tsdistances")
    peers: dict[str, Callable[[], Any]] = {}
    if rust:
        peers["tsdistances"] = lambda: rust.dtw_distance(series, par=True)
    if aeon:
        peers["aeon"] = lambda: aeon.dtw_pairwise_distance(series, n_jobs=len(os.sched_getaffinity(0)))
    return Case(
        name="DTW all pairs of 200 x 256, all cores",
        ours=lambda: dtw_pairwise(series, **RULES),
        peers=peers,
        target=25,
        compare=np.sum,
    )


def make_normal(rng: np.random.Generator) -> tuple[Any, Any]:
    """Return a random walk of 256 samples, and 1999 others, all normalized."""
    many = make_walks(rng, 2000)
    many = (many - many.mean(axis=1, keepdims=True)) / many.std(axis=1, keepdims=True)
    return many[0], np.ascontiguousarray(many[1:])


def nearest_case(query: Any, rest: Any) -> Case:
    """Return the case of the nearest of many."""
    forest = find("wildboar.distance")
    peers: dict[str, Callable[[], Any]] = {}
    if forest:
        metric = {"metric": "dtw", "metric_params": {"r": 26.5 / 256}}
        peers["wildboar"] = lambda: forest.argmin_distance(query[None], rest, k=1, **metric).ravel()[0]
    return Case(
        name="DTW nearest of 1999 x 256, radius 25",
        ours=lambda: dtw_nearest(query, rest, window_size=25, **RULES)[0][0],
        peers=peers,
        target=15,
        quick=True,
    )
