"""Using up memory and the tables of the kernel."""

from __future__ import annotations

import os
import resource

import numpy as np
import pytest

from platform_base.plugins.errors import MemoryLimitError, PluginFailedError, WorkerCrashedError
from tests.escape.harness import SECURITY, Host
from tests.escape.outcomes import Behaviour, denied, fails, returns

ROOT = os.geteuid() == 0
LIMIT = {"limit": "max_memory_mb"}
CRASH = {"signal": "SIGSEGV"}

BEHAVIOURS: tuple[Behaviour, ...] = (
    fails("memory.huge", MemoryLimitError, facts=LIMIT),
    fails("memory.over_the_limit", MemoryLimitError, facts=LIMIT, stops=("rlimits",), risky=True),
    fails("memory.steps", MemoryLimitError, facts=LIMIT, risky=True),
    fails("memory.small_objects", MemoryLimitError, facts=LIMIT, risky=True),
    fails("memory.python_integers", MemoryLimitError, facts=LIMIT, risky=True),
    fails("memory.text", MemoryLimitError, facts=LIMIT, risky=True),
    fails("memory.written_then_closed", MemoryLimitError, facts=LIMIT, risky=True),
    returns("memory.over_and_over", lambda value: value == 50),
    returns("memory.after_the_error", lambda value: value == 1000.0),
    returns("memory.works", lambda value: value == 6 << 20),
    denied("memory.shared_anonymous", "ENOMEM", "seccomp"),
    denied("memory.shared_zero_device", "EACCES ENOENT EROFS", "landlock", hidden=True),
    denied("memory.growing_stack", "ENOMEM", "seccomp"),
    denied("memory.huge_pages", "ENOMEM", "seccomp"),
    denied("memory.locked_map", "EAGAIN EPERM", "identity" if ROOT else "rlimits"),
    denied("memory.memory_files", "EPERM", "seccomp"),
    denied("memory.page_tables", "ENOMEM", "rlimits"),
    fails("memory.reserved_then_opened", MemoryLimitError, facts=LIMIT, risky=True),
    denied("memory.grow_a_map", "ENOMEM", "rlimits"),
    denied("memory.heap", "ENOMEM", "rlimits"),
    fails("memory.recursion", PluginFailedError, facts={"remote_type": "RecursionError"}),
    fails("memory.deep_recursion", MemoryLimitError, PluginFailedError, WorkerCrashedError),
    fails("memory.machine_recursion", WorkerCrashedError, facts=CRASH),
    denied("memory.lock", "EPERM", "seccomp rlimits"),
    denied("memory.large_pipes", "EPERM", "seccomp"),
    denied("memory.descriptors", "EMFILE", "rlimits", risky=True),
    denied("memory.high_descriptor", "EBADF EINVAL", "rlimits"),
    denied("memory.socket_buffers", "EMFILE", "rlimits", risky=True),
    denied("memory.timers", "EAGAIN", "rlimits"),
    denied("memory.signals_pending", "EAGAIN", "rlimits"),
)


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_memory_behaviour(host: Host, behaviour: Behaviour) -> None:
    host.face(behaviour)


def test_what_is_kept_between_calls_counts(host: Host) -> None:
    """100 MiB for each call under a limit of 256 MiB: the call that crosses it fails, those before do not."""
    assert host.attack("memory.keep_between_calls").result() == 1
    assert host.attack("memory.keep_between_calls").result() == 2
    assert isinstance(host.attack("memory.keep_between_calls").error, MemoryLimitError)


def test_inputs_that_are_kept_are_bounded(host: Host) -> None:
    """Mapped inputs are in no resource limit but the loose one on address space: the host and the warden count them."""
    series = np.ones(8 << 20)
    outcomes = [host.attack("memory.keep_input", series=series) for _ in range(12)]
    kept = [outcome.value * 8 * 512 for outcome in outcomes if outcome.error is None]
    assert kept
    assert max(kept) <= 384 << 20, "more than 384 MiB were kept under a limit of 256 MiB"
    assert all(isinstance(outcome.error, MemoryLimitError | None) for outcome in outcomes)


def test_arenas_that_are_kept_out_of_sight_are_bounded(host: Host) -> None:
    """Filled, unmapped, and kept by descriptor: such memory is in no figure of the worker."""
    before = _shared_memory_in_use()
    for _ in range(40):
        outcome = host.attack("speech.hoard_arenas", size=SECURITY["max_result_mb"] << 20)
        if outcome.error is not None:
            break
    assert _shared_memory_in_use() - before < 384 << 20


def _shared_memory_in_use() -> int:
    with open("/proc/meminfo", encoding="ascii") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("Shmem:"))


def test_the_host_itself_does_not_grow(host: Host) -> None:
    """A worker that fails for want of memory leaves nothing in the host."""
    host.attack("memory.steps")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(10):
        assert host.attack("memory.over_the_limit").error is not None
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 << 10


def test_a_limit_is_named_with_its_setting(host: Host) -> None:
    error = host.attack("memory.huge").error
    assert isinstance(error, MemoryLimitError)
    assert isinstance(error, MemoryError)
    assert "256 MB" in str(error)
    assert "max_memory_mb" in str(error)
    assert os.getpid() == host.facts["host_pid"]
