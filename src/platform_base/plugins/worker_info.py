"""What is told about one worker that lives now."""

from __future__ import annotations

from typing import Literal, TypedDict


class WorkerLimits(TypedDict):
    """What a worker may use; None: not limited. Memory in bytes, CPU in percent of one core, times in seconds.

    ``call_seconds`` is the deadline of the call that runs now.
    """

    memory_bytes: int | None
    cpu_percent: float | None
    cpu_seconds: int | None
    call_seconds: float | None


class WorkerInfo(TypedDict):
    """One row of `PluginRegistry.list_workers`. Times in seconds, memory in bytes.

    ``state`` is ``"starting"``, ``"idle"``, ``"busy"``, or ``"paused"``: busy, and stopped until it has earned the CPU
    time that it spent beyond its share. ``call_seconds`` and ``run_id`` are those of the call that runs now, None and
    empty where none does. ``cpu_seconds`` is of the worker's whole life, ``memory_bytes`` its resident memory now.
    Of one that is being started no more is known than its plugin.
    """

    plugin_id: str
    version: str
    digest: str
    state: Literal["starting", "idle", "busy", "paused"]
    pid: int | None
    age_seconds: float
    run_id: str
    call_seconds: float | None
    cpu_seconds: float
    memory_bytes: int
    threads: int
    limits: WorkerLimits
