"""`platform-base warmup`: have plugins compile what they compile, now rather than in somebody's first call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from platform_base.cli.errors import FAILED
from platform_base.cli.options import ConfigOption, JsonOption, PluginsOption, open_registry

if TYPE_CHECKING:
    from platform_base.plugins.registry import PluginRegistry


def warm_up(
    plugin_ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="Plugins; by default all.")] = None,
    plugins: PluginsOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Carry out the self-tests of plugins twice: what the first time compiles, all workers find in the cache."""
    from platform_base.cli import render

    with open_registry(config, plugins) as registry:
        chosen = plugin_ids or sorted({info["id"] for info in registry.list_plugins()})
        rows = [row for plugin_id in chosen for row in _warm(registry, plugin_id)]
    if as_json:
        render.print_json({"calls": rows})
    else:
        cells = [[row["plugin"], row["self_test"] or "-", *_times(row), row["detail"]] for row in rows]
        render.print_table(["plugin", "self-test", "first call", "warm call", ""], cells)
    if any(row["detail"] for row in rows if row["self_test"]):
        raise typer.Exit(FAILED)


def _warm(registry: PluginRegistry, plugin_id: str) -> list[dict[str, Any]]:
    """Carry out the self-tests of one plugin twice, every call in a fresh worker."""
    registry.load_plugin(plugin_id)
    first, second = registry.run_self_test(plugin_id), registry.run_self_test(plugin_id)
    if not first:
        return [_row(plugin_id, None, None, None, "has no self-test: nothing to carry out")]
    return [
        _row(plugin_id, cold["name"], cold["seconds"], warm["seconds"], "; ".join(cold["findings"] or warm["findings"]))
        for cold, warm in zip(first, second, strict=True)
    ]


def _row(plugin_id: str, name: str | None, first_s: float | None, warm_s: float | None, detail: str) -> dict[str, Any]:
    return {"plugin": plugin_id, "self_test": name, "first_s": first_s, "warm_s": warm_s, "detail": detail}


def _times(row: dict[str, Any]) -> list[str]:
    return ["-" if row[key] is None else f"{row[key]:.2f} s" for key in ("first_s", "warm_s")]
