"""One turn: one peer, one group of cases, in a process that the benchmark starts anew and can end.

Run by ``benchmarks/calls.py`` as ``python -m peers.turn PEER GROUP FILE``; the answer is written to the file as JSON,
because what libraries print is none of it.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from peers.base import UnsupportedError
from peers.cases import Effort
from peers.groups import FIRST_RESULT, GROUPS, Group
from peers.peers import PEERS


def take_turn(name: str, group: Group, *, scale: float) -> dict[str, Any]:
    """Open the peer, take the group's cases, close it.

    Args:
        name: Of the peer.
        group: What to measure.
        scale: Factor on the number of calls and on the time.

    Returns:
        By case: ``{"seconds": [...]}``, ``{"unsupported": why}`` or ``{"error": what}``.
    """
    effort = Effort(
        calls=max(1, round(group.effort.calls * scale)),
        seconds=group.effort.seconds * scale,
        warm=group.effort.warm,
    )
    adapter = PEERS[name].load()
    outcomes: dict[str, Any] = {}
    began = time.perf_counter()
    peer = adapter(workers=group.workers, largest_bytes=group.largest_bytes)
    peer.open()
    peer.call(None)
    outcomes[FIRST_RESULT] = {"seconds": [time.perf_counter() - began]}
    for case, measure in group.cases.items():
        try:
            outcomes[case] = {"seconds": measure(peer, effort)}
        except UnsupportedError as error:
            outcomes[case] = {"unsupported": str(error)}
        except Exception as error:
            traceback.print_exc()
            outcomes[case] = {"error": f"{type(error).__name__}: {error}"[:300]}
    return outcomes | {"close": _close(peer)}


def _close(peer: Any) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        peer.close()
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:300]}
    return {"seconds": [time.perf_counter() - began]}


def main() -> None:
    """Take the turn that the command line names."""
    name, group, scale, file = sys.argv[1:5]
    outcomes = take_turn(name, GROUPS[group], scale=float(scale))
    Path(file).write_text(json.dumps(outcomes), encoding="utf-8")
    sys.stdout.flush()
    # Threads of a library that did not end would keep this process; what it started is ended by the benchmark.
    os._exit(0)


if __name__ == "__main__":
    main()
