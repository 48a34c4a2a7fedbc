"""The processes that one worker has started, as the warden sees them through the ``/proc`` of the host.

They are all in the worker's process id namespace: an orphan becomes a child of the worker, which is process 1 there,
and when the worker ends the kernel kills every one of them. So the tree below the worker is complete, and what is
counted here is counted against the worker. Source: pid_namespaces(7), proc_tid_children(5).
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

_ROUNDS = 4
"""How often a tree is looked through that grows while it is stopped; the next look goes on where this one ends."""
_HALTED = frozenset("TtZX")


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What one process holds.

    Attributes:
        private: Resident anonymous memory, bytes.
        shared: Resident shared memory, bytes.
        threads: How many it has.
        state: A letter, as in proc_pid_status(5).
        inner: The process id by which the warden knows it; 0 where it is not said.
    """

    private: int = 0
    shared: int = 0
    threads: int = 0
    state: str = "X"
    inner: int = 0


def read_status(status: bytes) -> Memory:
    """Read the ``status`` file of a process."""
    private = shared = threads = inner = 0
    state = "X"
    for row in status.split(b"\n"):  # not splitlines: a plugin may name its process with a carriage return
        if row.startswith(b"RssAnon:"):
            private = int(row.split()[1]) << 10
        elif row.startswith(b"RssShmem:"):
            shared = int(row.split()[1]) << 10
        elif row.startswith(b"Threads:"):
            threads = int(row.split()[1])
        elif row.startswith(b"State:"):
            state = row.split()[1].decode("ascii")
        elif row.startswith(b"NSpid:"):
            # From the outermost namespace to the process's own, which is one below the warden's.
            inner = int(row.split()[-2]) if len(row.split()) > 2 else 0
    return Memory(private=private, shared=shared, threads=threads, state=state, inner=inner)


def check_countable(proc: int) -> None:
    """Make sure that the kernel tells the children of a process: ``CONFIG_PROC_CHILDREN``.

    Raises:
        OSError: It does not.
    """
    os.close(os.open("thread-self/children", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc))


class Family:
    """The processes below one worker."""

    def __init__(self, proc: int, number: int) -> None:
        """Begin with a worker that has no child yet.

        Args:
            proc: Descriptor of the host's ``/proc``.
            number: The process id by which the host knows the worker.
        """
        self._proc = proc
        self._number = number
        self._used: dict[int, float] = {}
        self._spent_s = 0.0
        self._looked = time.monotonic()

    def look(self, now: float) -> tuple[list[Memory], float]:
        """Return what the processes hold, and the CPU time that they have used so far, seconds.

        A process that has come and gone between two looks is not seen. One that was seen and is gone may have computed
        until now, and is charged with that: its parent need not have waited for it, so the kernel may not say.
        """
        found, used = [], {}
        for number, member in self._members():
            found.append(member)
            clock = _cpu_clock(member.inner)
            used[number] = clock
            self._spent_s += max(0.0, clock - self._used.get(number, 0.0))
        self._spent_s += sum(now - self._looked for number in self._used if number not in used)
        self._used, self._looked = used, now
        return found, self._spent_s

    def halt(self) -> None:
        """Stop every process that runs; the worker itself is stopped already, but not those that it has started."""
        for _ in range(_ROUNDS):
            running = [member for _, member in self._members() if member.state not in _HALTED]
            if not running:
                return
            for member in running:
                _send(member, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let every process run again."""
        for _, member in self._members():
            _send(member, signal.SIGCONT)

    def _members(self) -> Iterator[tuple[int, Memory]]:
        waiting = list(self._children(self._number))
        while waiting:
            number = waiting.pop()
            status = self._read(f"{number}/status")
            if status:
                yield number, read_status(status)
                waiting += self._children(number)

    def _children(self, number: int) -> Iterator[int]:
        try:
            tasks = os.open(f"{number}/task", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._proc)
        except (FileNotFoundError, ProcessLookupError):
            return
        try:
            names = os.listdir(tasks)
        except ProcessLookupError:
            return
        finally:
            os.close(tasks)
        for name in names:
            yield from map(int, self._read(f"{number}/task/{name}/children").split())

    def _read(self, name: str) -> bytes:
        """Read a file of the ``/proc``; nothing where the process has just ended."""
        try:
            with open(os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._proc), "rb") as file:  # noqa: PTH123
                return file.read()
        except (FileNotFoundError, ProcessLookupError):
            return b""


def _cpu_clock(pid: int) -> float:
    try:
        # The kernel's name for the CPU clock of a whole process: see clock_getcpuclockid(3).
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def _send(member: Memory, number: signal.Signals) -> None:
    # The number was read microseconds ago; the kernel hands it out again only after all others.
    try:
        os.kill(member.inner, number)
    except ProcessLookupError:
        return
