"""All layers together: order, refusal of what is missing, ties to the warden."""

from __future__ import annotations

import errno
import os
import resource
import signal
import struct
import threading

import pytest

from platform_base.plugins._sandbox import linux
from platform_base.plugins._sandbox.backends import BACKENDS
from platform_base.plugins._sandbox.base import Availability, ConfinementError
from platform_base.plugins._sandbox.confine import confine, prepare, read_baseline
from platform_base.plugins._sandbox.no_new_privs import set_no_new_privs
from platform_base.plugins._sandbox.seccomp import ALLOW, install
from platform_base.plugins._sandbox.syscall_numbers import numbers

CORE = {"process", "rlimits", "capabilities", "no_new_privs", "landlock", "seccomp"}


def without(*names):
    """Put this process on a kernel that does not have these system calls, by a filter of its own."""
    set_no_new_privs()
    code = [(0x20, 0, 0, 0)]
    for name in names:
        code += [(0x15, 0, 1, numbers(linux.machine())[name]), (0x06, 0, 0, 0x00050000 | errno.ENOSYS)]
    code.append((0x06, 0, 0, ALLOW))
    install(b"".join(struct.pack("=HBBI", *instruction) for instruction in code))


def on_a_kernel_without(cell, policy, *names):
    """Confine there, and report the protections."""
    baseline = read_baseline()

    def confined():
        without(*names)
        try:
            return list(confine(policy, baseline))
        except ConfinementError as error:
            return [error.protection, error.reason, error.remedy]

    return cell.fork(confined).value


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
class TestEveryBackend:
    def test_probe_is_honest_about_this_system(self, backend):
        found = backend.probe()

        assert isinstance(found, Availability)
        assert found.available
        assert not found.reason
        assert bool(found.lacks) == bool(found.remedy)

    def test_is_in_force_alone(self, cell, backend):
        names = cell.names(cell.only(backend.name)).value

        assert backend.name in names or (backend.name == "identity" and "capabilities" in names)
        others = {other.name for other in BACKENDS if other is not backend}
        assert others.isdisjoint(names)

    def test_can_be_left_out(self, cell, backend):
        assert backend.name not in cell.names(cell.policy(switched_off=(backend.name,))).value


def test_everything_is_in_force(cell):
    names = cell.names().value

    assert names[0] == "process"
    assert set(names) >= CORE | ({"identity", "rlimit_threads"} if cell.who == "root" else set())
    assert len(names) == len(set(names))


def test_switched_off_altogether_only_the_process_is_left(cell):
    def look():
        return [
            os.getsid(0) == os.getpid(),
            resource.getrlimit(resource.RLIMIT_CORE),
            cell.secret.read_text(),
        ]

    off = cell.policy(enabled=False)

    assert cell.names(off).value == ["process"]
    assert cell.run(look, off).value == [True, [0, 0], "secret"]


def test_the_process_is_closed_to_its_siblings(cell):
    def look():
        return [linux.prctl(3), os.getsid(0) == os.getpid(), os.getcwd(), os.umask(0)]

    assert cell.run(look).value == [0, True, str(cell.scratch), 0o077]


def test_a_sibling_of_the_same_user_cannot_look_in(ordinary_cell):
    """Not even one that is not confined: the memory of a worker is closed to its own user."""
    ready_r, ready_w = os.pipe()
    go_r, go_w = os.pipe()
    baseline = read_baseline()
    pid = os.fork()
    if pid == 0:
        ordinary_cell.fork(lambda: hold(ordinary_cell, baseline, ready_w, go_r, go_w))
        os._exit(0)
    os.close(ready_w)
    worker = int(os.read(ready_r, 32))

    def look():
        open(f"/proc/{worker}/mem", "rb").close()

    report = ordinary_cell.fork(look)
    os.write(go_w, b"x")
    os.waitpid(pid, 0)
    for descriptor in (ready_r, go_r, go_w):
        os.close(descriptor)

    assert report.error == "PermissionError"


def hold(cell, baseline, ready, go, own_go):
    os.close(own_go)  # else its own copy would keep the pipe open
    policy = cell.readable(cell.policy())
    worker = os.getpid()
    confine(policy, baseline)
    os.write(ready, str(worker).encode())
    os.read(go, 1)


def test_a_worker_dies_with_the_warden(cell):
    """The change of user clears the death signal; it must be asked for after it."""
    report_r, report_w = os.pipe()
    hold_r, hold_w = os.pipe()
    baseline = read_baseline()
    warden = os.fork()
    if warden == 0:
        os.close(report_r)
        cell.fork(lambda: hold(cell, baseline, report_w, hold_r, hold_w))
        os._exit(0)
    os.close(report_w)
    assert int(os.read(report_r, 32)) > 0
    os.kill(warden, signal.SIGKILL)
    os.waitpid(warden, 0)

    try:
        # The worker holds the last writing end: its death is what ends this read.
        assert os.read(report_r, 1) == b""
    finally:
        for descriptor in (report_r, hold_r, hold_w):
            os.close(descriptor)


def test_a_process_with_threads_is_refused(cell):
    baseline = read_baseline()

    def confined():
        stop = threading.Event()
        threading.Thread(target=stop.wait, daemon=True).start()
        try:
            confine(cell.policy(), baseline)
        finally:
            stop.set()

    report = cell.fork(confined)

    assert report.error == "ConfinementError"
    assert "expected one thread, got several" in report.text


def test_the_leader_of_a_group_is_refused(cell):
    baseline = read_baseline()

    def confined():
        os.setpgid(0, 0)
        confine(cell.policy(), baseline)

    report = cell.fork(confined)

    assert report.error == "ConfinementError"
    assert "leader of a process group" in report.text


def test_scratch_that_cannot_be_entered_is_refused(cell):
    def confined():
        return list(confine(cell.readable(cell.policy(scratch=str(cell.place / "gone"))), read_baseline()))

    report = cell.fork(confined)

    assert report.error == "ConfinementError"
    assert f"scratch: {cell.place / 'gone'}" in report.text


LANDLOCK_CALLS = ("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self")


@pytest.fixture
def plain(cell):
    """A policy that asks for nothing but the own directory, so that plain permissions suffice."""
    return cell.policy(read_paths=(str(cell.own),))


def test_a_kernel_without_landlock_is_refused(cell, plain):
    protection, reason, remedy = on_a_kernel_without(cell, plain, *LANDLOCK_CALLS)

    assert (protection, reason) == ("landlock", "the kernel has no Landlock")
    assert "accept_missing: [landlock]" in remedy


def test_a_kernel_without_landlock_can_be_accepted(cell):
    policy = cell.policy(read_paths=(str(cell.own),), accept_missing=("landlock",))
    names = on_a_kernel_without(cell, policy, *LANDLOCK_CALLS)

    assert "landlock" not in names
    assert set(names) >= CORE - {"landlock"}


def test_a_landlock_that_refuses_leaves_no_right_behind(root_cell):
    """The version is told, the restriction refused: the right to read past permissions must go."""
    policy = root_cell.policy(
        accept_missing=("landlock",),
        switched_off=("seccomp",),
        read_paths=(str(root_cell.own), "/etc/shadow"),
    )
    baseline = read_baseline()

    def confined():
        without("landlock_restrict_self")
        names = confine(policy, baseline)
        return ["landlock" in names, list(linux.capget())]

    assert root_cell.fork(confined).value == [False, [0, 0, 0]]


def test_without_landlock_an_unreadable_interpreter_is_refused(root_cell):
    policy = root_cell.policy(accept_missing=("landlock",), read_paths=("/etc/shadow",))

    protection, reason, _ = on_a_kernel_without(root_cell, policy, *LANDLOCK_CALLS)

    assert protection == "identity"
    assert "cannot read /etc/shadow" in reason


def test_a_kernel_without_seccomp_is_refused(cell, plain):
    # The filter that takes seccomp(2) away is itself installed by it; only later calls are refused.
    protection, reason, remedy = on_a_kernel_without(cell, plain, "seccomp")

    assert (protection, reason) == ("seccomp", f"seccomp: {os.strerror(errno.ENOSYS)}")
    assert "accept_missing: [seccomp]" in remedy


def test_a_kernel_without_seccomp_can_be_accepted_where_landlock_is_complete(cell):
    policy = cell.policy(read_paths=(str(cell.own),), accept_missing=("seccomp",))
    names = on_a_kernel_without(cell, policy, "seccomp")

    assert {"landlock", "landlock_tcp", "landlock_scope"} <= set(names)
    assert "seccomp" not in names


def test_prepare_may_be_called_any_number_of_times():
    prepare()
    prepare()


def test_the_error_says_what_why_and_what_to_do():
    error = ConfinementError("landlock", "the kernel has no Landlock", "update")

    assert str(error) == "landlock: the kernel has no Landlock; update"
    assert (error.protection, error.reason, error.remedy) == (
        "landlock",
        "the kernel has no Landlock",
        "update",
    )


def test_threads_are_counted_where_unshare_is_refused(cell, plain):
    assert set(on_a_kernel_without(cell, plain, "unshare")) >= CORE

    def with_a_thread():
        stop = threading.Event()
        threading.Thread(target=stop.wait, daemon=True).start()
        try:
            without("unshare")
            confine(plain, read_baseline())
        finally:
            stop.set()

    assert "expected one thread, got several" in cell.fork(with_a_thread).text
