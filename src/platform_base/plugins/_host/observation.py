"""Looking at a worker from outside: what the kernel says about its process, and what the host knows of its call."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from platform_base.plugins._host.worker import Worker
from platform_base.plugins.worker_info import WorkerInfo, WorkerLimits

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Process:
    """A line of ``/proc/<pid>/stat``; see proc_pid_stat(5).

    Attributes:
        stopped: SIGSTOP holds it.
        threads: How many it has.
        resident_bytes: Memory.
    """

    stopped: bool
    threads: int
    resident_bytes: int


def observe(worker: Worker, plugin_id: str, version: str, digest: str, now: float) -> WorkerInfo | None:
    """Return what can be told about a worker; None: it is dead.

    Args:
        worker: Any that was started.
        plugin_id: What it serves.
        version: Of this version.
        digest: With these files.
        now: `time.monotonic` seconds.
    """
    process = _read(worker.connection.pid)
    if process is None:
        return None
    policy, began, run_id = worker.connection.policy, worker.busy_since, worker.run_id
    state: Literal["idle", "busy", "paused"] = "idle"
    if began is not None:
        state = "paused" if process.stopped else "busy"
    return WorkerInfo(
        plugin_id=plugin_id,
        version=version,
        digest=digest,
        state=state,
        pid=worker.connection.pid,
        age_seconds=now - worker.started,
        run_id=run_id if began is not None else "",
        call_seconds=now - began if began is not None else None,
        cpu_seconds=worker.cpu_seconds,
        memory_bytes=process.resident_bytes,
        threads=process.threads,
        limits=WorkerLimits(
            memory_bytes=policy.max_memory_bytes if policy.enabled else None,
            cpu_percent=policy.max_cpu_percent if policy.enabled else None,
            cpu_seconds=policy.max_cpu_seconds if policy.enabled else None,
            call_seconds=worker.timeout_s if began is not None else None,
        ),
    )


def starting(plugin_id: str, version: str, digest: str) -> WorkerInfo:
    """Return what can be told about a worker that is being started."""
    return WorkerInfo(
        plugin_id=plugin_id,
        version=version,
        digest=digest,
        state="starting",
        pid=None,
        age_seconds=0.0,
        run_id="",
        call_seconds=None,
        cpu_seconds=0.0,
        memory_bytes=0,
        threads=0,
        limits=WorkerLimits(memory_bytes=None, cpu_percent=None, cpu_seconds=None, call_seconds=None),
    )


def _read(pid: int) -> _Process | None:
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name of the process stands in brackets and may hold blanks; the third field comes behind the last bracket.
    fields = line.rpartition(")")[2].split()
    state, threads, pages = fields[0], int(fields[17]), int(fields[21])
    if state in "ZX":
        return None
    return _Process(stopped=state in "Tt", threads=threads, resident_bytes=pages * _PAGE_BYTES)
