"""How a policy comes about: what the operator's settings give, cut down to what the plugin's manifest asks for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from platform_base.plugins._sandbox.import_path import import_path
from platform_base.plugins._sandbox.landlock import system_read_paths
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins.errors import PluginLoadError, SandboxUnavailableError
from platform_base.plugins.manifest import Manifest
from platform_base.plugins.permissions import Permissions
from platform_base.plugins.settings import SecuritySettings, Settings

_MB = 1 << 20


def derive_policy(
    security: SecuritySettings,
    manifest: Manifest,
    *,
    read: tuple[Path, ...] = (),
    write: tuple[Path, ...] = (),
) -> Policy:
    """Return the policy for a plugin: settings ∩ manifest.

    Amounts (memory, threads) are the settings', unless the manifest asks for less. Files outside the plugin's own
    directory are granted only where the manifest asks for them *and* the settings give them.

    Args:
        security: The operator's settings for this plugin.
        manifest: What the plugin asks for.
        read: Directories of this release that its workers read.
        write: Directories of this release that its workers may write, besides their scratch directory.

    Raises:
        PluginLoadError: The plugin asks for more than the settings give.
        SandboxUnavailableError: The plugin is given processes, and the settings keep it out of the namespace that would
            bound them.
    """
    asked = manifest.permissions
    refused = list(_refusals(security, asked))
    if refused:
        raise PluginLoadError(
            f"plugin {manifest.plugin_id!r} asks for more than it is given:\n" + "\n".join(refused),
            plugin_id=manifest.plugin_id,
        )
    processes = min(asked.processes or 0, security.max_processes)
    if processes and security.enable_sandboxing and security.namespaces == "off":
        raise SandboxUnavailableError(
            f"plugin {manifest.plugin_id!r} starts processes, which can be bounded only in a process id namespace: "
            "set security.namespaces to auto or require, or security.max_processes to 0",
            protection="pid_namespace",
        )
    files = asked.filesystem
    megabytes = _least(security.max_memory_mb, asked.memory_mb)
    threads = _least(security.max_threads, asked.threads) or security.max_threads
    return Policy(
        enabled=security.enable_sandboxing,
        read_paths=(*common_read_paths(), *map(str, (*read, *_resolve(files.read if files else ())))),
        write_paths=(*map(str, write), *map(str, _resolve(files.write if files else ()))),
        network=asked.network.destinations if asked.network is not None else (),
        max_memory_bytes=None if megabytes is None else megabytes * _MB,
        max_cpu_percent=security.max_cpu_percent,
        max_cpu_seconds=security.max_cpu_seconds,
        max_threads=threads,
        blas_threads=min(threads, whole_cores(security.max_cpu_percent)),
        max_processes=processes,
        max_open_files=security.max_open_files,
        max_scratch_bytes=security.max_scratch_mb * _MB,
        max_result_bytes=security.max_result_mb * _MB,
        max_output_bytes=security.max_output_mb * _MB,
        allowed_modules=security.allowed_modules,
        blocked_modules=security.blocked_modules,
        namespaces=security.namespaces,
        cgroup=str(_resolve([security.cgroup])[0]) if security.cgroup and security.enable_sandboxing else "",
        accept_missing=security.accept_missing,
    )


def whole_cores(max_cpu_percent: float | None) -> int:
    """Return how many threads can run at once within a share of the processor; at least one.

    Example:
        >>> whole_cores(50.0), whole_cores(100.0)
        (1, 1)
    """
    cores = len(os.sched_getaffinity(0))
    return cores if max_cpu_percent is None else max(1, min(cores, int(max_cpu_percent // 100)))


def common_read_paths() -> tuple[str, ...]:
    """Return what every worker may read: Python, its packages and shared libraries, and where workers import from."""
    return (*system_read_paths(), *_import_trees())


def named_paths(settings: Settings) -> tuple[str, ...]:
    """Return every path that ``security.filesystem`` gives to any plugin."""
    given = [settings.security, *(settings.security_for(plugin_id) for plugin_id in settings.plugins)]
    paths = {path for each in given for path in (*each.filesystem.read, *each.filesystem.write)}
    return tuple(sorted(map(str, _resolve(paths))))


def _import_trees() -> list[str]:
    """Where workers import from, but for the directory that holds this package: there only the package is readable."""
    return [str(Path(tree).resolve()) for tree in import_path()[1:] if Path(tree).is_dir()]


def _refusals(security: SecuritySettings, asked: Permissions) -> Iterator[str]:
    """Say, for each permission that cannot be given, what was asked, what is given, and which setting decides."""
    if asked.network is not None:
        given = ", ".join(security.network.tcp) or "none"
        for destination in asked.network.tcp:
            if destination not in security.network.tcp:
                yield f"permissions.network: it asks for {destination}, security.network gives {given}"
    if asked.gpu:
        yield "permissions.gpu: it asks for a graphics processor; this version gives none"
    if asked.processes is not None and asked.processes > security.max_processes:
        yield (
            f"permissions.processes: it asks for {asked.processes}, security.max_processes gives "
            f"{security.max_processes}"
        )
    if asked.threads is not None and asked.threads > security.max_threads:
        yield f"permissions.threads: it asks for {asked.threads}, security.max_threads gives {security.max_threads}"
    limit = security.max_memory_mb
    if asked.memory_mb is not None and limit is not None and asked.memory_mb > limit:
        yield f"permissions.memory_mb: it asks for {asked.memory_mb} MB, security.max_memory_mb gives {limit} MB"
    if asked.filesystem is not None:
        given_to_write = _resolve(security.filesystem.write)
        given_to_read = [*_resolve(security.filesystem.read), *given_to_write]
        yield from _outside("read", asked.filesystem.read, given_to_read)
        yield from _outside("write", asked.filesystem.write, given_to_write)


def _outside(right: str, asked: Iterable[str], given: list[Path]) -> Iterator[str]:
    for path, text in zip(_resolve(asked), asked, strict=True):
        if not any(path.is_relative_to(tree) for tree in given):
            yield (
                f"permissions.filesystem.{right}: it asks for {text}, security.filesystem.{right} gives "
                f"{', '.join(map(str, given)) or 'nothing'}"
            )


def _resolve(paths: Iterable[str]) -> list[Path]:
    return [Path(path).expanduser().resolve() for path in paths]


def _least(limit: int | None, asked: int | None) -> int | None:
    return min((value for value in (limit, asked) if value is not None), default=None)
