"""`platform-base cache prune`: delete copies of releases and compiled kernels that nobody needs any more."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from platform_base.cli.options import ConfigOption, JsonOption

app = typer.Typer(name="cache", help="Look after the cache directory.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def look_after() -> None:
    """Look after the cache directory: copies of releases, compiled kernels."""


@app.command("prune")
def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Delete nothing, only say what would go.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete what was not used for long, or is too much; what a running process uses stays."""
    from platform_base.cli import render
    from platform_base.plugins.cache import prune_cache
    from platform_base.plugins.replays import Replays
    from platform_base.plugins.settings import Settings

    settings = Settings.load(config)
    keep = Replays(settings.replay).digests()
    report: dict[str, Any] = dict(prune_cache(settings.cache, keep=keep, dry_run=dry_run))
    if as_json:
        render.print_json(report)
        return
    if report["removed"]:
        rows = [
            [each["digest"][7:19] or "-", f"{each['mb']:.1f}", f"{each['days']:.1f}", each["reason"]]
            for each in report["removed"]
        ]
        render.print_table(["release", "MB", "days unused", "reason"], rows)
    verb = "would be deleted" if dry_run else "deleted"
    print(f"{report['directory']}: {len(report['removed'])} releases ({report['removed_mb']:.1f} MB) {verb}, ", end="")
    print(f"{report['kept_count']} ({report['kept_mb']:.1f} MB) stay, {len(report['in_use'])} of them because in use")
