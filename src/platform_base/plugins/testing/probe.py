"""`probe_plugin`: what a plugin does while it loads and in its self-tests, seen from inside a throw-away worker."""

from __future__ import annotations

import importlib.metadata
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from platform_base.plugins.errors import PluginLoadError
from platform_base.plugins.manifest import Manifest
from platform_base.plugins.permissions import Filesystem, Permissions
from platform_base.plugins.self_test import SelfTest
from platform_base.plugins.testing.observer import ASKED
from platform_base.plugins.testing.permission_use import (
    PermissionUse,
    compare_use,
    least_permissions,
    sighting,
)
from platform_base.plugins.testing.witness import observed
from platform_base.plugins.testing.workbench import Config, Workbench

_ASKING = SelfTest.model_validate({"name": "notes", "expected": {"values": {"value": None}}})


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What was observed. It comes from the plugin's own process: good for advice, not for proof.

    Attributes:
        load_seconds: From asking for a worker until the plugin was loaded in it.
        import_seconds: Of that, importing and constructing the plugin.
        load_peak_mb: Largest resident memory until then, MB of 2**20 bytes, interpreter and NumPy included.
        run_peak_mb: The same in the self-tests; 0.0 where there are none.
        cpu_seconds: CPU time of all self-tests.
        wall_seconds: Time of all self-tests.
        self_tests: How many were carried out.
        failed: Those that ended in an error, with the error.
        own_modules: The plugin's own modules.
        packages: Third-party packages that were imported, also by each other, with the number of their modules; 0: the
            plugin's files name it, and it was there already or was not needed.
        standard_modules: Number of modules of the standard library that were imported beyond those of every worker.
        permissions: What was asked for and what was used.
        least: The smallest ``permissions`` that cover what was seen.
        advice: What to change in ``requires``.
    """

    load_seconds: float
    import_seconds: float
    load_peak_mb: float
    run_peak_mb: float
    cpu_seconds: float
    wall_seconds: float
    self_tests: int
    failed: tuple[str, ...]
    own_modules: tuple[str, ...]
    packages: Mapping[str, int]
    standard_modules: int
    permissions: tuple[PermissionUse, ...]
    least: Mapping[str, Any]
    advice: tuple[str, ...]

    def describe(self) -> Mapping[str, Any]:
        """Return the same as JSON objects; its keys stay."""
        return asdict(self)


def probe_plugin(directory: str | os.PathLike[str], *, config: Config = None) -> Probe:
    """Load a plugin in a throw-away confined worker, carry out its self-tests, and say what it did.

    An observer stands in front of a copy of the plugin. It hears Python's audit events (PEP 578): files that are
    opened, connections, processes, threads. It does not hear what compiled code does by itself.

    Args:
        directory: The plugin's, with ``manifest.json``.
        config: Settings, as for `PluginRegistry`.

    Raises:
        ManifestError: The directory holds no plugin that can be read.
        PluginError: It does not load, or not with the observer: the settings may forbid what that imports.
    """
    with Workbench(directory, config) as workbench, observed(workbench) as inner:
        asked = _ask(inner)
        calls = [(case, inner.call(case, inner.inputs_of(case))) for case in inner.manifest.self_test]
        later = _ask(inner)["total"]
        policy = inner.registry.get_policy(inner.manifest.plugin_id)
        load_seconds = inner.registry.get_plugin_stats(inner.manifest.plugin_id)["load_seconds"]
        manifest = workbench.manifest
    executions = [
        outcome.result.execution for _, outcome in calls if outcome.result is not None and outcome.result.execution
    ]
    loading = asked["loading"]
    run_peak = max((each.peak_memory_bytes for each in executions), default=0)
    modules = later["modules"]
    permissions = _resolved(manifest.permissions)
    usual = [loading["directory"], loading["scratch"], *loading["import_path"], *_without_asked(policy, permissions)]
    uses = compare_use(
        permissions,
        sighting(loading, peak=loading["peak_memory_bytes"]),
        sighting(later, loading, peak=run_peak),
        [path for path in usual if path],
        ran=bool(calls),
    )
    return Probe(
        load_seconds=load_seconds,
        import_seconds=loading["seconds"],
        load_peak_mb=loading["peak_memory_bytes"] / (1 << 20),
        run_peak_mb=run_peak / (1 << 20),
        cpu_seconds=sum(each.cpu_seconds for each in executions),
        wall_seconds=sum(each.wall_seconds for each in executions),
        self_tests=len(calls),
        failed=tuple(f"{case.name}: {outcome.words}" for case, outcome in calls if outcome.result is None),
        own_modules=tuple(modules["own"]),
        packages=_packages(modules),
        standard_modules=len(modules["standard_library"]),
        permissions=tuple(uses),
        least=least_permissions(uses, permissions),
        advice=tuple(_requirement_advice(manifest, modules)),
    )


def _ask(workbench: Workbench) -> dict[str, Any]:
    outcome = workbench.call(_ASKING, {ASKED: True})
    if outcome.result is None:
        assert outcome.error is not None
        raise PluginLoadError(
            f"plugin {workbench.manifest.plugin_id!r} cannot be observed: {outcome.error}",
            plugin_id=workbench.manifest.plugin_id,
            remote_traceback=getattr(outcome.error, "remote_traceback", ""),
        ) from outcome.error
    notes: dict[str, Any] = outcome.result.values
    return notes


def _resolved(permissions: Permissions) -> Permissions:
    """Return permissions whose paths are those that the kernel sees."""
    files = permissions.filesystem
    if files is None:
        return permissions
    read, write = (
        tuple(str(Path(path).expanduser().resolve()) for path in paths) for paths in (files.read, files.write)
    )
    return permissions.model_copy(update={"filesystem": Filesystem.model_construct(read=read, write=write)})


def _without_asked(policy: Mapping[str, Any], permissions: Permissions) -> list[str]:
    files = permissions.filesystem
    asked = {*files.read, *files.write} if files is not None else set()
    return [path for path in (*policy["read_paths"], *policy["write_paths"]) if path not in asked]


def _packages(modules: Mapping[str, list[str]]) -> dict[str, int]:
    """Count modules by package; those that the plugin's files name, but which were there before, count 0."""
    counts = Counter(name.partition(".")[0] for name in modules["packages"])
    stated = [name for name in modules["stated"] if name not in counts and _distributions(name)]
    return {**dict.fromkeys(stated, 0), **dict(sorted(counts.items()))}


def _distributions(package: str) -> list[str]:
    return [name for name in importlib.metadata.packages_distributions().get(package, []) if name != "platform-base"]


def _requirement_advice(manifest: Manifest, modules: Mapping[str, list[str]]) -> Iterator[str]:
    """Compare ``requires`` with what the plugin's own files import."""
    required = {canonicalize_name(Requirement(text).name) for text in manifest.requires}
    used = set()
    for package in modules["stated"]:
        names = {canonicalize_name(name) for name in _distributions(package)}
        used |= names
        if names and not names & required:
            yield f'requires: its files import {package}; add "{min(names)}"'
    for name in sorted(required - used):
        yield f"requires: {name} is not imported by the files that were loaded"
