"""What this machine can give: every protection, whether it is there, and how to get it."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from platform_base.plugins._sandbox.backends import BACKENDS

_PURPOSES = {
    "process": "a process of its own: a crash, a hang or a leak ends there",
    "rlimits": "memory, files and file sizes are bounded by the kernel",
    "identity": "no capability is left; under root each worker is a user of its own",
    "no_new_privs": "no program can give the worker more rights",
    "landlock": "only the files that the policy names can be opened",
    "landlock_truncate": "files cannot be cut through a path either",
    "landlock_tcp": "no TCP, even if a socket were to be had",
    "landlock_scope": "no signal and no abstract socket reaches another process",
    "seccomp": "about 150 system calls are left; no processes, no sockets, no namespaces",
}


INTRUDER = Path(__file__).parent / "intruder"
"""A plugin that tries to break out; `PluginRegistry.self_check` runs it."""


class EscapeAttempt(TypedDict):
    """One row of `PluginRegistry.self_check`: what the intruder tried, and what the system answered."""

    attempt: str
    stopped: bool
    answer: str


class ProtectionInfo(TypedDict):
    """One row of `PluginRegistry.sandbox_report`.

    `name` is what ``security.accept_missing`` takes; `purpose` says what the protection means; `reason` and `remedy`
    say why it is missing and how to get it, and are empty where it is not.
    """

    name: str
    available: bool
    purpose: str
    detail: str
    reason: str
    remedy: str


def report_protections() -> list[ProtectionInfo]:
    """Ask the system for every protection, without changing anything."""
    rows = [_row("process", available=True)]
    for backend in BACKENDS:
        found = backend.probe()
        rows.append(_row(backend.name, found.available, detail=found.detail, reason=found.reason, remedy=found.remedy))
        for part in found.lacks:
            reason = f"this system's {backend.name} does not have it"
            rows.append(_row(part, available=False, reason=reason, remedy=found.remedy))
    return rows


def _row(name: str, available: bool, *, detail: str = "", reason: str = "", remedy: str = "") -> ProtectionInfo:
    return ProtectionInfo(
        name=name,
        available=available,
        purpose=_PURPOSES.get(name, ""),
        detail=detail,
        reason=reason,
        remedy="" if available else remedy,
    )
