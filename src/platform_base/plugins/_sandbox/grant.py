"""How a policy comes about: what the operator's settings give, and what the plugin's manifest asks for."""

from __future__ import annotations

from pathlib import Path

from platform_base.plugins._sandbox.landlock import system_read_paths
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins.errors import PluginLoadError
from platform_base.plugins.manifest import Manifest
from platform_base.plugins.settings import SecuritySettings

_MB = 1 << 20


def derive_policy(
    security: SecuritySettings,
    manifest: Manifest,
    *,
    read: tuple[Path, ...] = (),
    write: tuple[Path, ...] = (),
) -> Policy:
    """Return the policy for a plugin: settings ∩ manifest.

    Args:
        security: The operator's settings for this plugin.
        manifest: What the plugin asks for.
        read: Directories of this release that its workers read.
        write: Directories of this release that its workers may write, besides their scratch directory.

    Raises:
        PluginLoadError: The plugin asks for more than the settings give.
    """
    _check_permissions(security, manifest)
    megabytes = security.max_memory_mb
    return Policy(
        enabled=security.enable_sandboxing,
        read_paths=(*system_read_paths(), *map(str, read), *_resolved(security.filesystem.read)),
        write_paths=(*map(str, write), *_resolved(security.filesystem.write)),
        network=security.destinations,
        max_memory_bytes=None if megabytes is None else int(megabytes * _MB),
        max_cpu_percent=security.max_cpu_percent,
        max_cpu_seconds=security.max_cpu_seconds,
        max_threads=security.max_threads,
        max_open_files=security.max_open_files,
        max_scratch_bytes=int(security.max_scratch_mb * _MB),
        max_result_bytes=int(security.max_result_mb * _MB),
        max_output_bytes=int(security.max_output_mb * _MB),
        allowed_modules=None if security.allowed_modules is None else tuple(security.allowed_modules),
        blocked_modules=tuple(security.blocked_modules),
        accept_missing=tuple(security.accept_missing),
    )


def _resolved(paths: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return tuple(str(Path(path).expanduser().resolve()) for path in paths)


def _check_permissions(security: SecuritySettings, manifest: Manifest) -> None:
    """Compare what the manifest asks for with what the settings give; nothing is granted silently or in part."""
    raise NotImplementedError
