"""Many runs in a few figures."""

from __future__ import annotations

import datetime
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict


class PluginSummary(TypedDict):
    """One row of `History.summary`. Times in seconds, memory in bytes.

    ``p50_seconds``, ``p95_seconds`` and ``p99_seconds`` are percentiles of the wall time of the runs that succeeded, as
    NumPy computes them by default; None where there is none. ``causes`` counts the runs that did not succeed. ``first``
    and ``last`` are ISO 8601, UTC.
    """

    plugin_id: str
    versions: list[str]
    count: int
    success_count: int
    failure_count: int
    cancelled_count: int
    refused_count: int
    causes: dict[str, int]
    p50_seconds: float | None
    p95_seconds: float | None
    p99_seconds: float | None
    queue_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    first: str
    last: str


def summarize(rows: Iterable[Mapping[str, Any]]) -> list[PluginSummary]:
    """Return a summary of each plugin, by plugin id.

    Args:
        rows: Runs, oldest first, by column.
    """
    groups: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["plugin_id"]].append(row)
    return [_summarize(plugin_id, groups[plugin_id]) for plugin_id in sorted(groups)]


def percentile(ordered: Sequence[float], percent: float) -> float | None:
    """Return a percentile of sorted values, between two of them by linear interpolation; None: there are none.

    Example:
        >>> percentile([1.0, 2.0, 4.0], 75)
        3.0
    """
    if not ordered:
        return None
    position = (len(ordered) - 1) * percent / 100
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def _summarize(plugin_id: str, runs: Sequence[Mapping[str, Any]]) -> PluginSummary:
    outcomes = Counter(run["outcome"] for run in runs)
    seconds = sorted(run["wall_seconds"] for run in runs if run["outcome"] == "success")
    causes = Counter(run["cause"] or run["error_type"] for run in runs if run["outcome"] != "success")
    # Versions in the order in which they were first seen: it is told at a glance when one came into service.
    versions = list(dict.fromkeys(run["version"] for run in runs if run["version"]))
    return PluginSummary(
        plugin_id=plugin_id,
        versions=versions,
        count=len(runs),
        success_count=outcomes["success"],
        failure_count=outcomes["failure"],
        cancelled_count=outcomes["cancelled"],
        refused_count=outcomes["refused"],
        causes=dict(causes.most_common()),
        p50_seconds=percentile(seconds, 50),
        p95_seconds=percentile(seconds, 95),
        p99_seconds=percentile(seconds, 99),
        queue_seconds=sum(run["queue_seconds"] for run in runs),
        cpu_seconds=sum(run["cpu_seconds"] or 0.0 for run in runs),
        peak_memory_bytes=max((run["peak_memory_bytes"] or 0 for run in runs), default=0),
        first=_time(runs[0]["began"]),
        last=_time(runs[-1]["began"]),
    )


def _time(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="milliseconds")
