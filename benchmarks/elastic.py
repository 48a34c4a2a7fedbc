"""Elastic distances and filters beside the exact peers, interleaved: how many times as fast.

Run where the peers are installed::

    pip install -e ".[bundled]" -r benchmarks/elastic-requirements.txt
    python benchmarks/elastic.py                # a quarter of an hour; --quick: the small cases, in two minutes
    python benchmarks/elastic.py --write        # also puts tables and plot into the documentation
    python benchmarks/elastic.py --only path    # cases with this in their name
    python benchmarks/elastic.py --huge         # instead: series that no peer can compare; --write as above
    python benchmarks/elastic.py --memory       # instead: the memory of filters that are run over long series

Rounds alternate between the programs, so that whatever else the machine does falls on all alike; medians are compared.
One thread, unless a case says otherwise. A peer whose result differs by more than 1e-9
(in float32 1e-4) is left out, and named.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import math
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

for _variable in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(_variable, str(len(os.sched_getaffinity(0))))

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]  # the plugins and the cases are no installed packages

import numpy as np  # noqa: E402
from elastic_cases import dtw, dtw_single, edit_distances, filters, huge, memory  # noqa: E402
from elastic_cases.case import Case  # noqa: E402
from elastic_cases.report import Result, describe_machine, render, write, write_section  # noqa: E402

FAMILIES = (dtw, dtw_single, edit_distances, filters)
PAGE = ROOT / "docs" / "plugins" / "concepts" / "kernels.md"
PICTURE = ROOT / "docs" / "images" / "kernels.png"
PEERS = ("aeon", "augurs", "dtaidistance", "librosa", "scipy", "tsdistances", "tslearn", "wildboar")

BUDGET_S = 6.0
QUICK_BUDGET_S = 1.0
ROUNDS = range(3, 41)
SHORTEST_S = 0.005


def measure(case: Case, budget_s: float) -> Result | None:
    """Check that all agree, then let them take turns; ``None`` where no peer is left."""
    programs = {"ours": case.ours}
    expected = case.ours() if case.compare is None else case.compare(case.ours())
    for name, program in case.peers.items():
        fault = find_fault(case, program, expected)
        if fault:
            print(f"{case.name}: {name} is left out, {fault}", file=sys.stderr)
        else:
            programs[name] = program
    if len(programs) == 1:
        return None
    if case.exact is not None:
        programs["exact"] = case.exact
    repeats = {name: calibrate(program) for name, program in programs.items()}
    times: dict[str, list[float]] = {name: [] for name in programs}
    started = time.perf_counter()
    for _ in ROUNDS:
        for name, program in programs.items():
            times[name].append(run(program, repeats[name]))
        if len(times["ours"]) >= ROUNDS[0] and time.perf_counter() - started > budget_s:
            break
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    return Result(case=case, ours_s=medians.pop("ours"), exact_s=medians.pop("exact", None), peers_s=medians)


def find_fault(case: Case, program: Callable[[], Any], expected: Any) -> str:
    """Return why a peer cannot be compared; empty: it can."""
    try:
        result = program()
    except Exception as error:  # some peers do not work with some versions of what they require
        return f"{type(error).__name__}: {error}"
    if case.compare is None:
        return ""
    got = case.compare(result)
    largest = float(np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected)))
    bounds = {"rtol": case.tolerance, "atol": case.tolerance * max(1.0, largest)}
    if np.shape(got) == np.shape(expected) and np.allclose(got, expected, **bounds):
        return ""
    return f"it gives {np.ravel(got)[-1]!r} instead of {np.ravel(expected)[-1]!r}"


def calibrate(program: Callable[[], Any]) -> int:
    """Return how many calls take long enough for the clock."""
    taken = min(run(program, 1) for _ in range(2))
    return max(1, math.ceil(SHORTEST_S / taken))


def run(program: Callable[[], Any], repeats: int) -> float:
    """Return the seconds of one call."""
    started = time.perf_counter()
    for _ in range(repeats):
        program()
    return (time.perf_counter() - started) / repeats


def name_peers() -> str:
    """Return the peers that are installed, with their versions."""
    found = []
    for name in PEERS:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join(found) or "no peer is installed"


def main() -> None:
    """Measure, and print or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the small cases alone")
    parser.add_argument("--only", default="", help="cases with this in their name")
    parser.add_argument("--write", action="store_true", help="put the results into the documentation")
    parser.add_argument("--huge", nargs="?", const="", metavar="CASE", help="series that no peer can compare")
    parser.add_argument("--memory", nargs="*", metavar=("CASE", "SIDE"), help="peak memory of filters")
    arguments = parser.parse_args()
    if arguments.memory is not None:
        memory.main(arguments.memory)
        return
    if arguments.huge is not None:
        lines = huge.main(arguments.huge)
        if arguments.write and lines:
            write_section(PAGE, huge.TITLE, lines)
        return
    warnings.filterwarnings("ignore", category=FutureWarning, module="sklearn")  # one each call, of wildboar's
    print(describe_machine(), name_peers(), sep="\n")
    families: dict[str, list[Result]] = {}
    for family in FAMILIES:
        results = families.setdefault(family.TITLE, [])
        for case in family.make_cases():
            if (arguments.quick and not case.quick) or arguments.only not in case.name or not case.peers:
                continue
            result = measure(case, QUICK_BUDGET_S if arguments.quick else BUDGET_S)
            if result is not None:
                results.append(result)
                print(*render([result])[2:], flush=True)
    measured = {title: results for title, results in families.items() if results}
    if arguments.write and measured:
        write(measured, PAGE, PICTURE, peers=name_peers())


if __name__ == "__main__":
    main()
