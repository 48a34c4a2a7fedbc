"""Starting, changing, watching and ending processes."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import resource
import signal
import subprocess
import threading

from .kernel import call
from .native import attempt

_HARMLESS = signal.SIGURG


def _fork():
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return child


def fork(inputs):
    return [attempt("os.fork", _fork)]


def raw_fork(inputs):
    """Every way of asking for a process, past what Python runs before a fork."""

    def clone(flags):
        child = call("clone", flags, 0, 0, 0, 0)
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        return child

    return [
        attempt("clone", lambda: clone(signal.SIGCHLD)),
        attempt("clone with shared files", lambda: clone(signal.SIGCHLD | 0x400)),
        attempt("fork", lambda: _reap(call("fork"))),
        attempt("clone3", lambda: call("clone3", ctypes.create_string_buffer(64), 64)),
    ]


def _reap(child):
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return child


def fork_bomb(inputs):
    rows = []
    for _ in range(50):
        rows.append(attempt("fork", _fork))
    return rows


def double_fork(inputs):
    return [attempt("fork", _fork), attempt("setsid", os.setsid)]


def shell(inputs):
    """os.system forks inside the C library and answers with a wait status."""

    def run():
        status = os.system("true")
        if status:
            raise OSError(1, f"status {status}")
        return status

    return [attempt("os.system", run)]


def run_program(inputs):
    return [attempt("subprocess", lambda: subprocess.run(["/bin/true"], check=True))]


def spawn(inputs):
    return [
        attempt("posix_spawn", lambda: os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)),
        attempt("vfork", lambda: os.waitpid(os.posix_spawn("/bin/true", ["true"], {}, setsigdef=[]), 0)),
    ]


def replace_itself(inputs):
    return [
        attempt("execv", lambda: os.execv("/bin/sh", ["sh", "-c", "true"])),
        attempt("execveat", lambda: call("execveat", -100, b"/bin/sh", None, None, 0)),
    ]


def execute_memory(inputs):
    """A program that has no path."""

    def run():
        descriptor = os.memfd_create("program", 0)
        os.write(descriptor, b"#!/bin/sh\ntrue\n")
        os.execve(descriptor, ["program"], {})

    return [attempt("memfd_create", run), attempt("memfd_secret", lambda: call("memfd_secret", 0))]


def execute_through_loader(inputs):
    """The dynamic loader executes what it is given, if it can be executed itself."""
    loaders = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1")
    return [attempt(path, lambda path=path: os.execv(path, [path, "/bin/true"])) for path in loaders]


def pool(inputs):
    def run():
        with multiprocessing.get_context("fork").Pool(1) as made:
            return made.map(abs, [-1])

    return [attempt("multiprocessing", run)]


def threads(inputs):
    """As many threads as can be had; all of them wait for one event."""
    go = threading.Event()
    started = []
    threading.stack_size(64 << 10)

    def start():
        for _ in range(inputs["count"]):
            thread = threading.Thread(target=go.wait, daemon=True)
            thread.start()
            started.append(thread)
        _compute_until_seen()

    row = attempt("threads", start)
    go.set()
    for thread in started:
        thread.join()
    threading.stack_size(0)
    return [[*row[:2], str(len(started))]]


def _compute_until_seen():
    for _ in range(5_000_000):
        os.getpid()


def disguised_threads(inputs):
    """The name of a process stands in the file that the warden reads: it must not be taken for one of its lines."""
    name = ctypes.create_string_buffer(b"x\nThreads:\t1\n")
    call("prctl", 15, name, 0, 0, 0)
    return threads(inputs)


def bare_threads(inputs):
    import _thread

    lock = _thread.allocate_lock()
    lock.acquire()
    started = 0

    def start():
        nonlocal started
        for _ in range(inputs["count"]):
            _thread.start_new_thread(lock.acquire, ())
            started += 1
        _compute_until_seen()

    row = attempt("threads", start)
    for _ in range(started):
        lock.release() if lock.locked() else None
    return [[*row[:2], str(started)]]


def namespaces(inputs):
    flags = {
        "user": 0x10000000,
        "mount": 0x20000,
        "pid": 0x20000000,
        "network": 0x40000000,
        "ipc": 0x8000000,
        "host name": 0x4000000,
        "cgroup": 0x2000000,
        "time": 0x80,
    }
    return [attempt(f"unshare {name}", lambda f=flag: call("unshare", f)) for name, flag in flags.items()]


def namespaces_by_clone(inputs):
    flags = {"user": 0x10000000, "mount": 0x20000, "pid": 0x20000000, "network": 0x40000000}
    return [
        attempt(f"clone {name}", lambda f=flag: _reap(call("clone", f | signal.SIGCHLD, 0, 0, 0, 0)))
        for name, flag in flags.items()
    ]


def enter_namespace(inputs):
    return [attempt("setns", lambda: call("setns", 3, 0))]


def trace(inputs):
    rows = []
    for name in ("host_pid", "warden_pid", "bystander_pid"):
        rows.append(attempt(f"attach to {name}", lambda n=name: call("ptrace", 16, inputs[n], 0, 0)))
        rows.append(attempt(f"seize {name}", lambda n=name: call("ptrace", 0x4206, inputs[n], 0, 0)))
    return [*rows, attempt("trace me", lambda: call("ptrace", 0, 0, 0, 0))]


def foreign_memory(inputs):
    buffer = ctypes.create_string_buffer(8)
    vector = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 8)
    rows = []
    for name in ("host_pid", "warden_pid", "bystander_pid"):
        for what in ("process_vm_readv", "process_vm_writev"):
            rows.append(attempt(f"{what} {name}", lambda w=what, n=name: call(w, inputs[n], vector, 1, vector, 1, 0)))
    return rows


def foreign_advice(inputs):
    return [
        attempt("process_madvise", lambda: call("process_madvise", 3, None, 0, 0, 0)),
        attempt("process_mrelease", lambda: call("process_mrelease", 3, 0)),
        attempt("kcmp", lambda: call("kcmp", inputs["host_pid"], inputs["warden_pid"], 0, 0, 0)),
        attempt("move_pages", lambda: call("move_pages", inputs["host_pid"], 0, None, None, None, 0)),
        attempt("migrate_pages", lambda: call("migrate_pages", inputs["host_pid"], 0, None, None)),
    ]


def _signals_to(inputs, name):
    pid = inputs[name]
    return [
        attempt(f"kill {name}", lambda: os.kill(pid, _HARMLESS)),
        attempt(f"tgkill {name}", lambda: call("tgkill", pid, pid, _HARMLESS)),
        attempt(f"tkill {name}", lambda: call("tkill", pid, _HARMLESS)),
        attempt(f"sigqueue {name}", lambda: call("rt_sigqueueinfo", pid, _HARMLESS, ctypes.create_string_buffer(128))),
        attempt(f"kill group of {name}", lambda: os.kill(-pid, 0)),
    ]


def signal_host(inputs):
    return _signals_to(inputs, "host_pid")


def signal_warden(inputs):
    return _signals_to(inputs, "warden_pid")


def signal_sibling(inputs):
    return _signals_to(inputs, "bystander_pid")


def signal_all(inputs):
    """With signal 0, which is checked like any other and does nothing."""
    return [attempt("kill(-1)", lambda: os.kill(-1, 0)), attempt("kill(0)", lambda: os.kill(0, 0))]


def handles(inputs):
    return [
        attempt("pidfd_open", lambda: call("pidfd_open", inputs["host_pid"], 0)),
        attempt("pidfd_getfd", lambda: call("pidfd_getfd", 3, 0, 0)),
        attempt("pidfd_send_signal", lambda: call("pidfd_send_signal", 3, 0, None, 0)),
    ]


def outlive(inputs):
    return [
        attempt("PR_SET_PDEATHSIG", lambda: call("prctl", 1, 0, 0, 0, 0)),
        attempt("PR_SET_CHILD_SUBREAPER", lambda: call("prctl", 36, 1, 0, 0, 0)),
    ]


def open_up(inputs):
    return [
        attempt("PR_SET_DUMPABLE", lambda: call("prctl", 4, 1, 0, 0, 0)),
        attempt("PR_SET_PTRACER", lambda: call("prctl", 0x59616D61, -1, 0, 0, 0)),
        attempt("PR_SET_SECCOMP", lambda: call("prctl", 22, 1, 0, 0, 0)),
        attempt("PR_SET_MM", lambda: call("prctl", 35, 1, 0, 0, 0)),
        attempt("PR_CAP_AMBIENT", lambda: call("prctl", 47, 2, 1, 0, 0)),
        attempt("PR_SET_SECUREBITS", lambda: call("prctl", 28, 0, 0, 0, 0)),
        attempt("PR_SET_KEEPCAPS", lambda: call("prctl", 8, 1, 0, 0, 0)),
    ]


def raise_limits(inputs):
    kinds = ("NOFILE", "AS", "DATA", "FSIZE", "CORE", "STACK", "MEMLOCK")
    rows = []
    for kind in kinds:
        limit = getattr(resource, f"RLIMIT_{kind}")
        rows.append(attempt(kind, lambda limit=limit: resource.setrlimit(limit, (resource.RLIM_INFINITY,) * 2)))
    return [*rows, attempt("prlimit host", lambda: resource.prlimit(inputs["host_pid"], resource.RLIMIT_NOFILE))]


def more_filters(inputs):
    return [
        attempt("seccomp", lambda: call("seccomp", 1, 0, b"\0" * 16)),
        attempt("landlock_create_ruleset", lambda: call("landlock_create_ruleset", None, 0, 1)),
        attempt("landlock_restrict_self", lambda: call("landlock_restrict_self", 3, 0)),
    ]


def _set_file_system_user(uid):
    """setfsuid never says no: only a second call tells whether the first one did anything."""
    call("setfsuid", uid)
    now = call("setfsuid", uid)
    if now != uid:
        raise PermissionError(1, "nothing changed")
    return now


def become_root(inputs):
    return [
        attempt("setuid", lambda: os.setuid(0)),
        attempt("setresuid", lambda: os.setresuid(0, 0, 0)),
        attempt("setgid", lambda: os.setgid(0)),
        attempt("setgroups", lambda: os.setgroups([0])),
        attempt("setfsuid", lambda: _set_file_system_user(0)),
        attempt("capset", lambda: call("capset", b"\x22\x05\x08\x20\0\0\0\0", b"\xff" * 24)),
    ]


def become_sibling(inputs):
    other = (
        os.stat(inputs["bystander_scratch"]).st_uid if os.path.exists(inputs["bystander_scratch"]) else os.getuid() + 1
    )
    return [attempt("setuid", lambda: os.setuid(other)), attempt("setreuid", lambda: os.setreuid(other, other))]


def rights(inputs):
    """User ids, groups and capability sets as the kernel tells them."""
    header = ctypes.create_string_buffer(b"\x22\x05\x08\x20\0\0\0\0", 8)
    sets = ctypes.create_string_buffer(24)
    call("capget", header, sets)
    return {
        "uids": list(os.getresuid()),
        "gids": list(os.getresgid()),
        "groups": os.getgroups(),
        "capabilities": sets.raw.hex(),
        "no_new_privs": call("prctl", 39, 0, 0, 0, 0),
    }


def leave_group(inputs):
    return [attempt("setsid", os.setsid), attempt("setpgid", lambda: os.setpgid(0, 0))]


def schedule(inputs):
    return [
        attempt("affinity", lambda: os.sched_setaffinity(0, range(os.cpu_count() or 1))),
        attempt("nice", lambda: os.setpriority(os.PRIO_PROCESS, 0, -5)),
        attempt("nice of host", lambda: os.setpriority(os.PRIO_PROCESS, inputs["host_pid"], 19)),
        attempt("real time", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))),
        attempt("input and output", lambda: call("ioprio_set", 1, 0, 0)),
    ]


def count_processes(inputs):
    """Asks for every process number whether it is there; EPERM for all of them says nothing."""
    seen = {}
    for pid in range(2, 5000):
        if pid != os.getpid():
            code = attempt("kill", lambda pid=pid: os.kill(pid, 0))[1]
            seen[code] = seen.get(code, 0) + 1
    return seen


def sigio(inputs):
    import fcntl

    return [
        attempt("F_SETOWN", lambda: fcntl.fcntl(3, fcntl.F_SETOWN, inputs["host_pid"])),
        attempt("F_SETSIG", lambda: fcntl.fcntl(3, 10, signal.SIGKILL)),
        attempt("F_SETOWN_EX", lambda: fcntl.fcntl(3, 15, b"\0" * 8)),
    ]


def timer_at(inputs):
    """A timer that signals a thread of the host."""
    event = bytearray(64)
    event[8:12] = int(signal.SIGURG).to_bytes(4, "little")
    event[12:16] = (4).to_bytes(4, "little")
    event[16:20] = inputs["host_pid"].to_bytes(4, "little")
    timer = ctypes.create_string_buffer(8)
    return [attempt("timer_create", lambda: call("timer_create", 1, bytes(event), timer))]


def _files_of(pid):
    names = (
        "environ",
        "mem",
        "maps",
        "smaps",
        "cmdline",
        "status",
        "stat",
        "fd/0",
        "auxv",
        "io",
        "stack",
        "syscall",
        "task",
        "ns/pid",
        "exe",
    )
    return [attempt(f"{pid}/{name}", lambda n=name: open_and_close_proc(f"/proc/{pid}/{n}")) for name in names]


def open_and_close_proc(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 16) if not os.path.isdir(path) else "directory"
    finally:
        os.close(descriptor)


def proc_of_host(inputs):
    return _files_of(inputs["host_pid"]) + _files_of(inputs["warden_pid"]) + _files_of(1)


def proc_of_sibling(inputs):
    return _files_of(inputs["bystander_pid"])


def proc_of_itself(inputs):
    """But for links to what may be opened anyway: the interpreter, /dev/null, and namespaces, which setns(2) guards."""
    rows = _files_of("self") + _files_of("thread-self")
    return [row for row in rows if not row[0].endswith(("/exe", "/fd/0", "/ns/pid"))]


def links_in_proc(inputs):
    """Landlock does not look at readlink(2); what these links belong to is guarded otherwise."""
    rows = []
    for name in ("host_pid", "warden_pid", "bystander_pid"):
        for link in ("exe", "cwd", "root", "fd/0", "ns/net"):
            rows.append(attempt(f"{name} {link}", lambda n=name, li=link: os.readlink(f"/proc/{inputs[n]}/{li}")))
    return rows


def stat_in_proc(inputs):
    return [attempt("stat", lambda: os.stat(f"/proc/{inputs['host_pid']}").st_uid)]


def system_control(inputs):
    names = (
        "/proc/sys/kernel/hostname",
        "/proc/sysrq-trigger",
        "/proc/self/oom_score_adj",
        "/proc/self/mem",
        "/proc/self/uid_map",
        "/proc/self/comm",
        "/proc/self/coredump_filter",
        "/sys/kernel/mm/ksm/run",
        "/sys/fs/cgroup/cgroup.procs",
        "/proc/self/attr/current",
    )
    return [attempt(name, lambda n=name: os.close(os.open(n, os.O_WRONLY))) for name in names]


def clear_refs(inputs):
    """The one file of /proc that a worker holds: it takes numbers, for itself only."""
    os.write(4, b"1")
    return [attempt("read", lambda: os.read(4, 1)), attempt("more", lambda: os.write(4, b"x" * 100))]
