"""What the registry says of each plugin that it knows."""

from __future__ import annotations

from typing import TypedDict

from platform_base.plugins._catalog.release import Release


class PluginInfo(TypedDict):
    """One row of `PluginRegistry.list_plugins`."""

    id: str
    version: str
    versions: list[str]
    description: str
    author: str
    license: str
    tags: list[str]
    requires: list[str]
    produces: list[str]
    digest: str
    directory: str
    loaded: bool
    disabled: str


def describe_plugin(release: Release, versions: list[str], loaded: bool, disabled: str) -> PluginInfo:
    """Return the row of one plugin.

    Args:
        release: The one that is active.
        versions: All that are known, lowest first.
        loaded: Whether it was loaded.
        disabled: Why its calls are refused now; empty: they are not.
    """
    manifest = release.manifest
    return PluginInfo(
        id=manifest.plugin_id,
        version=manifest.version,
        versions=versions,
        description=manifest.description,
        author=manifest.author,
        license=manifest.license,
        tags=list(manifest.tags),
        requires=list(manifest.requires),
        produces=[product.name for product in manifest.produces],
        digest=release.digest,
        directory=str(release.directory),
        loaded=loaded,
        disabled=disabled,
    )
