"""What the registry counts, as families of figures for Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from platform_base.monitoring.exposition import Family
from platform_base.plugins.stats import BUCKETS_S, Totals
from platform_base.plugins.worker_info import WorkerInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginFigures:
    """What is exposed of one plugin.

    Attributes:
        plugin_id: Which one.
        version: Of the active release; empty: there is none any more.
        digest: Likewise.
        totals: What was counted.
        disabled: Whether its calls are refused because its workers died.
    """

    plugin_id: str
    version: str
    digest: str
    totals: Totals
    disabled: bool


def families(
    plugins: Iterable[PluginFigures], workers: Iterable[WorkerInfo], waiting: Mapping[str, int], lost_runs: int | None
) -> list[Family]:
    """Return every family.

    Args:
        plugins: Those that were found or called.
        workers: Those that live.
        waiting: Calls that wait for a worker, by plugin id.
        lost_runs: Runs that could not be written to the history; None: there is no history.
    """
    figures = list(plugins)
    found = [*_calls(figures), *_use(figures), *_states(figures), *_workers(workers)]
    queue = Family(name="platform_base_waiting_calls", kind="gauge", help="Calls that wait for a worker now.")
    for each in figures:
        queue.add(waiting.get(each.plugin_id, 0), plugin=each.plugin_id)
    lost = Family(
        name="platform_base_history_lost_runs_total",
        kind="counter",
        help="Runs that could not be written to the history.",
    )
    if lost_runs is not None:
        lost.add(lost_runs)
    return [*found, queue, lost]


def _calls(plugins: Iterable[PluginFigures]) -> list[Family]:
    calls = Family(name="platform_base_calls_total", kind="counter", help="Calls that have ended, by outcome.")
    errors = Family(
        name="platform_base_call_errors_total", kind="counter", help="Calls that have failed, by class of the error."
    )
    causes = Family(
        name="platform_base_call_causes_total",
        kind="counter",
        help="Calls that had begun and failed, by what ended them.",
    )
    seconds = Family(
        name="platform_base_call_duration_seconds", kind="histogram", help="Wall time of calls that succeeded."
    )
    for each in plugins:
        totals, plugin = each.totals, each.plugin_id
        calls.add(totals.successes, plugin=plugin, outcome="success")
        calls.add(sum(totals.failures.values()), plugin=plugin, outcome="failure")
        for error, count in sorted(totals.failures.items()):
            errors.add(count, plugin=plugin, error=error)
        for cause, count in sorted(totals.causes.items()):
            causes.add(count, plugin=plugin, cause=cause)
        so_far = 0
        for bound, count in zip((*BUCKETS_S, float("inf")), totals.buckets, strict=True):
            so_far += count
            seconds.add(so_far, "_bucket", plugin=plugin, le="+Inf" if bound == float("inf") else f"{bound:g}")
        seconds.add(totals.wall_seconds, "_sum", plugin=plugin)
        seconds.add(so_far, "_count", plugin=plugin)
    return [calls, errors, causes, seconds]


def _use(plugins: Iterable[PluginFigures]) -> list[Family]:
    queue = Family(
        name="platform_base_call_queue_seconds_total",
        kind="counter",
        help="Time that calls that succeeded waited for a worker.",
    )
    cpu = Family(name="platform_base_call_cpu_seconds_total", kind="counter", help="CPU time of calls that succeeded.")
    peak = Family(
        name="platform_base_call_peak_memory_bytes",
        kind="gauge",
        help="Largest resident memory of a worker during a call that succeeded.",
    )
    starts = Family(name="platform_base_worker_starts_total", kind="counter", help="Workers that were started.")
    loading = Family(
        name="platform_base_worker_start_seconds_total", kind="counter", help="Time that starting workers took."
    )
    for each in plugins:
        totals, plugin = each.totals, each.plugin_id
        queue.add(totals.queue_seconds, plugin=plugin)
        cpu.add(totals.cpu_seconds, plugin=plugin)
        peak.add(totals.peak_memory_bytes, plugin=plugin)
        starts.add(totals.cold_starts, plugin=plugin)
        loading.add(totals.load_seconds, plugin=plugin)
    return [queue, cpu, peak, starts, loading]


def _states(plugins: Iterable[PluginFigures]) -> list[Family]:
    info = Family(name="platform_base_plugin_info", kind="gauge", help="The active release of each plugin; always 1.")
    disabled = Family(
        name="platform_base_plugin_disabled", kind="gauge", help="1: calls are refused because workers died."
    )
    for each in plugins:
        if each.version:
            info.add(1, plugin=each.plugin_id, version=each.version, digest=each.digest)
        disabled.add(int(each.disabled), plugin=each.plugin_id)
    return [info, disabled]


def _workers(workers: Iterable[WorkerInfo]) -> list[Family]:
    rows = list(workers)
    states = Family(name="platform_base_workers", kind="gauge", help="Workers now, by what they do.")
    memory = Family(name="platform_base_worker_memory_bytes", kind="gauge", help="Resident memory of all workers now.")
    for (plugin, state), count in sorted(Counter((row["plugin_id"], row["state"]) for row in rows).items()):
        states.add(count, plugin=plugin, state=state)
    sizes: Counter[str] = Counter()
    for row in rows:
        sizes[row["plugin_id"]] += row["memory_bytes"]
    for plugin, size in sorted(sizes.items()):
        memory.add(size, plugin=plugin)
    return [states, memory]
