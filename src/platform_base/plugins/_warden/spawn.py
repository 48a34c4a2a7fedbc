"""Forking one worker, and what the warden knows of it."""

from __future__ import annotations

import os
import signal
import traceback
from dataclasses import dataclass

import msgspec

from platform_base.plugins._sandbox.base import Baseline
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins._wire.messages import Forked, Spawn
from platform_base.plugins._wire.unix_socket import FrameSocket
from platform_base.plugins._worker import boot

_encode = msgspec.msgpack.Encoder().encode

_BOOT_FAILED = 70
"""Exit status of a worker that could not even say why: EX_SOFTWARE of sysexits.h."""


@dataclass(slots=True, kw_only=True)
class Child:
    """One living worker, as its parent sees it.

    Attributes:
        worker: The number that the host gave it.
        pid: Its process id; stays reserved until the warden reaps it.
        pidfd: Becomes readable when it dies.
        line: Where its end is reported to the host.
        baseline: Memory of the warden at the fork.
        killed_for: The limit for which the warden killed it.
    """

    worker: int
    pid: int
    pidfd: int
    line: FrameSocket
    baseline: Baseline
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
        private = shared = threads = 0
        try:
            with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as status:  # noqa: PTH123
                for row in status:
                    if row.startswith("RssAnon:"):
                        private = int(row.split()[1]) << 10
                    elif row.startswith("RssShmem:"):
                        shared = int(row.split()[1]) << 10
                    elif row.startswith("Threads:"):
                        threads = int(row.split()[1])
        except OSError:
            return 0, 0, 0
        return private, shared, threads

    def close(self) -> None:
        """Give back its descriptors."""
        os.close(self.pidfd)
        self.line.close()


def fork_worker(
    message: Spawn, policy: Policy, *, control: int, output: int, line: FrameSocket, baseline: Baseline
) -> Child:
    """Fork a worker and report it to the host.

    Raises:
        OSError: The kernel refused the fork.
    """
    pid = os.fork()
    if pid == 0:
        try:
            boot.run(policy, message.environment, control=control, output=output, baseline=baseline)
        except BaseException:  # noqa: BLE001  nothing may ever return into the warden's loop
            traceback.print_exc()
        finally:
            os._exit(_BOOT_FAILED)
    pidfd = os.pidfd_open(pid)
    child = Child(worker=message.worker, pid=pid, pidfd=pidfd, line=line, baseline=baseline)
    try:
        line.send(_encode(Forked(pid=pid)), (pidfd,))
    except OSError:
        # The host gave up on it in the meantime; it is reaped like any other.
        child.kill()
    return child
