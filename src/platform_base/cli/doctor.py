"""`platform-base doctor`: what this machine can and cannot do for plugins."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from platform_base.cli.errors import FAILED
from platform_base.cli.options import ConfigOption, JsonOption
from platform_base.cli.skeleton import TEMPLATE_ID

if TYPE_CHECKING:
    from platform_base.plugins.registry import PluginRegistry


def examine(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Say which protections this machine has, and prove them."""
    import importlib.metadata

    from platform_base.cli import render
    from platform_base.plugins.registry import PluginRegistry

    with PluginRegistry(config) as registry:
        facts = {
            "platform_base": importlib.metadata.version("platform-base"),
            "python": f"{platform.python_implementation()} {platform.python_version()} ({sys.executable})",
            "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
            "user": f"uid {os.getuid()}{' (root)' if os.getuid() == 0 else ''}",
            "settings": registry.settings.source,
            "sandboxing": "on" if registry.settings.security.enable_sandboxing else "OFF",
        }
        protections = registry.sandbox_report()
        live = _run_template(registry)
        attempts = _try_to_escape(registry) if live["passed"] else []
    healthy = live["passed"] and bool(attempts) and all(each["stopped"] for each in attempts)
    if as_json:
        render.print_json(
            {**facts, "protections": protections, "live_check": live, "escapes": attempts, "healthy": healthy}
        )
    else:
        render.print_facts(facts)
        _print_protections(protections)
        _print_live(live)
        _print_attempts(attempts)
    if not healthy:
        raise typer.Exit(FAILED)


def _run_template(registry: PluginRegistry) -> dict[str, Any]:
    """Run the template plugin as any plugin is run, and say how that went."""
    from platform_base.cli.render import describe_error
    from platform_base.plugins.errors import PluginError

    try:
        registry.discover_plugins()
        result = registry.execute_plugin(TEMPLATE_ID, {"series": [1.0, 2.0]}, {"multiplier": 2.0, "offset": 0.0})
    except PluginError as error:
        return {"passed": False, "protections": [], "error": describe_error(error)}
    assert result.execution is not None
    right = list(result.values) == [2.0, 4.0]
    return {"passed": right, "protections": list(result.execution.protections), "error": None}


def _try_to_escape(registry: PluginRegistry) -> list[dict[str, Any]]:
    """Let the intruder try; nothing at all where it cannot even be started."""
    from platform_base.plugins.errors import SandboxUnavailableError

    try:
        return [dict(each) for each in registry.self_check()]
    except SandboxUnavailableError:
        return []


def _print_attempts(attempts: Sequence[Mapping[str, Any]]) -> None:
    from platform_base.cli import render

    if not attempts:
        return
    stopped = sum(each["stopped"] for each in attempts)
    render.print_heading(f"self-check: a plugin that tries to break out; {stopped} of {len(attempts)} attempts stopped")
    rows = [[each["attempt"], "stopped" if each["stopped"] else "WORKED", each["answer"]] for each in attempts]
    render.print_table(["attempt", "outcome", "what the system answered"], rows, fixed=(1,))


def _print_protections(protections: Sequence[Mapping[str, object]]) -> None:
    from platform_base.cli import render

    render.print_heading("protections")
    rows = [
        [each["name"], "available" if each["available"] else "MISSING", each["purpose"], each["detail"]]
        for each in protections
    ]
    render.print_table(["name", "state", "what it means", "here"], rows, fixed=(0, 1))
    for each in protections:
        if not each["available"]:
            print(f"{each['name']} is missing: {render.visible(each['reason'])}")
            print(f"  how to get it: {render.visible(each['remedy'] or 'see docs/plugins/concepts/isolation.md')}")


def _print_live(live: dict[str, Any]) -> None:
    from platform_base.cli import render

    render.print_heading("live check: the plugin plugin_template, under these settings")
    if live["passed"]:
        print(f"passed; in force: {', '.join(live['protections']) or 'nothing, sandboxing is off'}")
    elif live["error"]:
        print(f"FAILED: {render.visible(live['error']['message'])}")
    else:
        print("FAILED: the plugin returned wrong values")
