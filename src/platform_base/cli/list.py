"""`platform-base list`: which plugins there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from platform_base.cli.options import ConfigOption, JsonOption, PluginsOption, open_registry

if TYPE_CHECKING:
    from platform_base.plugins.registry import PluginInfo, PluginRegistry


def list_plugins(
    load: Annotated[
        bool, typer.Option("--load", help="Load each one in a confined process, to see whether it works.")
    ] = False,
    plugins: PluginsOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the plugins, and what is wrong with any."""
    from platform_base.cli import render

    with open_registry(config, plugins) as registry:
        if load:
            registry.load_all()
        found = [{**info, "state": _state(registry, info, tried=load)} for info in registry.list_plugins()]
        problems = registry.problems
    if as_json:
        render.print_json({"plugins": found, "problems": render.describe_problems(problems)})
        return
    if found:
        rows = [[each["id"], each["version"], each["state"], each["description"]] for each in found]
        render.print_table(["id", "version", "state", "description"], rows, fixed=(0, 1, 2))
    else:
        print("no plugins found; look elsewhere with --plugins DIR, or make one with: platform-base new NAME")
    if problems:
        render.print_heading("problems")
        for problem in problems:
            print(f"  {render.visible(problem)}")


def _state(registry: PluginRegistry, info: PluginInfo, *, tried: bool) -> str:
    """Return ready, loaded, failed or incompatible."""
    from platform_base.plugins.errors import IncompatiblePluginError

    try:
        registry.get_manifest(info["id"])
    except IncompatiblePluginError:
        return "incompatible"
    if info["loaded"]:
        return "loaded"
    return "failed" if tried else "ready"
