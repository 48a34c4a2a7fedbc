"""rlimits: memory, open files, file size, CPU seconds; zero of what a computation does not need.

``RLIMIT_DATA`` is the memory limit: private writable memory, counted when it is reserved, so that NumPy,
SciPy, numba and plain Python get a clean ``MemoryError`` and live on. It is set to what the warden had at the
fork plus the policy's number. Memory that was reserved without the right to write counts from the ``mprotect`` that
gives it, which then fails in the same way.

What it does not count is closed elsewhere. Shared anonymous memory, memfds and stack-like mappings: by seccomp.
Page tables: by a loose ``RLIMIT_AS``. Inputs that are kept, and pages that were written and then made read-only
(``mprotect`` takes them off the count): by the warden, which looks at the resident memory; ``RLIMIT_AS`` bounds them
where it is late.
"""

from __future__ import annotations

import os
import resource

from platform_base.plugins._sandbox.base import Availability, Baseline, ConfinementError
from platform_base.plugins._sandbox.policy import Policy

_REMEDY = "raise the limits of the host process (ulimit -H) or the setting that is named"
_ADDRESS_SPACE_FACTOR = 4
_ADDRESS_SPACE_EXTRA_BYTES = 1 << 30
_STACK_BYTES = 8 << 20
_PENDING_SIGNALS = 64


def limits(policy: Policy, baseline: Baseline, *, own_user: bool) -> dict[int, tuple[int, int]]:
    """Derive the limits of one worker.

    Args:
        policy: What the worker may do.
        baseline: Memory of the warden at the fork.
        own_user: No other process has the worker's user in its user namespace. Only then may ``RLIMIT_NPROC`` be
            set, because the kernel counts every process and thread of the user there.

    Returns:
        Soft and hard limit by ``resource.RLIMIT_*``.
    """
    same = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: policy.max_open_files,
        resource.RLIMIT_FSIZE: policy.max_scratch_bytes,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_SIGPENDING: _PENDING_SIGNALS,
        resource.RLIMIT_NICE: 0,
        resource.RLIMIT_RTPRIO: 0,
        resource.RLIMIT_STACK: _STACK_BYTES,
    }
    if policy.max_memory_bytes is not None:
        loose = _ADDRESS_SPACE_FACTOR * policy.max_memory_bytes + _ADDRESS_SPACE_EXTRA_BYTES
        same[resource.RLIMIT_DATA] = baseline.vm_data_bytes + policy.max_memory_bytes
        same[resource.RLIMIT_AS] = baseline.vm_size_bytes + loose
    if own_user:
        same[resource.RLIMIT_NPROC] = policy.max_threads + policy.max_processes
    both = {kind: (number, number) for kind, number in same.items()}
    if policy.max_cpu_seconds is not None:
        # SIGXCPU first, so that the cause of death can be told; SIGKILL one second later for those who ignore
        # it.
        both[resource.RLIMIT_CPU] = (policy.max_cpu_seconds, policy.max_cpu_seconds + 1)
    return both


def _below(wanted: int, ceiling: int) -> int:
    return wanted if ceiling == resource.RLIM_INFINITY else min(wanted, ceiling)


class Rlimits:
    """The backend; it gives ``rlimit_threads`` only where the worker has a user id of its own."""

    name = "rlimits"

    def probe(self) -> Availability:
        """Resource limits are in every Linux; only the limit on threads asks for root."""
        if os.geteuid() == 0:
            return Availability(available=True, detail="memory, files, CPU seconds, threads")
        return Availability(
            available=True,
            detail="memory, files, CPU seconds; threads are counted by the warden",
            remedy="run the host as root to have the kernel limit threads",
            lacks=("rlimit_threads",),
        )

    def apply(self, policy: Policy, baseline: Baseline) -> tuple[str, ...]:
        """Set every limit, soft and hard, never above what the process has now.

        Raises:
            ConfinementError: The kernel refused a limit.
        """
        own_user = bool(policy.uid) and os.geteuid() == 0 and "identity" not in policy.switched_off
        # Of an ordinary user's workers, those that may start processes are each in a user namespace of its own.
        own_user = own_user or (policy.max_processes > 0 and os.geteuid() != 0)
        for kind, (soft, hard) in limits(policy, baseline, own_user=own_user).items():
            ceiling = resource.getrlimit(kind)[1]
            try:
                resource.setrlimit(kind, (_below(soft, ceiling), _below(hard, ceiling)))
            except (OSError, ValueError) as error:
                reason = f"limit {kind}: expected {soft}, got {error}"
                raise ConfinementError(self.name, reason, _REMEDY) from error
        return (self.name, "rlimit_threads") if own_user else (self.name,)
