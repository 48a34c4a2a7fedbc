"""What this machine can give: every protection, whether it is there, and how to get it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TypedDict

from platform_base.plugins._sandbox import cgroup, namespaces
from platform_base.plugins._sandbox.backends import BACKENDS
from platform_base.plugins._sandbox.import_path import import_path

_PURPOSES = {
    "process": "a process of its own: a crash, a hang or a leak ends there",
    "rlimits": "memory, files and file sizes are bounded by the kernel",
    "rlimit_threads": "threads are bounded by the kernel, not only by the warden",
    "identity": "no capability is left; under root each worker is a user of its own",
    "no_new_privs": "no program can give the worker more rights",
    "landlock": "only the files that the policy names can be opened",
    "landlock_truncate": "files cannot be cut through a path either",
    "landlock_tcp": "no TCP, even if a socket were to be had",
    "landlock_scope": "no signal and no abstract socket reaches another process",
    "seccomp": "about 150 system calls are left; no processes, no sockets, no namespaces",
    namespaces.USER: "an ordinary user may make the other namespaces",
    namespaces.PROCESSES: "a worker sees no process but itself, and dies with its warden whatever happens",
    namespaces.NETWORK: "there is no network, not even that of this machine",
    namespaces.IPC: "no shared memory and no semaphores of other programs",
    namespaces.HOST_NAME: "the name of this machine is not told",
    namespaces.MOUNTS: "a root directory in which only what the policy names exists",
    cgroup.NAME: "one write ends a worker with everything that it has started",
    "cgroup_memory": "the kernel counts the memory of a worker and all that it starts together",
    "cgroup_pids": "the kernel counts threads and processes together",
    "cgroup_cpu": "the kernel gives no more than the share of a core, to all of them together",
    "cgroup_hugetlb": "no huge pages out of the pool of the whole machine",
    namespaces.QUOTA: "the scratch directory has a fixed size; without it the warden looks at it",
}

# In a process of its own: the trial needs one that has only one thread.
_TRIAL = (
    "import sys; sys.path[:0] = sys.argv[1:]; import json; "
    "from platform_base.plugins._sandbox.namespaces import probe; print(json.dumps(probe()))"
)
_TRIAL_S = 30


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


def report_protections(base: str | None = None) -> list[ProtectionInfo]:
    """Ask the system for every protection, without changing anything.

    Args:
        base: What ``security.cgroup`` says.
    """
    rows = [_row("process", available=True)]
    for backend in BACKENDS:
        found = backend.probe()
        rows.append(_row(backend.name, found.available, detail=found.detail, reason=found.reason, remedy=found.remedy))
        for part in found.lacks:
            reason = f"this system's {backend.name} does not have it"
            rows.append(_row(part, available=False, reason=reason, remedy=found.remedy))
    return [*rows, *_namespace_rows(), *_cgroup_rows(base)]


def _cgroup_rows(base: str | None) -> list[ProtectionInfo]:
    found = cgroup.probe(base)
    rows = [_row(cgroup.NAME, found.available, detail=found.detail, reason=found.reason, remedy=found.remedy)]
    for part in found.lacks:
        reason = "this controller does not reach the directory"
        rows.append(_row(part, available=False, reason=reason, remedy=found.remedy))
    return rows


def _namespace_rows() -> list[ProtectionInfo]:
    try:
        missing = _try_namespaces()
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        missing = dict.fromkeys(namespaces.PARTS, f"the trial did not run: {error}")
    rows = []
    for name in namespaces.PARTS:
        detail = "not needed: root may make the others" if name == namespaces.USER and os.geteuid() == 0 else ""
        reason = missing.get(name, "")
        rows.append(_row(name, not reason, detail=detail, reason=reason, remedy=namespaces.remedy() if reason else ""))
    return rows


def _try_namespaces() -> dict[str, str]:
    """Enter all namespaces in another process; return those that were refused, with the reason."""
    ended = subprocess.run(
        [sys.executable, "-I", "-c", _TRIAL, *import_path()],
        capture_output=True,
        check=True,
        timeout=_TRIAL_S,
        env={},
    )
    found: dict[str, str] = json.loads(ended.stdout)
    return found


def _row(name: str, available: bool, *, detail: str = "", reason: str = "", remedy: str = "") -> ProtectionInfo:
    return ProtectionInfo(
        name=name,
        available=available,
        purpose=_PURPOSES.get(name, ""),
        detail=detail,
        reason=reason,
        remedy="" if available else remedy,
    )
