"""seccomp: the system calls that a computation needs, and no others.

An allow list, assembled here into classic BPF: no library, nothing to compile. What is not on it gets
``ENOSYS``, so that a C library newer than this file falls back; well-known dangerous calls get ``EPERM``,
whose message people understand; another machine's call table (x32, ``int 0x80``) ends the process. Numbers
are found by binary search, about 16 instructions deep, and calls that are allowed whatever their arguments
are answered by the kernel's own cache (Linux 5.11).

Arguments that the kernel takes as ``int`` are compared on 32 bits, as the kernel does, pointers on 64. Why
the less obvious rules are there:

- ``clone`` makes threads only. ``clone3`` has its flags behind a pointer, where no filter can see them. Where the
  policy gives processes, ``clone`` makes plain copies too, and signals go to any process: in the worker's process
  id namespace all are its own.
- ``mmap`` refuses shared anonymous memory and stack-like mappings (``MAP_GROWSDOWN``), which ``RLIMIT_DATA``
  does not count, and huge pages, which come out of a pool of the whole machine.
- ``open`` refuses ``O_RDONLY | O_TRUNC``, which empties a file and which Landlock sees only from ABI 3 on.
- chmod, chown, utime and extended attributes are refused: Landlock covers none of them, and an ordinary
  user's worker could change that user's files.
- ``sendmsg`` could send descriptors to the host, ``sendto`` with an address could reach others.
- ``fcntl`` without ``F_SETOWN`` (signals to the host) and ``F_ADD_SEALS``; ``prctl`` without
  ``PR_SET_PDEATHSIG``.
- socket options are few: some attach BPF programs, one (``SO_PEERPIDFD``) hands out the host.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

from platform_base.plugins._sandbox import linux
from platform_base.plugins._sandbox.base import Availability, Baseline, ConfinementError
from platform_base.plugins._sandbox.no_new_privs import set_no_new_privs
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins._sandbox.syscall_numbers import numbers

_SECCOMP_SET_MODE_FILTER = 1
_SECCOMP_GET_ACTION_AVAIL = 2

KILL_PROCESS = 0x80000000
ALLOW = 0x7FFF0000
_ERRNO = 0x00050000

_LOAD, _JUMP, _JUMP_EQUAL, _JUMP_GREATER_EQUAL, _AND, _RETURN = 0x20, 0x05, 0x15, 0x35, 0x54, 0x06
_OFFSET_NUMBER, _OFFSET_ARCHITECTURE, _OFFSET_ARGUMENTS = 0, 4, 16
_AUDIT_ARCHITECTURE = MappingProxyType({"x86_64": 0xC000003E, "aarch64": 0xC00000B7})
_X32_BIT = 0x40000000
_MAX_INSTRUCTIONS = 4096
_WHOLE = 0xFFFFFFFF

_REMEDY = (
    "run on x86_64 or aarch64 Linux with CONFIG_SECCOMP_FILTER, under a container profile that allows "
    "seccomp(2), or accept it with security.accept_missing: [seccomp]"
)

_ALLOWED = """
read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek close close_range dup dup2 dup3
poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2
eventfd eventfd2 pipe pipe2 timerfd_create timerfd_settime timerfd_gettime signalfd signalfd4
stat fstat lstat newfstatat statx statfs fstatfs access faccessat faccessat2 readlink readlinkat getcwd chdir
fchdir getdents getdents64 mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat symlink
symlinkat ftruncate fallocate fsync fdatasync sync_file_range fadvise64 readahead umask flock copy_file_range
sendfile munmap mremap mprotect madvise brk msync membarrier
rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack
restart_syscall pause futex futex_waitv futex_wake futex_wait futex_requeue set_robust_list set_tid_address
rseq arch_prctl sched_yield sched_get_priority_max sched_get_priority_min getcpu
clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times getitimer setitimer alarm
timer_create timer_settime timer_gettime timer_delete timer_getoverrun
getpid gettid getppid getuid geteuid getgid getegid getresuid getresgid getgroups getpgrp getpgid getsid
getrlimit getrusage getpriority capget sysinfo uname getrandom exit exit_group wait4 waitid
recvfrom recvmsg shutdown getsockname getpeername
"""

_FORBIDDEN = """
fork vfork execve execveat ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp
unshare setns mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick move_mount open_tree
mount_setattr statmount listmount open_tree_attr
socket connect bind listen accept accept4 sendmsg sendmmsg recvmmsg
bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register io_setup io_submit
keyctl add_key request_key landlock_create_ruleset landlock_add_rule landlock_restrict_self seccomp
kexec_load kexec_file_load init_module finit_module delete_module reboot swapon swapoff iopl ioperm
open_by_handle_at name_to_handle_at mknod mknodat
chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat utimensat
setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat file_setattr
truncate memfd_create memfd_secret shmget shmat shmdt shmctl semget semop semctl semtimedop
msgget msgsnd msgrcv msgctl mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr
personality modify_ldt remap_file_pages map_shadow_stack
setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups capset setsid setpgid
setrlimit setpriority ioprio_set sched_setaffinity sched_setscheduler sched_setparam sched_setattr
get_mempolicy set_mempolicy mbind migrate_pages move_pages mincore mlock mlock2 mlockall munlock munlockall
inotify_init inotify_init1 fanotify_init fanotify_mark pidfd_open pidfd_getfd pidfd_send_signal tkill
rt_tgsigqueueinfo get_robust_list clock_settime clock_adjtime settimeofday adjtimex acct quotactl quotactl_fd
syslog sethostname setdomainname vmsplice splice tee lookup_dcookie vhangup sync syncfs
"""

# "This file has none": what programs that copy extended attributes expect to hear.
_WITHOUT_ATTRIBUTES = "getxattr lgetxattr fgetxattr getxattrat listxattr llistxattr flistxattr listxattrat"

Instruction = tuple[int, int, int, int]
"""Operation, jump if true, jump if false, operand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One demand on an argument.

    Attributes:
        argument: Its position, from 0.
        value: What it must be; ``None``: the id of the process that installs the filter.
        mask: Bits that are looked at.
        wide: Compare all 64 bits, as for a pointer; else the lower 32.
    """

    argument: int
    value: int | None
    mask: int = _WHOLE
    wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A call that is allowed when one of the clauses holds.

    Attributes:
        clauses: Each a set of conditions that must all hold.
        otherwise: Error number of the refusal.
    """

    clauses: tuple[tuple[Condition, ...], ...]
    otherwise: int = errno.EPERM


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """An assembled filter.

    Attributes:
        code: Its bytes, with zero wherever the process id belongs.
        own_pid: Positions in `code` where the process id belongs.
    """

    code: bytes
    own_pid: tuple[int, ...]

    def encode(self, pid: int) -> bytes:
        """Return the bytes of the filter for the process `pid`."""
        code = bytearray(self.code)
        for position in self.own_pid:
            struct.pack_into("=I", code, position, pid)
        return bytes(code)


def _one_of(argument: int, *values: int) -> tuple[tuple[Condition, ...], ...]:
    return tuple((Condition(argument=argument, value=value),) for value in values)


def _option(level: int, *names: int) -> tuple[tuple[Condition, ...], ...]:
    return tuple((Condition(argument=1, value=level), Condition(argument=2, value=name)) for name in names)


def _opening(argument: int) -> Check:
    truncate, mode, write_only, read_write = 0o1000, 0o3, 0o1, 0o2
    return Check(
        clauses=(
            (Condition(argument=argument, value=0, mask=truncate),),
            (Condition(argument=argument, value=write_only, mask=mode),),
            (Condition(argument=argument, value=read_write, mask=mode),),
        )
    )


def _process_rules() -> dict[str, Check | int]:
    """What is different for a worker that may start processes, and is alone with them in a process id namespace."""
    clone_vm_thread, clone_new_any = 0x100 | 0x10000, 0x7E020080
    exit_signal_child, bookkeeping = (
        17,
        0x01000000 | 0x00200000 | 0x00100000,
    )  # CHILD_SETTID CHILD_CLEARTID PARENT_SETTID
    return {
        "clone": Check(
            clauses=(
                (Condition(argument=0, value=clone_vm_thread, mask=clone_vm_thread | clone_new_any),),
                (Condition(argument=0, value=exit_signal_child, mask=_WHOLE & ~bookkeeping),),
            )
        ),
        "fork": ALLOW,
        **dict.fromkeys(("kill", "tgkill", "rt_sigqueueinfo"), ALLOW),
    }


def _checks() -> dict[str, Check]:
    """Calls whose arguments decide; the constants are those of both machines."""
    own = ((Condition(argument=0, value=None),),)
    clone_vm_thread, clone_new_any = 0x100 | 0x10000, 0x7E020080
    map_shared, map_anonymous, map_grows_down, map_huge = 0x01, 0x20, 0x100, 0x40000
    map_bits = map_shared | map_anonymous | map_grows_down | map_huge
    socket_level, tcp_level = 1, 6
    # The clock of another process tells that it exists and how much it computes, and needs no right at all. Allowed
    # are the system's clocks, and those that glibc makes for the calling process and thread.
    clocks = Check(
        clauses=(
            (Condition(argument=0, value=0, mask=0xFFFFFFF0),),
            (Condition(argument=0, value=0xFFFFFFFA),),
            (Condition(argument=0, value=0xFFFFFFFE),),
        ),
        otherwise=errno.EINVAL,
    )
    myself = Check(clauses=((Condition(argument=0, value=0),), *own))
    return {
        **dict.fromkeys(("clock_gettime", "clock_getres", "clock_nanosleep", "timer_create"), clocks),
        **dict.fromkeys(("getpgid", "getsid"), myself),
        # These too answer for any process, and so tell which there are.
        **dict.fromkeys(("sched_getparam", "sched_getscheduler", "sched_rr_get_interval"), myself),
        # The C library asks for a thread by its number, and takes ENOSYS for "no affinity here".
        "sched_getaffinity": replace(myself, otherwise=errno.ENOSYS),
        "getpriority": Check(
            clauses=tuple((Condition(argument=0, value=0), Condition(argument=1, value=pid)) for pid in (0, None))
        ),
        "clone": Check(
            clauses=((Condition(argument=0, value=clone_vm_thread, mask=clone_vm_thread | clone_new_any),),)
        ),
        "mmap": Check(
            clauses=tuple(
                (Condition(argument=3, value=bits, mask=map_bits),) for bits in (0, map_anonymous, map_shared)
            ),
            otherwise=errno.ENOMEM,
        ),
        "open": _opening(1),
        "openat": _opening(2),
        "kill": Check(clauses=own),
        "tgkill": Check(clauses=own),
        "rt_sigqueueinfo": Check(clauses=own),
        # TCGETS TIOCGWINSZ FIONREAD FIONBIO FIONCLEX FIOCLEX
        "ioctl": Check(clauses=_one_of(1, 0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451), otherwise=errno.ENOTTY),
        # F_DUPFD to F_SETLKW, F_OFD_*LK*, F_DUPFD_CLOEXEC, F_GETPIPE_SZ, F_GET_SEALS
        "fcntl": Check(clauses=_one_of(1, 0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032, 1034)),
        # PR_GET_DUMPABLE PR_SET_NAME PR_GET_NAME PR_GET_SECCOMP PR_GET_NO_NEW_PRIVS PR_SET_VMA
        "prctl": Check(clauses=_one_of(0, 3, 15, 16, 21, 39, 0x53564D41)),
        "prlimit64": Check(
            clauses=tuple(
                (Condition(argument=2, value=0, wide=True), Condition(argument=0, value=pid)) for pid in (0, None)
            )
        ),
        "socketpair": Check(clauses=_one_of(0, 1)),
        "sendto": Check(clauses=((Condition(argument=4, value=0, wide=True),),)),
        # REUSEADDR SNDBUF RCVBUF KEEPALIVE LINGER RCVTIMEO SNDTIMEO; NODELAY KEEPIDLE KEEPINTVL KEEPCNT
        "setsockopt": Check(clauses=_option(socket_level, 2, 7, 8, 9, 13, 20, 21) + _option(tcp_level, 1, 4, 5, 6)),
        # the same, and TYPE ERROR ACCEPTCONN PROTOCOL DOMAIN
        "getsockopt": Check(
            clauses=_option(socket_level, 2, 3, 4, 7, 8, 9, 13, 20, 21, 30, 38, 39) + _option(tcp_level, 1, 4, 5, 6)
        ),
    }


@cache
def worker_rules(*, processes: bool = False) -> Mapping[str, Check | int]:
    """Return what happens to each system call that is named: `ALLOW`, an error number, or a `Check`.

    Args:
        processes: The worker may start processes.
    """
    rules: dict[str, Check | int] = dict.fromkeys(_ALLOWED.split(), ALLOW)
    rules |= dict.fromkeys(_FORBIDDEN.split(), errno.EPERM)
    rules |= dict.fromkeys(_WITHOUT_ATTRIBUTES.split(), errno.ENOTSUP)
    return MappingProxyType(rules | _checks() | (_process_rules() if processes else {}))


_OWN_PID = -1


def _compare(condition: Condition, miss: int) -> list[Instruction]:
    """Load and compare; fall through on success, jump `miss` instructions past the end on failure."""
    low = _OFFSET_ARGUMENTS + 8 * condition.argument  # both machines are little-endian
    value = _OWN_PID if condition.value is None else condition.value
    code = [(_LOAD, 0, 0, low)]
    if condition.mask != _WHOLE:
        code.append((_AND, 0, 0, condition.mask))
    code.append((_JUMP_EQUAL, 0, miss, value & _WHOLE if value != _OWN_PID else _OWN_PID))
    if condition.wide:
        code = [(_LOAD, 0, 0, low + 4), (_JUMP_EQUAL, 0, miss + len(code), value >> 32), *code]
    return code


def _refusal(number: int) -> Instruction:
    return (_RETURN, 0, 0, _ERRNO | number)


def _action(rule: Check | int) -> list[Instruction]:
    """The instructions that end a call under `rule`; the last one always returns."""
    if not isinstance(rule, Check):
        return [(_RETURN, 0, 0, ALLOW) if rule == ALLOW else _refusal(rule)]
    code: list[Instruction] = []
    for clause in rule.clauses:
        body: list[Instruction] = [(_RETURN, 0, 0, ALLOW)]
        for condition in reversed(clause):
            body = _compare(condition, len(body)) + body
        code += body
    return [*code, _refusal(rule.otherwise)]


def _search(ranges: Sequence[tuple[int, list[Instruction]]]) -> list[Instruction]:
    """A binary search over ranges of call numbers, each given by its first number and its instructions."""
    if len(ranges) == 1:
        return ranges[0][1]
    middle = len(ranges) // 2
    first, (low, high) = ranges[middle][0], (_search(ranges[:middle]), _search(ranges[middle:]))
    # A conditional jump reaches 255 instructions; an unconditional one any distance.
    if len(low) <= 255:
        return [(_JUMP_GREATER_EQUAL, len(low), 0, first), *low, *high]
    return [(_JUMP_GREATER_EQUAL, 0, 1, first), (_JUMP, 0, 0, len(low)), *low, *high]


def _ranges(machine: str, rules: Mapping[str, Check | int]) -> list[tuple[int, list[Instruction]]]:
    """Cut all call numbers into ranges of the same treatment."""
    table = numbers(machine)
    treatment = {table[name]: _action(rule) for name, rule in rules.items() if name in table}
    default = [_refusal(errno.ENOSYS)]
    ranges: list[tuple[int, list[Instruction]]] = []
    for number in range(max(treatment) + 2):
        action = treatment.get(number, default)
        if not ranges or ranges[-1][1] != action:
            ranges.append((number, action))
    return ranges


@cache
def assemble(machine: str, *, processes: bool = False) -> Program:
    """Assemble the worker's filter.

    Args:
        machine: ``"x86_64"`` or ``"aarch64"``.
        processes: The worker may start processes.

    Raises:
        ValueError: The machine is another one, or the rules have become too many for one filter.
    """
    search = _search(_ranges(machine, worker_rules(processes=processes)))
    code: list[Instruction] = [
        (_LOAD, 0, 0, _OFFSET_ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, _AUDIT_ARCHITECTURE[machine]),
        (_RETURN, 0, 0, KILL_PROCESS),
        (_LOAD, 0, 0, _OFFSET_NUMBER),
    ]
    if machine == "x86_64":
        code += [(_JUMP_GREATER_EQUAL, 0, 1, _X32_BIT), (_RETURN, 0, 0, KILL_PROCESS)]
    code += search
    if len(code) > _MAX_INSTRUCTIONS:
        raise ValueError(f"seccomp filter: expected at most {_MAX_INSTRUCTIONS} instructions, got {len(code)}")
    packed = [struct.pack("=HBBI", op, yes, no, 0 if k == _OWN_PID else k) for op, yes, no, k in code]
    own = tuple(8 * position + 4 for position, instruction in enumerate(code) if instruction[3] == _OWN_PID)
    return Program(code=b"".join(packed), own_pid=own)


class _FilterPointer(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def install(program: bytes) -> None:
    """Put this thread, and every thread it starts, under a filter, for ever.

    Args:
        program: Encoded instructions.

    Raises:
        OSError: The kernel refused the filter.
    """
    code = ctypes.create_string_buffer(program, len(program))
    pointer = _FilterPointer(len(program) // 8, ctypes.addressof(code))
    image = ctypes.create_string_buffer(bytes(pointer), ctypes.sizeof(pointer))
    linux.syscall("seccomp", _SECCOMP_SET_MODE_FILTER, 0, image)


class Seccomp:
    """The backend."""

    name = "seccomp"

    def probe(self) -> Availability:
        """Ask the kernel for the one action that came last, ``SECCOMP_RET_KILL_PROCESS`` (Linux 4.14)."""
        if not linux.machine():
            reason = f"no filter for the machine {platform.machine()} with {struct.calcsize('P') * 8}-bit Python"
            return Availability(available=False, reason=reason, remedy=_REMEDY)
        action = ctypes.create_string_buffer(struct.pack("=I", KILL_PROCESS), 4)
        try:
            linux.syscall("seccomp", _SECCOMP_GET_ACTION_AVAIL, 0, action)
        except OSError as error:
            return Availability(available=False, reason=str(error.strerror), remedy=_REMEDY)
        return Availability(available=True, detail=f"{len(assemble(linux.machine()).code) // 8} instructions")

    def apply(self, policy: Policy, baseline: Baseline) -> tuple[str, ...]:
        """Install the filter.

        Raises:
            ConfinementError: There is no filter for this machine, or the kernel refused it.
        """
        if not linux.machine():
            raise ConfinementError(self.name, self.probe().reason, _REMEDY)
        try:
            set_no_new_privs()
            install(assemble(linux.machine(), processes=policy.max_processes > 0).encode(os.getpid()))
        except OSError as error:
            raise ConfinementError(self.name, str(error.strerror), _REMEDY) from error
        return (self.name,)
