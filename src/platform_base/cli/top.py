"""`platform-base top`: the workers of this user's programs, as they are now."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from platform_base.cli.amounts import show_memory, show_seconds
from platform_base.cli.options import JsonOption

if TYPE_CHECKING:
    from platform_base.monitoring.programs import ProgramInfo
    from platform_base.plugins.worker_info import WorkerInfo

EXAMPLES = """Examples:

  platform-base top

  platform-base top --once --json
"""
_HEADINGS = ("pid", "plugin", "state", "call", "CPU", "memory", "run")
_FIXED = (0, 1, 2, 4, 6)
_DIGITS = 12
_NOBODY = (
    "no program with a live view runs; programs have one where they remember runs (history: true), "
    "or with live_view: true"
)


def watch_workers(
    once: Annotated[bool, typer.Option("--once", help="Print the table once and end.")] = False,
    interval: Annotated[float, typer.Option("--interval", metavar="SECONDS", min=0.1, help="How often to look.")] = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Show what every worker does, for how long, and what it uses; until Ctrl-C. --json prints it once."""
    from platform_base.cli import render
    from platform_base.monitoring.programs import look_around

    programs = look_around()
    if as_json:
        render.print_json({"programs": programs})
    elif not once:
        _keep_watching(programs, interval)
    else:
        for program in programs:
            render.print_heading(_title(program))
            render.print_table(_HEADINGS, _rows(program, {}, 0.0), fixed=_FIXED)
        if not programs:
            print(_NOBODY)


def _keep_watching(programs: list[ProgramInfo], interval: float) -> None:
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    from platform_base.cli import render
    from platform_base.monitoring.programs import look_around

    pause = threading.Event()
    before: dict[int | None, float] = {}
    looked, elapsed = time.monotonic(), interval
    with Live(auto_refresh=False) as live:
        while True:
            shown: list[Any] = []
            for program in programs:
                rows = _rows(program, before, elapsed)
                shown += [Text(render.visible(_title(program))), render.make_table(_HEADINGS, rows, fixed=_FIXED)]
            live.update(Group(*shown, Text("Ctrl-C ends" if programs else _NOBODY)), refresh=True)
            before = {worker["pid"]: worker["cpu_seconds"] for program in programs for worker in program["workers"]}
            pause.wait(interval)
            programs = look_around()
            now = time.monotonic()
            looked, elapsed = now, now - looked


def _title(program: ProgramInfo) -> str:
    """Name a program, and say for which plugins calls wait."""
    waiting = [f"{count} of {plugin_id} waiting" for plugin_id, count in sorted(program["waiting"].items())]
    return ", ".join([f"process {program['pid']}: {program['program']}", *waiting])


def _rows(program: ProgramInfo, before: Mapping[int | None, float], elapsed: float) -> list[list[str]]:
    return [_row(worker, before.get(worker["pid"]), elapsed) for worker in program["workers"]]


def _row(worker: WorkerInfo, before: float | None, elapsed: float) -> list[str]:
    # The share of the last moments; at the first look, that of the worker's whole life.
    seconds = worker["cpu_seconds"] - (before or 0.0)
    share = seconds / max(worker["age_seconds"] if before is None else elapsed, 1e-3)
    limits, call = worker["limits"], worker["call_seconds"]
    deadline = f" / {limits['call_seconds']:g} s" if limits["call_seconds"] is not None else ""
    memory = f" / {limits['memory_bytes'] >> 20} MB" if limits["memory_bytes"] is not None else ""
    starting = worker["pid"] is None
    return [
        "" if starting else str(worker["pid"]),
        f"{worker['plugin_id']} {worker['version']}",
        worker["state"],
        f"{show_seconds(call)}{deadline}" if call is not None else "",
        "" if starting else f"{100 * share:.0f} %",
        "" if starting else f"{show_memory(worker['memory_bytes'])}{memory}",
        worker["run_id"][:_DIGITS],
    ]
