"""Not ending, using up the processor, and what is left running."""

from __future__ import annotations

import signal

import pytest

from platform_base.plugins.errors import (
    EncodingError,
    MemoryLimitError,
    PluginFailedError,
    PluginTimeoutError,
    ResourceLimitError,
    WorkerCrashedError,
)
from tests.escape.harness import Host
from tests.escape.outcomes import Behaviour, Fault, Value, fails, returns

SHORT = 0.25
LATE = {"timeout_s": SHORT}
CPU = {"limit": "max_cpu_seconds"}


def _late(do: str) -> Behaviour:
    return fails(f"duration.{do}", PluginTimeoutError, facts=LATE, timeout_s=SHORT)


BEHAVIOURS: tuple[Behaviour, ...] = (
    _late("loop"),
    _late("regular_expression"),
    fails("duration.large_integer", PluginTimeoutError, MemoryLimitError, timeout_s=SHORT),
    fails("duration.large_decimal", PluginTimeoutError, MemoryLimitError, timeout_s=SHORT),
    _late("matrices"),
    _late("sort_for_ever"),
    _late("sleep"),
    _late("wait_on_lock"),
    _late("wait_uninterruptibly"),
    _late("ignore_signals"),
    _late("catch_everything"),
    _late("slow_deletion"),
    fails("duration.slow_result", PluginTimeoutError, EncodingError, PluginFailedError, timeout_s=SHORT),
    fails("duration.atexit_loop", PluginFailedError, facts={"remote_type": "SystemExit"}),
    _late("many_threads_of_cpu"),
    _late("progress_flood"),
    Behaviour(
        name="duration.stop_itself",
        do="duration.stop_itself",
        expects=Fault(errors=(PluginTimeoutError,), facts=LATE),
        in_pid_namespace=Value(check=lambda value: value == "continued"),
        timeout_s=SHORT,
    ),
    Behaviour(
        name="duration.stop_by_other_names",
        do="duration.stop_by_other_names",
        expects=Value(check=lambda value: value == "continued"),
        timeout_s=SHORT,
    ),
    returns("duration.thread_left", lambda value: value == 2),
    returns("duration.timer_left", lambda value: value == "returned"),
    fails("duration.use_up_cpu", ResourceLimitError, facts=CPU, special="one second of CPU"),
    fails("duration.ignore_xcpu", ResourceLimitError, facts=CPU, special="one second of CPU"),
    fails("duration.catch_xcpu", ResourceLimitError, facts=CPU, special="one second of CPU"),
    fails(
        "duration.many_threads_of_cpu",
        ResourceLimitError,
        facts=CPU,
        special="one second of CPU",
        name="duration.cpu_by_threads",
    ),
)


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_duration_behaviour(host: Host, behaviour: Behaviour) -> None:
    host.face(behaviour)


def test_a_busy_thread_that_is_left_behind_ends_the_worker(host: Host) -> None:
    """A call that has ended may not go on computing: nobody's deadline would bound it."""
    first = host.attack("duration.busy_thread_left").result()
    handle_of_worker = host.enemy_handle()
    assert host.waits_until_dead(handle_of_worker), "the worker went on computing after its call had ended"
    assert host.attack("enemy.answer").metadata["pid"] != first or "pid_namespace" in host.protections


def test_a_deadline_is_told_with_its_length(host: Host) -> None:
    error = host.attack("duration.sleep", timeout_s=SHORT).error
    assert isinstance(error, PluginTimeoutError)
    assert isinstance(error, TimeoutError)
    assert "0.25 s" in str(error)


def test_calls_one_after_the_other_each_have_their_own_time(host: Host) -> None:
    for _ in range(3):
        assert isinstance(host.attack("duration.sleep", timeout_s=0.05).error, PluginTimeoutError)
        assert host.attack("enemy.answer").value == 42


def test_a_worker_that_was_stopped_from_outside_is_ended_at_the_deadline(host: Host) -> None:
    host.attack("enemy.answer").result()
    signal.pidfd_send_signal(host.enemy_handle(), signal.SIGSTOP)
    assert isinstance(host.attack("enemy.answer", timeout_s=SHORT).error, PluginTimeoutError)


def test_a_worker_that_is_killed_from_outside_is_replaced(host: Host) -> None:
    host.attack("enemy.answer").result()
    handle = host.enemy_handle()
    signal.pidfd_send_signal(handle, signal.SIGKILL)
    assert host.waits_until_dead(handle)
    assert host.attack("enemy.answer").result() == 42


def test_a_crash_by_signal_is_told_by_name(host: Host) -> None:
    error = host.attack("interpreter.null_pointer").error
    assert isinstance(error, WorkerCrashedError)
    assert error.signal == "SIGSEGV"
    assert error.exit_status is None
