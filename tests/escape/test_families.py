"""Plugins that may start processes: the honest ones can, and what the others start is bounded and ends with them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import Any

import pytest

from platform_base.plugins._catalog.discovery import read_release
from platform_base.plugins.errors import (
    MemoryLimitError,
    PluginLoadError,
    PluginTimeoutError,
    ResourceLimitError,
    SandboxUnavailableError,
    WireError,
    WorkerCrashedError,
)
from tests.conftest import descriptors
from tests.escape.harness import HERE, SECURITY, Host

pytestmark = pytest.mark.skipif(
    os.environ.get("ESCAPE_TESTS_NAMESPACES") == "off", reason="without namespaces no plugin may start a process"
)


@pytest.fixture(scope="module")
def home() -> Iterator[Host]:
    """A host whose settings give four processes."""
    host = Host(security={"max_processes": 4})
    if "pid_namespace" not in host.protections:
        host.close()
        pytest.skip("this system gives no process id namespace")
    host.releases["parent"] = read_release(HERE / "parent")
    do(host, "answer")
    end_workers(host)
    host._base_descriptors = descriptors()  # a release that is in use is held open
    yield host
    host.close()


@pytest.fixture
def house(home: Host) -> Iterator[Host]:
    """The same host; after each test its bystander is unharmed and no process of the parent is left."""
    yield home
    end_workers(home)
    home.assert_unharmed()


def end_workers(host: Host) -> None:
    host.engine._pool.retire(lambda key: isinstance(key, tuple) and key[0] == "parent")
    for special in ("default", "half a core", "one second of CPU"):
        host.engine._pool.revive(host._deployment("parent", special).key)


def do(host: Host, what: str, *, timeout_s: float = 20.0, special: str = "default", **inputs: Any) -> Any:
    return host.call("parent", {**host.facts, **inputs, "do": what}, timeout_s=timeout_s, special=special).values


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("exit_status", 7),
        ("process_with_pipe", [[0, 1, 4, 9, 16], 0]),
        ("pool", 328350),
        ("queue_and_lock", [0, 1, 2]),
        ("terminated_child", -15),
        ("child_over_the_limit", 9),
        ("signal_everybody", -9),
    ],
)
def test_processes_work(house: Host, what: str, expected: Any) -> None:
    assert do(house, what) == expected


def test_a_worker_without_processes_left_is_kept(house: Host) -> None:
    do(house, "pool")
    kept = house._outer_pid("parent")
    do(house, "pool")
    assert house._outer_pid("parent") == kept


@pytest.mark.parametrize("what", ["bomb", "chain_reaction", "zombies"])
def test_too_many_processes_end_the_worker(house: Host, what: str) -> None:
    with pytest.raises(ResourceLimitError, match="max_processes") as caught:
        do(house, what)
    assert caught.value.limit == "max_processes"
    assert do(house, "answer") == 42


def test_threads_of_all_processes_count_together(house: Host) -> None:
    """The kernel refuses the thread that would be one too many, in whichever process it is asked for."""
    assert 4 <= sum(do(house, "family_of_threads")) < SECURITY["max_threads"]


def test_memory_of_all_processes_counts_together(house: Host) -> None:
    with pytest.raises(MemoryLimitError, match="max_memory_mb"):
        do(house, "together_over_the_limit", megabytes=100)


def test_cpu_seconds_of_all_processes_count_together(house: Host) -> None:
    with pytest.raises(ResourceLimitError) as caught:
        do(house, "burn_for_ever", special="one second of CPU")
    assert caught.value.limit == "max_cpu_seconds"


@pytest.mark.parametrize("what", ["burn", "goad"])
def test_the_share_of_a_core_holds_for_all_processes_together(house: Host, what: str) -> None:
    """CPU time over time passed, whatever else the machine does: never more than the share."""
    used, passed = do(house, what, special="half a core", seconds=2)
    assert 0 < used / passed < 0.60


@pytest.mark.parametrize("what", ["leave_child", "leave_orphan", "leave_busy_child"])
def test_what_is_left_ends_with_the_call(house: Host, what: str) -> None:
    """Nobody's deadline would bound a process that goes on after its call: the worker is ended, and it with all."""
    assert do(house, what)
    assert not any(key[0] == "parent" and idle for key, (_, idle) in house.engine._pool.counts().items())
    house.assert_nothing_left()
    assert do(house, "answer") == 42


def test_a_child_that_holds_the_channel_ends_with_the_worker(house: Host) -> None:
    with pytest.raises(WorkerCrashedError) as caught:
        do(house, "die_before_child")
    assert caught.value.exit_status == 3
    house.assert_nothing_left()


def test_children_end_at_the_deadline(house: Host) -> None:
    with pytest.raises(PluginTimeoutError):
        do(house, "child_holds_on", timeout_s=0.5)
    house.assert_nothing_left()


def test_a_child_that_comes_back_from_the_call_is_not_heard(house: Host) -> None:
    assert do(house, "return_twice") == 1
    assert do(house, "answer") == 42


def test_a_child_that_speaks_breaks_the_protocol(house: Host) -> None:
    with pytest.raises(WireError):
        do(house, "child_speaks")


def test_a_child_is_confined_as_its_parent_is(house: Host) -> None:
    refused = {name: int(number) for name, number in do(house, "try_in_child")}
    hidden = {errno.EACCES, errno.ENOENT, errno.EROFS}
    assert refused.pop("secret") in hidden
    assert refused.pop("write") in hidden
    assert refused.pop("host") == refused.pop("sibling") == errno.ESRCH
    assert set(refused) == {
        "socket", "program", "execute", "namespace", "clone", "shared", "session", "group", "trace", "root",
    }  # fmt: skip
    assert set(refused.values()) == {errno.EPERM}


def test_processes_that_are_not_given_are_not_had(home: Host) -> None:
    """The settings give fewer: a plugin that asks for more does not load, and the error names the setting."""
    for given in (0, 3):
        with pytest.raises(PluginLoadError, match=rf"asks for 4, security\.max_processes gives {given}"):
            _run_under(home, {**home.security, "max_processes": given})


def test_without_a_process_id_namespace_there_are_none(home: Host) -> None:
    """Said before anything is run, with the setting that decides."""
    security = {**home.security, "namespaces": "off"}
    with pytest.raises(SandboxUnavailableError, match=r"security\.namespaces") as caught:
        _run_under(home, security)
    assert caught.value.protection == "pid_namespace"


def _run_under(host: Host, security: dict[str, Any]) -> None:
    before, host.security = host.security, security
    try:
        do(host, "answer")
    finally:
        host.security = before
