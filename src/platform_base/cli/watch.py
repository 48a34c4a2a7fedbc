"""`platform-base watch`: save a file, and read a moment later whether the plugin works."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from platform_base.cli.amounts import write_count
from platform_base.cli.errors import FAILED
from platform_base.cli.options import ConfigOption

if TYPE_CHECKING:
    from platform_base.plugins.registry import PluginChange, PluginRegistry

_FEW = 5
"""So many names of files are said."""
_DIGITS = 12
"""Of a digest: enough to tell releases apart by eye."""


def watch_plugin(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="A plugin's directory, or one that holds several plugins.")
    ],
    once: Annotated[
        bool, typer.Option("--once", help="End after the first change: 0 if it is live, 1 if it was refused.")
    ] = False,
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line instead of text.")] = False,
) -> None:
    """Load a plugin again whenever a file of it changes, and say whether it passes its self-tests.

    Example: platform-base watch plugins/my_plugin
    """
    from platform_base.cli.plugin_directory import check_directory
    from platform_base.plugins.registry import PluginRegistry

    check_directory(directory, "a directory with a plugin")
    with PluginRegistry(config) as registry:
        registry.discover_plugins(directory)
        _print_beginning(registry, directory, as_json=as_json)
        for change in registry.watch_plugins():
            if as_json:
                print(json.dumps(_describe(change), ensure_ascii=False), flush=True)
            else:
                _print_change(change)
            if once and change["changed_at"] is not None:
                if change["state"] == "refused":
                    raise typer.Exit(FAILED)
                return


def _print_beginning(registry: PluginRegistry, directory: Path, *, as_json: bool) -> None:
    found = [info["id"] for info in registry.list_plugins()]
    if as_json:
        line = {"event": "watching", "time": _iso(time.time()), "directory": str(directory), "plugins": found}
        print(json.dumps(line, ensure_ascii=False), flush=True)
        return
    print(f"watching {directory}: {', '.join(found) or 'no plugin that can be used yet'}; Ctrl-C ends it", flush=True)


def _describe(change: PluginChange) -> dict[str, Any]:
    """Return one verdict for a program."""
    from platform_base.cli import render

    return {
        "event": change["state"],
        "time": _iso(change["decided_at"]),
        "plugin": change["id"],
        "version": change["version"],
        "digest": change["digest"],
        "directory": change["directory"],
        "self_tests": change["self_tests"],
        "serving": change["serving"],
        "milliseconds": _milliseconds(change),
        "files": change["files"],
        "permissions_added": change["permissions_added"],
        "permissions_removed": change["permissions_removed"],
        "error": render.describe_error(change["error"]) if change["error"] is not None else None,
        "problems": render.describe_problems(change["problems"]),
    }


def _print_change(change: PluginChange) -> None:
    from platform_base.cli.render import visible

    took = _milliseconds(change)
    name = f"{change['id']} {change['version']}".rstrip() or Path(change["directory"]).name
    digest = change["digest"].removeprefix("sha256:")[:_DIGITS]
    words = [_clock(change["decided_at"]), f"{change['state']:<9}", visible(name), digest, _verdict(change)]
    print("  ".join(word for word in words if word) + (f"  {took:.0f} ms" if took is not None else ""), flush=True)
    for line in _differences(change):
        print(f"          {visible(line)}", flush=True)
    if change["state"] != "refused":
        return
    error = change["error"]
    texts = [str(problem) for problem in change["problems"]] if error is None else [str(error)]
    # The last line of a traceback says once more what the message has said.
    trace = getattr(error, "remote_traceback", "").rstrip().splitlines()[:-1]
    for line in "\n".join([*texts, *trace]).splitlines():
        print(f"          {visible(line)}".rstrip(), flush=True)


def _differences(change: PluginChange) -> Iterator[str]:
    """Say which files changed, and what is asked for that was not asked for before."""
    if files := change["files"]:
        more = f" and {len(files) - _FEW} more" if len(files) > _FEW else ""
        yield f"changed: {', '.join(files[:_FEW])}{more}"
    yield from (f"- permission  {line}" for line in change["permissions_removed"])
    yield from (f"+ permission  {line}" for line in change["permissions_added"])


def _verdict(change: PluginChange) -> str:
    if change["state"] == "live":
        count = change["self_tests"]
        return f"{write_count(count, 'self-test')} passed" if count else "loads; it has no self-test"
    if change["state"] == "refused":
        return f"{change['serving']} goes on serving" if change["serving"] else "nothing serves yet"
    if change["state"] == "set aside":
        return f"{change['serving']} answers"
    return "its manifest.json is gone"


def _milliseconds(change: PluginChange) -> float | None:
    """Return the time from the change of the file to the verdict; never negative, though a clock may be set."""
    if change["changed_at"] is None:
        return None
    return round(max(0.0, change["decided_at"] - change["changed_at"]) * 1e3, 1)


def _clock(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def _iso(seconds: float) -> str:
    import datetime

    return datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC).isoformat(timespec="milliseconds")
