"""`platform-base replay`: run a call again that failed, as it was, or on corrected code, or under a debugger."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from platform_base.cli.errors import UsageError
from platform_base.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from platform_base.plugins.registry import PluginRegistry


def replay(
    run_id: Annotated[
        str | None, typer.Argument(metavar="RUN_ID", help="The call, as its error named it. Without it: list them.")
    ] = None,
    release: Annotated[
        Path | None, typer.Option("--release", metavar="DIR", help="Run the plugin in DIR instead of what ran then.")
    ] = None,
    inline: Annotated[
        bool, typer.Option("--inline", help="Run the plugin in this process, UNPROTECTED, so that breakpoints work.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--pdb", help="Like --inline, and look at the failure with Python's debugger.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a call again that failed and was kept."""
    from platform_base.plugins.registry import PluginRegistry

    if as_json and debug:
        raise UsageError("--json and --pdb: expected one of them; a debugger speaks with a person")
    with PluginRegistry(config) as registry:
        if run_id is None:
            _print_list(registry, as_json=as_json)
            return
        _run(registry, run_id, release, inline=inline or debug, debug=debug, as_json=as_json)


def _print_list(registry: PluginRegistry, *, as_json: bool) -> None:
    from platform_base.cli import render

    calls = registry.kept_calls()
    if as_json:
        render.print_json(
            {"directory": registry.settings.replay.directory, "calls": list(map(dataclasses.asdict, calls))}
        )
    elif calls:
        rows = [
            [call.run_id, call.when, f"{call.plugin_id} {call.version}", call.error.splitlines()[0]] for call in calls
        ]
        render.print_table(["run", "when", "plugin", "error"], rows, fixed=(0, 1))
    else:
        print("no calls are kept; failing calls are kept with the setting replay: on_failure")


def _run(
    registry: PluginRegistry, run_id: str, release: Path | None, *, inline: bool, debug: bool, as_json: bool
) -> None:
    from platform_base.cli import render
    from platform_base.cli.series.source import LoadedInput
    from platform_base.cli.summary import summarize_for_people, summarize_run
    from platform_base.plugins.errors import PluginFailedError

    try:
        result = registry.replay_run(run_id, release=release, inline=inline)
    except PluginFailedError as error:
        if debug and error.__cause__ is not None:
            import pdb

            pdb.post_mortem(error.__cause__.__traceback__)
        raise
    origin = f"run {run_id}"
    inputs = {name: LoadedInput(values=value, origin=origin) for name, value in registry.kept_inputs(run_id).items()}
    described: dict[str, Any] = summarize_run(result, inputs, {})
    if as_json:
        render.print_json(described)
    else:
        render.print_facts(summarize_for_people(result, inputs, {}))
