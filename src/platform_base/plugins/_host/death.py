"""Why a worker is dead: one cause, as data, and the error that tells it."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

from platform_base.plugins._host.visible import make_visible
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins._wire.messages import Exited
from platform_base.plugins.errors import (
    ExecutionError,
    MemoryLimitError,
    ResourceLimitError,
    SandboxViolationError,
    WireError,
    WorkerCrashedError,
)

_LONGEST_QUOTE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """How a worker ended.

    Attributes:
        exited: What the warden saw; None when the warden is gone too.
        broken_protocol: What the worker said that it may not say; empty otherwise.
    """

    exited: Exited | None
    broken_protocol: str = ""

    def explain(self, plugin_id: str, policy: Policy) -> ExecutionError:
        """Return the error for the caller whose call this death ended."""
        if self.broken_protocol:
            return wire_error(plugin_id, self.broken_protocol)
        if self.exited is None:
            return WorkerCrashedError(
                f"plugin {plugin_id!r}: its worker died with the warden; the next call starts a new one",
                plugin_id=plugin_id,
                signal="SIGKILL",
            )
        if self.exited.killed_for == "max_memory_mb":
            return memory_limit_error(plugin_id, policy, "its worker was stopped")
        if self.exited.killed_for:
            limit = self.exited.killed_for
            return ResourceLimitError(
                f"plugin {plugin_id!r} passed {limit} and was stopped; the setting is plugins.{plugin_id}.{limit}",
                plugin_id=plugin_id,
                limit=limit,
            )
        if not os.WIFSIGNALED(self.exited.status):
            status = os.waitstatus_to_exitcode(self.exited.status)
            return WorkerCrashedError(
                f"plugin {plugin_id!r} ended its worker with exit status {status}; a plugin returns or raises",
                plugin_id=plugin_id,
                exit_status=status,
            )
        return self._explain_signal(os.WTERMSIG(self.exited.status), plugin_id, policy)

    def _explain_signal(self, number: int, plugin_id: str, policy: Policy) -> ExecutionError:
        assert self.exited is not None
        name = signal.Signals(number).name if number in signal.Signals.__members__.values() else f"signal {number}"
        if number == signal.SIGSYS:
            return SandboxViolationError(
                f"plugin {plugin_id!r} made a system call that its policy punishes with death",
                plugin_id=plugin_id,
                rule="seccomp",
            )
        limit = policy.max_cpu_seconds
        if number == signal.SIGXCPU or (
            number == signal.SIGKILL and limit is not None and self.exited.cpu_seconds >= limit
        ):
            return ResourceLimitError(
                f"plugin {plugin_id!r} used {self.exited.cpu_seconds:.1f} s of CPU time, max_cpu_seconds is {limit}",
                plugin_id=plugin_id,
                limit="max_cpu_seconds",
            )
        hint = "; the system may be short of memory" if number == signal.SIGKILL else ""
        return WorkerCrashedError(
            f"plugin {plugin_id!r} crashed: its worker was ended by {name}{hint}",
            plugin_id=plugin_id,
            signal=name,
        )


def wire_error(plugin_id: str, what: str) -> WireError:
    """Return the error for a worker that broke the protocol; `what` may quote it."""
    text = make_visible(what).replace("\n", "\\n")[:_LONGEST_QUOTE]
    return WireError(f"plugin {plugin_id!r} broke the protocol and was stopped: {text}", plugin_id=plugin_id)


def memory_limit_error(plugin_id: str, policy: Policy, what: str) -> MemoryLimitError:
    """Return the error for a plugin that needed more memory than it has."""
    limit = "the machine's memory" if policy.max_memory_bytes is None else f"{policy.max_memory_bytes >> 20} MB"
    return MemoryLimitError(
        f"plugin {plugin_id!r} needed more than {limit} (max_memory_mb) and {what}; raise it under "
        f"plugins.{plugin_id}.max_memory_mb in the settings, or send less data",
        plugin_id=plugin_id,
        limit="max_memory_mb",
    )
