"""Forking one worker, and what the warden knows of it."""

from __future__ import annotations

import os
import signal
import traceback
from dataclasses import dataclass

import msgspec

from platform_base.plugins._sandbox.base import Baseline
from platform_base.plugins._sandbox.namespaces import PROCESSES, QUOTA, Surroundings
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins._warden.family import Family, check_countable, read_status
from platform_base.plugins._wire.messages import Forked, Spawn
from platform_base.plugins._wire.unix_socket import FrameSocket
from platform_base.plugins._worker import boot

_STATUS_BYTES = 4096
_encode = msgspec.msgpack.Encoder().encode

_BOOT_FAILED = 70
"""Exit status of a worker that could not even say why: EX_SOFTWARE of sysexits.h."""


@dataclass(slots=True, kw_only=True)
class Child:
    """One living worker, as its parent sees it.

    Attributes:
        worker: The number that the host gave it.
        pid: Its process id, as the warden sees it; stays reserved until the warden reaps it.
        status: Its ``/proc/<pid>/status``, open; -1 where there is none.
        pidfd: Becomes readable when it dies.
        line: Where its end is reported to the host.
        baseline: Memory of the warden at the fork.
        scratch: Its scratch directory, if nothing but the warden's looking limits what is in it; else None.
        kernel_cache: Where compiled kernels outlive it, as the warden sees that directory; None: nowhere.
        family: The processes that it starts; None where its policy gives none.
        killed_for: The limit for which the warden killed it.
    """

    worker: int
    pid: int
    pidfd: int
    status: int
    line: FrameSocket
    baseline: Baseline
    scratch: str | None
    kernel_cache: str | None = None
    family: Family | None = None
    killed_for: str = ""

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal; a worker that is dead already is left alone."""
        try:
            signal.pidfd_send_signal(self.pidfd, number)
        except ProcessLookupError:
            return

    def kill(self, *, killed_for: str = "") -> None:
        """End it now, remembering the first reason."""
        self.killed_for = self.killed_for or killed_for
        self.send_signal(signal.SIGKILL)

    def look(self) -> tuple[int, int, int]:
        """Return its resident private and shared memory, bytes, and its threads; zeros when it has just died."""
        try:
            found = read_status(os.pread(self.status, _STATUS_BYTES, 0))
        except OSError:
            return 0, 0, 0
        return found.private, found.shared, found.threads

    def close(self) -> None:
        """Give back its descriptors."""
        os.close(self.pidfd)
        if self.status >= 0:
            os.close(self.status)
        self.line.close()


def fork_worker(
    message: Spawn,
    policy: Policy,
    *,
    control: int,
    output: int,
    line: FrameSocket,
    baseline: Baseline,
    surroundings: Surroundings,
) -> Child:
    """Fork a worker and report it to the host.

    Raises:
        OSError: The kernel refused the fork.
    """
    counted = policy.enabled and policy.max_processes > 0 and PROCESSES in surroundings.names
    if counted:
        check_countable(surroundings.proc)
    pid = surroundings.fork()
    if pid == 0:
        try:
            boot.run(
                policy,
                message.environment,
                control=control,
                output=output,
                baseline=baseline,
                surroundings=surroundings,
            )
        except BaseException:  # noqa: BLE001  nothing may ever return into the warden's loop
            traceback.print_exc()
        finally:
            os._exit(_BOOT_FAILED)
    pidfd = os.pidfd_open(pid)
    number, status = _find(pid, pidfd, surroundings)
    child = Child(
        worker=message.worker,
        pid=pid,
        pidfd=pidfd,
        status=status,
        line=line,
        baseline=baseline,
        family=Family(surroundings.proc, number) if counted else None,
        scratch=policy.scratch if policy.scratch and QUOTA not in surroundings.names else None,
        kernel_cache=_place_of(policy.kernel_cache, surroundings) if policy.kernel_cache else None,
    )
    try:
        line.send(_encode(Forked(pid=number)), (pidfd,))
    except OSError:
        # The host gave up on it in the meantime; it is reaped like any other.
        child.kill()
    return child


def _place_of(path: str, surroundings: Surroundings) -> str:
    return path if surroundings.root is None else surroundings.root.find(path)


def _find(pid: int, pidfd: int, surroundings: Surroundings) -> tuple[int, int]:
    """Return the process id that the host knows a child by, and its status file; the file is -1 without ``/proc``."""
    number = pid
    try:
        number = surroundings.number_of(pidfd)
        return number, os.open(f"{number}/status", os.O_RDONLY | os.O_CLOEXEC, dir_fd=surroundings.proc)
    except OSError:
        return number, -1
