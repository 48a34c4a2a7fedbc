"""What only a clock can enforce: the share of a core; memory, threads and files that no rlimit counts.

A worker that used more than its share is stopped with SIGSTOP until it has earned what it owes. The debt is kept, so
many threads gain nothing: they only spend sooner. The warden looks every 10 ms while a worker computes and rarely while
all are idle. It does so in a process of its own because a host that holds its interpreter lock would look too late.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins._sandbox.scratch import exceeds
from platform_base.plugins._warden.family import Memory
from platform_base.plugins._warden.spawn import Child

_TICK_S = 0.010
_REST_S = 0.025
"""How soon it is seen that an idle worker works again: until then it may take what memory it can write to."""
_SCRATCH_S = 0.1
_KERNELS_S = 1.0
_SHARE = 20
"""The warden looks at the scratch files of a worker every 0.1 s at most, and for a twentieth of its time at most; at
compiled kernels, of which there are hundreds in order, every second."""
_LEAST_KERNEL_BYTES = 64 << 20
"""What may lie in the cache of kernels however little scratch memory the settings give: it is of several workers."""
_BURST_S = 0.020
"""CPU time that an idle worker may save up: short enough to keep a second's average within five points."""
FREE_SHARED_BYTES = 64 << 20
"""Shared memory that is not counted: the arenas of ordinary calls. For larger calls the host sends `Allow`."""


@dataclass(slots=True, kw_only=True)
class _Directory:
    """Files that nothing but looking at them limits.

    Attributes:
        path: The directory.
        max_bytes: What may be in it.
        every_s: How often it is looked at, at most.
        due: When it is looked at next.
    """

    path: str
    max_bytes: int
    every_s: float
    due: float = 0.0

    def is_overfull(self, now: float) -> bool:
        if now < self.due:
            return False
        overfull = exceeds(self.path, self.max_bytes)
        took_s = time.monotonic() - now
        self.due = now + max(self.every_s, _SHARE * took_s)
        return overfull


@dataclass(slots=True, kw_only=True)
class _Account:
    """CPU time that one worker may still spend; seconds."""

    child: Child
    worker: int
    share: float | None
    max_memory_bytes: int | None
    max_threads: int
    max_processes: int
    max_cpu_seconds: int | None
    clock: int
    used_s: float
    credit_s: float
    looked: float
    directories: tuple[_Directory, ...]
    allowed_shared_bytes: int = FREE_SHARED_BYTES
    stopped: bool = False
    busy: bool = False

    def look(self, now: float) -> None:
        try:
            used = time.clock_gettime(self.clock)
        except OSError:
            return  # It died since the last poll; its pidfd tells next time round.
        family: list[Memory] = []
        if self.child.family is not None:
            family, more = self.child.family.look(now)
            used += more
        spent, elapsed = used - self.used_s, now - self.looked
        self.used_s, self.looked = used, now
        self.busy = spent > 0.001 or self.stopped
        if (spent > 0 or family) and (broken := self._broken_limit(now, family)):
            self.child.kill(killed_for=broken)
        elif self.share is not None:
            self._pace(elapsed * self.share - spent, self.share)

    def _broken_limit(self, now: float, family: Sequence[Memory]) -> str:
        """Return the setting whose limit the worker has passed; rlimits know nothing of these."""
        private, shared, threads = self.child.look()
        if len(family) > self.max_processes:
            return "max_processes"
        if threads + sum(max(0, each.threads - 1) for each in family) > self.max_threads:
            return "max_threads"
        if family and self.max_cpu_seconds is not None and self.used_s > self.max_cpu_seconds:
            return "max_cpu_seconds"
        counted = private + max(0, shared - self.allowed_shared_bytes)
        # What a process shares with its parent since the fork counts in both: their parts are told only to root.
        counted += sum(
            max(0, each.private - self.child.baseline.rss_anon_bytes) + max(0, each.shared - self.allowed_shared_bytes)
            for each in family
        )
        if self.max_memory_bytes is not None and counted > self.max_memory_bytes:
            return "max_memory_mb"
        if any(directory.is_overfull(now) for directory in self.directories):
            return "max_scratch_mb"
        return ""

    def _pace(self, earned_s: float, share: float) -> None:
        self.credit_s = min(self.credit_s + earned_s, _BURST_S * share)
        if self.credit_s < 0:
            self._halt()
        elif self.stopped:
            self.child.send_signal(signal.SIGCONT)
            if self.child.family is not None:
                self.child.family.go_on()
            self.stopped = False

    def _halt(self) -> None:
        if not self.stopped:
            self.child.send_signal(signal.SIGSTOP)
            self.stopped = True
        if self.child.family is not None:  # each time: one that was not stopped yet may have let others go on
            self.child.family.halt()


def _directories(child: Child, policy: Policy, now: float) -> Iterator[_Directory]:
    if child.scratch is not None:
        yield _Directory(path=child.scratch, max_bytes=policy.max_scratch_bytes, every_s=_SCRATCH_S)
    if child.kernel_cache is not None:
        most = max(policy.max_scratch_bytes, _LEAST_KERNEL_BYTES)
        # Not at once: workers that only start would all be looked at.
        yield _Directory(path=child.kernel_cache, max_bytes=most, every_s=_KERNELS_S, due=now + _KERNELS_S)


class Watch:
    """Every living worker's account."""

    def __init__(self) -> None:
        self._accounts: dict[int, _Account] = {}
        self._next = 0.0

    def add(self, child: Child, policy: Policy, now: float) -> None:
        """Begin to watch a worker, if its policy has a limit that needs a clock."""
        share = None if policy.max_cpu_percent is None else policy.max_cpu_percent / 100
        memory = None if policy.max_memory_bytes is None else policy.max_memory_bytes + child.baseline.rss_anon_bytes
        if not policy.enabled:
            return
        self._accounts[child.pid] = _Account(
            child=child,
            worker=child.worker,
            share=share,
            max_memory_bytes=memory,
            max_threads=policy.max_threads,
            max_processes=policy.max_processes,
            max_cpu_seconds=policy.max_cpu_seconds,
            # The kernel's name for the CPU clock of a whole process: see clock_getcpuclockid(3).
            clock=(~child.pid << 3) | 2,
            used_s=0.0,
            credit_s=_BURST_S,
            looked=now,
            directories=tuple(_directories(child, policy, now)),
        )

    def allow(self, worker: int, shared_bytes: int) -> None:
        """Leave so much shared memory of a worker uncounted, besides `FREE_SHARED_BYTES`."""
        for account in self._accounts.values():
            if account.worker == worker:
                account.allowed_shared_bytes = FREE_SHARED_BYTES + shared_bytes

    def remove(self, child: Child) -> None:
        """Stop watching a worker."""
        self._accounts.pop(child.pid, None)

    def timeout_ms(self, now: float) -> float | None:
        """Return how long the warden may sleep; None: until something happens."""
        if not self._accounts:
            return None
        return max(0.0, (self._next - now) * 1000)

    def look(self, now: float) -> None:
        """Look at every account that is due."""
        if now < self._next:
            return
        for account in tuple(self._accounts.values()):
            account.look(now)
        busy = any(account.busy for account in self._accounts.values())
        self._next = now + (_TICK_S if busy else _REST_S)
