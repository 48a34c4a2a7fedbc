"""What Python allows inside the worker, which is everything; crashes; secrets."""

from __future__ import annotations

import os
import signal

import pytest

from platform_base.plugins.errors import (
    MemoryLimitError,
    PluginFailedError,
    PluginTimeoutError,
    SandboxViolationError,
    WireError,
    WorkerCrashedError,
)
from tests.escape.harness import Host
from tests.escape.outcomes import Behaviour, Fault, denied, fails, returns

ANY_END = (WorkerCrashedError, PluginFailedError, PluginTimeoutError, MemoryLimitError, WireError)
SEGV = {"signal": "SIGSEGV"}


def _killed_by(number: signal.Signals, error: type[WorkerCrashedError] | None = None) -> Behaviour:
    """The first process of a namespace is not harmed by its own signals, and waits until the deadline."""
    return Behaviour(
        name=f"interpreter.kill_itself-{number.name}",
        do="interpreter.kill_itself",
        expects=Fault(errors=(error or WorkerCrashedError,), facts={"signal": number.name}),
        in_pid_namespace=Fault(errors=(PluginTimeoutError, WorkerCrashedError)),
        timeout_s=0.3,
        inputs={"signal": int(number)},
    )


BEHAVIOURS: tuple[Behaviour, ...] = (
    denied("interpreter.find_os", "EPERM EACCES ENOENT", "seccomp"),
    denied("interpreter.import_by_name", "EPERM EACCES ENOENT", "seccomp"),
    denied("interpreter.import_by_loader", "EPERM", "seccomp", risky=True),
    denied("interpreter.search_garbage", "EPERM", "seccomp", risky=True),
    denied("interpreter.climb_classes", "EPERM", "seccomp", risky=True),
    denied("interpreter.climb_frames", "EPERM", "seccomp", risky=True),
    denied("interpreter.warden_objects", "EBADF AttributeError", "process"),
    returns("interpreter.patch_worker", lambda value: value == "patched"),
    fails("interpreter.null_pointer", WorkerCrashedError, facts=SEGV),
    fails("interpreter.abort", WorkerCrashedError),
    fails("interpreter.bad_bytecode", *ANY_END, timeout_s=1),
    returns("interpreter.trace_function"),
    returns("interpreter.exit_handlers", lambda value: value == "registered"),
    fails("interpreter.faults_ignored", WorkerCrashedError, facts=SEGV),
    fails("interpreter.double_free", WorkerCrashedError),
    _killed_by(signal.SIGKILL),
    _killed_by(signal.SIGTERM),
    _killed_by(signal.SIGHUP),
    _killed_by(signal.SIGUSR1),
    _killed_by(signal.SIGABRT),
    Behaviour(
        name="interpreter.alarm",
        do="interpreter.alarm",
        expects=Fault(errors=(WorkerCrashedError,), facts={"signal": "SIGALRM"}),
        in_pid_namespace=Fault(errors=(PluginTimeoutError, WorkerCrashedError)),
        timeout_s=0.5,
    ),
    returns("interpreter.blocked_import", lambda value: value == "imported"),
    returns("interpreter.search_memory", lambda value: value == 0, inputs={"halves": ["nobody ", "wrote this"]}),
)


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_interpreter_behaviour(host: Host, behaviour: Behaviour) -> None:
    host.face(behaviour)


@pytest.mark.parametrize("do", ["mutate_constants", "drop_references"])
def test_a_broken_interpreter_breaks_alone(host: Host, do: str) -> None:
    """It may go on or die, in this call or the next; the host and the bystander do not notice."""
    host.attack(f"interpreter.{do}", timeout_s=2)
    host.attack("enemy.answer", timeout_s=2)
    host.fresh()


@pytest.mark.parametrize("number", [int(signal.SIGRTMIN) + 5, int(signal.SIGRTMAX)])
def test_a_real_time_signal_has_a_name_too(host: Host, number: int) -> None:
    error = host.attack("interpreter.kill_itself", signal=number, timeout_s=0.3).error
    assert isinstance(error, WorkerCrashedError | PluginTimeoutError)
    assert "SIGRT" in str(error) or f"signal {number}" in str(error) or isinstance(error, PluginTimeoutError)


@pytest.mark.parametrize("number", [signal.SIGSYS, signal.SIGXCPU])
def test_a_plugin_that_accuses_itself_harms_only_itself(host: Host, number: int) -> None:
    """The signals that stand for a broken rule or limit can be sent by anyone to himself."""
    error = host.attack("interpreter.kill_itself", signal=int(number), timeout_s=0.3).error
    assert error is not None
    assert (
        isinstance(error, SandboxViolationError | WorkerCrashedError | PluginTimeoutError)
        or error.limit == "max_cpu_seconds"
    )  # type: ignore[attr-defined]


def test_the_next_worker_is_clean(host: Host) -> None:
    """What one worker did to its interpreter is gone with it; it can lie and fail for itself only."""
    assert isinstance(host.attack("interpreter.patch_encoder").error, PluginFailedError)
    host.fresh()
    assert host.attack("enemy.answer").result() == 42


def test_no_variable_of_the_host_is_visible(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET_OF_THE_HOST", "do not tell")
    allowed = {
        "PATH",
        "LANG",
        "HOME",
        "TMPDIR",
        "OPENBLAS_NUM_THREADS",
        "OPENBLAS_THREAD_TIMEOUT",
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "NUMBA_CACHE_DIR",
        "NUMBA_CACHE_LOCATOR_CLASSES",
    }
    assert set(host.attack("interpreter.environment").result()) <= allowed
    native = host.attack("interpreter.native_environment").result()
    assert {entry.partition("=")[0] for entry in native} <= allowed
    assert set(os.environ) - allowed


def test_the_command_line_holds_no_secret(host: Host) -> None:
    """The warden's own is visible: a socket number, the host's process id, and where Python imports from."""
    arguments, original = host.attack("interpreter.arguments").result()
    assert arguments == ["enemy"]
    assert original[1:4] == ["-I", "-X", "utf8"]
    assert not any(str(host.ground.place) in word for word in original)


def test_the_working_directory_is_the_scratch_directory(host: Host) -> None:
    place = host.attack("interpreter.working_directory").result()
    assert os.path.basename(place).isdigit() or place in ("/scratch", "/")


def test_a_secret_of_the_host_is_not_in_the_memory_of_a_worker(host: Host) -> None:
    """The warden is a fresh interpreter, not a fork of the host."""
    secret = "-".join(["kept", "by", "the", "host", str(os.getpid())])
    os.environ["PLATFORM_BASE_TEST_SECRET"] = secret
    try:
        assert host.attack("interpreter.search_memory", halves=[secret[:8], secret[8:]]).result() == 0
    finally:
        del os.environ["PLATFORM_BASE_TEST_SECRET"]


def test_siblings_draw_different_random_numbers(host: Host) -> None:
    theirs = host.bystander()["drawn"]
    mine = host.attack("enemy.answer").metadata["drawn"]
    host.fresh()
    again = host.attack("enemy.answer").metadata["drawn"]
    assert len({theirs[0], mine[0], again[0]}) == 3
    assert len({theirs[1], mine[1], again[1]}) == 3
