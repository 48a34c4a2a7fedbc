"""Try what the confinement must refuse, before any plugin code runs.

A kernel, container profile or security module that says yes and does nothing is found here and nowhere else.
Each attempt is harmless if it gets through: it is addressed at nothing (an empty path), undone at once, or
changes nothing.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import socket
from collections.abc import Callable, Collection, Iterator
from functools import partial

from platform_base.plugins._sandbox import linux
from platform_base.plugins._sandbox.base import ConfinementError
from platform_base.plugins._sandbox.namespaces import MOUNTS, PROCESSES, QUOTA
from platform_base.plugins._sandbox.policy import Policy

_REQUIRED = ("rlimits", "no_new_privs", "landlock", "seccomp")
_AT_FDCWD = -100
_NEW_USER = 0x10000000
_REMEDY = "run `platform-base doctor`, and report the kernel and container that it names"

Attempt = tuple[str, str, Callable[[], object], tuple[int, ...]]
"""The protection, what is tried, the attempt, and the error numbers that count as its refusal (none: any)."""


def prove(policy: Policy, names: Collection[str]) -> tuple[str, ...]:
    """Attempt what each protection in force must refuse.

    Args:
        policy: What the process may do.
        names: What `confine` returned.

    Returns:
        What was attempted, and refused.

    Raises:
        ConfinementError: A protection that the policy asks for is not among `names`, or does not hold.
    """
    if not policy.enabled:
        return ()
    for name in _REQUIRED:
        if name not in names and name not in policy.accept_missing and name not in policy.switched_off:
            raise ConfinementError(name, "it is not in force", _REMEDY)
    _prove_identity(policy, names)
    _prove_namespaces(policy, names)
    if "no_new_privs" in names and not linux.prctl(linux.PR_GET_NO_NEW_PRIVS):
        raise ConfinementError("no_new_privs", "the flag is not set", _REMEDY)
    tried = []
    for protection, what, attempt, codes in _attempts(policy, names):
        _must_be_refused(protection, what, attempt, codes)
        tried.append(what)
    return tuple(tried)


def _must_be_refused(protection: str, what: str, attempt: Callable[[], object], codes: tuple[int, ...]) -> None:
    try:
        attempt()
    except OSError as error:
        if not codes or error.errno in codes:
            return
        reason = f"{what}: expected a refusal by {protection}, got {errno.errorcode.get(error.errno or 0, error)}"
        raise ConfinementError(protection, reason, _REMEDY) from error
    raise ConfinementError(protection, f"{what}: expected a refusal, got through", _REMEDY)


def _prove_identity(policy: Policy, names: Collection[str]) -> None:
    if "identity" in policy.switched_off:
        return
    if 0 in os.getresuid() and "identity" not in policy.accept_missing:
        raise ConfinementError("identity", "the worker still runs as root", _REMEDY)
    if "identity" in names and set(os.getresuid()) != {policy.uid}:
        raise ConfinementError("identity", f"expected user {policy.uid}, got {os.getresuid()}", _REMEDY)
    effective, permitted, inheritable = linux.capget()
    bounded = 1 << linux.CAP_DAC_READ_SEARCH if "landlock" in names and "identity" in names else 0
    if (effective | permitted | inheritable) & ~bounded:
        raise ConfinementError("capabilities", f"expected none, got {effective | permitted:#x}", _REMEDY)


def _prove_namespaces(policy: Policy, names: Collection[str]) -> None:
    if policy.max_processes and PROCESSES not in names:
        raise ConfinementError(PROCESSES, "the worker may start processes, and nothing would end them", _REMEDY)
    if PROCESSES in names and os.getpid() != 1:
        raise ConfinementError(PROCESSES, f"expected to be process 1, got {os.getpid()}", _REMEDY)
    if MOUNTS in names and not _inside("/proc", policy.read_paths) and os.path.lexists("/proc/self"):
        raise ConfinementError(MOUNTS, "expected a root without /proc, got one with it", _REMEDY)
    if QUOTA in names and policy.scratch:
        found = os.statvfs(policy.scratch)
        size = found.f_blocks * found.f_frsize
        if size > policy.max_scratch_bytes + found.f_frsize:
            raise ConfinementError(QUOTA, f"expected {policy.max_scratch_bytes} bytes, got {size}", _REMEDY)


def _attempts(policy: Policy, names: Collection[str]) -> Iterator[Attempt]:
    if "seccomp" in names:
        yield from _seccomp_attempts(policy)
    if "landlock" in names:
        yield from _landlock_attempts(policy)
    if "landlock_tcp" in names and "seccomp" not in names:
        yield "landlock_tcp", "bind", _bind, (errno.EACCES,)
    if policy.max_processes:
        # Signals are free here: there must be nobody to send them to.
        yield PROCESSES, "signal to anybody", lambda: os.kill(-1, 0), (errno.ESRCH,)
    elif "seccomp" in names or ("landlock_scope" in names and os.getppid() > 0):
        protection = "seccomp" if "seccomp" in names else "landlock_scope"
        yield protection, "signal", lambda: os.kill(os.getppid() or 2, 0), (errno.EPERM,)
    if "rlimits" in names and ("seccomp" in names or "identity" in names or "capabilities" in names):
        yield "rlimits", "raise a limit", _raise_limit, (errno.EPERM,)
    if "seccomp" in names or "identity" in names:
        yield "identity", "become root", lambda: os.setresuid(0, 0, 0), (errno.EPERM,)


def _seccomp_attempts(policy: Policy) -> Iterator[Attempt]:
    # Without the filter the kernel would answer ENOENT to the empty paths, so EPERM can come from it alone.
    refused = (errno.EPERM,)
    if not policy.max_processes:
        yield "seccomp", "fork", partial(_clone, 0), refused
    yield "seccomp", "fork into a namespace", partial(_clone, _NEW_USER), refused
    yield "seccomp", "exec", lambda: linux.syscall("execve", b"", None, None), refused
    yield "seccomp", "chmod", lambda: linux.syscall("fchmodat", _AT_FDCWD, b"", 0), refused
    yield "seccomp", "truncate", lambda: linux.syscall("truncate", b"", 0), refused
    yield "seccomp", "socket", _socket, refused
    yield "seccomp", "ptrace", lambda: linux.syscall("ptrace", -1, 0, 0, 0), refused
    yield "seccomp", "new namespace", lambda: linux.syscall("unshare", 0), refused


def _landlock_attempts(policy: Policy) -> Iterator[Attempt]:
    writable = (*policy.write_paths, *filter(None, (policy.scratch,)))
    for path in ("/", "/etc/passwd", "/proc/self/stat"):
        if not _inside(path, (*policy.read_paths, *writable)):
            yield "landlock", f"read {path}", partial(_open, path, os.O_RDONLY), ()
    for path in ("/dev/full", "/dev/tty"):
        if not _inside(path, writable):
            yield "landlock", f"write {path}", partial(_open, path, os.O_WRONLY | os.O_NOCTTY), ()
    for path in ("/tmp", "/var/tmp", "/dev/shm"):  # noqa: S108 - the point is that they cannot be written
        if not _inside(path, writable):
            yield (
                "landlock",
                f"write in {path}",
                partial(_open, path, os.O_WRONLY | os.O_TMPFILE),
                (),
            )


def _inside(path: str, trees: Collection[str]) -> bool:
    return any(path == tree or path.startswith(tree.rstrip("/") + "/") for tree in trees)


def _open(path: str, flags: int) -> None:
    os.close(os.open(path, flags | os.O_CLOEXEC, 0o600))


def _clone(flags: int) -> None:
    # The bare call: os.fork() would run the at-fork handlers of every loaded library.
    child = linux.syscall("clone", flags | signal.SIGCHLD, 0, 0, 0, 0)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _socket() -> None:
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()


def _bind() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as found:
        found.bind(("127.0.0.1", 0))


def _raise_limit() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard + 1, hard + 1))
    except ValueError as error:  # how the resource module words EPERM
        raise PermissionError(errno.EPERM, str(error)) from error
