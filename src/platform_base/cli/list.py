"""`platform-base list`: which plugins there are."""

from __future__ import annotations

from platform_base.cli.options import ConfigOption, JsonOption, PluginsOption, open_registry


def list_plugins(plugins: PluginsOption = None, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the plugins that are found, and what is wrong with those that cannot be used."""
    from platform_base.cli import render

    with open_registry(config, plugins) as registry:
        found = registry.list_plugins()
        problems = registry.problems
    if as_json:
        render.print_json({"plugins": found, "problems": render.describe_problems(problems)})
        return
    if found:
        rows = [[each["id"], each["version"], _state(each["versions"]), each["description"]] for each in found]
        render.print_table(["id", "version", "state", "description"], rows, fixed=(0, 1))
    else:
        print("no plugins found; look elsewhere with --plugins DIR, or make one with: platform-base new NAME")
    if problems:
        render.print_heading(f"{len(problems)} problems")
        for problem in problems:
            print(f"  {render.visible(problem)}")
