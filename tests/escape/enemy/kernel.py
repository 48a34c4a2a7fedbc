"""System calls that a computation does not need."""

from __future__ import annotations

import ctypes
import mmap
import os
import random
import struct
import termios

from .native import attempt

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_numbers = {}
_PATH = b"/nowhere"


def learn(numbers):
    _numbers.update(numbers)


def call(name, *arguments):
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    if name not in _numbers:
        raise OSError(38, f"{name} is not in the table")
    result = _libc.syscall(ctypes.c_long(_numbers[name]), *words)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def plain(inputs):
    """One system call, with arguments that would do no harm if it got through."""
    name = inputs["call"]
    arguments = [
        _PATH if word == "path" else ctypes.create_string_buffer(256) if word == "buffer" else word
        for word in inputs["arguments"]
    ]
    return [attempt(name, lambda: call(name, *arguments))]


def _run_code(code):
    page = mmap.mmap(
        -1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    )
    page.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    return ctypes.CFUNCTYPE(ctypes.c_long)(address)()


def other_table(inputs):
    """The x32 system call table, behind bit 30."""
    return _libc.syscall(ctypes.c_long(0x40000000 + 39))


def interrupt_80(inputs):
    """The 32-bit table: mov eax, 20 (getpid); int 0x80; ret."""
    return _run_code(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")


def illegal_instruction(inputs):
    return _run_code(b"\x0f\x0b")


def machine_code(inputs):
    """mov eax, 7; ret: not forbidden, a compiler needs it."""
    return _run_code(b"\xb8\x07\x00\x00\x00\xc3")


def terminal(inputs):
    import fcntl

    return [
        attempt("TIOCSTI", lambda: fcntl.ioctl(0, termios.TIOCSTI, b"x")),
        attempt("TIOCLINUX", lambda: fcntl.ioctl(0, 0x541C, b"\x03")),
        attempt("TIOCSCTTY", lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 1)),
    ]


def interfaces(inputs):
    import fcntl

    request = struct.pack("16sI12x", b"", 1)
    return [
        attempt("SIOCGIFNAME", lambda: fcntl.ioctl(3, 0x8910, request)),
        attempt("SIOCGIFCONF", lambda: fcntl.ioctl(3, 0x8912, request)),
        attempt("FIOASYNC", lambda: fcntl.ioctl(3, 0x5452, struct.pack("i", 1))),
        attempt("FIOSETOWN", lambda: fcntl.ioctl(3, 0x8901, struct.pack("i", os.getppid()))),
    ]


def unknown_numbers(inputs):
    """Numbers that no kernel has yet."""
    rows = []
    for number in (500, 600, 1000, 4095, 100_000):

        def knock(number=number):
            result = _libc.syscall(ctypes.c_long(number), 0, 0, 0, 0, 0, 0)
            if result < 0:
                raise OSError(ctypes.get_errno(), "refused")
            return result

        rows.append(attempt(f"call {number}", knock))
    return rows


def fuzz(inputs):
    """Random system calls with random arguments, but those that only end the worker or wait for ever."""
    dice = random.Random(inputs["seed"])
    left_out = {
        _numbers.get(name)
        for name in (
            "exit",
            "exit_group",
            "pause",
            "rt_sigsuspend",
            "rt_sigreturn",
            "select",
            "pselect6",
            "poll",
            "ppoll",
            "epoll_wait",
            "epoll_pwait",
            "epoll_pwait2",
            "futex",
            "futex_wait",
            "futex_waitv",
            "rt_sigtimedwait",
            "wait4",
            "waitid",
            "nanosleep",
            "clock_nanosleep",
            "read",
            "readv",
            "recvfrom",
            "recvmsg",
            "flock",
        )
    }
    interesting = (0, 1, 2, 3, 4, -1, 4096, 2**31, 2**63 - 1, os.getpid(), os.getppid())
    done = 0
    for _ in range(inputs["count"]):
        number = dice.randrange(470)
        if number in left_out:
            continue
        arguments = [ctypes.c_long(dice.choice(interesting)) for _ in range(6)]
        _libc.syscall(ctypes.c_long(number), *arguments)
        done += 1
    return done


def foreign_clocks(inputs):
    """The CPU clock of another process: it tells that the process exists, and how busy it is."""
    import time

    rows = []
    for name in ("host_pid", "warden_pid", "bystander_pid"):
        clock = (~inputs[name] << 3) | 2
        rows.append(attempt(f"clock_gettime of {name}", lambda clock=clock: time.clock_gettime(clock)))
        rows.append(attempt(f"clock_getres of {name}", lambda clock=clock: time.clock_getres(clock)))
    return rows


def foreign_groups(inputs):
    """Calls that take a process id and answer for any process."""
    rows = []
    for name in ("host_pid", "bystander_pid"):
        pid = inputs[name]
        rows += [
            attempt(f"getpgid of {name}", lambda pid=pid: os.getpgid(pid)),
            attempt(f"getsid of {name}", lambda pid=pid: os.getsid(pid)),
            attempt(f"getpriority of {name}", lambda pid=pid: os.getpriority(os.PRIO_PROCESS, pid)),
        ]
    return rows


def foreign_schedule(inputs):
    """How another process is scheduled: that it exists, but not what it does."""
    pid = inputs["host_pid"]
    return [
        attempt("sched_getscheduler", lambda: os.sched_getscheduler(pid)),
        attempt("sched_getparam", lambda: os.sched_getparam(pid)),
        attempt("sched_getaffinity", lambda: os.sched_getaffinity(pid)),
        attempt("sched_rr_get_interval", lambda: os.sched_rr_get_interval(pid)),
    ]
