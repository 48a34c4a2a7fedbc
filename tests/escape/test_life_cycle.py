"""Beginnings and ends: of the host, of the warden, of many workers."""

from __future__ import annotations

import concurrent.futures
import json
import os
import resource
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from platform_base.plugins._catalog.discovery import read_release
from platform_base.plugins._engines.base import Request
from platform_base.plugins._host.cancellation import Cancellation
from platform_base.plugins.errors import (
    ExecutionError,
    PluginTimeoutError,
    RegistryClosedError,
    WireError,
    WorkerCrashedError,
)
from tests.conftest import descriptors
from tests.escape.harness import HERE, Host

REPOSITORY = Path(__file__).parents[2]
HOST_PROGRAM = """
import json, os, sys, threading
from tests.escape.harness import Host
host = Host()
for _ in range(2):
    loop = lambda: host.attack("duration.ignore_signals", timeout_s=600.0)
    threading.Thread(target=loop, daemon=True).start()
while len(host._processes()) < 4 or host._workers() < 3:
    pass
told = {
    "processes": list(host._processes()),
    "temporary": str(host._temporary),
    "all": [str(host._directory), str(host.ground.place)],
}
print(json.dumps(told), flush=True)
sys.stdin.readline()
ENDING
"""
ENDINGS = {
    "killed": "os.kill(os.getpid(), 9)",
    "terminated": "os.kill(os.getpid(), 15); threading.Event().wait()",
    "aborted": "os.abort()",
    "left at once": "os._exit(0)",
    "left politely": "sys.exit(0)",
    "raised": "raise RuntimeError('no')",
}


@pytest.fixture
def remains(tmp_path: Path) -> Iterator[list[str]]:
    """Directories that a host which was killed could not remove itself."""
    found: list[str] = []
    yield found
    subprocess.run(["rm", "-rf", "--", *found], check=True)


@pytest.mark.parametrize("ending", ENDINGS)
def test_when_the_host_ends_nothing_of_it_stays(ending: str, remains: list[str]) -> None:
    """Its workers block every signal and compute; the warden ends them, and removes what was in their scratch."""
    program = subprocess.Popen(
        [sys.executable, "-c", HOST_PROGRAM.replace("ENDING", ENDINGS[ending])],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert program.stdout is not None
    told = json.loads(program.stdout.readline())
    remains += told["all"]
    handles = [os.pidfd_open(pid) for pid in told["processes"]]
    assert len(handles) >= 4
    program.communicate("end\n")
    try:
        for handle in handles:
            assert select.select([handle], [], [], 10)[0], "a process outlived the host"
    finally:
        for handle in handles:
            os.close(handle)
    assert os.listdir(told["temporary"]) == []


def _kill(pid: int) -> None:
    handle = os.pidfd_open(pid)
    signal.pidfd_send_signal(handle, signal.SIGKILL)
    assert select.select([handle], [], [], 10)[0]
    os.close(handle)


@pytest.fixture
def own_host() -> Iterator[Host]:
    """A host for one test, whose warden may die."""
    host = Host()
    yield host
    host.engine.close()
    host.abandon()


def test_a_warden_that_dies_is_replaced(own_host: Host) -> None:
    before = set(own_host._processes())
    handles = [os.pidfd_open(pid) for pid in before]
    _kill(own_host.warden_pid)
    for handle in handles:
        assert select.select([handle], [], [], 10)[0], "a worker outlived the warden"
        os.close(handle)
    assert own_host.call("enemy", {"do": "enemy.answer"}).values == 42
    assert own_host.bystander()["kept"]


def test_a_call_whose_warden_dies_ends_with_an_error(own_host: Host) -> None:
    """The worker is asked to kill nobody: this is the operator's, or the OOM killer's, doing."""
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        begun = threading.Event()
        request = Request(
            deployment=own_host._deployment("enemy"),
            inputs={"do": "duration.progress_flood", "params": {}},
            parameters={},
            timeout_s=30.0,
            report_progress=lambda *_: begun.set(),
        )
        call = executor.submit(own_host.engine.run, request, Cancellation())
        assert begun.wait(10)
        _kill(own_host.warden_pid)
        error = call.exception(10)
    assert isinstance(error, WorkerCrashedError)
    assert own_host.call("enemy", {"do": "enemy.answer"}).values == 42


def test_closing_ends_what_ignores_everything(own_host: Host) -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        calls = [executor.submit(own_host.call, "enemy", {"do": "duration.ignore_signals"}) for _ in range(2)]
        while own_host._workers() < 3:
            assert not any(call.done() for call in calls)
        handles = [os.pidfd_open(pid) for pid in own_host._processes()]
        own_host.engine.close()
        errors = [call.exception(10) for call in calls]
    assert all(isinstance(error, RegistryClosedError | concurrent.futures.CancelledError) for error in errors), errors
    for handle in handles:
        assert select.select([handle], [], [], 10)[0]
        os.close(handle)


def test_cancelling_stops_what_ignores_everything(host: Host) -> None:
    cancellation = Cancellation()
    request = Request(
        deployment=host._deployment("enemy"),
        inputs={"do": "duration.ignore_signals", "params": {}},
        parameters={},
        timeout_s=60.0,
    )
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        call = executor.submit(host.engine.run, request, cancellation)
        while cancellation._worker is None:
            assert not call.done()
        cancellation.cancel()
        assert isinstance(call.exception(10), concurrent.futures.CancelledError)


ENDS_AT_ONCE = (
    "interpreter.null_pointer",
    "results.error",
    "speech.close_channel",
    "speech.flood",
    "memory.huge",
    "speech.exit_with",
    "duration.loop",
    "results.value",
)


def test_the_bystander_answers_while_the_enemy_does_its_worst(host: Host) -> None:
    """All at the same time, from several threads: only typed errors, and never a wrong answer."""

    def attack(number: int) -> object:
        do = ENDS_AT_ONCE[number % len(ENDS_AT_ONCE)]
        return host.attack(do, timeout_s=0.5, which="fatal" if do == "results.error" else "set", status=1).error

    with concurrent.futures.ThreadPoolExecutor(4) as executor:
        attacks = [executor.submit(attack, number) for number in range(24)]
        answers = [executor.submit(host.call, "bystander", {"series": np.arange(3.0)}) for _ in range(24)]
        for answer in answers:
            assert answer.result(60).values.tolist() == [0.0, 2.0, 4.0]
        errors = [done.result(60) for done in attacks]
    assert all(isinstance(error, ExecutionError | TypeError) for error in errors), errors
    host.engine._pool.retire(lambda key: isinstance(key, tuple) and key[0] in ("enemy", "bystander"))
    for plugin in ("enemy", "bystander"):
        host.engine._pool.revive(host._deployment(plugin).key)
    host.refresh_bystander()


def _cycles(host: Host, count: int) -> None:
    """Start workers and have them die, and see that neither host nor warden grows."""
    host.releases["mayfly"] = read_release(HERE / "mayfly")

    def die(how: str) -> None:
        with pytest.raises(WorkerCrashedError if how != "speak" else WireError):
            host.call("mayfly", {"how": how})

    for how in ("exit", "crash", "speak") * 10:
        die(how)
    open_before = len(descriptors())
    host_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    warden_before = _resident(host.warden_pid)
    for number in range(count):
        die(("exit", "crash", "speak")[number % 3])
    assert len(descriptors()) == open_before
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - host_before < 16 << 10
    assert _resident(host.warden_pid) - warden_before < 2 << 20
    assert len(os.listdir(f"/proc/{host.warden_pid}/fd")) < 20


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def test_three_hundred_deaths_leave_nothing(host: Host) -> None:
    _cycles(host, 300)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_thousands_of_deaths_leave_nothing(host: Host) -> None:
    _cycles(host, 3000)


def test_deadlines_are_kept_while_many_ignore_them(host: Host) -> None:
    with concurrent.futures.ThreadPoolExecutor(3) as executor:
        calls = [executor.submit(host.attack, "duration.ignore_signals", timeout_s=0.3) for _ in range(6)]
        assert all(isinstance(call.result(60).error, PluginTimeoutError) for call in calls)
    host.fresh()
