"""`platform-base validate`: whether a directory holds a plugin that works. Its code is run in a worker only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from platform_base.cli.amounts import write_count
from platform_base.cli.errors import FAILED
from platform_base.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from platform_base.plugins.documents.document import Document
    from platform_base.plugins.errors import Problem
    from platform_base.plugins.manifest import Manifest
    from platform_base.plugins.testing.probe import Probe


EXAMPLES = """Examples:

  platform-base validate plugins/my_plugin

  platform-base validate plugins/my_plugin --probe
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What it is.
        state: ``passed``, ``failed``, ``warning`` or ``skipped``.
        detail: What was found.
    """

    name: str
    state: str
    detail: str = ""


def validate_plugin(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The plugin's directory, with manifest.json.")],
    probe: Annotated[
        bool,
        typer.Option(
            "--probe", help="Also say what it uses: time, memory, modules, permissions, in a throw-away worker."
        ),
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a plugin's directory, and that it loads."""
    from platform_base.cli import render
    from platform_base.cli.plugin_directory import find_manifest
    from platform_base.plugins.documents.json_document import read_json
    from platform_base.plugins.errors import ManifestError
    from platform_base.plugins.manifest import Manifest

    path = find_manifest(directory)
    problems: tuple[Problem, ...] = ()
    manifest: Manifest | None = None
    try:
        manifest = Manifest.from_file(path)
    except ManifestError as error:
        problems = error.problems
    if manifest is None:
        checks = [Check(name="manifest", state="failed", detail=write_count(len(problems), "problem"))]
        checks += [Check(name=name, state="skipped") for name in ("files", *_STEPS)]
    else:
        parameters = write_count(len(manifest.configuration), "parameter")
        checks = [Check(name="manifest", state="passed", detail=f"{path}, {parameters}")]
        document = read_json(path, error=ManifestError)
        files, problems = _check_files(document, directory, manifest)
        checks += [files, *_check_loading(document, directory, manifest, config)]
    valid = not any(check.state == "failed" for check in checks)
    observed = _probe(directory, config) if probe and valid else None
    described: dict[str, Any] = {
        "valid": valid,
        "directory": str(directory),
        "plugin": manifest.plugin_id if manifest else None,
        "version": manifest.version if manifest else None,
        "checks": [{"name": each.name, "state": each.state, "detail": each.detail} for each in checks],
        "problems": render.describe_problems(problems),
        "probe": observed.describe() if observed is not None else None,
    }
    if as_json:
        render.print_json(described)
    else:
        _print_checks(checks, problems)
        if observed is not None:
            from platform_base.cli.observation import print_probe

            print_probe(observed)
        name = f"{manifest.plugin_id} {manifest.version}" if manifest else str(directory)
        print(f"\n{name} {'is valid' if valid else 'is NOT valid'}")
    if not valid:
        raise typer.Exit(FAILED)


def _probe(directory: Path, config: Path | None) -> Probe:
    from platform_base.plugins.testing.probe import probe_plugin

    return probe_plugin(directory, config=config)


_STEPS = ("discovery", "core version", "requirements", "loading", "self-test")


def _check_files(document: Document, directory: Path, manifest: Manifest) -> tuple[Check, tuple[Problem, ...]]:
    """Look for the files that the manifest names."""
    from platform_base.cli.manifest_places import missing_documents, missing_modules, unusable_self_tests

    faults = (
        *missing_modules(document, directory, manifest),
        *unusable_self_tests(document, directory, manifest),
    )
    warnings = tuple(missing_documents(document, directory, manifest))
    if faults or warnings:
        detail = "\n".join(map(str, (*faults, *warnings)))
        return Check(name="files", state="failed" if faults else "warning", detail=detail), (*faults, *warnings)
    return Check(name="files", state="passed", detail=f"entry point in {manifest.module_name}"), ()


def _check_loading(document: Document, directory: Path, manifest: Manifest, config: Path | None) -> list[Check]:
    """Let a registry find and load the plugin; each step that it takes is a check."""
    from platform_base.cli.manifest_places import place_of
    from platform_base.plugins import errors
    from platform_base.plugins.registry import PluginRegistry

    with PluginRegistry(config) as registry:
        registry.discover_plugins(directory)
        if not any(info["id"] == manifest.plugin_id for info in registry.list_plugins()):
            return _steps("discovery", "\n".join(map(str, registry.problems)))
        try:
            registry.load_plugin(manifest.plugin_id, manifest.version)
        except errors.IncompatiblePluginError as error:
            return _steps("core version", f"{place_of(error, document, manifest)}{error}")
        except errors.MissingDependencyError as error:
            return _steps("requirements", f"{place_of(error, document, manifest)}{error}")
        except errors.SelfTestError as error:
            return _steps("self-test", f"{place_of(error, document, manifest)}{error}")
        except errors.PluginError as error:
            trace = getattr(error, "remote_traceback", "")
            return _steps("loading", f"{place_of(error, document, manifest)}{error}\n{trace}".rstrip())
        stats = registry.get_plugin_stats(manifest.plugin_id)
    lowest, highest = manifest.core_min_version or "any", manifest.core_max_version or "any"
    details = {
        "core version": f"from {lowest} to {highest}",
        "requirements": ", ".join(manifest.requires) or "none",
        "self-test": f"{len(manifest.self_test)} passed" if manifest.self_test else "the manifest names none",
        "loading": f"imported and constructed in a confined process in {stats['load_seconds']:.2f} s",
    }
    return [Check(name=name, state="passed", detail=details.get(name, "")) for name in _STEPS]


def _steps(failed: str, detail: str) -> list[Check]:
    """Return the checks of a walk that ended at one step."""
    end = _STEPS.index(failed)
    return [
        *(Check(name=name, state="passed") for name in _STEPS[:end]),
        Check(name=failed, state="failed", detail=detail),
        *(Check(name=name, state="skipped") for name in _STEPS[end + 1 :]),
    ]


def _print_checks(checks: list[Check], problems: tuple[Problem, ...]) -> None:
    from platform_base.cli.render import visible

    for check in checks:
        first, *rest = visible(check.detail).split("\n")
        print(f"{check.state:<8} {check.name:<13} {first}".rstrip())
        for line in rest:
            print(f"{'':<22} {line}".rstrip())
        if check.name == "manifest" and check.state == "failed":
            for problem in problems:
                print(f"  {visible(problem)}")
