"""The host's end of one worker: its socket, its output, its life line.

The worker is treated as hostile. The host waits only until a deadline, reads messages that cannot be longer than a
frame, accepts no descriptors, and believes nothing that `Session` has not checked.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from platform_base.plugins._host.death import Death
from platform_base.plugins._host.output import Output
from platform_base.plugins._host.warden import WardenClient, WardenLostError
from platform_base.plugins._sandbox.cgroup import Cgroup
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins._wire.codec import Limits
from platform_base.plugins._wire.messages import Exited, Forked, ForkFailed, FromWarden, FromWorker
from platform_base.plugins._wire.session import ProtocolError, Session
from platform_base.plugins._wire.unix_socket import BrokenFrameError, FrameSocket, close_descriptors

_decode = msgspec.msgpack.Decoder(FromWarden).decode
_PF_EXITING = 0x4
"""Bit of the ninth field of ``/proc/<pid>/stat``: the kernel is taking the process apart. See proc_pid_stat(5)."""

_BURIAL_S = 5.0
"""How long the warden may take to report a death that has happened; it takes milliseconds."""


class WorkerDiedError(Exception):
    """The worker is dead; `death` says why."""

    def __init__(self, death: Death) -> None:
        self.death = death
        super().__init__(str(death))


class DeadlineError(Exception):
    """The deadline passed before the worker said anything."""


class UndeliveredError(Exception):
    """The worker was dead before it could receive the message: nothing of the call has happened."""


class Connection:
    """One worker. Used by one thread at a time; only `kill` may come from any thread."""

    def __init__(self, warden: WardenClient, number: int, policy: Policy, environment: Mapping[str, str]) -> None:
        """Ask the warden for a worker.

        Raises:
            WardenLostError: There is no warden any more.
            OSError: The kernel refused the fork, or this process has no descriptor left.
        """
        self.number = number
        self.policy = policy
        self.cgroup: Cgroup | None = None
        largest = policy.max_result_bytes
        self.limits = Limits(max_array_bytes=largest, max_list_bytes=largest // 8)
        self.session = Session(max_result_bytes=largest)
        self._lock = threading.Lock()
        self._pidfd = -1
        self._looked_silent = False
        self.silent = False
        """Nothing was printed before the message that was taken last; False: that is not known."""
        self._ready = select.epoll(flags=select.EPOLL_CLOEXEC)
        self._line, their_line = FrameSocket.pair()
        self._control, their_control = FrameSocket.pair()
        output, their_output = os.pipe2(os.O_CLOEXEC)
        self.output = Output(output, max_bytes=policy.max_output_bytes)
        try:
            warden.spawn(
                number,
                policy,
                environment,
                control=their_control.fileno(),
                output=their_output,
                line=their_line.fileno(),
            )
        except WardenLostError:
            self.close()
            raise
        finally:
            their_control.close()
            their_line.close()
            os.close(their_output)
        self._await_fork()
        for source in (self._control, self.output, self._line):
            self._ready.register(source, select.EPOLLIN)

    def _await_fork(self) -> None:
        frame, descriptors = self._line.receive_with_descriptors()
        message = _decode(frame) if frame else None
        if isinstance(message, Forked):
            (self._pidfd,) = descriptors
            self.pid = message.pid
            return
        close_descriptors(descriptors)
        self.close()
        if isinstance(message, ForkFailed):
            raise OSError(f"no worker could be forked: {message.reason}")
        raise WardenLostError("the warden ended while it was asked for a worker")

    @property
    def alive(self) -> bool:
        """Whether the worker still runs and has said nothing on its own account."""
        return all(descriptor == self.output.fileno() for descriptor, _ in self._ready.poll(0))

    def fileno(self) -> int:
        """Return a descriptor that is readable while `look` has something to see."""
        return self._ready.fileno()

    def send(self, frame: bytes, descriptors: tuple[int, ...] = ()) -> None:
        """Send one message.

        Raises:
            UndeliveredError: The worker is dead.
        """
        try:
            # A worker that does not read has a full buffer only if it broke the order of messages.
            self._control.send(frame, descriptors, wait=False)
        except OSError as error:
            raise UndeliveredError(str(error)) from None

    def receive(self, deadline: float | None) -> FromWorker:
        """Wait for the next message, reading the worker's output meanwhile.

        Args:
            deadline: `time.monotonic` seconds; None: wait as long as it takes.

        Raises:
            DeadlineError: Nothing came in time. The worker still runs.
            WorkerDiedError: The worker is dead, or was killed because it broke the protocol.
        """
        while True:
            self.wait(deadline)
            message = self.take()
            if message is not None:
                return message

    def wait(self, deadline: float | None) -> None:
        """Wait until `take` may have something to return, reading the worker's output meanwhile.

        Raises:
            DeadlineError: As `receive`.
        """
        while True:
            remaining_s = None if deadline is None else deadline - time.monotonic()
            if remaining_s is not None and remaining_s <= 0:
                raise DeadlineError
            if self.look(remaining_s):
                return

    def look(self, timeout_s: float | None) -> bool:
        """Wait for so long, read the worker's output, and return whether `take` may have something to return."""
        ready = [descriptor for descriptor, _ in self._ready.poll(timeout_s)]
        # What a worker prints before it speaks is there before its message is, so one look shows both.
        self._looked_silent = bool(ready) and self.output.fileno() not in ready
        if self.output.fileno() in ready:
            self.output.drain()
            if self.output.ended:
                self._ready.unregister(self.output)
            ready.remove(self.output.fileno())
        return bool(ready)

    def take(self, *, spin_s: float = 0.0) -> FromWorker | None:
        """Return the next message if it is there; never sleeps.

        Args:
            spin_s: Try again for so long: a process that sleeps needs 20 to 45 microseconds to run again.

        Raises:
            WorkerDiedError: The worker is dead, or was killed because it broke the protocol.
        """
        self.silent, self._looked_silent = self._looked_silent, False
        try:
            frame = self._try_frame(spin_s)
            if frame is None and self._is_reported_dead():
                # What it said before it died lies in the socket by now.
                frame = self._try_frame(0.0)
                if frame is None:
                    raise WorkerDiedError(self.bury())
            if frame is None:
                return None
            if frame:
                return self.session.receive(frame)
        except (ProtocolError, BrokenFrameError) as error:
            self.kill()
            death = self.bury()
            raise WorkerDiedError(Death(exited=death.exited, broken_protocol=str(error))) from None
        # The channel is closed. If the worker is dead that is its death; if it lives it closed the channel itself.
        closed_by_itself = not self._is_exiting()
        self.kill()
        death = self.bury()
        if closed_by_itself:
            death = Death(exited=death.exited, broken_protocol="it closed its channel")
        raise WorkerDiedError(death)

    def _try_frame(self, spin_s: float) -> bytes | None:
        until = time.monotonic() + spin_s if spin_s else 0.0
        while True:
            try:
                return self._control.receive(wait=False)
            except BlockingIOError:
                if not until or time.monotonic() >= until:
                    return None

    def _is_reported_dead(self) -> bool:
        return any(descriptor == self._line.fileno() for descriptor, _ in self._ready.poll(0))

    def _is_exiting(self) -> bool:
        """Whether the worker is dead or dying; on a busy machine its channel closes long before its end is told."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            return True
        # The second field is the name, in parentheses; a plugin may have put anything into it.
        return bool(int(stat.rpartition(")")[2].split()[6]) & _PF_EXITING)

    def kill(self) -> None:
        """End the worker now; from any thread, at any time."""
        with self._lock:
            if self._pidfd < 0:
                return
            try:
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            except ProcessLookupError:
                return

    def bury(self) -> Death:
        """Wait until the warden has reaped the worker, which is dead or has been killed."""
        line = select.poll()
        line.register(self._line, select.POLLIN)
        if not line.poll(_BURIAL_S * 1000):
            return Death(exited=None)
        frame = self._line.receive()
        message = _decode(frame) if frame else None
        if not isinstance(message, Exited):
            return Death(exited=None)
        if self.cgroup is not None and self.cgroup.ran_out_of_memory:
            message = msgspec.structs.replace(message, killed_for=message.killed_for or "max_memory_mb")
        return Death(exited=message)

    def close(self) -> None:
        """Give back every descriptor; a worker that still runs ends because its line is closed."""
        self._ready.close()
        self._control.close()
        self._line.close()
        self.output.close()
        with self._lock:
            if self._pidfd >= 0:
                os.close(self._pidfd)
                self._pidfd = -1
