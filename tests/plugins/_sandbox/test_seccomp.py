"""seccomp alone, as root with every capability and as an ordinary user."""

from __future__ import annotations

import array
import ctypes
import errno
import fcntl
import mmap
import os
import platform
import resource
import select
import signal
import socket
import struct
import subprocess
import tempfile
import threading

import pytest

from platform_base.plugins._sandbox import linux
from platform_base.plugins._sandbox.seccomp import Seccomp
from platform_base.plugins._sandbox.syscall_numbers import numbers

pytestmark = pytest.mark.skipif(not linux.machine(), reason="no filter for this machine")
X86 = platform.machine() == "x86_64"
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_long,
]
HOST = os.getpid()


def anonymous(flags):
    """Map 1 MiB and return whether it worked."""
    if LIBC.mmap(None, 1 << 20, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0) == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "mmap")


def in_scratch(act):
    def attack():
        with open("mine", "w") as file:
            file.write("x")
        act()

    return attack


def open_mine(flags):
    return lambda: os.open("mine", flags)


def connected(act):
    def attack():
        left, right = socket.socketpair()
        with left, right:
            act(left)

    return attack


def send_descriptor(line):
    socket.send_fds(line, [b"x"], [0])


def clone(flags):
    return lambda: linux.syscall("clone", flags, 0, 0, 0, 0)


NAMESPACES = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
PERMISSION = {
    "fork": lambda: os._exit(0) if os.fork() == 0 else None,
    "bare clone": clone(signal.SIGCHLD),
    "vfork like clone": clone(0x4000 | 0x100 | signal.SIGCHLD),
    "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "subprocess": lambda: subprocess.run(["/bin/true"]),
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "exec by descriptor": lambda: os.execve(os.open("/bin/true", os.O_RDONLY), ["true"], {}),
    "unshare": lambda: [linux.syscall("unshare", flag) for flag in NAMESPACES],
    "setns": lambda: linux.syscall("setns", 0, 0),
    "chmod": in_scratch(lambda: os.chmod("mine", 0o777)),
    "fchmod": in_scratch(lambda: os.fchmod(os.open("mine", os.O_RDONLY), 0o777)),
    "chown": in_scratch(lambda: os.chown("mine", os.getuid(), -1)),
    "utime": in_scratch(lambda: os.utime("mine", (0, 0))),
    "setxattr": in_scratch(lambda: os.setxattr("mine", "user.x", b"x")),
    "truncate": in_scratch(lambda: os.truncate("mine", 0)),
    "empty by reading": in_scratch(open_mine(os.O_RDONLY | os.O_TRUNC)),
    "empty by mode 3": in_scratch(open_mine(3 | os.O_TRUNC)),
    "memfd": lambda: os.memfd_create("x"),
    "tcp": socket.socket,
    "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "ipv6": lambda: socket.socket(socket.AF_INET6),
    "unix": lambda: socket.socket(socket.AF_UNIX),
    "netlink": lambda: socket.socket(16, socket.SOCK_RAW),
    "vsock": lambda: socket.socket(40),
    "crypto": lambda: socket.socket(38, socket.SOCK_SEQPACKET),
    "inet socketpair": lambda: linux.syscall("socketpair", 2, 1, 0, ctypes.create_string_buffer(8)),
    "send descriptors": connected(send_descriptor),
    "send with address": connected(lambda line: line.sendto(b"x", b"\0host")),
    "attach a program": connected(lambda line: line.setsockopt(1, 26, bytes(16))),
    "pidfd of the peer": connected(lambda line: line.getsockopt(1, 77, 4)),
    "identity of the peer": connected(lambda line: line.getsockopt(1, 17, 12)),
    "signal the host": lambda: os.kill(HOST, 0),
    "signal all": lambda: os.kill(-1, 0),
    "signal the group": lambda: os.kill(0, 0),
    "thread signal": lambda: linux.syscall("tgkill", HOST, HOST, 0),
    "queue a signal": lambda: linux.syscall("rt_sigqueueinfo", HOST, 0, bytes(128)),
    "pidfd": lambda: os.pidfd_open(HOST),
    "ptrace": lambda: linux.syscall("ptrace", 16, HOST, 0, 0),
    "read memory": lambda: linux.syscall("process_vm_readv", HOST, None, 0, None, 0, 0),
    "compare descriptors": lambda: linux.syscall("kcmp", HOST, HOST, 0, 0, 0),
    "signals from a pipe": lambda: fcntl.fcntl(0, fcntl.F_SETOWN, HOST),
    "bigger pipes": lambda: fcntl.fcntl(os.pipe()[0], 1031, 1 << 20),
    "seal": lambda: fcntl.fcntl(0, 1033, 1),
    "clear the death signal": lambda: linux.prctl(linux.PR_SET_PDEATHSIG, 0),
    "be dumpable": lambda: linux.prctl(linux.PR_SET_DUMPABLE, 1),
    "another filter": lambda: linux.syscall("seccomp", 1, 0, None),
    "filter by prctl": lambda: linux.prctl(22, 1),
    "another ruleset": lambda: linux.syscall("landlock_create_ruleset", None, 0, 1),
    "limits of others": lambda: linux.syscall("prlimit64", HOST, 7, None, ctypes.create_string_buffer(16)),
    "set a limit": lambda: linux.syscall("prlimit64", 0, 7, struct.pack("QQ", 10, 10), None),
    "new session": os.setsid,
    "new group": os.setpgrp,
    "set user": lambda: os.setuid(os.getuid()),
    "set groups": lambda: os.setgroups([]),
    "set capabilities": lambda: linux.capset(effective=0, permitted=0),
    "affinity": lambda: os.sched_setaffinity(0, {0}),
    "scheduler": lambda: os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0)),
    "priority": lambda: os.setpriority(os.PRIO_PROCESS, 0, 10),
    "mount": lambda: linux.syscall("mount", b"x", b"/", b"tmpfs", 0, None),
    "chroot": lambda: os.chroot("."),
    "device node": lambda: os.mknod("node", 0o600),
    "by handle": lambda: linux.syscall("open_by_handle_at", 0, None, 0),
    "bpf": lambda: linux.syscall("bpf", 0, None, 0),
    "io_uring": lambda: linux.syscall("io_uring_setup", 1, ctypes.create_string_buffer(256)),
    "perf": lambda: linux.syscall("perf_event_open", None, 0, -1, -1, 0),
    "userfaultfd": lambda: linux.syscall("userfaultfd", 0),
    "keys": lambda: linux.syscall("keyctl", 0, -3, 0, 0, 0),
    "system V memory": lambda: linux.syscall("shmget", 0, 4096, 0o1600),
    "system V messages": lambda: linux.syscall("msgget", 0, 0o1600),
    "message queue": lambda: linux.syscall("mq_open", b"x", 0o102, 0o600, None),
    "lock memory": lambda: linux.syscall("mlockall", 1),
    "watch files": lambda: linux.syscall("inotify_init1", 0),
    "move pages": lambda: linux.syscall("vmsplice", 0, None, 0, 0),
    "personality": lambda: linux.syscall("personality", 0xFFFFFFFF),
    "set the clock": lambda: linux.syscall("clock_settime", 0, struct.pack("QQ", 0, 0)),
    "reboot": lambda: linux.syscall("reboot", 0, 0, 0, None),
}
OTHER = {
    "shared anonymous memory": (errno.ENOMEM, lambda: anonymous(mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)),
    "validated shared memory": (errno.ENOMEM, lambda: anonymous(0x03 | mmap.MAP_ANONYMOUS)),
    "memory like a stack": (errno.ENOMEM, lambda: anonymous(mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x100)),
    "huge pages": (errno.ENOMEM, lambda: anonymous(mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000)),
    "clone3": (errno.ENOSYS, lambda: linux.syscall("clone3", bytes(64), 64)),
    "openat2": (errno.ENOSYS, lambda: linux.syscall("openat2", -100, b"/", bytes(24), 24)),
    "list mounts": (errno.EPERM, lambda: linux.syscall("listmount", None, None, 0, 0)),
    "type into the terminal": (errno.ENOTTY, lambda: fcntl.ioctl(0, 0x5412, b"x")),
    "interface names": (errno.ENOTTY, connected(lambda line: fcntl.ioctl(line, 0x8910, bytes(40)))),
    "list attributes": (errno.ENOTSUP, in_scratch(lambda: os.listxattr("mine"))),
}
ATTACKS = {name: (errno.EPERM, attack) for name, attack in PERMISSION.items()} | OTHER


@pytest.mark.parametrize(("code", "attack"), ATTACKS.values(), ids=ATTACKS.keys())
def test_refuses(cell, code, attack):
    report = cell.run(attack, cell.only("seccomp"))

    assert (report.errno, report.signal) == (code, ""), report


@pytest.mark.parametrize("flag", NAMESPACES)
def test_no_thread_in_a_namespace_of_its_own(cell, flag):
    assert cell.run(clone(0x100 | 0x10000 | 0x800 | flag), cell.only("seccomp")).errno == errno.EPERM


def test_an_unknown_number_is_not_implemented(cell):
    def call():
        LIBC.syscall(ctypes.c_long(5000))
        return ctypes.get_errno()

    assert cell.run(call, cell.only("seccomp")).value == errno.ENOSYS


def test_a_limit_cannot_be_changed(cell):
    def change():
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    assert cell.run(change, cell.only("seccomp")).error in ("ValueError", "PermissionError")


@pytest.mark.skipif(not X86, reason="x86_64 only")
def test_the_x32_table_is_death(cell):
    number = 0x40000000 | numbers("x86_64")["getpid"]

    assert cell.run(lambda: LIBC.syscall(ctypes.c_long(number)), cell.only("seccomp")).signal == "SIGSYS"


@pytest.mark.skipif(not X86, reason="x86_64 only")
def test_the_32_bit_table_is_death(cell):
    def call():
        page = mmap.mmap(
            -1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
        )
        page.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # mov eax, getpid; int 0x80; ret
        function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
        return function()

    assert cell.run(call, cell.only("seccomp")).signal == "SIGSYS"


def test_what_a_computation_needs_works(cell):
    def work():
        seen = []
        thread = threading.Thread(target=lambda: seen.append(threading.get_native_id()))
        thread.start()
        thread.join()
        with tempfile.TemporaryFile(dir=".") as file:
            file.write(b"abc")
            file.flush()
            with mmap.mmap(file.fileno(), 3) as shared:
                seen.append(shared[:].decode())
        private = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_EXEC)
        private.close()
        left, right = socket.socketpair()
        left.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
        left.send(b"x")
        seen.append(right.recv(1).decode())
        poll = select.epoll()
        poll.register(left)
        os.kill(os.getpid(), signal.SIGCONT)
        signal.raise_signal(signal.SIGCONT)
        seen.append(resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 0)
        seen.append(os.sched_getaffinity(0) != set())
        return seen[1:]

    assert cell.run(work, cell.only("seccomp")).value == ["abc", "x", True, True]


def test_descriptors_are_received_from_the_host(cell):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs, tempfile.TemporaryFile() as file:
        file.write(b"granted")
        file.flush()
        socket.send_fds(ours, [b"one"], [file.fileno()])

        def receive():
            message, descriptors, _, _ = socket.recv_fds(theirs, 16, 4)
            theirs.send(b"thanks")
            return [message.decode(), os.pread(descriptors[0], 16, 0).decode()]

        assert cell.run(receive, cell.only("seccomp")).value == ["one", "granted"]
        assert ours.recv(16) == b"thanks"


def test_descriptors_cannot_be_sent_to_the_host(cell):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))]

        assert cell.run(lambda: theirs.sendmsg([b"x"], rights), cell.only("seccomp")).errno == errno.EPERM
        ours.setblocking(False)
        with pytest.raises(BlockingIOError):
            ours.recv(16)


def test_probe_installs_nothing():
    found = Seccomp().probe()

    assert found.available
    assert os.waitstatus_to_exitcode(os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)[1]) == 0
