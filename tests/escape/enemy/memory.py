"""Using up memory and the kernel's tables."""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import socket
import sys

import numpy as np

from .kernel import call
from .native import attempt

_KEPT = []
_libc = ctypes.CDLL(None, use_errno=True)


def huge(inputs):
    return np.empty(100 << 30, np.uint8).size


def over_the_limit(inputs):
    return int(np.ones(1 << 30, np.uint8).sum())


def steps(inputs):
    while True:
        _KEPT.append(np.ones(8 << 20, np.uint8))


def small_objects(inputs):
    while True:
        _KEPT.append(bytes(1 << 16))


def python_integers(inputs):
    return (1 << (1 << 33)).bit_length()


def text(inputs):
    grown = "x"
    while True:
        grown += grown


def over_and_over(inputs):
    """Catch the error and go on trying."""
    refused = 0
    for _ in range(50):
        try:
            np.ones(1 << 30, np.uint8)
        except MemoryError:
            refused += 1
    return refused


def after_the_error(inputs):
    """A worker that ran out of memory and caught it can still compute."""
    kept = []
    try:
        while True:
            kept.append(np.ones(4 << 20, np.uint8))
    except MemoryError:
        kept.clear()
        gc.collect()
    return float(np.ones(1000).sum())


def shared_anonymous(inputs):
    flags = mmap.MAP_SHARED | mmap.MAP_ANONYMOUS
    return [attempt("MAP_SHARED", lambda: len(mmap.mmap(-1, 16 << 20, flags=flags)))]


def shared_zero_device(inputs):
    """A shared mapping of /dev/zero is shared anonymous memory under another name."""

    def map_it():
        descriptor = os.open("/dev/zero", os.O_RDWR)
        return len(mmap.mmap(descriptor, 16 << 20))

    return [attempt("MAP_SHARED of /dev/zero", map_it)]


def growing_stack(inputs):
    return [
        attempt(
            "MAP_GROWSDOWN", lambda: len(mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x100))
        )
    ]


def huge_pages(inputs):
    return [
        attempt(
            "MAP_HUGETLB", lambda: len(mmap.mmap(-1, 2 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000))
        )
    ]


def locked_map(inputs):
    return [
        attempt("MAP_LOCKED", lambda: len(mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x2000)))
    ]


def memory_files(inputs):
    return [attempt("memfd_create", lambda: os.memfd_create("m"))]


def page_tables(inputs):
    return [
        attempt(
            "200 GiB",
            lambda: len(mmap.mmap(-1, 200 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=mmap.PROT_READ)),
        )
    ]


def reserved_then_opened(inputs):
    """Reserve without access, which no data limit counts, then ask for access and write.

    The kernel forgets the data limit in mprotect(2) where the mapping would not fit into the address space
    a second time.
    """
    _libc.mmap.restype = ctypes.c_void_p
    _libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    size = 1 << 30
    address = _libc.mmap(None, ctypes.c_size_t(size), 0, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, ctypes.c_long(0))
    if address == ctypes.c_void_p(-1).value or _libc.mprotect(address, size, 3):
        raise MemoryError("refused by the kernel")
    for _ in range(100):
        ctypes.memset(address, 1, size)
    return "written"


def written_then_closed(inputs):
    """Pages that are written and then made read-only leave the data limit; only the warden still sees them."""
    _libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    while True:
        block = mmap.mmap(-1, 8 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        block.write(b"x" * (8 << 20))
        _KEPT.append(block)
        _libc.mprotect(ctypes.addressof(ctypes.c_char.from_buffer(block)), 8 << 20, 1)


def grow_a_map(inputs):
    block = mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return [attempt("mremap", lambda: block.resize(8 << 30))]


def heap(inputs):
    _libc.sbrk.restype = ctypes.c_void_p

    def grow():
        if _libc.sbrk(ctypes.c_ssize_t(2 << 30)) == ctypes.c_void_p(-1).value:
            raise OSError(ctypes.get_errno(), "sbrk")
        return "grown"

    return [attempt("sbrk", grow)]


def recursion(inputs):
    def deeper():
        return deeper() + 1

    return deeper()


def deep_recursion(inputs):
    """No limit on Python's side: the C stack, or memory, ends it."""
    sys.setrecursionlimit(1 << 30)
    nested = []
    for _ in range(3_000_000):
        nested = [nested]
    return repr(nested)[:1]


def machine_recursion(inputs):
    """call itself, for ever."""
    from .kernel import _run_code

    return _run_code(b"\xe8\xfb\xff\xff\xff")


def lock(inputs):
    buffer = ctypes.create_string_buffer(1 << 16)
    return [
        attempt("mlock", lambda: call("mlock", ctypes.addressof(buffer), 1 << 16)),
        attempt("mlock2", lambda: call("mlock2", ctypes.addressof(buffer), 1 << 16, 0)),
        attempt("mlockall", lambda: call("mlockall", 3)),
    ]


def large_pipes(inputs):
    import fcntl

    reading, writing = os.pipe()
    try:
        return [attempt("F_SETPIPE_SZ", lambda: fcntl.fcntl(writing, 1031, 1 << 20))]
    finally:
        os.close(reading)
        os.close(writing)


def descriptors(inputs):
    """Open until it fails."""
    opened = []

    def open_all():
        while True:
            opened.append(os.open("/dev/null", os.O_RDONLY))

    row = attempt("open", open_all)
    for descriptor in opened:
        os.close(descriptor)
    return [[*row[:2], str(len(opened))]]


def high_descriptor(inputs):
    """A descriptor of a large number needs a large table."""
    import fcntl

    return [
        attempt("dup2", lambda: os.dup2(1, 1_000_000)),
        attempt("F_DUPFD", lambda: fcntl.fcntl(1, fcntl.F_DUPFD, 100_000)),
    ]


def socket_buffers(inputs):
    """Bytes that wait in sockets are the kernel's memory; how many there can be is bounded by the descriptors."""
    pairs = []
    total = 0

    def fill():
        nonlocal total
        while True:
            one, other = socket.socketpair()
            pairs.append((one, other))
            one.setblocking(False)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 30)
            try:
                while True:
                    total += one.send(b"x" * 65536)
            except BlockingIOError:
                pass

    row = attempt("socketpair", fill)
    for one, other in pairs:
        one.close()
        other.close()
    return [[*row[:2], str(total)]]


def timers(inputs):
    """Timers are pending signals; their number is limited."""
    made = []

    def make():
        while len(made) < 10_000:
            timer = ctypes.create_string_buffer(8)
            call("timer_create", 1, None, timer)
            made.append(int.from_bytes(timer.raw[:4], "little"))

    row = attempt("timer_create", make)
    for timer in made:
        call("timer_delete", timer)
    return [[*row[:2], str(len(made))]]


def signals_pending(inputs):
    import signal

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGRTMIN})

    def queue():
        information = ctypes.create_string_buffer(128)
        information[8:12] = (-1).to_bytes(4, "little", signed=True)
        for _ in range(100_000):
            call("rt_sigqueueinfo", os.getpid(), int(signal.SIGRTMIN), information)

    return [attempt("rt_sigqueueinfo", queue)]


def keep_between_calls(inputs):
    _KEPT.append(np.ones(100 << 20, np.uint8))
    return len(_KEPT)


def keep_input(inputs):
    """Hold on to what was lent for one call."""
    _KEPT.append(inputs["series"])
    return float(sum(array[::512].sum() for array in _KEPT))


def works(inputs):
    """A computation within the limit, several times over."""
    for _ in range(20):
        total = float(np.ones(6 << 20).sum())
    return total
