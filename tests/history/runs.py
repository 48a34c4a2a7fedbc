"""Runs for the tests to remember."""

from __future__ import annotations

import datetime

from platform_base.history.run import InputFact, Run

BEGAN = datetime.datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=datetime.UTC)


def run(number=0, **given):
    """One run; the higher its number, the later it began, by seconds."""
    began = BEGAN + datetime.timedelta(seconds=number)
    milliseconds = int(began.timestamp() * 1000)
    facts = {
        "run_id": f"{milliseconds:012x}{number:020x}",
        "plugin_id": "mean",
        "version": "1.0.0",
        "digest": "sha256:" + 64 * "a",
        "began": began,
        "outcome": "success",
        "queue_seconds": 0.001,
        "wall_seconds": 0.5,
        "cpu_seconds": 0.25,
        "peak_memory_bytes": 30 << 20,
        "parameters": {"window": 5, "labels": ["a", "b"], "limit": None},
        "inputs": (
            InputFact(name="series", type="ndarray", shape=(3, 2), dtype="float64", size_bytes=48, sha256=64 * "b"),
        ),
        "limits": {"memory_bytes": 512 << 20, "cpu_percent": 50.0, "call_seconds": None},
        "protections": ("landlock", "seccomp"),
        "warnings": ("12 bytes of output were dropped",),
        "engine": "local",
        "host": "station",
        "pid": 4321,
    }
    return Run(**{**facts, **given})
