"""Which cases are measured together: one turn of a peer takes one group, in a process that is fresh."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from peers import cases
from peers.base import Peer
from peers.peers import OURS, OURS_PRELOADED, PEERS, REFERENCE, Entry

Measure = Callable[[Peer, cases.Effort], list[float]]
KB, MB = 1000, 1_000_000
QUICKLY = cases.Effort(calls=300, seconds=0.5, warm=30)
FIRST_RESULT = "cold start to the first result"


def _with_inputs(name: str, entry: Entry) -> bool:
    return name != OURS_PRELOADED


def _plain(name: str, entry: Entry) -> bool:
    return name != OURS_PRELOADED and not entry.shared


def _other_processes(name: str, entry: Entry) -> bool:
    return _plain(name, entry) and name != REFERENCE and not name.endswith("half a core")


def _ours(name: str, entry: Entry) -> bool:
    return name == OURS


def _preloaded(name: str, entry: Entry) -> bool:
    return name == OURS_PRELOADED


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Cases that one turn takes one after the other.

    Attributes:
        cases: By name.
        takes_part: Which rows of the table are asked.
        workers: How many workers each peer has.
        largest_bytes: The largest array.
        effort: How much is measured in one turn.
        timeout_s: A turn that takes longer is ended.
        most_rounds: More rounds say nothing new.
    """

    cases: Mapping[str, Measure]
    takes_part: Callable[[str, Entry], bool] = _plain
    workers: int = 2
    largest_bytes: int = 0
    effort: cases.Effort = QUICKLY
    timeout_s: float = 60
    most_rounds: int = 1000

    @property
    def peers(self) -> list[str]:
        """Names of the rows that take part."""
        return [name for name, entry in PEERS.items() if self.takes_part(name, entry)]


GROUPS: dict[str, Group] = {
    "small": Group(
        cases={
            "empty call": cases.one_caller(0),
            "1 KB": cases.one_caller(1 * KB),
            "100 KB": cases.one_caller(100 * KB),
        },
    ),
    "large": Group(
        cases={"8 MB": cases.one_caller(8 * MB), "80 MB": cases.one_caller(80 * MB)},
        takes_part=_with_inputs,
        largest_bytes=80 * MB,
        effort=cases.Effort(calls=30, seconds=1.0, warm=3),
    ),
    "read": Group(
        cases={"80 MB, result read": cases.one_caller(80 * MB, read=True)},
        takes_part=_with_inputs,
        largest_bytes=80 * MB,
        effort=cases.Effort(calls=10, seconds=1.0, warm=2),
    ),
    "huge": Group(
        cases={"800 MB": cases.one_caller(800 * MB)},
        takes_part=_with_inputs,
        largest_bytes=800 * MB,
        effort=cases.Effort(calls=3, seconds=3.0, warm=3),
        timeout_s=120,
        most_rounds=3,
    ),
    "callers": Group(
        cases={"8 callers, empty call": cases.many_callers(0), "8 callers, 8 MB": cases.many_callers(8 * MB)},
        largest_bytes=64 * MB,
        effort=cases.Effort(calls=200, seconds=0.8, warm=3),
        takes_part=_other_processes,
    ),
    "asyncio": Group(
        cases={"asyncio, 8 tasks, empty call": cases.many_tasks},
        effort=cases.Effort(calls=200, seconds=0.8, warm=10),
        takes_part=_other_processes,
    ),
    "map": Group(cases={"map of 10,000 small series, each": cases.small_series}),
    "start": Group(
        cases={
            "worker killed in a call, to the next result": cases.after_death,
            "deadline passed, to the next result": cases.after_deadline,
        },
        takes_part=_other_processes,
        workers=1,
    ),
    "memory 2": Group(cases={"memory with 2 workers": cases.memory}, takes_part=_other_processes, most_rounds=2),
    "memory 4": Group(
        cases={"memory with 4 workers": cases.memory}, takes_part=_other_processes, workers=4, most_rounds=2
    ),
    "further": Group(
        cases={
            "a further confined worker": cases.further_worker("calls_plugin"),
            "a further confined worker, NumPy loaded": cases.further_worker("numpy_plugin"),
        },
        takes_part=_ours,
    ),
    "further preloaded": Group(
        cases={"a further confined worker, SciPy and numba loaded": cases.further_worker("scientific_plugin")},
        takes_part=_preloaded,
    ),
}
