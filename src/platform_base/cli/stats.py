"""`platform-base stats`: what is to be said about many runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from platform_base.cli.amounts import show_memory, show_seconds
from platform_base.cli.moments import read_since
from platform_base.cli.options import ConfigOption, JsonOption, open_history
from platform_base.cli.runs import describe_nothing

if TYPE_CHECKING:
    from platform_base.history.summary import PluginSummary

EXAMPLES = """Examples:

  platform-base stats

  platform-base stats dtw_align --since 7d
"""


def print_stats(
    plugin_id: Annotated[str | None, typer.Argument(metavar="ID", help="This plugin alone.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="So long ago, such as 2h or 7d, or a date.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count runs by how they ended, with percentiles of their time, peak memory and CPU time."""
    from platform_base.cli import render

    history = open_history(config)
    begin = read_since(since)
    found = history.summary(plugin_id, begin)
    if as_json:
        render.print_json({"history": str(history.path), "since": begin, "plugins": found})
        return
    if not found:
        print(describe_nothing(history, plugin_id, "runs"))
        return
    headings = ["plugin", "runs", "ok", "failed", "cancelled", "refused", "p50", "p95", "p99", "CPU", "peak memory"]
    render.print_table(headings, list(map(_row, found)), fixed=tuple(range(len(headings))))
    _print_causes(found)


def _row(summary: PluginSummary) -> list[str]:
    return [
        summary["plugin_id"],
        str(summary["count"]),
        f"{100 * summary['success_count'] / summary['count']:.1f} %",
        *(str(count or "-") for count in _unhappy(summary)),
        *(show_seconds(summary[name]) for name in ("p50_seconds", "p95_seconds", "p99_seconds", "cpu_seconds")),
        show_memory(summary["peak_memory_bytes"]),
    ]


def _unhappy(summary: PluginSummary) -> tuple[int, int, int]:
    return summary["failure_count"], summary["cancelled_count"], summary["refused_count"]


def _print_causes(found: list[PluginSummary]) -> None:
    from platform_base.cli import render

    rows = [
        [summary["plugin_id"], cause, str(count)] for summary in found for cause, count in summary["causes"].items()
    ]
    if rows:
        render.print_heading("what ended the others")
        render.print_table(["plugin", "cause", "runs"], rows, fixed=(0, 1, 2))
