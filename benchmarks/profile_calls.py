"""Where the time of an isolated call goes: processor time on both sides, waiting, system calls, page faults, functions.

Run ``python benchmarks/profile_calls.py``. Clocks of the kernel are read before and after many calls, so that what
is measured is not slowed down by measuring (proc_pid_schedstat, getrusage(2)); functions are told apart by cProfile in
runs of their own, and system calls are counted by strace in others, where it is installed.
"""

from __future__ import annotations

import argparse
import cProfile
import mmap
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from peers.machine import describe_machine
from peers.processes import cpu_seconds, descendants

from platform_base.plugins.registry import PluginRegistry

PLUGINS = Path(__file__).parent / "calls_plugins"
NAME = "profiled_plugin"
MB = 1_000_000
CASES = {"empty call": 0, "100 KB": 100_000, "8 MB": 8 * MB}
LISTED = 12
WAITING = ("'poll'", "'send'", "'recvmsg'", "'acquire'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """What one thread of a process has used so far: seconds on a core, seconds ready but without one, and counts."""

    on_core: float
    without_core: float
    switches: int
    faults: int

    @classmethod
    def read(cls, pid: int, thread: int) -> Clock:
        """Read the clocks of one thread."""
        place = Path(f"/proc/{pid}/task/{thread}")
        on_core, without_core, _ = map(int, (place / "schedstat").read_text().split())
        voluntary = re.search(r"^voluntary_ctxt_switches:\s+(\d+)$", (place / "status").read_text(), re.MULTILINE)
        assert voluntary is not None
        faults = int((place / "stat").read_text().rpartition(")")[2].split()[7])
        return cls(on_core=on_core / 1e9, without_core=without_core / 1e9, switches=int(voluntary[1]), faults=faults)

    def since(self, before: Clock, calls: int) -> str:
        """Return what each call used."""
        return (
            f"{1e6 * (self.on_core - before.on_core) / calls:9.1f} us on a core, "
            f"{1e6 * (self.without_core - before.without_core) / calls:7.1f} us ready without one, "
            f"{(self.switches - before.switches) / calls:5.2f} sleeps, "
            f"{(self.faults - before.faults) / calls:7.1f} page faults"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="for each case and way of measuring")
    parser.add_argument("--share", type=float, default=100.0, help="max_cpu_percent of the worker")
    asked = parser.parse_args()
    say(", ".join(describe_machine().values()))
    floors(asked.seconds)
    settings = {"security": {"max_cpu_percent": asked.share}, "workers": {"max": 1}}
    with PluginRegistry(settings) as registry:
        registry.discover_plugins(PLUGINS)
        for case, size in CASES.items():
            profile_case(registry, case, size, asked.seconds)


def profile_case(registry: PluginRegistry, case: str, size: int, seconds: float) -> None:
    """Measure one size in every way."""
    inputs = {"series": np.ones(size // 8)} if size else {}

    def call() -> None:
        registry.execute_plugin(NAME, inputs)

    for _ in range(20):
        call()
    worker = find_worker(call)
    before = Clock.read(os.getpid(), threading.get_native_id()), Clock.read(worker, worker)
    took = repeat(call, seconds)
    after = Clock.read(os.getpid(), threading.get_native_id()), Clock.read(worker, worker)
    say(f"\n{case}: median {1e6 * statistics.median(took):.1f} us, 99th percentile {1e6 * percentile(took, 99):.1f} us")
    for side, old, new in zip(("host", "worker"), before, after, strict=True):
        say(f"  {side:7}{new.since(old, len(took))}")
    for side, counts in count_system_calls(call, {"host": os.getpid(), "worker": worker}).items():
        say(f"  {side:7}system calls: {', '.join(f'{name} {number:.2g}' for name, number in counts)}")
    show_functions(registry, inputs, seconds)


def show_functions(registry: PluginRegistry, inputs: dict[str, np.ndarray], seconds: float) -> None:
    """Tell functions apart, on both sides at once; cProfile makes small functions look larger than they are."""
    profile = cProfile.Profile()
    registry.execute_plugin(NAME, {**inputs, "profile": "begin"})
    profile.enable()
    calls = len(repeat(lambda: registry.execute_plugin(NAME, inputs), seconds))
    profile.disable()
    worker = registry.execute_plugin(NAME, {"profile": "end"}).values
    host = [
        ("", entry.code, entry.callcount, entry.inlinetime)
        if isinstance(entry.code, str)
        else (entry.code.co_filename, entry.code.co_name, entry.callcount, entry.inlinetime)
        for entry in profile.getstats()
    ]
    for side, entries in (("host", host), ("worker", worker)):
        say(f"  {side:7}by room, without waiting: {rooms(entries)}")
        say(f"  {side:7}functions, us for each call in the function alone, under a profiler:")
        for file, function, count, alone in sorted(entries, key=lambda entry: -entry[3])[:LISTED]:
            place = f"{Path(file).parent.name}/{Path(file).name}" if file else ""
            say(f"    {1e6 * alone / calls:9.2f}  x {count / calls:<5.3g} {function} {place}")


def rooms(entries: Iterable[tuple[str, str, int, float]]) -> str:
    """Return the share of each part of the program in the time that is not spent waiting for the other process."""
    shares: Counter[str] = Counter()
    for file, function, _, alone in entries:
        if any(word in function for word in WAITING):
            continue
        path = Path(file)
        known = path.parts[-2] if "platform_base" in path.parts and file else ""
        shares[known.replace("values", "_wire") or ("NumPy, msgspec, Python" if not file else "others")] += alone
    total = sum(shares.values())
    return ", ".join(f"{room} {100 * alone / total:.0f} %" for room, alone in shares.most_common(7))


def floors(seconds: float) -> None:
    """Measure what no design of ours can undercut on this machine."""
    series, into = np.ones(MB), np.zeros(MB)
    say(f"x * 2 on 8 MB:                 {1e6 * statistics.median(repeat(lambda: series * 2, seconds / 4)):9.1f} us")
    warm = statistics.median(repeat(lambda: np.copyto(into, series), seconds / 4))
    say(f"copy of 8 MB into warm memory: {1e6 * warm:9.1f} us")
    fresh = statistics.median(repeat(lambda: copy_into_new_memory(series), seconds / 4))
    say(f"copy of 8 MB into new memory:  {1e6 * fresh:9.1f} us")
    for label, patience in (("asleep", 0), ("awake, polling", 10_000_000)):
        took = statistics.median(ping(seconds / 4, patience))
        say(f"one byte to another process and back, {label}: {1e6 * took:7.1f} us")


def copy_into_new_memory(series: np.ndarray) -> None:
    """Copy into pages that the kernel has yet to find and to clear: NumPy's own would be those of the time before."""
    with mmap.mmap(-1, series.nbytes) as memory:
        np.copyto(np.frombuffer(memory, dtype=series.dtype, count=series.size), series)


def ping(seconds: float, patience: int) -> list[float]:
    """Return the seconds of round trips over a socket pair to a forked process.

    Args:
        seconds: How long to go on.
        patience: How many times both ends look before they sleep.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if not pid:
        ours.close()
        while answer := receive(theirs, patience):
            theirs.send(answer)
        os._exit(0)
    theirs.close()

    def round_trip() -> None:
        ours.send(b"x")
        receive(ours, patience)

    try:
        return repeat(round_trip, seconds)
    finally:
        ours.close()
        os.waitpid(pid, 0)


def receive(end: socket.socket, patience: int) -> bytes:
    """Receive, looking so many times before sleeping."""
    for _ in range(patience):
        try:
            return end.recv(16, socket.MSG_DONTWAIT)
        except BlockingIOError:
            continue
    return end.recv(16)


def count_system_calls(call: Callable[[], None], pids: dict[str, int]) -> dict[str, list[tuple[str, float]]]:
    """Return how often each call makes each system call, by side; nothing without strace."""
    if shutil.which("strace") is None:
        return {}
    counted = {}
    for side, pid in pids.items():
        with tempfile.TemporaryDirectory() as scratch:
            trace = Path(scratch) / "trace"
            tracer = subprocess.Popen(
                ["strace", "-qq", "-o", str(trace), "-p", str(pid)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            try:
                calls = 0
                over = time.monotonic() + 1.0
                while calls < 300 or time.monotonic() < over:
                    call()
                    calls += 1
            finally:
                tracer.terminate()
                tracer.wait()
            names = Counter(re.findall(r"^(\w+)\(", trace.read_text(errors="replace") if trace.exists() else "", re.M))
        # The tracer needs a moment to attach: what is rare is that, or the end of a tick.
        scale = max(1, calls)
        counted[side] = [(name, number / scale) for name, number in names.most_common(8) if number / scale > 0.05]
    return counted


def find_worker(call: Callable[[], None]) -> int:
    """Return the process that carries out the calls: of those below this one, the one that computes."""
    below = descendants(os.getpid())
    before = {pid: cpu_seconds(pid) for pid in below}
    repeat(call, 0.5)
    return max(below, key=lambda pid: cpu_seconds(pid) - before[pid])


def repeat(call: Callable[[], object], seconds: float) -> list[float]:
    """Call again and again, and return the seconds of each call."""
    took = []
    over = time.perf_counter() + seconds
    while True:
        began = time.perf_counter()
        call()
        ended = time.perf_counter()
        took.append(ended - began)
        if ended > over:
            return took


def percentile(took: Iterable[float], percent: float) -> float:
    """Return the percentile of all calls, seconds."""
    return float(np.percentile(list(took), percent))


def say(text: str) -> None:
    """Print at once: what follows takes seconds."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
