"""Time warp edit distance, its cost matrix and path; the distances beside it; all pairs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
from plugins.time_elastic import adtw, edr, erp, lcss, msm, twed, wdtw

from elastic_cases.case import Case, bind, find

TITLE = "Edit distances"

TWED = {"nu": 0.001, "lmbda": 1.0}
SIZES = ((64, None), (256, None), (1024, 15), (4096, 15))
# Where what a call costs in itself counts.
SHORT = (2, 16)
MATRIX_TARGETS = {1024: 10, 4096: 10}
QUICK = 1024

# Our module and its options, and the options of the peers that have the distance. aeon is given all numbers: a default
# that is left to it costs 28 µs.
FAMILY: tuple[tuple[str, ModuleType, dict[str, Any], dict[str, dict[str, Any]]], ...] = (
    ("twed", twed, TWED, {"aeon": TWED, "tsdistances": {"stifness": TWED["nu"], "penalty": TWED["lmbda"]}}),
    ("erp", erp, {"gap_value": 0.0},
     {"aeon": {"g": 0.0}, "tsdistances": {"gap_penalty": 0.0}, "wildboar": {"g": 0.0}}),
    ("edr", edr, {"epsilon": 0.5}, {"aeon": {"epsilon": 0.5}, "wildboar": {"epsilon": 0.5}}),
    ("lcss", lcss, {"epsilon": 0.5},
     {"aeon": {"epsilon": 0.5}, "tsdistances": {"epsilon": 0.5}, "wildboar": {"epsilon": 0.5}}),
    ("msm", msm, {"cost": 1.0}, {"aeon": {"c": 1.0, "independent": True}, "tsdistances": {}}),
    ("wdtw", wdtw, {"steepness": 0.05}, {"aeon": {"g": 0.05}, "tsdistances": {"g": 0.05}}),
    ("adtw", adtw, {"warp_penalty": 1.0},
     {"aeon": {"warp_penalty": 1.0}, "tsdistances": {"warp_penalty": 1.0}}),
)  # fmt: skip

# What aeon calls the distance, and the questions.
AEON = {"twed": "twe"}
QUESTIONS = {"matrix": "cost_matrix", "path": "alignment_path"}


def make_cases() -> Iterator[Case]:
    """Yield the cases."""
    rng = np.random.default_rng(0)
    for n in SHORT:
        x, y = rng.normal(size=(2, n)).cumsum(axis=1)
        for row in FAMILY:
            yield make_family_case(x, y, *row, target=1)
            yield from make_short_cases(x, y, *row)
    for n, target in SIZES:
        x, y = rng.normal(size=(2, n)).cumsum(axis=1)
        yield from make_twed_cases(x, y, target)
    x, y = rng.normal(size=(2, 1024)).cumsum(axis=1)
    for row in FAMILY[1:]:
        yield make_family_case(x, y, *row)
    series = rng.normal(size=(100, 256)).cumsum(axis=1)
    aeon, rust = find("aeon.distances"), find("tsdistances")
    cores = len(os.sched_getaffinity(0))
    peers: dict[str, Callable[[], Any]] = {}
    if aeon:
        peers["aeon"] = bind(aeon.twe_pairwise_distance, series, **TWED, n_jobs=cores)
    if rust:
        peers["tsdistances"] = bind(rust.twe_distance, series, stifness=TWED["nu"], penalty=TWED["lmbda"], par=True)
    yield Case(
        name="TWED all pairs of 100 x 256, all cores",
        ours=bind(twed.twed_pairwise, series, **TWED, threads=cores),
        peers=peers,
        compare=np.sum,
    )


def make_twed_cases(x: Any, y: Any, target: float | None) -> Iterator[Case]:
    """Yield value, matrix and path of two series."""
    n = len(x)
    aeon, rust = find("aeon.distances"), find("tsdistances")
    peers: dict[str, Callable[[], Any]] = {}
    if aeon:
        peers["aeon"] = bind(aeon.twe_distance, x, y, **TWED)
    if rust:  # it misspells the parameter
        peers["tsdistances"] = bind(rust.twe_distance, x, y, stifness=TWED["nu"], penalty=TWED["lmbda"], par=False)
    ours = bind(twed.twed_distance, x, y, **TWED)
    yield Case(name=f"TWED value, {n}", ours=ours, peers=peers, target=target, quick=n <= QUICK)
    yield Case(
        name=f"TWED matrix, {n}",
        ours=bind(twed.twed_matrix, x, y, **TWED),
        peers={"aeon": bind(aeon.twe_cost_matrix, x, y, **TWED)} if aeon else {},
        target=MATRIX_TARGETS.get(n, target),
        quick=n <= QUICK,
        compare=np.asarray,
    )
    yield Case(
        name=f"TWED path, {n}",
        ours=bind(twed.twed_path, x, y, **TWED),
        peers={"aeon": bind(aeon.twe_alignment_path, x, y, **TWED)} if aeon else {},
        quick=n <= QUICK,
        compare=lambda result: result[1],
    )


def make_family_case(
    x: Any,
    y: Any,
    name: str,
    module: ModuleType,
    options: dict[str, Any],
    theirs: dict[str, dict[str, Any]],
    target: float | None = None,
) -> Case:
    """Return the case of one of the distances in `FAMILY`."""
    aeon, rust, forest = find("aeon.distances"), find("tsdistances"), find("wildboar.distance")
    word = AEON.get(name, name)
    peers: dict[str, Callable[[], Any]] = {}
    if aeon:
        peers["aeon"] = bind(getattr(aeon, f"{word}_distance"), x, y, **theirs["aeon"])
    if rust and "tsdistances" in theirs:
        peers["tsdistances"] = bind(getattr(rust, f"{word}_distance"), x, y, **theirs["tsdistances"], par=False)
    if forest and "wildboar" in theirs:
        parameters = {"r": 1.0, **theirs["wildboar"]}
        peers["wildboar"] = bind(forest.pairwise_distance, x, y, metric=name, metric_params=parameters)
    # aeon and wildboar let EDR begin anywhere for nothing, and divide it by the longer length.
    return Case(
        name=f"{name.upper()} value, {len(x)}",
        ours=bind(getattr(module, f"{name}_distance"), x, y, **options),
        peers=peers,
        target=target,
        quick=True,
        compare=None if name == "edr" else float,
    )


def make_short_cases(
    x: Any, y: Any, name: str, module: ModuleType, options: dict[str, Any], theirs: dict[str, dict[str, Any]]
) -> Iterator[Case]:
    """Yield matrix and path of one of the distances in `FAMILY`.

    Matrices and paths of ERP, EDR and LCSS begin before the first samples or after them: what they are is not compared.
    """
    aeon = find("aeon.distances")
    for question, word in QUESTIONS.items():
        theirs_name = f"{AEON.get(name, name)}_{word}"
        yield Case(
            name=f"{name.upper()} {question}, {len(x)}",
            ours=bind(getattr(module, f"{name}_{question}"), x, y, **options),
            peers={"aeon": bind(getattr(aeon, theirs_name), x, y, **theirs["aeon"])} if aeon else {},
            target=1,
            quick=True,
            compare=None,
        )
