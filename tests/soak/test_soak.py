"""A million calls from eight threads, while workers are killed: no wrong answer, no lost call, nothing that grows.

``make soak`` runs it; ``SOAK_CALLS=50000 make soak`` runs less of it, ``SOAK_SEED=7`` another course.
"""

from __future__ import annotations

import concurrent.futures
import ctypes
import gc
import itertools
import logging
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from platform_base.plugins.errors import PluginLoadError, WorkerCrashedError
from platform_base.plugins.registry import PluginRegistry
from tests.conftest import OPEN_IMPORTS, SAMPLES, children, descriptors, eventually, workers
from tests.soak.operations import choose

CALLS = int(os.environ.get("SOAK_CALLS", "1000000"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
THREADS, PHASES = 8, 10
CALLS_BETWEEN_KILLS = 150
GROWTH_ALLOWED_BYTES = 24 << 20
"""What free lists keep; a leak of 100 bytes for each of a million calls would be four times as much."""
SHELF_BYTES = 256 << 20
"""Shared memory that the host keeps for later results, whatever was sent."""
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8


@dataclass(slots=True)
class Tally:
    """What became of the calls, counted by all threads."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    calls: int = 0
    right: Counter = field(default_factory=Counter)
    killed: int = 0
    kills: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What must be the same after the first phase and after the last, when no worker is left."""

    descriptors: int
    arena_bytes: int
    processes: int
    threads: int
    files: tuple[str, ...]
    memory: dict[int, int]


def resident_bytes(pid: int) -> int:
    """Return the anonymous memory of a process. See proc_pid_status(5)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) << 10
    raise LookupError(f"/proc/{pid}/status has no RssAnon")


def look(registry: PluginRegistry, places: list[Path]) -> State:
    """Stop every worker and say what is left."""
    for plugin in registry.list_plugins():
        registry.unload_plugin(plugin["id"])
    assert eventually(lambda: not workers(registry), seconds=30), workers(registry)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    own = [os.getpid(), *sorted(children())]
    arenas = {number for number, target in descriptors().items() if target.startswith("/memfd:")}
    return State(
        descriptors=len(descriptors().keys() - arenas),
        # Two descriptors may name one arena.
        arena_bytes=sum({(found := os.fstat(number)).st_ino: found.st_size for number in arenas}.values()),
        processes=len(own),
        threads=threading.active_count(),
        files=tuple(sorted(str(path) for place in places for path in place.rglob("*"))),
        memory={pid: resident_bytes(pid) for pid in own},
    )


def call_often(registry: PluginRegistry, numbers: itertools.count, until: int, tally: Tally) -> None:
    """Carry out operations until the tally has so many calls."""
    while True:
        with tally.lock:
            if tally.calls >= until or len(tally.wrong) > 20:
                return
            number = next(numbers)
            operation, dice = choose(SEED, number)
            tally.calls += operation.calls
        name = operation.carry_out.__name__
        try:
            operation.carry_out(registry, dice)
        except (WorkerCrashedError, PluginLoadError) as error:
            # A worker may also be killed while it loads; then the load is what failed.
            with tally.lock:
                if "SIGKILL" in str(error):
                    tally.killed += 1
                else:
                    tally.wrong.append(f"{number} {name}: {error!r}")
        except BaseException as error:
            with tally.lock:
                tally.wrong.append(f"{number} {name}: {error!r}"[:500])
        else:
            with tally.lock:
                tally.right[name] += 1


def kill_now_and_then(registry: PluginRegistry, tally: Tally, finished: threading.Event) -> None:
    """Kill any worker whenever so many more calls have begun."""
    dice = random.Random(SEED)
    due = tally.calls + CALLS_BETWEEN_KILLS
    while not finished.wait(0.002):
        if tally.calls < due:
            continue
        due = tally.calls + dice.randrange(2 * CALLS_BETWEEN_KILLS)
        running = workers(registry)
        if not running:
            continue
        try:
            os.kill(dice.choice(running), signal.SIGKILL)
        except ProcessLookupError:
            continue
        with tally.lock:
            tally.kills += 1


def run_phase(registry: PluginRegistry, numbers: itertools.count, until: int, tally: Tally) -> None:
    """Let eight threads and a killer work until the tally has so many calls."""
    finished = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(THREADS + 1) as executor:
        killer = executor.submit(kill_now_and_then, registry, tally, finished)
        callers = [executor.submit(call_often, registry, numbers, until, tally) for _ in range(THREADS)]
        try:
            for caller in callers:
                caller.result()
        finally:
            finished.set()
        killer.result()


@pytest.fixture
def quiet():
    """Nobody keeps the records of a million calls, of which many fail on purpose: they would be what grows."""
    logger = logging.getLogger("platform_base")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    yield
    logger.setLevel(before)


@pytest.fixture
def plain_allocator():
    """Let the C library give freed memory back, so that what is resident is in use.

    It would keep the free end of one arena for each thread, and after one large array every smaller one as well: some
    hundred MB that are no leak. See mallopt(3).
    """
    mallopt = ctypes.CDLL(None).mallopt
    assert mallopt(_M_ARENA_MAX, 1) == 1
    assert mallopt(_M_MMAP_THRESHOLD, 128 << 10) == 1


def say(text: str) -> None:
    sys.__stderr__.write(f"soak: {text}\n")
    sys.__stderr__.flush()


@pytest.mark.soak
@pytest.mark.timeout(600 + CALLS // 100)  # a call that is lost would be waited for without end
def test_a_million_calls_leave_everything_as_it_was(nothing_left, quiet, plain_allocator, cache, tmp_path):
    tally, numbers, states = Tally(), itertools.count(), []
    say(f"{CALLS} calls, SOAK_SEED={SEED}")
    # Eight callers and what they submit: more workers than cores, so that they are waited for, taken and given back.
    settings = {**OPEN_IMPORTS, "workers": {"max": 4, "total": 6}}
    began = time.monotonic()
    with PluginRegistry(settings) as registry:
        registry.discover_plugins(SAMPLES)
        registry.discover_plugins(Path(__file__).parent / "plugins")
        for phase in range(1, PHASES + 1):
            run_phase(registry, numbers, CALLS * phase // PHASES, tally)
            states.append(look(registry, [tmp_path / "temporary", cache]))
            now = states[-1]
            say(
                f"{tally.calls} calls in {time.monotonic() - began:.0f} s, {tally.kills} kills ended {tally.killed} of "
                f"them, {now.descriptors} descriptors, MB: {now.arena_bytes >> 20} in arenas, "
                f"{[size >> 20 for size in now.memory.values()]}, "
                f"{dict(tally.right)}"
            )
            assert tally.wrong == [], f"SOAK_SEED={SEED}"
        stats = registry.get_plugin_stats("behaviours")

    first, last = states[0], states[-1]
    assert tally.calls >= CALLS
    assert tally.kills > 0
    assert tally.killed <= tally.kills
    assert stats["success_count"] >= tally.right["scale"]
    assert last.descriptors == first.descriptors
    assert max(state.arena_bytes for state in states) <= SHELF_BYTES
    assert last.processes == first.processes
    assert last.threads == first.threads
    assert last.files == first.files
    for pid, size in last.memory.items():
        assert size <= first.memory[pid] + GROWTH_ALLOWED_BYTES, f"process {pid}"
