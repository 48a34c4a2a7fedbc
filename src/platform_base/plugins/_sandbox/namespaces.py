"""Namespaces: the warden and its workers see no process, network, mount or name of the machine but their own.

The warden enters them once, because each costs more than a fork: user (unless it is root), process ids, network,
System V IPC, host name, mounts. Only two are entered for every worker: process ids, by the warden just before the fork,
and mounts, by the worker. That needs the warden to be the first process of a process id namespace that it owns, which
also makes the kernel kill every worker the moment the warden dies.

::

    host ── outer process (waits, removes the runtime directory) ── warden, pid 1 ─┬─ worker, pid 1 of its own
                                                                                   └─ worker, pid 1 of its own

None of it is required unless the settings say so: containers and some distributions refuse namespaces to ordinary
users, and the other protections are enough without. Source: namespaces(7), pid_namespaces(7), user_namespaces(7).
"""

from __future__ import annotations

import json
import os
import platform
import select
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NoReturn

from platform_base.plugins._sandbox import linux
from platform_base.plugins._sandbox.base import ConfinementError
from platform_base.plugins._sandbox.descriptors import close_all_except
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins._sandbox.private_root import PrivateRoot, enter_private_root
from platform_base.plugins._sandbox.scratch import wipe

USER = "user_namespace"
PROCESSES = "pid_namespace"
NETWORK = "network_namespace"
IPC = "ipc_namespace"
HOST_NAME = "uts_namespace"
MOUNTS = "mount_namespace"
QUOTA = "scratch_quota"
PARTS = (USER, PROCESSES, NETWORK, IPC, HOST_NAME, MOUNTS, QUOTA)
"""Names of the protections, as the report and ``accept_missing`` have them."""

_NEW_MOUNTS = 0x20000
_NEW_USER = 0x10000000
_NEW_PROCESSES = 0x20000000
_NEW_HOST_NAME = 0x4000000
_SIMPLE = {NETWORK: 0x40000000, IPC: 0x8000000}
_NAME_OF_THE_MACHINE = "worker"
_PROBED_ROOTS = ("/dev/null",)
_OFF = "security.namespaces is off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the warden has entered.

    Attributes:
        names: Protections in force for every worker that it forks.
        missing: Why the others are not.
        proc: Descriptor of the ``/proc`` of the host, which shows every process by the number that the host knows; -1
            where there is none.
        own_processes: Descriptor of the process id namespace that the warden is the first process of; -1 where it is in
            that of the host.
        root: The private root; None where the warden sees the files of the host.
    """

    names: tuple[str, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    proc: int = -1
    own_processes: int = -1
    root: PrivateRoot | None = None

    def fork(self) -> int:
        """Fork; where there are process id namespaces, the child is the first process of a new one.

        Raises:
            OSError: The kernel refused.
        """
        if self.own_processes < 0:
            return os.fork()
        linux.syscall("unshare", _NEW_PROCESSES)
        pid = -1
        try:
            pid = os.fork()
        finally:
            if pid != 0:
                linux.syscall("setns", self.own_processes, _NEW_PROCESSES)
        return pid

    def number_of(self, pidfd: int) -> int:
        """Return the process id by which the host knows the process that `pidfd` refers to; -1 when it is dead.

        Raises:
            OSError: It cannot be told.
        """
        descriptor = os.open(f"self/fdinfo/{pidfd}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.proc)
        with open(descriptor, encoding="ascii") as rows:  # noqa: PTH123 - a descriptor
            return next(int(row.split()[1]) for row in rows if row.startswith("Pid:"))

    def settle(self, policy: Policy, proc: int = -1) -> tuple[Policy, tuple[str, ...]]:
        """Take the calling process, a worker just forked, to its own view of what is here.

        Args:
            policy: What the worker may do.
            proc: A descriptor of the host's ``/proc``, which this closes; needed where the policy gives processes.

        Returns:
            The policy, with the paths that this view has besides those that it names; names of the protections in
            force.

        Raises:
            ConfinementError: One is missing that the policy requires, or the kernel refused.
        """
        if not policy.enabled:
            return policy, ()
        if policy.namespaces == "require":
            for name in PARTS:
                if name in self.missing and name not in policy.accept_missing:
                    raise ConfinementError(name, self.missing[name], remedy())
        if policy.max_processes and PROCESSES not in self.names:
            raise ConfinementError(PROCESSES, self.missing.get(PROCESSES, _OFF), remedy())
        if self.root is not None:
            policy = self.root.furnish(policy)
        if policy.max_processes and os.geteuid() != 0:
            _count_apart(proc)
        if proc >= 0:
            os.close(proc)
        return policy, self.names


def stay_outside(reason: str = _OFF) -> Surroundings:
    """Return the surroundings of a warden that enters no namespace."""
    return Surroundings(missing=_without_user(dict.fromkeys(PARTS, reason)), proc=_open_proc())


def enter_processes(runtime: Path) -> Surroundings:
    """Be, from here on, the first process of a process id namespace, if the kernel gives one.

    The process that called this waits for it, removes `runtime` and ends as it ended; so only the new one returns. Call
    it before the first thread.

    Raises:
        OSError: The kernel gave when it was asked for a trial, and refused now.
    """
    missing = probe(str(runtime))
    proc = _open_proc()
    if proc < 0:
        missing |= dict.fromkeys((PROCESSES, MOUNTS, QUOTA), "/proc is not mounted")
    names = []
    if os.geteuid() != 0 and USER not in missing:
        _enter_user()
        names.append(USER)
    # Before `workers.preload` is imported, for that could keep the name of the machine.
    if HOST_NAME not in missing and not _refusal(_enter_host_name, HOST_NAME, missing):
        names.append(HOST_NAME)
    if PROCESSES in missing:
        return Surroundings(names=tuple(names), missing=missing, proc=proc)
    linux.syscall("unshare", _NEW_PROCESSES)
    outer = os.pidfd_open(os.getpid())
    inner = os.fork()
    if inner:
        _wait_for(inner, runtime)
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    if select.select([outer], [], [], 0)[0]:
        sys.exit("the outer process of the warden ended while it started")
    os.close(outer)
    own = os.open("self/ns/pid", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)
    return Surroundings(names=(*names, PROCESSES), missing=missing, proc=proc, own_processes=own)


def enter_others(
    found: Surroundings, runtime: Path, *, roots: tuple[str, ...], shelves: tuple[str, ...]
) -> Surroundings:
    """Enter the other namespaces; after this, only `roots` and, for workers that may, `shelves` are to be seen.

    Args:
        found: What `enter_processes` returned.
        runtime: Directory of the scratch directories.
        roots: Files and trees that every worker sees, read-only.
        shelves: Files and trees that a worker sees if its policy names them.
    """
    names, missing, root = list(found.names), dict(found.missing), None
    for name, flag in _SIMPLE.items():
        if name not in missing and not _refusal(partial(linux.syscall, "unshare", flag), name, missing):
            names.append(name)
    if MOUNTS not in missing:
        try:
            linux.syscall("unshare", _NEW_MOUNTS)
            root = enter_private_root(str(runtime), roots=roots, shelves=shelves)
            names += [MOUNTS, QUOTA]
        except OSError as error:
            missing |= dict.fromkeys((MOUNTS, QUOTA), _reason(error))
    return replace(found, names=tuple(names), missing=missing, root=root)


def probe(base: str | None = None) -> dict[str, str]:
    """Try everything in a child of this process, which has only one thread.

    Args:
        base: Any directory; it is not changed.

    Returns:
        The parts that this process cannot have, with the reason. Root does without a user namespace, so it never
        misses it.

    Raises:
        OSError: There can be no child.
    """
    receive, send = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        try:
            os.write(send, json.dumps(_try_all(base or tempfile.gettempdir())).encode())
        finally:
            os._exit(0)
    os.close(send)
    with open(receive, "rb") as stream:  # noqa: PTH123 - a descriptor
        answer = stream.read()
    os.waitpid(pid, 0)
    found: dict[str, str] = json.loads(answer) if answer else dict.fromkeys(PARTS, "the trial ended without an answer")
    return _without_user(found)


def remedy() -> str:
    """Say how namespaces are to be had on this machine."""
    for path, refused, words in (
        (
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "give this Python an AppArmor profile with the rule `userns,`, or set the sysctl "
            "kernel.apparmor_restrict_unprivileged_userns to 0",
        ),
        ("/proc/sys/kernel/unprivileged_userns_clone", "0", "set the sysctl kernel.unprivileged_userns_clone to 1"),
        ("/proc/sys/user/max_user_namespaces", "0", "set the sysctl user.max_user_namespaces above 0"),
    ):
        try:
            if os.geteuid() != 0 and Path(path).read_text(encoding="ascii").strip() == refused:
                return words
        except OSError:
            continue
    return (
        "allow namespaces in the profile of the container (CAP_SYS_ADMIN, or user namespaces); "
        "or do without, with security.namespaces: auto"
    )


def _without_user(found: dict[str, str]) -> dict[str, str]:
    return {name: reason for name, reason in found.items() if name != USER or os.geteuid() != 0}


def _try_all(base: str) -> dict[str, str]:
    """Enter everything, for a trial; the process must end afterwards."""
    missing: dict[str, str] = {}
    if os.geteuid() != 0 and _refusal(_enter_user, USER, missing):
        return dict.fromkeys(PARTS, missing[USER])
    for name, flag in (*_SIMPLE.items(), (HOST_NAME, _NEW_HOST_NAME)):
        _refusal(partial(linux.syscall, "unshare", flag), name, missing)
    if not _refusal(_try_processes, PROCESSES, missing):
        _refusal(lambda: _try_mounts(base), MOUNTS, missing)
    else:
        missing[MOUNTS] = f"it needs {PROCESSES}"
    if MOUNTS in missing:
        missing[QUOTA] = f"it needs {MOUNTS}"
    return missing


def _refusal(attempt: Callable[[], object], name: str, missing: dict[str, str]) -> bool:
    """Try; note why it failed."""
    try:
        attempt()
    except OSError as error:
        missing[name] = _reason(error)
        return True
    return False


def _reason(error: OSError) -> str:
    return f"the kernel refused: {error.strerror}" + (f" ({error.filename})" if error.filename else "")


def _try_processes() -> None:
    linux.syscall("unshare", _NEW_PROCESSES)
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _try_mounts(base: str) -> None:
    linux.syscall("unshare", _NEW_MOUNTS)
    enter_private_root(base, roots=_PROBED_ROOTS, shelves=_PROBED_ROOTS)


def _enter_user(proc: int | None = None) -> None:
    """Enter a user namespace in which this user and group are the same as outside, and nobody else exists.

    Args:
        proc: A descriptor of ``/proc``, where it cannot be reached by name.
    """
    uid, gid = os.geteuid(), os.getegid()
    linux.syscall("unshare", _NEW_USER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        path = f"/proc/self/{name}" if proc is None else f"self/{name}"
        with open(os.open(path, os.O_WRONLY | os.O_CLOEXEC, dir_fd=proc), "w", encoding="ascii") as file:  # noqa: PTH123
            file.write(text)


def _enter_host_name() -> None:
    linux.syscall("unshare", _NEW_HOST_NAME)
    socket.sethostname(_NAME_OF_THE_MACHINE)
    # Some module asked for it while it was imported, and `platform` keeps the answer for good.
    vars(platform)["_uname_cache"] = None


def _count_apart(proc: int) -> None:
    """Have the kernel count this worker's processes apart from the others of the same user.

    ``RLIMIT_NPROC`` is counted for each user in each user namespace (Linux 5.14), so it goes into one of its own.

    Raises:
        ConfinementError: There is no other user namespace.
    """
    try:
        _enter_user(proc)
    except OSError as error:
        reason = f"{_reason(error)}; without one of its own, a worker's processes cannot be counted apart"
        raise ConfinementError(USER, reason, remedy()) from error


def _open_proc() -> int:
    """Open the host's ``/proc``, if that is what is mounted there."""
    try:
        proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return -1
    try:
        known_as_itself = os.readlink("self", dir_fd=proc) == str(os.getpid())
    except OSError:
        known_as_itself = False
    if known_as_itself:
        return proc
    os.close(proc)
    return -1


def _wait_for(inner: int, runtime: Path) -> NoReturn:
    """Outside of all namespaces: wait for the warden, clear away after it, and end as it ended."""
    close_all_except([2])
    status = os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1])
    wipe(runtime)
    os._exit(status if status >= 0 else 128 - status)
