"""`platform-base memory`: what a call allocates, measured in the plugin's own confined process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from platform_base.cli.options import (
    ColdOption,
    ConfigOption,
    InputsOption,
    JsonOption,
    ParamsFileOption,
    ParamsOption,
    PluginArgument,
    PluginsOption,
    open_registry,
)
from platform_base.cli.run import load_inputs

if TYPE_CHECKING:
    from platform_base.plugins.profiling.memory_profile import MemoryProfile

_MOST_LINES = 12


def trace_memory(
    plugin_id: PluginArgument,
    inputs: InputsOption = None,
    params: ParamsOption = None,
    params_file: ParamsFileOption = None,
    timeout: Annotated[
        float | None,
        typer.Option("--timeout", metavar="SECONDS", help="Deadline; tracing takes many times as long as a call."),
    ] = None,
    cold: ColdOption = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page: the curve, lines, call stacks.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that exists.")] = False,
    plugins: PluginsOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a plugin allocates, by line, and its peak.

    Example: platform-base memory custom_filters -i series=data.csv:x -p cutoff=0.1 --html memory.html
    """
    from platform_base.cli import render
    from platform_base.cli.assignments import read_parameters
    from platform_base.cli.profiles.memory_report import describe_memory, make_memory_page
    from platform_base.cli.result_files import check_output, replace_file

    if html is not None:
        check_output(html, (".html",), force=force)
    with open_registry(config, plugins) as registry:
        parameters = read_parameters(params or [], params_file, registry.get_manifest(plugin_id).configuration)
        values = {name: each.values for name, each in load_inputs(inputs or []).items()}
        profile = registry.trace_memory(plugin_id, values, parameters, timeout, warm=not cold)
    facts = _list_facts(profile)
    files = {}
    if html is not None:
        page = make_memory_page(profile, facts).encode()
        replace_file(html, lambda stream: stream.write(page))
        files["html"] = str(html)
    if as_json:
        render.print_json({**describe_memory(profile), "files": files})
        return
    _print_profile(profile, {**facts, **files})


def _list_facts(profile: MemoryProfile) -> dict[str, str]:
    from platform_base.cli.profiles.memory_report import show_bytes

    share = profile.shown_bytes / profile.peak_bytes if profile.peak_bytes else 1.0
    return {
        "plugin": f"{profile.plugin_id} {profile.version}",
        "digest": profile.digest,
        "peak": f"{show_bytes(profile.peak_bytes)} allocated by Python and NumPy for the call",
        "worker": f"{show_bytes(profile.process_peak_bytes)} resident at its peak, interpreter and tracing included",
        "seen": f"{show_bytes(profile.shown_bytes)} alive when the lines were listed, {share:.0%} of the peak",
    }


def _print_profile(profile: MemoryProfile, facts: dict[str, str]) -> None:
    from platform_base.cli import render
    from platform_base.cli.profiles.memory_report import list_rows

    render.print_facts(facts)
    print()
    rows = list_rows(profile, _MOST_LINES, least=0.01)
    if rows:
        shown = [(*row[:3], render.shorten(row[3], 70)) for row in rows]
        render.print_table(["memory", "pieces", "place", "source"], shown, fixed=(0, 1, 2))
    else:
        print("nothing that was allocated was alive then")
