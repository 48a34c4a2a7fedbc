"""What the registry counts about each plugin: calls, failures by kind, times, memory."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from platform_base.core.models import Execution

_WINDOW = 1000
"""Percentiles are over so many of the latest calls: bounded memory, and yesterday's figures do not hide today's."""

_MOST_CAUSES = 1000
"""A plugin chooses the names of its exceptions; it shall not fill the host's memory with them."""


class PluginStats(TypedDict):
    """What `PluginRegistry.get_plugin_stats` returns. Times in seconds, memory in megabytes (2**20 bytes)."""

    execution_count: int
    success_count: int
    failure_count: int
    failures: dict[str, int]
    causes: dict[str, int]
    avg_execution_time: float
    p50_execution_time: float
    p95_execution_time: float
    p99_execution_time: float
    avg_queue_time: float
    cpu_seconds: float
    memory_usage_mb: float
    cold_starts: int
    load_seconds: float


BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds of a histogram of wall times: from calls that only cross to those that compute for minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What was counted, none of it averaged: figures that only ever rise, but for the peak.

    Attributes:
        successes: Calls with a result.
        failures: The others, by class of the error.
        causes: Those that had begun, by what ended them.
        buckets: Successes by wall time: up to each of `BUCKETS_S` and above the one before, and above all.
        wall_seconds: Of the successes.
        queue_seconds: Of the successes.
        cpu_seconds: Of the successes.
        peak_memory_bytes: The largest of any success.
        cold_starts: Workers that were started.
        load_seconds: Time that took.
    """

    successes: int
    failures: dict[str, int]
    causes: dict[str, int]
    buckets: tuple[int, ...]
    wall_seconds: float
    queue_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    cold_starts: int
    load_seconds: float


class StatsRecorder:
    """Counts the calls of one plugin, over all its versions. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._successes = 0
        self._failures: Counter[str] = Counter()
        self._causes: Counter[str] = Counter()
        self._wall_seconds = 0.0
        self._queue_seconds = 0.0
        self._cpu_seconds = 0.0
        self._peak_bytes = 0
        self._latest: deque[float] = deque(maxlen=_WINDOW)
        self._buckets = [0] * (len(BUCKETS_S) + 1)
        self._cold_starts = 0
        self._load_seconds = 0.0

    def record_success(self, execution: Execution) -> None:
        """Count a call that brought a result."""
        with self._lock:
            self._successes += 1
            self._wall_seconds += execution.wall_seconds
            self._queue_seconds += execution.queue_seconds
            self._cpu_seconds += execution.cpu_seconds
            self._peak_bytes = max(self._peak_bytes, execution.peak_memory_bytes)
            self._latest.append(execution.wall_seconds)
            self._buckets[bisect_left(BUCKETS_S, execution.wall_seconds)] += 1

    def record_batch(self, executions: Sequence[Execution]) -> None:
        """Count calls that brought results in one message."""
        took = [each.wall_seconds for each in executions]
        waited = sum([each.queue_seconds for each in executions])
        used = sum([each.cpu_seconds for each in executions])
        peak = max([each.peak_memory_bytes for each in executions])
        with self._lock:
            self._successes += len(took)
            self._wall_seconds += sum(took)
            self._queue_seconds += waited
            self._cpu_seconds += used
            self._peak_bytes = max(self._peak_bytes, peak)
            self._latest.extend(took)
            for seconds in took:
                self._buckets[bisect_left(BUCKETS_S, seconds)] += 1

    def record_failure(self, kind: str, cause: str = "") -> None:
        """Count a call that ended in an error.

        Args:
            kind: Such as ``"PluginTimeoutError"``.
            cause: What ended it, such as ``"signal SIGSEGV"``; empty: it did not begin.
        """
        with self._lock:
            self._failures[kind] += 1
            if cause and (cause in self._causes or len(self._causes) < _MOST_CAUSES):
                self._causes[cause] += 1

    def record_load(self, seconds: float) -> None:
        """Count a worker that had to be started."""
        with self._lock:
            self._cold_starts += 1
            self._load_seconds += seconds

    def totals(self) -> Totals:
        """Return the sums as they stand."""
        with self._lock:
            return Totals(
                successes=self._successes,
                failures=dict(self._failures),
                causes=dict(self._causes),
                buckets=tuple(self._buckets),
                wall_seconds=self._wall_seconds,
                queue_seconds=self._queue_seconds,
                cpu_seconds=self._cpu_seconds,
                peak_memory_bytes=self._peak_bytes,
                cold_starts=self._cold_starts,
                load_seconds=self._load_seconds,
            )

    def snapshot(self) -> PluginStats:
        """Return the figures as they stand."""
        with self._lock:
            latest = np.fromiter(self._latest, dtype=np.float64)
            p50, p95, p99 = np.percentile(latest, [50, 95, 99]).tolist() if latest.size else (0.0, 0.0, 0.0)
            successes, failures = self._successes, self._failures.total()
            return PluginStats(
                execution_count=successes + failures,
                success_count=successes,
                failure_count=failures,
                failures=dict(self._failures),
                causes=dict(self._causes),
                avg_execution_time=self._wall_seconds / successes if successes else 0.0,
                p50_execution_time=p50,
                p95_execution_time=p95,
                p99_execution_time=p99,
                avg_queue_time=self._queue_seconds / successes if successes else 0.0,
                cpu_seconds=self._cpu_seconds,
                memory_usage_mb=self._peak_bytes / (1 << 20),
                cold_starts=self._cold_starts,
                load_seconds=self._load_seconds,
            )
