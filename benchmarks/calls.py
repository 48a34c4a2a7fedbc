"""What an isolated call costs, beside other ways to run a function in another process.

Run ``python benchmarks/calls.py``; first ``pip install -r benchmarks/calls-requirements.txt`` for the peers, which are
left out by name where they are missing. ``--quick`` takes minutes instead of an hour.

Everybody does the same work, ``x * 2`` on float64, and is warm where the case does not say otherwise. The turns are
interleaved: in each round every peer takes each group of cases once, in an order that is drawn anew, in a process that
is fresh, so that nobody meets what another one left behind and a slow minute of the machine falls on all alike. What is
compared are medians over the rounds of each round's median. Every answer is looked at.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from peers.groups import GROUPS
from peers.machine import available_bytes, describe_machine, load_average
from peers.peers import PEERS
from peers.processes import adopt_orphans, end_all
from peers.report import as_markdown, summarise
from peers.results import Results

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "plugins" / "concepts" / "wire.md"
BEGIN, END = "<!-- calls: begin -->", "<!-- calls: end -->"
ROUNDS, QUICK_ROUNDS = 7, 2
MEMORY_FOR_ARRAYS = 10
"""A turn is left out when the machine has less than so many times its largest array to give."""


def parse() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK_ROUNDS} short rounds instead of {ROUNDS} long ones"
    )
    parser.add_argument("--rounds", type=int, help="so many rounds")
    parser.add_argument("--only", nargs="+", metavar="PEER", help=f"these peers only: {', '.join(PEERS)}")
    parser.add_argument("--cases", nargs="+", metavar="GROUP", help=f"these groups only: {', '.join(GROUPS)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to this file as well")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name} of the documentation")
    parser.add_argument("--seed", type=int, default=0, help="of the order in each round")
    asked = parser.parse_args()
    for given, known in ((asked.only, PEERS), (asked.cases, GROUPS)):
        for name in given or ():
            if name not in known:
                parser.error(f"unknown: {name!r}; known: {', '.join(known)}")
    return asked


def take_turn(peer: str, group: str, *, scale: float, environment: dict[str, str]) -> dict[str, Any]:
    """Start a process for one turn, wait for it, and end whatever it left."""
    needed = MEMORY_FOR_ARRAYS * GROUPS[group].largest_bytes
    if available_bytes() < needed:
        reason = f"needs {needed >> 30} GB of free memory"
        return {case: {"unsupported": reason} for case in GROUPS[group].cases}
    with tempfile.TemporaryDirectory(prefix="calls-") as scratch:
        Path(scratch).chmod(0o711)  # confined workers are other users
        file = Path(scratch) / "turn.json"
        output = Path(scratch) / "output"
        with output.open("wb") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", "peers.turn", peer, group, str(scale), str(file)],
                env={**environment, "TMPDIR": scratch, "RAY_TMPDIR": scratch},
                stdout=sink,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
            try:
                process.wait(GROUPS[group].timeout_s)
                failure = f"ended with status {process.returncode}"
            except subprocess.TimeoutExpired:
                failure = f"took more than {GROUPS[group].timeout_s:g} s"
            finally:
                end_all()
        if file.exists():
            outcomes: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            return outcomes
        last = output.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        return {case: {"error": f"{failure}: {' '.join(last)}"[:300]} for case in GROUPS[group].cases}


def run(asked: argparse.Namespace, results: Results) -> None:
    """Take every turn of every round."""
    peers = [name for name in asked.only or PEERS if PEERS[name].version is not None]
    rounds = asked.rounds or (QUICK_ROUNDS if asked.quick else ROUNDS)
    order = random.Random(asked.seed)
    with tempfile.TemporaryDirectory(prefix="calls-cache-") as cache:
        Path(cache).chmod(0o711)
        path = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PLATFORM_BASE_")}
        environment |= {"PLATFORM_BASE_CACHE_DIR": cache, "PYTHONPATH": path, "RAY_USAGE_STATS_ENABLED": "0"}
        for number in range(rounds):
            for group in asked.cases or GROUPS:
                takers = [peer for peer in peers if peer in GROUPS[group].peers]
                if number >= GROUPS[group].most_rounds:
                    continue
                for peer in order.sample(takers, len(takers)):
                    began = time.monotonic()
                    results.loads.append(load_average())
                    outcomes = take_turn(peer, group, scale=0.3 if asked.quick else 1.0, environment=environment)
                    results.add(peer, group, outcomes)
                    sys.stderr.write(
                        f"round {number + 1}/{rounds} {group:12} {peer:28} {time.monotonic() - began:6.1f} s"
                        f"{results.remark(outcomes)}\n"
                    )
            results.rounds = number + 1


def write_page(table: str) -> None:
    """Put the table between the two marks of the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{PAGE}: expected the marks {BEGIN} and {END}, got a page without them")
    PAGE.write_text(f"{before}{begin}\n\n{table}\n{end}{after}", encoding="utf-8")


def main() -> None:
    """Measure, print, and write what was asked for."""
    asked = parse()
    for number in (signal.SIGINT, signal.SIGTERM):  # also where whoever started it had them ignored
        signal.signal(number, signal.default_int_handler)
    adopt_orphans()
    results = Results(machine=describe_machine(), missing=[name for name, row in PEERS.items() if row.version is None])
    for name in results.missing:
        sys.stderr.write(f"{name} is not installed: left out (pip install {PEERS[name].distribution})\n")
    try:
        run(asked, results)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: what has been measured follows\n")
    finally:
        end_all()
    table = as_markdown(summarise(results))
    sys.stdout.write(table)
    if asked.json:
        asked.json.write_text(json.dumps(results.as_dict(), indent=1), encoding="utf-8")
    if asked.write:
        write_page(table)


if __name__ == "__main__":
    main()
