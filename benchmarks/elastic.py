"""Elastic distances beside the exact peers, interleaved: how many times as fast.

Run ``python benchmarks/elastic.py`` (``--quick`` for the small cases, ``--only TEXT`` for some, ``--write FOLDER`` for
the table and the plot of the documentation) where the peers are installed::

    pip install -e ".[bundled]" -r benchmarks/elastic-requirements.txt

Rounds alternate between the programs, so that whatever else the machine does falls on all alike; medians are compared.
One thread, unless a case says otherwise. A peer whose result differs by more than 1e-9 is left out, and named.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

for _variable in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(_variable, str(len(os.sched_getaffinity(0))))

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]  # the plugins and the cases are no installed packages

from elastic_cases import dtw  # noqa: E402
from elastic_cases.case import Case  # noqa: E402

FAMILIES = (dtw,)
BUDGET_S = 6.0
ROUNDS = range(3, 41)
SHORTEST_S = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was measured of a case.

    Attributes:
        case: The case.
        ours_s: Median seconds of our function.
        peers_s: Those of the peers, by name.
    """

    case: Case
    ours_s: float
    peers_s: dict[str, float]

    @property
    def best(self) -> str:
        """Name of the fastest peer."""
        return min(self.peers_s, key=self.peers_s.__getitem__)

    @property
    def ratio(self) -> float:
        """How many times as fast as the best peer."""
        return self.peers_s[self.best] / self.ours_s


def measure(case: Case, budget_s: float) -> Result:
    """Check that all agree, then let them take turns."""
    programs = {"ours": case.ours}
    expected = case.compare(case.ours())
    for name, program in case.peers.items():
        got = case.compare(program())
        if math.isclose(got, expected, rel_tol=1e-9, abs_tol=1e-9):
            programs[name] = program
        else:
            print(f"{case.name}: {name} is left out, it gives {got!r} instead of {expected!r}", file=sys.stderr)
    repeats = {name: calibrate(program) for name, program in programs.items()}
    times: dict[str, list[float]] = {name: [] for name in programs}
    started = time.perf_counter()
    for _ in ROUNDS:
        for name, program in programs.items():
            times[name].append(run(program, repeats[name]))
        if len(times["ours"]) >= ROUNDS[0] and time.perf_counter() - started > budget_s:
            break
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    return Result(case=case, ours_s=medians.pop("ours"), peers_s=medians)


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


def render(results: Iterable[Result]) -> list[str]:
    """Return a Markdown table."""
    lines = ["| Case | Best exact peer | Peer | platform_base | Ratio | Target |", "|---|---|---|---|---|---|"]
    for result in results:
        target = "" if result.case.target is None else f"{result.case.target:g}"
        lines.append(
            f"| {result.case.name} | {result.best} | {show(result.peers_s[result.best])} | {show(result.ours_s)} "
            f"| {result.ratio:.1f} | {target} |"
        )
    return lines


def show(seconds: float) -> str:
    """Return a time with three digits and a unit."""
    unit, factor = next((u, f) for u, f in (("s", 1), ("ms", 1e3), ("µs", 1e6)) if seconds * f >= 1 or u == "µs")
    return f"{seconds * factor:.3g} {unit}"


def describe_machine() -> str:
    """Return the model of the processor, and whether it has AVX-512."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    widest = next((name for name in ("avx512f", "avx2", "avx") if name in facts.get("flags", "").split()), "sse2")
    return f"{facts.get('model name', 'unknown processor')}, {widest}, {len(os.sched_getaffinity(0))} cores"


def draw(results: Iterable[Result], path: Path) -> None:
    """Write the plot."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    shown = list(results)[::-1]
    figure, axes = pyplot.subplots(figsize=(8, 0.26 * len(shown) + 1))
    axes.barh([result.case.name for result in shown], [result.ratio for result in shown], color="#4477aa")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xlabel("times as fast as the best exact peer")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure, and print or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the small cases alone")
    parser.add_argument("--only", default="", help="cases with this in their name")
    parser.add_argument("--write", type=Path, help="a folder for elastic.md and elastic.png")
    arguments = parser.parse_args()
    results = []
    print(describe_machine())
    for family in FAMILIES:
        for case in family.make_cases():
            if (arguments.quick and not case.quick) or arguments.only not in case.name or not case.peers:
                continue
            results.append(measure(case, 1.0 if arguments.quick else BUDGET_S))
            print(*render(results[-1:])[2:], flush=True)
    if arguments.write:
        text = "\n".join([f"Machine: {describe_machine()}.", "", *render(results), ""])
        (arguments.write / "elastic.md").write_text(text)
        draw(results, arguments.write / "elastic.png")


if __name__ == "__main__":
    main()
