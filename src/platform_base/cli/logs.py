"""`platform-base logs`: what plugins printed, by call."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Annotated, Any

import typer

from platform_base.cli.errors import UsageError
from platform_base.cli.moments import show_moment
from platform_base.cli.options import ConfigOption, JsonOption, open_history
from platform_base.cli.runs import SHOWN_DIGITS, describe_nothing

if TYPE_CHECKING:
    from platform_base.history.history import History
    from platform_base.history.run import Line

_LOOK_S = 0.25
EXAMPLES = """Examples:

  platform-base logs

  platform-base logs dtw_align --follow

  platform-base logs --run 019ab3c4d5e6
"""


def print_logs(
    plugin_id: Annotated[str | None, typer.Argument(metavar="ID", help="This plugin alone.")] = None,
    run_id: Annotated[
        str | None, typer.Option("--run", metavar="RUN_ID", help="One call; the beginning of its id suffices.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", metavar="N", min=1, help="The last so many lines.")] = 50,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with new lines until Ctrl-C; with --json one object a line.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what plugins printed and logged, each line with the run that it belongs to."""
    from platform_base.cli import render

    if run_id is not None and (plugin_id is not None or follow):
        raise UsageError("--run: expected it alone; a run is of one plugin, and prints no more lines when it is here")
    history = open_history(config)
    if run_id is not None:
        _print_run(history, run_id, as_json=as_json)
        return
    found = history.latest_lines(plugin_id=plugin_id, limit=limit)
    if follow:
        _follow(history, plugin_id, found, as_json=as_json)
    elif as_json:
        render.print_json({"history": str(history.path), "lines": [_describe(line) for _, line in found]})
    elif found:
        for _, line in found:
            _print_line(line)
    else:
        print(describe_nothing(history, plugin_id, "lines"))


def _print_run(history: History, run_id: str, *, as_json: bool) -> None:
    """Print the lines of one call, and the error that it ended in."""
    from platform_base.cli import render

    run, lines = history.run(run_id), history.lines(run_id)
    if as_json:
        ending = {"outcome": run.outcome, "cause": run.cause, "error": run.error, "traceback": run.traceback}
        render.print_json(
            {"run_id": run.run_id, "plugin_id": run.plugin_id, "lines": [_describe(line) for line in lines], **ending}
        )
        return
    for line in lines:
        print(render.visible(line.text))
    if run.error:
        print(render.visible(f"{run.error_type}: {run.error}\n{run.traceback}").rstrip())
    elif not lines:
        print(f"{run.plugin_id} has printed nothing in this run")


def _follow(history: History, plugin_id: str | None, found: list[tuple[int, Line]], *, as_json: bool) -> None:
    pause = threading.Event()
    last = found[-1][0] if found else max((number for number, _ in history.latest_lines(limit=1)), default=0)
    while True:
        for number, line in found:
            last = max(last, number)
            if as_json:
                from platform_base.cli.render import plain

                print(json.dumps(plain(_describe(line)), ensure_ascii=False), flush=True)
            else:
                _print_line(line)
        pause.wait(_LOOK_S)
        found = history.latest_lines(plugin_id=plugin_id, after=last, limit=None)


def _describe(line: Line) -> dict[str, Any]:
    return {"written": line.written, "run_id": line.run_id, "plugin_id": line.plugin_id, "text": line.text}


def _print_line(line: Line) -> None:
    from platform_base.cli.render import visible

    text = f"{show_moment(line.written)} {line.run_id[:SHOWN_DIGITS]} {line.plugin_id} | {line.text}"
    print(visible(text), flush=True)
