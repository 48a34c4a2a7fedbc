"""The warden: a small, single-threaded process that forks workers, watches them and reaps them.

It has imported NumPy (and what ``workers.preload`` names) once, so that a new worker costs a fork and not an import.
It never runs plugin code and never reads a byte that a worker wrote: a worker speaks to the host over its own socket;
the warden only passes the descriptor on. When the host dies, by whatever signal, the warden kills its workers and ends.
Where the kernel gives namespaces the warden enters them before its first fork; it is then the child of the process that
the host started.

Started by the host as ``python -I -c "..." <socket> <host pid>`` with an empty environment.
"""

from __future__ import annotations

import gc
import importlib
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from platform_base.plugins._sandbox.confine import prepare, read_baseline
from platform_base.plugins._sandbox.identity import drop_bounding_set
from platform_base.plugins._sandbox.namespaces import (
    Surroundings,
    enter_others,
    enter_processes,
    stay_outside,
)
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins._sandbox.scratch import wipe
from platform_base.plugins._warden.limits import Watch
from platform_base.plugins._warden.spawn import Child, fork_worker
from platform_base.plugins._wire.messages import (
    PROTOCOL_VERSION,
    Allow,
    Exited,
    ForkFailed,
    Spawn,
    Start,
    ToWarden,
    Up,
)
from platform_base.plugins._wire.unix_socket import FrameSocket, close_descriptors
from platform_base.plugins._worker import boot

_decode = msgspec.msgpack.Decoder(ToWarden).decode
_decode_policy = msgspec.msgpack.Decoder(Policy).decode
_encode = msgspec.msgpack.Encoder().encode


class Warden:
    """The loop: requests of the host, deaths of workers, and limits that only a clock can enforce."""

    def __init__(self, host: FrameSocket, host_pidfd: int, start: Start, surroundings: Surroundings) -> None:
        """Import what workers need, and tell the host.

        Args:
            host: The line to the host.
            host_pidfd: The host itself.
            start: What the host wants.
            surroundings: What this process has entered so far.
        """
        self._host = host
        self._host_pidfd = host_pidfd
        self._children: dict[int, Child] = {}
        self._watch = Watch()
        self._poll = select.poll()
        self._poll.register(host, select.POLLIN)
        self._poll.register(host_pidfd, select.POLLIN)
        self._runtime = Path(start.runtime)
        skipped = _import(start.preload)
        boot.open_standard_streams()
        prepare()
        drop_bounding_set()
        # What is alive now stays shared between all workers; the collector would touch and so copy it.
        gc.collect()
        gc.freeze()
        self._baseline = read_baseline()
        threads = sum(1 for _ in Path("/proc/self/task").iterdir())
        if start.namespaces:
            surroundings = enter_others(surroundings, self._runtime, roots=start.roots, shelves=start.shelves)
        self._surroundings = surroundings
        up = Up(
            protocol=PROTOCOL_VERSION,
            threads=threads,
            skipped=skipped,
            namespaces=surroundings.names,
            missing=dict(surroundings.missing),
            visible=surroundings.root.visible if surroundings.root is not None else None,
        )
        self._host.send(_encode(up))

    def serve(self) -> None:
        """Run until the host is gone."""
        while True:
            for descriptor, _ in self._poll.poll(self._watch.timeout_ms(time.monotonic())):
                if descriptor == self._host_pidfd:
                    return
                if descriptor == self._host.fileno():
                    if not self._answer():
                        return
                else:
                    self._bury(descriptor)
            self._watch.look(time.monotonic())

    def end(self) -> None:
        """Kill and reap every worker, and remove what they left."""
        for child in self._children.values():
            child.kill()
        for child in self._children.values():
            os.waitpid(child.pid, 0)
        if self._surroundings.own_processes < 0:
            wipe(self._runtime)

    def _answer(self) -> bool:
        frame, descriptors = self._host.receive_with_descriptors()
        if not frame:
            return False
        message = _decode(frame)
        if isinstance(message, Allow):
            self._watch.allow(message.worker, message.shared_bytes)
        elif isinstance(message, Spawn):
            self._fork(message, descriptors)
        return True

    def _fork(self, message: Spawn, descriptors: list[int]) -> None:
        control, output, line_descriptor = descriptors
        line = FrameSocket.adopt(line_descriptor)
        policy = _decode_policy(message.policy)
        try:
            child = fork_worker(
                message,
                policy,
                control=control,
                output=output,
                line=line,
                baseline=self._baseline,
                surroundings=self._surroundings,
            )
        except OSError as error:
            line.send(_encode(ForkFailed(reason=str(error))))
            line.close()
        else:
            self._children[child.pidfd] = child
            self._poll.register(child.pidfd, select.POLLIN)
            self._watch.add(child, policy, time.monotonic())
            _reseed()
        close_descriptors((control, output))

    def _bury(self, pidfd: int) -> None:
        child = self._children.pop(pidfd)
        self._poll.unregister(pidfd)
        self._watch.remove(child)
        _, status, usage = os.wait4(child.pid, 0)
        report = Exited(
            status=status,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            killed_for=child.killed_for,
            # The worker resets the mark of its own memory at the beginning of each call; see getrusage(2).
            peak_memory_bytes=usage.ru_maxrss << 10,
        )
        try:
            child.line.send(_encode(report), wait=False)
        except OSError:
            # The host has let go of that worker already; there is nobody to tell.
            child.close()
            return
        child.close()


def _reseed() -> None:
    """Give the next fork random numbers of its own; Python's own generator sees to that by itself.

    Here, where nobody waits: in a worker that has just been forked it takes twenty times as long.
    """
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(None)


def _import(modules: Iterable[str]) -> dict[str, str]:
    """Import; return those that could not be, with the reason."""
    skipped: dict[str, str] = {}
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:  # noqa: BLE001  a broken optional module must not keep every plugin from running
            skipped[module] = f"{type(error).__name__}: {error}"
    return skipped


def run(socket_descriptor: int, host_pid: int) -> None:
    """Be the warden of `host_pid`, which holds the other end of `socket_descriptor`."""
    # A signal typed at the terminal is the host's business; the warden ends when the host does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Three descriptors for each worker, and one for each level of the deepest directory that a worker may make.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    host = FrameSocket.adopt(socket_descriptor)
    host_pidfd = os.pidfd_open(host_pid)
    if os.getppid() != host_pid:
        sys.exit("the host ended before its warden had started")
    frame = host.receive()
    start = _decode(frame) if frame else None
    if not isinstance(start, Start):
        sys.exit("the host ended before it had told its warden what to do")
    surroundings = enter_processes(Path(start.runtime)) if start.namespaces else stay_outside()
    warden = Warden(host, host_pidfd, start, surroundings)
    try:
        warden.serve()
    finally:
        warden.end()
