"""Time warp edit distance and its family beside the exact peers: aeon and tsdistances, interleaved.

Run ``python benchmarks/elastic_family.py`` (``--quick`` for a minute's worth) where they are installed:
``pip install aeon tsdistances``. The goals: the value of TWED 15 times as fast as the best peer, its cost matrix 10
times, on a processor with AVX-512. Rounds alternate between the programs, so that whatever else the machine does falls
on all alike; medians are compared. One thread, except for "all pairs": two. Results must agree to 1e-9 before anything
is measured.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the plugins are no installed package

NU, LAMBDA = 0.001, 1.0
BUDGET_S = 4.0
THREADS = 2


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing to compute, and who can.

    Attributes:
        name: What.
        ours: Our function.
        peers: The others by name.
        agree: Whether their results are comparable; paths and all definitions but one are not.
        quick: Whether it belongs to the short run.
    """

    name: str
    ours: Callable[[], Any]
    peers: dict[str, Callable[[], Any]] = field(default_factory=dict)
    agree: bool = True
    quick: bool = True


def make_cases() -> Iterator[Case]:
    """Yield the cases; a peer that is not installed is left out."""
    aeon, rust = find("aeon.distances"), find("tsdistances")
    twed = importlib.import_module("plugins.time_elastic.twed")
    generator = np.random.default_rng(0)
    for n in (16, 64, 256, 1024, 4096):
        x, y = generator.normal(size=(2, n)).cumsum(axis=1)
        yield from twed_cases(twed, aeon, rust, x, y)
    x, y = generator.normal(size=(2, 1024)).cumsum(axis=1)
    for name, theirs, options in (
        ("erp", "erp", {"gap_value": 0.0}),
        ("edr", "edr", {"epsilon": 0.5}),
        ("lcss", "lcss", {"epsilon": 0.5}),
        ("msm", "msm", {"cost": 1.0}),
        ("wdtw", "wdtw", {"steepness": 0.05}),
        ("adtw", "adtw", {"warp_penalty": 1.0}),
    ):
        ours = getattr(importlib.import_module(f"plugins.time_elastic.{name}"), f"{name}_distance")
        renamed = {{"gap_value": "g", "cost": "c", "steepness": "g"}.get(key, key): v for key, v in options.items()}
        peers = {"aeon": bind(getattr(aeon, f"{theirs}_distance"), x, y, **renamed)} if aeon else {}
        # aeon's borders of ERP and EDR are not those of the papers.
        yield Case(name=f"{name} value, 1024", ours=bind(ours, x, y, **options), peers=peers, agree=name[0] != "e")
    series = generator.normal(size=(100, 256)).cumsum(axis=1)
    peers = {}
    if aeon:
        peers["aeon"] = bind(aeon.twe_pairwise_distance, series, nu=NU, lmbda=LAMBDA, n_jobs=THREADS)
    ours = bind(twed.twed_pairwise, series, nu=NU, lmbda=LAMBDA, threads=THREADS)
    yield Case(name="twed all pairs, 100 x 256, 2 threads", ours=ours, peers=peers, quick=False)


def twed_cases(twed: Any, aeon: Any, rust: Any, x: np.ndarray, y: np.ndarray) -> Iterator[Case]:
    """Yield value, matrix and path of two series."""
    n = len(x)
    options = {"nu": NU, "lmbda": LAMBDA}
    peers = {"aeon": bind(aeon.twe_distance, x, y, **options)} if aeon else {}
    if rust:
        # The package misspells the parameter.
        peers["tsdistances"] = bind(rust.twe_distance, x, y, stifness=NU, penalty=LAMBDA, par=False)
    quick = n < 4096
    yield Case(name=f"twed value, {n}", ours=bind(twed.twed_distance, x, y, **options), peers=peers, quick=quick)
    peers = {"aeon": bind(aeon.twe_cost_matrix, x, y, **options)} if aeon else {}
    yield Case(name=f"twed matrix, {n}", ours=bind(twed.twed_matrix, x, y, **options), peers=peers, quick=quick)
    peers = {"aeon": bind(aeon.twe_alignment_path, x, y, **options)} if aeon else {}
    ours = bind(twed.twed_path, x, y, **options)
    yield Case(name=f"twed path, {n}", ours=ours, peers=peers, agree=False, quick=quick)


def bind(function: Callable[..., Any], *arguments: Any, **options: Any) -> Callable[[], Any]:
    """Return the call, ready to be made."""
    return lambda: function(*arguments, **options)


def find(name: str) -> Any:
    """Return a peer, or ``None`` and say so."""
    try:
        return importlib.import_module(name)
    except ImportError:
        sys.stderr.write(f"{name} is not installed: left out\n")
        return None


def measure(case: Case) -> dict[str, float]:
    """Return the median seconds of everybody.

    Raises:
        AssertionError: If a peer computes something else.
    """
    programs = {"ours": case.ours, **case.peers}
    results = {name: program() for name, program in programs.items()}
    if case.agree:
        for name, result in results.items():
            assert np.allclose(result, results["ours"], rtol=1e-9, atol=1e-9), f"{case.name}: {name} says {result}"
    began = time.perf_counter()
    for program in programs.values():
        program()
    rounds = max(5, min(301, int(BUDGET_S / (time.perf_counter() - began))))
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            began = time.perf_counter()
            program()
            seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out what takes long")
    quick = parser.parse_args().quick
    out = sys.stdout
    out.write("| case | ours, ms | best peer | its ms | ratio |\n|---|---|---|---|---|\n")
    for case in make_cases():
        if quick and not case.quick:
            continue
        medians = measure(case)
        ours = medians.pop("ours")
        if medians:
            best = min(medians, key=lambda name: medians[name])
            row = f"{best} | {1e3 * medians[best]:.4g} | {medians[best] / ours:.1f}"
        else:
            row = "none installed | | "
        out.write(f"| {case.name} | {1e3 * ours:.4g} | {row} |\n")
        out.flush()


if __name__ == "__main__":
    main()
