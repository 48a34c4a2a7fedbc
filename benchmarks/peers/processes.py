"""The processes below this one: how to find a busy one, what they weigh, how to end them."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_TICKS = os.sysconf("SC_CLK_TCK")


def adopt_orphans() -> None:
    """Become the parent of whatever daemon a child leaves behind, so that `end_all` finds it. See prctl(2)."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def descendants(pid: int) -> list[int]:
    """Return every process below this one, parents first; threads of any of them may have started them."""
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop()
        try:
            tasks = list(Path(f"/proc/{parent}/task").iterdir())
        except FileNotFoundError:
            continue
        for task in tasks:
            try:
                children = [int(child) for child in (task / "children").read_text().split()]
            except (FileNotFoundError, ProcessLookupError):
                continue
            found += children
            waiting += children
    return found


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process; 0 when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def find_busy(waiting: Callable[[], bool], *, within_s: float = 30.0) -> int:
    """Wait until a process below this one has computed for a while, and return it.

    Args:
        waiting: Asked now and then; false ends the waiting.
        within_s: When to give up, seconds; a busy machine needs some.

    Raises:
        TimeoutError: None did.
    """
    deadline = time.monotonic() + within_s
    pause = threading.Event()
    first: dict[int, float] = {}
    while waiting() and time.monotonic() < deadline:
        for pid in descendants(os.getpid()):
            used = cpu_seconds(pid)
            if used - first.setdefault(pid, used) >= 0.15:
                return pid
        pause.wait(0.02)
    raise TimeoutError("no process below this one computes")


def proportional_bytes() -> int:
    """Return the proportional set size of this process and all below it: shared pages count by their share. proc(5).

    Raises:
        PermissionError: One of them may not be looked at.
    """
    total = 0
    for pid in [os.getpid(), *descendants(os.getpid())]:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(line.split()[1]) << 10 for line in rollup.splitlines() if line.startswith("Pss:"))
    return total


def end_all() -> None:
    """Kill and reap every process below this one, until there is none.

    The trackers of `multiprocessing` go last: once those that they serve are dead, they remove named shared memory and
    end by themselves.
    """
    patience = time.monotonic() + 3
    pause = threading.Event()
    while below := descendants(os.getpid()):
        trackers = {pid for pid in below if _is_tracker(pid)} if time.monotonic() < patience else set()
        for pid in set(below) - trackers:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        _reap()
        pause.wait(0.01)


def _reap() -> None:
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return


def _is_tracker(pid: int) -> bool:
    try:
        return b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
