"""A plugin that may start processes, and what it does with that right."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import socket
import subprocess
import threading
import time

import numpy as np

from platform_base.core.models import ProcessingResult

_FORK = 57 if os.uname().machine == "x86_64" else 220
_FOREVER = 3600


class Parent:
    def execute(self, inputs):
        return ProcessingResult(values=getattr(self, inputs["do"])(inputs))

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {"plugin_id": "parent", "version": "1.0.0"}

    # -- honest work -----------------------------------------------------------------------------------------------

    def answer(self, inputs):
        return 42

    def exit_status(self, inputs):
        child = os.fork()
        if child == 0:
            os._exit(7)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def process_with_pipe(self, inputs):
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        process = context.Process(target=_send_squares, args=(theirs,))
        process.start()
        received = ours.recv()
        process.join()
        return [received, process.exitcode]

    def pool(self, inputs):
        with multiprocessing.get_context("fork").Pool(3) as pool:
            result = pool.map(_square, range(100))
            pool.close()
            pool.join()
        return sum(result)

    def queue_and_lock(self, inputs):
        context = multiprocessing.get_context("fork")
        queue, lock = context.Queue(), context.Lock()
        processes = [context.Process(target=_put, args=(queue, lock, number)) for number in range(3)]
        for process in processes:
            process.start()
        found = sorted(queue.get() for _ in processes)
        for process in processes:
            process.join()
        return found

    def terminated_child(self, inputs):
        child = _sleeper()
        os.kill(child, signal.SIGTERM)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    # -- too many --------------------------------------------------------------------------------------------------

    def bomb(self, inputs):
        """Ask for processes that stay, until it is refused, and stay too."""
        for _ in range(500):
            try:
                _sleeper()
            except OSError:
                break
        time.sleep(_FOREVER)

    def chain_reaction(self, inputs):
        """Every process starts others, for ever."""
        while True:
            try:
                os.fork()
            except OSError:
                continue

    def zombies(self, inputs):
        """Processes that nobody waits for."""
        for _ in range(500):
            try:
                if os.fork() == 0:
                    os._exit(0)
            except OSError:
                break
        time.sleep(_FOREVER)

    def family_of_threads(self, inputs):
        """Threads, shared out among processes so that none has too many; return how many there were at once."""
        receive, send = os.pipe()
        gate, opener = os.pipe()
        for _ in range(4):
            if os.fork() == 0:
                os.read(gate, 1)
                started = _start_threads(12)
                os.write(send, f"{started}\n".encode())
                time.sleep(_FOREVER)
        os.write(opener, b"1234")
        with os.fdopen(receive) as lines:
            return [int(lines.readline()) for _ in range(4)]

    # -- outliving -------------------------------------------------------------------------------------------------

    def leave_child(self, inputs):
        return _sleeper()

    def leave_orphan(self, inputs):
        """A daemon: its parent is gone, and it ignores every signal that can be ignored."""
        receive, send = os.pipe()
        child = os.fork()
        if child == 0:
            if os.fork() == 0:
                for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                    signal.signal(number, signal.SIG_IGN)
                os.write(send, b"x")
                time.sleep(_FOREVER)
            os._exit(0)
        os.waitpid(child, 0)
        return os.read(receive, 1) == b"x"

    def leave_busy_child(self, inputs):
        if os.fork() == 0:
            _burn(_FOREVER)
        return True

    def die_before_child(self, inputs):
        """End while a child holds the channel to the host, made past what Python runs after a fork."""
        if _bare_fork() == 0:
            time.sleep(_FOREVER)
        os._exit(3)

    def child_holds_on(self, inputs):
        """Never answer, with a child that would."""
        _sleeper()
        time.sleep(_FOREVER)

    def return_twice(self, inputs):
        """The child comes back from the call as well."""
        os.fork()
        return 1

    def child_speaks(self, inputs):
        """The child writes into the channel before its parent does."""
        child = _bare_fork()
        if child == 0:
            os.write(3, b"\xc1 from a child")
            os._exit(0)
        os.waitpid(child, 0)
        return 1

    # -- too much --------------------------------------------------------------------------------------------------

    def child_over_the_limit(self, inputs):
        """One process alone asks for more than all may have."""
        child = os.fork()
        if child == 0:
            try:
                np.ones(1 << 27)
            except MemoryError:
                os._exit(9)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def together_over_the_limit(self, inputs):
        """Each process stays below the limit, all of them do not."""
        for _ in range(4):
            if os.fork() == 0:
                kept = np.ones(inputs["megabytes"] << 17)
                time.sleep(_FOREVER + kept[0])
        time.sleep(_FOREVER)

    def burn(self, inputs):
        """Compute in several processes at once; return the CPU time and the time that passed, seconds."""
        receive, send = os.pipe()
        began = time.monotonic()
        for _ in range(3):
            if os.fork() == 0:
                _burn(inputs["seconds"])
                os.write(send, f"{time.process_time():.4f}\n".encode())
                os._exit(0)
        os.close(send)
        for _ in range(3):
            os.wait()
        passed = time.monotonic() - began
        with os.fdopen(receive) as lines:
            return [sum(map(float, lines)), passed]

    def burn_for_ever(self, inputs):
        """Use up CPU seconds, in processes that have only a part of them each."""
        for _ in range(3):
            if os.fork() == 0:
                _burn(_FOREVER)
        time.sleep(_FOREVER)

    def goad(self, inputs):
        """Let each other go on whenever one of them is stopped."""
        receive, send = os.pipe()
        began = time.monotonic()
        family = []
        for _ in range(3):
            child = os.fork()
            if child == 0:
                until = time.monotonic() + inputs["seconds"]
                while time.monotonic() < until:
                    for other in range(2, 12):
                        try:
                            os.kill(other, signal.SIGCONT)
                        except OSError:
                            continue
                os.write(send, f"{time.process_time():.4f}\n".encode())
                os._exit(0)
            family.append(child)
        os.close(send)
        for _ in family:
            os.wait()
        passed = time.monotonic() - began
        with os.fdopen(receive) as lines:
            return [sum(map(float, lines)), passed]

    # -- what a child may not do either ----------------------------------------------------------------------------

    def try_in_child(self, inputs):
        """Rows of attempt and error number, of the child of a child."""
        receive, send = os.pipe()
        child = os.fork()
        if child == 0:
            inner = os.fork()
            if inner == 0:
                for name, attempt in _attempts(inputs).items():
                    os.write(send, f"{name} {_number(attempt)}\n".encode())
                os._exit(0)
            os.waitpid(inner, 0)
            os._exit(0)
        os.close(send)
        os.waitpid(child, 0)
        with os.fdopen(receive) as lines:
            return [line.split() for line in lines]

    def signal_everybody(self, inputs):
        """Kill all that can be seen: the plugin's own processes, and nobody else."""
        child = _sleeper()
        os.kill(-1, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _attempts(inputs):
    libc = ctypes.CDLL(None, use_errno=True)

    def checked(result):
        if result < 0:
            raise OSError(ctypes.get_errno(), "")

    return {
        "secret": lambda: open(inputs["secret"]).close(),
        "write": lambda: open(inputs["victim"], "a").close(),
        "socket": lambda: socket.socket().close(),
        "program": lambda: subprocess.run(["/bin/true"], check=True),
        "execute": lambda: os.execv("/bin/true", ["true"]),
        "namespace": lambda: checked(libc.unshare(0x10000000)),
        "clone": lambda: checked(libc.syscall(56 if _FORK == 57 else 220, 0x10000000 | 17, 0, 0, 0, 0)),
        "shared": lambda: checked(libc.syscall(56 if _FORK == 57 else 220, 0x100 | 17, 0, 0, 0, 0)),
        "session": os.setsid,
        "group": lambda: os.setpgid(0, 0),
        "host": lambda: os.kill(inputs["host_pid"], 0),
        "sibling": lambda: os.kill(inputs["bystander_pid"], 0),
        "trace": lambda: checked(libc.ptrace(16, 1, 0, 0)),
        "root": lambda: os.setresuid(0, 0, 0),
    }


def _number(attempt):
    try:
        attempt()
    except OSError as error:
        return error.errno
    return 0


def _bare_fork():
    libc = ctypes.CDLL(None)
    return libc.syscall(56 if _FORK == 57 else 220, signal.SIGCHLD, 0, 0, 0, 0)


def _sleeper():
    child = os.fork()
    if child == 0:
        time.sleep(_FOREVER)
        os._exit(0)
    return child


def _start_threads(most):
    for started in range(most):
        try:
            threading.Thread(target=time.sleep, args=(_FOREVER,), daemon=True).start()
        except RuntimeError:
            return started
    return most


def _burn(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        sum(range(2000))


def _square(number):
    return number * number


def _send_squares(end):
    end.send([_square(number) for number in range(5)])


def _put(queue, lock, number):
    with lock:
        queue.put(number)
