"""What was promised: one line for each goal, and how it is judged from the figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from peers.groups import FIRST_RESULT
from peers.peers import OURS, OURS_PRELOADED, OURS_SHARED, PEERS, REFERENCE
from peers.results import MEMORY, Results

FASTEST = "the fastest peer"
LIMIT = "at most"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One promise.

    Attributes:
        case: What is measured.
        against: A peer; `FASTEST`; `REFERENCE`, the work itself; or `LIMIT`.
        wanted: So many times faster than the peer; at most so many times the cost of the work itself; or at most so
            many seconds or bytes.
        row: Which of our own rows is judged.
    """

    case: str
    against: str
    wanted: float
    row: str = OURS


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a goal; `reached` None: it was not measured."""

    goal: Goal
    reached: float | None
    against: str

    @property
    def held(self) -> bool | None:
        """Whether the goal was reached."""
        if self.reached is None:
            return None
        upper = self.goal.against in (LIMIT, REFERENCE)
        return self.reached <= self.goal.wanted if upper else self.reached >= self.goal.wanted


GOALS = (
    Goal(case="empty call", against="multiprocessing.Pool", wanted=8),
    Goal(case="empty call", against="Appose", wanted=20),
    Goal(case="8 MB", against=FASTEST, wanted=3),
    Goal(case="8 MB", against="ProcessPoolExecutor", wanted=20),
    Goal(case="80 MB", against=FASTEST, wanted=1.5),
    Goal(case="80 MB", against="ProcessPoolExecutor", wanted=20),
    Goal(case="800 MB", against=FASTEST, wanted=3),
    Goal(case="800 MB", against=REFERENCE, wanted=2),
    Goal(case="8 MB", against=FASTEST, wanted=15, row=OURS_SHARED),
    Goal(case="80 MB", against=FASTEST, wanted=4, row=OURS_SHARED),
    Goal(case="8 callers, empty call", against="multiprocessing.Pool", wanted=2),
    Goal(case="map of 10,000 small series, each", against=FASTEST, wanted=2),
    Goal(case="worker killed in a call, to the next result", against=LIMIT, wanted=0.015),
    Goal(case="deadline passed, to the next result", against=LIMIT, wanted=0.015),
    Goal(case=FIRST_RESULT, against=LIMIT, wanted=0.2),
    Goal(case="a further confined worker, NumPy loaded", against=LIMIT, wanted=0.008),
    Goal(case="a further confined worker, SciPy and numba loaded", against=LIMIT, wanted=0.010, row=OURS_PRELOADED),
    Goal(case=MEMORY, against=LIMIT, wanted=8e6),
)


def judge(results: Results) -> Iterable[Verdict]:
    """Yield what became of every goal."""
    for goal in GOALS:
        medians = _medians(results, goal.case)
        own = medians.get(goal.row)
        rivals = {name: figure for name, figure in medians.items() if _is_rival(name)}
        against = goal.against
        if against == FASTEST and rivals:
            against = min(rivals, key=lambda name: rivals[name])
        other = medians.get(against)
        reached = None
        if own is not None and goal.against == LIMIT:
            reached = own
        elif own is not None and other is not None:
            reached = own / other if goal.against == REFERENCE else other / own
        yield Verdict(goal=goal, reached=reached, against=against)


def _is_rival(name: str) -> bool:
    """Whether a row is a peer that is handed ordinary arrays, call by call."""
    row = PEERS[name]
    return not row.ours and not row.shared and name != REFERENCE


def _medians(results: Results, case: str) -> dict[str, float]:
    if case == MEMORY:
        return results.marginal_memory()
    return {name: sample.median for name, sample in results.samples.get(case, {}).items() if sample.rounds}
