"""Everything that was measured, by case, by peer, by round."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from peers.groups import FIRST_RESULT, GROUPS
from peers.peers import PEERS

MEMORY = "memory of one more worker"


@dataclass(slots=True, kw_only=True)
class Sample:
    """What one peer did in one case.

    Attributes:
        rounds: The seconds of every call, by round.
        remark: Why there are none.
    """

    rounds: list[list[float]] = field(default_factory=list)
    remark: str = ""

    @property
    def median(self) -> float:
        """Median over the rounds of each round's median, seconds."""
        return statistics.median(statistics.median(took) for took in self.rounds)

    @property
    def p99(self) -> float | None:
        """The 99th percentile of all calls; None where fewer than 100 were made, seconds."""
        pooled = [seconds for took in self.rounds for seconds in took]
        return float(np.percentile(pooled, 99)) if len(pooled) >= 100 else None

    @property
    def worst(self) -> float:
        """The slowest call, seconds."""
        return max(seconds for took in self.rounds for seconds in took)


@dataclass(slots=True, kw_only=True)
class Results:
    """Samples by case and peer."""

    machine: dict[str, str]
    missing: list[str]
    rounds: int = 0
    loads: list[float] = field(default_factory=list)
    samples: dict[str, dict[str, Sample]] = field(default_factory=dict)

    def add(self, peer: str, group: str, outcomes: dict[str, Any]) -> None:
        """Take in what one turn brought; the first result counts only where few workers start."""
        for case, outcome in outcomes.items():
            if case == "close" or (case == FIRST_RESULT and group != "start"):
                continue
            sample = self.samples.setdefault(case, {}).setdefault(peer, Sample())
            if "seconds" in outcome:
                sample.rounds.append(outcome["seconds"])
            else:
                sample.remark = outcome.get("unsupported") or outcome["error"]

    def remark(self, outcomes: dict[str, Any]) -> str:
        """Return what went wrong in a turn, to be shown while the benchmark runs."""
        wrong = {case: outcome["error"] for case, outcome in outcomes.items() if "error" in outcome}
        return "".join(f"\n    {case}: {error}" for case, error in wrong.items())

    def marginal_memory(self) -> dict[str, float]:
        """Return what one more worker weighs by peer: half of what four weigh more than two, bytes."""
        two, four = (self.samples.get(f"memory with {number} workers", {}) for number in (2, 4))
        return {
            peer: (four[peer].median - two[peer].median) / 2
            for peer in two
            if peer in four and two[peer].rounds and four[peer].rounds
        }

    def as_dict(self) -> dict[str, Any]:
        """Return every figure, for JSON."""
        return {
            "machine": self.machine,
            "rounds": self.rounds,
            "load averages": self.loads,
            "versions": {name: row.version for name, row in PEERS.items()},
            "cases": {
                case: {
                    peer: {
                        "seconds": sample.rounds,
                        "median": sample.median if sample.rounds else None,
                        "p99": sample.p99 if sample.rounds else None,
                        "remark": sample.remark,
                    }
                    for peer, sample in by_peer.items()
                }
                for case, by_peer in self.samples.items()
            },
            MEMORY: self.marginal_memory(),
        }


def cases_in_order() -> list[str]:
    """Return the names of all cases as the table lists them."""
    names = [case for group in GROUPS.values() for case in group.cases if not case.startswith("memory with")]
    at = names.index("worker killed in a call, to the next result")
    return [*names[:at], FIRST_RESULT, *names[at:]]
