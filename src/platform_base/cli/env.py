"""`platform-base env`: the environments of plugins whose requirements are not the host's."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from platform_base.cli.options import ConfigOption, JsonOption, PluginArgument, PluginsOption, open_registry

app = typer.Typer(name="env", help="Build, list and delete environments of plugins.", no_args_is_help=True)


@app.callback()
def environments() -> None:
    """Build, list and delete environments of plugins: what they require, installed beside the host's packages."""


@app.command("build")
def build(
    plugin_id: PluginArgument,
    plugins: PluginsOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build the environment that a plugin runs in under these settings."""
    from platform_base.cli import render

    with open_registry(config, plugins) as registry:
        place = registry.build_environment(plugin_id)
    if as_json:
        render.print_json({"plugin": plugin_id, "directory": place})
    else:
        print(f"{plugin_id} runs in {place or 'the installation of the host'}")


@app.command("list")
def list_environments(as_json: JsonOption = False) -> None:
    """List the environments that are built."""
    from platform_base.cli import render
    from platform_base.plugins.cache import list_environments as find

    rows = find()
    if as_json:
        render.print_json({"environments": rows})
        return
    cells = [[row["key"][:12], f"{row['mb']:.1f}", f"{row['days']:.1f}", ", ".join(row["requires"])] for row in rows]
    render.print_table(["environment", "MB", "days unused", "requires"], cells)


@app.command("prune")
def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Delete nothing, only say what would go.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Delete those that were used lately, too.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete environments that nobody has used for `cache.max_age_days`; what a running process uses stays."""
    from platform_base.cli import render
    from platform_base.plugins.cache import prune_environments
    from platform_base.plugins.settings import Settings

    max_age_days = 0.0 if everything else Settings.load(config).cache.max_age_days
    removed: list[Any] = list(prune_environments(max_age_days, dry_run=dry_run))
    if as_json:
        render.print_json({"dry_run": dry_run, "removed": removed})
        return
    verb = "would be deleted" if dry_run else "deleted"
    print(f"{len(removed)} environments ({sum(row['mb'] for row in removed):.1f} MB) {verb}")
