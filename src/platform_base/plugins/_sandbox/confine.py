"""Confine the calling process: every backend, in the one order that works, and nothing silently left out.

::

    setsid ─ limits ─ identity ─┬─ die with the warden ─ scratch ─ no_new_privs ─ Landlock ─ seccomp ─► prove
                                └ the change of user clears the death signal, so it is asked for afterwards
"""

from __future__ import annotations

import errno
import os
import resource
import signal
from pathlib import Path

from platform_base.plugins._sandbox import linux, seccomp
from platform_base.plugins._sandbox.backends import BACKENDS
from platform_base.plugins._sandbox.base import Backend, Baseline, ConfinementError
from platform_base.plugins._sandbox.policy import Policy

_CLONE_THREAD = 0x10000
_PROCESS = "process"
_COVERED_BY_SECCOMP = ("landlock_truncate", "landlock_tcp", "landlock_scope")


def prepare() -> None:
    """Do once, in the warden and before its first fork, what every worker would else do anew."""
    if linux.machine():
        for processes in (False, True):
            seccomp.assemble(linux.machine(), processes=processes)
        # Has ctypes load the C library and make its buffer types, 0.5 ms that each worker would else spend.
        linux.capget()


def read_baseline(status: Path = Path("/proc/self/status")) -> Baseline:
    """Read the memory of the calling process; the warden does so once, before its first fork.

    Args:
        status: The process's ``status`` file.

    Raises:
        ConfinementError: The file cannot be read, or does not hold the three numbers.
    """
    remedy = "mount /proc where the host runs"
    try:
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError as error:
        raise ConfinementError("rlimits", f"{status}: {error.strerror}", remedy) from error
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    try:
        data, size, anon = (int(fields[key].split()[0]) << 10 for key in ("VmData", "VmSize", "RssAnon"))
    except (KeyError, IndexError, ValueError) as error:
        expected = "expected VmData, VmSize and RssAnon in kB"
        raise ConfinementError("rlimits", f"{status}: {expected}, got no such line ({error})", remedy) from error
    return Baseline(vm_data_bytes=data, vm_size_bytes=size, rss_anon_bytes=anon)


def confine(policy: Policy, baseline: Baseline) -> tuple[str, ...]:
    """Confine the calling process, for ever. Call it in a freshly forked process, before any foreign code.

    Args:
        policy: What the process may do.
        baseline: Memory of the warden at the fork.

    Returns:
        Names of the protections now in force, ``"process"`` the first.

    Raises:
        ConfinementError: A protection that the policy asks for cannot be given. The process is then half
        confined
            and must end.
    """
    parent = os.getppid()
    try:
        os.setsid()
    except PermissionError as error:
        reason = "expected a freshly forked process, got the leader of a process group"
        raise ConfinementError(_PROCESS, reason, "call confine() right after fork()") from error
    if not policy.enabled:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _die_with(parent)
        return (_PROCESS,)
    _refuse_threads()
    names: list[str] = [_PROCESS]
    for backend in BACKENDS:
        if backend.name == "no_new_privs":
            _settle(policy, parent)
        names += _apply(backend, policy, baseline)
    _check_parts(policy, names)
    return tuple(names)


def _apply(backend: Backend, policy: Policy, baseline: Baseline) -> tuple[str, ...]:
    if backend.name in policy.switched_off:
        return ()
    try:
        return backend.apply(policy, baseline)
    except ConfinementError as error:
        if error.protection not in policy.accept_missing:
            raise
        if backend.name == "landlock" and "identity" not in policy.switched_off:
            # The right to read past permissions is kept only in the hope that Landlock bounds it.
            linux.capset(effective=0, permitted=0)
        return ()


def _check_parts(policy: Policy, names: list[str]) -> None:
    """Insist on what an older Landlock does not have, unless seccomp refuses the same things."""
    if "seccomp" in names or "landlock" not in names:
        return
    for part in _COVERED_BY_SECCOMP:
        if part not in names and part not in policy.accept_missing and part not in policy.switched_off:
            remedy = f"run on Linux 6.12 or newer, or accept it with security.accept_missing: [{part}]"
            raise ConfinementError(part, "this kernel's Landlock is too old, and seccomp is not in force", remedy)


def _die_with(parent: int) -> None:
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise ConfinementError(_PROCESS, "the warden ended while its worker started", "start the host again")


def _settle(policy: Policy, parent: int) -> None:
    """Tie the process to the warden, close its memory to the user's other processes, go to its directory."""
    _die_with(parent)
    linux.prctl(linux.PR_SET_DUMPABLE, 0)
    os.umask(0o077 if policy.group is None else 0o007)
    place = policy.scratch or "/"
    try:
        os.chdir(place)
    except OSError as error:
        reason = f"{place}: expected a directory that user {os.geteuid()} may enter, got {error.strerror}"
        raise ConfinementError("scratch", reason, "make it before the fork, owned by the worker's user") from error


def _refuse_threads() -> None:
    """Landlock and seccomp bind the calling thread; one that already runs would stay free."""
    try:
        # Changes nothing, and is refused with EINVAL where other threads share the memory: unshare(2).
        linux.syscall("unshare", _CLONE_THREAD)
    except OSError as error:
        if error.errno == errno.EINVAL or _counted_threads() > 1:
            remedy = "confine right after fork(), before anything starts a thread"
            raise ConfinementError(_PROCESS, "expected one thread, got several", remedy) from error


def _counted_threads() -> int:
    """Count by the list, thirty times slower, where a container profile refuses unshare(2)."""
    try:
        return len(os.listdir("/proc/self/task"))
    except FileNotFoundError:  # no /proc here; a forked process has one thread
        return 1
