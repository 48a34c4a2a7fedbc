"""Starting, watching, tracing and ending processes; gaining rights; looking into /proc."""

from __future__ import annotations

import os

import pytest

from platform_base.plugins.errors import ResourceLimitError
from tests.escape.harness import Host
from tests.escape.outcomes import AnyOf, Behaviour, Denied, Fault, denied, returns

ROOT = os.geteuid() == 0
PROC = "EACCES ENOENT"


def _too_many_threads(do: str) -> Behaviour:
    """Under root the kernel refuses the thread; else the warden ends the worker, if its memory lasts so long."""
    refused = Denied(codes=frozenset({"RuntimeError"}))
    killed = Fault(errors=(ResourceLimitError,), facts={"limit": "max_threads"})
    expects = refused if ROOT else AnyOf(ends=(killed, refused))
    return Behaviour(name=f"processes.{do}", do=f"processes.{do}", expects=expects, risky=True, inputs={"count": 500})


BEHAVIOURS: tuple[Behaviour, ...] = (
    denied("processes.fork", "EPERM", "seccomp", risky=True),
    denied("processes.raw_fork", "EPERM ENOSYS", "seccomp", risky=True),
    denied("processes.fork_bomb", "EPERM", "seccomp", risky=True),
    denied("processes.double_fork", "EPERM", "seccomp", risky=True),
    denied("processes.shell", "EPERM", "seccomp", risky=True),
    denied("processes.run_program", "EPERM EACCES", "seccomp landlock", risky=True, hidden=True),
    denied("processes.spawn", "EPERM", "seccomp", risky=True),
    denied("processes.replace_itself", "EPERM", "seccomp landlock", hidden=True, risky=True),
    denied("processes.execute_memory", "EPERM", "seccomp", risky=True),
    denied("processes.execute_through_loader", "EPERM ENOENT", "seccomp landlock", hidden=True, risky=True),
    denied("processes.pool", "EPERM EACCES ENOENT ENOSYS", "seccomp", risky=True, hidden=True),
    _too_many_threads("threads"),
    _too_many_threads("bare_threads"),
    _too_many_threads("disguised_threads"),
    denied("processes.namespaces", "EPERM", "seccomp"),
    denied("processes.namespaces_by_clone", "EPERM", "seccomp", risky=True),
    denied("processes.enter_namespace", "EPERM", "seccomp"),
    denied("processes.trace", "EPERM", "seccomp"),
    denied("processes.foreign_memory", "EPERM", "seccomp landlock"),
    denied("processes.foreign_advice", "EPERM ENOSYS", "seccomp"),
    denied("processes.signal_host", "EPERM", "seccomp landlock identity"),
    denied("processes.signal_warden", "EPERM", "seccomp landlock identity"),
    denied("processes.signal_sibling", "EPERM", "seccomp landlock identity"),
    denied("processes.signal_all", "EPERM", "seccomp"),
    denied("processes.handles", "EPERM", "seccomp"),
    denied("processes.outlive", "EPERM", "seccomp"),
    denied("processes.open_up", "EPERM", "seccomp"),
    denied("processes.raise_limits", "EPERM ValueError", "seccomp identity"),
    denied("processes.more_filters", "EPERM", "seccomp"),
    denied("processes.become_root", "EPERM", "seccomp identity"),
    denied("processes.become_sibling", "EPERM", "seccomp identity"),
    denied("processes.leave_group", "EPERM", "seccomp"),
    denied("processes.schedule", "EPERM", "seccomp"),
    returns("processes.count_processes", lambda value: set(value) <= {"EPERM"}),
    denied("processes.sigio", "EPERM", "seccomp"),
    denied("processes.timer_at", "EINVAL EPERM", "process"),
    denied("processes.proc_of_host", PROC, "landlock", hidden=True),
    denied("processes.proc_of_sibling", PROC, "landlock", hidden=True),
    denied("processes.proc_of_itself", PROC, "landlock", hidden=True),
    denied("processes.links_in_proc", PROC, "landlock identity", hidden=True),
    denied("processes.system_control", "EACCES ENOENT EPERM", "landlock", hidden=True),
    denied("processes.clear_refs", "EBADF EINVAL", "process"),
)


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_process_behaviour(host: Host, behaviour: Behaviour) -> None:
    host.face(behaviour)


def test_no_right_is_left(host: Host) -> None:
    """No capability but the right to read, where that is needed and Landlock bounds it; nobody's groups."""
    found = host.attack("processes.rights").result()
    words = [int.from_bytes(bytes.fromhex(found["capabilities"])[at : at + 4], "little") for at in range(0, 24, 4)]
    reading = 1 << 2
    assert words[2] == words[5] == words[3] == words[4] == 0
    assert words[0] | words[1] in ((0, reading) if ROOT else (0,))
    assert found["no_new_privs"] == 1
    assert len(set(found["uids"])) == 1
    assert len(set(found["gids"])) == 1
    if ROOT:
        assert 0 not in found["uids"] + found["gids"] + found["groups"]
        assert len(found["groups"]) <= 1
        assert found["uids"][0] not in (0, 65534)


@pytest.mark.skipif(not ROOT, reason="only root can give each worker a user of its own")
def test_siblings_are_different_users(host: Host) -> None:
    mine = host.attack("processes.rights").result()["uids"][0]
    theirs = os.stat(host.facts["bystander_scratch"]).st_uid
    assert mine != theirs
    assert mine != os.geteuid()


def test_existence_of_processes_is_hidden_where_there_is_a_private_root(host: Host) -> None:
    """Without one, stat(2) of /proc tells which processes there are and whose; SECURITY.md says so."""
    ((_, code, _),) = host.attack("processes.stat_in_proc").result()
    assert code == ("ENOENT" if "mount_namespace" in host.protections else "")
