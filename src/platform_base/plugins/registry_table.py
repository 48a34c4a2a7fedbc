"""How a registry looks in a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from platform_base.core.notebook import escape, make_table
from platform_base.core.plain import shorten
from platform_base.plugins.listing import PluginInfo
from platform_base.plugins.stats import PluginStats

_HEADINGS = ("plugin", "version", "state", "calls", "failed", "median time", "peak memory", "description")


def show_registry(plugins: Sequence[PluginInfo], stats: Mapping[str, PluginStats], problems: Sequence[str]) -> str:
    """Return a table of plugins, and what is wrong with those that cannot be used; everything escaped.

    Args:
        plugins: As `PluginRegistry.list_plugins` returns them.
        stats: Figures by plugin id; of some plugins there are none.
        problems: One text each.
    """
    parts = [make_table(_HEADINGS, [_row(info, stats.get(info["id"])) for info in plugins])]
    if not plugins:
        parts = ["<p>no plugins found; look for some with discover_plugins()</p>"]
    if problems:
        listed = "".join(f"<li>{escape(problem)}</li>" for problem in problems)
        parts.append(f"<details><summary>{len(problems)} that cannot be used</summary><ul>{listed}</ul></details>")
    return f"<div>{''.join(parts)}</div>"


def _row(info: PluginInfo, stats: PluginStats | None) -> tuple[str, ...]:
    state = f"disabled: {info['disabled']}" if info["disabled"] else "loaded" if info["loaded"] else "ready"
    figures = ("", "", "", "")
    if stats is not None and stats["execution_count"]:
        successes = stats["success_count"]
        figures = (
            str(stats["execution_count"]),
            str(stats["failure_count"]),
            f"{stats['p50_execution_time']:.3g} s" if successes else "",
            f"{stats['memory_usage_mb']:.0f} MB" if successes else "",
        )
    return (info["id"], info["version"], state, *figures, shorten(info["description"], 80))
