"""System calls: those that a computation does not need, and other tables of calls."""

from __future__ import annotations

import platform

import pytest

from platform_base.plugins._sandbox.seccomp import worker_rules
from platform_base.plugins._sandbox.syscall_numbers import numbers
from platform_base.plugins.errors import SandboxViolationError, WorkerCrashedError
from tests.escape.harness import Host
from tests.escape.outcomes import Behaviour, denied, fails, returns

X86 = platform.machine() == "x86_64"
KILLED = {"rule": "seccomp"}

#: Arguments that would do nothing if the call got through: null pointers, no descriptor, an empty or missing path.
CALLS: dict[str, tuple[object, ...]] = {
    "acct": ("path",),
    "add_key": ("path", "path", 0, 0, -1),
    "adjtimex": ("buffer",),
    "bpf": (0, "buffer", 0),
    "clock_adjtime": (0, "buffer"),
    "clock_settime": (0, "buffer"),
    "delete_module": ("path", 0),
    "execve": ("path", 0, 0),
    "execveat": (-100, "path", 0, 0, 0),
    "fanotify_init": (0, 0),
    "finit_module": (-1, "path", 0),
    "get_mempolicy": (0, 0, 0, 0, 0),
    "get_robust_list": (1, 0, 0),
    "init_module": (0, 0, "path"),
    "inotify_init1": (0,),
    "io_setup": (1, "buffer"),
    "io_submit": (0, 0, 0),
    "io_uring_enter": (-1, 0, 0, 0, 0, 0),
    "io_uring_register": (-1, 0, 0, 0),
    "io_uring_setup": (1, "buffer"),
    "ioperm": (0, 1, 1),
    "iopl": (3,),
    "kcmp": (1, 1, 0, 0, 0),
    "kexec_file_load": (-1, -1, 0, 0, 0),
    "kexec_load": (0, 0, 0, 0),
    "keyctl": (0, -3, 0, 0, 0),
    "landlock_add_rule": (-1, 1, 0, 0),
    "landlock_create_ruleset": (0, 0, 1),
    "landlock_restrict_self": (-1, 0),
    "lookup_dcookie": (0, 0, 0),
    "map_shadow_stack": (0, 4096, 0),
    "mbind": (0, 0, 0, 0, 0, 0),
    "memfd_create": ("path", 0),
    "memfd_secret": (0,),
    "migrate_pages": (0, 0, 0, 0),
    "mincore": (0, 0, 0),
    "mlockall": (4,),
    "modify_ldt": (0, 0, 0),
    "mount": (0, "path", 0, 0, 0),
    "mount_setattr": (-100, "path", 0, 0, 0),
    "move_mount": (-1, "path", -1, "path", 0),
    "move_pages": (0, 0, 0, 0, 0, 0),
    "mq_open": ("path", 0, 0, 0),
    "mq_unlink": ("path",),
    "msgget": (0x7062, 0),
    "name_to_handle_at": (-100, "path", "buffer", "buffer", 0),
    "open_by_handle_at": (-1, "buffer", 0),
    "open_tree": (-100, "path", 0),
    "perf_event_open": ("buffer", 0, -1, -1, 0),
    "personality": (-1,),
    "pidfd_getfd": (-1, 0, 0),
    "pidfd_open": (1, 0),
    "pidfd_send_signal": (-1, 0, 0, 0),
    "pivot_root": ("path", "path"),
    "process_madvise": (-1, 0, 0, 0, 0),
    "process_mrelease": (-1, 0),
    "process_vm_readv": (1, 0, 0, 0, 0, 0),
    "process_vm_writev": (1, 0, 0, 0, 0, 0),
    "ptrace": (-1, 0, 0, 0),
    "quotactl": (0, "path", 0, 0),
    "reboot": (0, 0, 0, 0),
    "remap_file_pages": (0, 0, 0, 0, 0),
    "request_key": ("path", "path", 0, 0),
    "rt_tgsigqueueinfo": (1, 1, 0, "buffer"),
    "seccomp": (0, 0, 0),
    "semget": (0x7062, 1, 0),
    "sched_setattr": (0, "buffer", 0),
    "set_mempolicy": (0, 0, 0),
    "setdomainname": ("path", 0),
    "sethostname": ("path", 0),
    "setns": (-1, 0),
    "settimeofday": (0, 0),
    "shmget": (0x7062, 4096, 0),
    "splice": (-1, 0, -1, 0, 0, 0),
    "swapoff": ("path",),
    "swapon": ("path", 0),
    "sync": (),
    "syncfs": (-1,),
    "syslog": (10, 0, 0),
    "tee": (-1, -1, 0, 0),
    "umount2": ("path", 0),
    "unshare": (0,),
    "userfaultfd": (0,),
    "vhangup": (),
    "vmsplice": (-1, 0, 0, 0),
}
_KNOWN = numbers(platform.machine()) if platform.machine() in ("x86_64", "aarch64") else {}

BEHAVIOURS: tuple[Behaviour, ...] = (
    *(
        denied(
            "kernel.plain",
            "EPERM",
            "seccomp",
            name=f"kernel.plain-{name}",
            inputs={"call": name, "arguments": list(arguments)},
        )
        for name, arguments in CALLS.items()
        if name in _KNOWN
    ),
    denied("kernel.terminal", "ENOTTY", "seccomp"),
    denied("kernel.interfaces", "ENOTTY", "seccomp"),
    denied("kernel.unknown_numbers", "ENOSYS", "seccomp"),
    denied("kernel.foreign_schedule", "EPERM ENOSYS", "seccomp"),
    denied("kernel.foreign_clocks", "EPERM EINVAL", "seccomp"),
    denied("kernel.foreign_groups", "EPERM ESRCH", "seccomp"),
    returns("kernel.machine_code", lambda value: value == 7),
    *(
        (
            fails("kernel.other_table", SandboxViolationError, facts=KILLED),
            fails("kernel.interrupt_80", SandboxViolationError, facts=KILLED),
            fails("kernel.illegal_instruction", WorkerCrashedError, facts={"signal": "SIGILL"}),
        )
        if X86
        else ()
    ),
)


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_kernel_behaviour(host: Host, behaviour: Behaviour) -> None:
    host.face(behaviour)


@pytest.mark.parametrize("seed", range(4))
def test_random_system_calls_harm_nobody_else(host: Host, seed: int) -> None:
    """The worker may end in any way; `host` looks at everything else."""
    host.attack("kernel.fuzz", seed=seed, count=5000, timeout_s=3)


def test_each_dangerous_call_is_named_here() -> None:
    """The filter forbids by name what is tried here, and what other chapters try."""
    tried_elsewhere = {"setuid", "setgid", "capset", "socket", "bind", "listen", "truncate", "chmod", "fork", "vfork"}
    forbidden = {name for name, rule in worker_rules().items() if rule == 1}
    assert len(forbidden & set(CALLS)) > 75
    assert tried_elsewhere <= forbidden
    assert set(CALLS) <= set(worker_rules())
