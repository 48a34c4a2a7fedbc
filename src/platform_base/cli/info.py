"""`platform-base info`: everything that is known about one plugin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from platform_base.cli.options import ConfigOption, JsonOption, PluginArgument, PluginsOption, open_registry

if TYPE_CHECKING:
    from platform_base.plugins.manifest import Manifest, Parameter


def show_plugin(
    plugin_id: PluginArgument,
    plugins: PluginsOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a plugin, its parameters and its limits."""
    from platform_base.cli import render

    with open_registry(config, plugins) as registry:
        manifest = registry.get_manifest(plugin_id)
        release = next(info for info in registry.list_plugins() if info["id"] == plugin_id)
        security = registry.settings.security_for(plugin_id).model_dump(mode="json")
        source = registry.settings.source
    if as_json:
        described = {
            "manifest": manifest.model_dump(mode="json"),
            "parameters": {
                name: {"required": each.required, "accepts": each.describe()}
                for name, each in manifest.configuration.items()
            },
            "versions": release["versions"],
            "directory": release["directory"],
            "digest": release["digest"],
            "settings": {"source": source, "security": security},
        }
        render.print_json(described)
        return
    render.print_facts(_facts(manifest, release))
    _print_parameters(manifest.configuration)
    render.print_heading(f"limits, from {source}")
    render.print_facts({f"  {name}": _word(value) for name, value in security.items()})


def _facts(manifest: Manifest, release: Mapping[str, Any]) -> dict[str, str]:
    lowest, highest = manifest.core_min_version or "any", manifest.core_max_version or "any"
    facts = {
        "plugin": f"{manifest.plugin_id} {manifest.version}",
        "description": manifest.description,
        "author": manifest.author,
        "license": manifest.license,
        "tags": ", ".join(manifest.tags),
        "platform_base": f"from {lowest} to {highest}",
        "requires": ", ".join(manifest.requires),
        "produces": ", ".join(product.name for product in manifest.produces),
        "entry point": manifest.entry_point,
        "versions": ", ".join(release["versions"]),
        "directory": release["directory"],
        "digest": release["digest"],
    }
    asked = manifest.permissions.model_dump(mode="json", exclude_none=True)
    if asked:
        facts["permissions"] = _word(asked)
    return {name: value for name, value in facts.items() if value}


def _print_parameters(parameters: Mapping[str, Parameter]) -> None:
    from platform_base.cli import render

    if not parameters:
        render.print_heading("no parameters")
        return
    render.print_heading("parameters")
    rows = [
        [name, each.describe(), "(must be given)" if each.required else _word(each.default), each.description]
        for name, each in parameters.items()
    ]
    render.print_table(["name", "accepts", "default", "description"], rows)


def _word(value: object) -> str:
    """Write a value of the settings or a default as it stands in JSON; a list as its words."""
    import json

    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(map(_word, value)) or "none"
    return json.dumps(value, ensure_ascii=False)
