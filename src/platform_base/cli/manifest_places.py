"""Where in a manifest something stands that turned out wrong only beyond it: in the files, here, in the worker."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from platform_base.plugins.documents.document import Document, KeyPath
    from platform_base.plugins.errors import PluginError, Problem
    from platform_base.plugins.manifest import Manifest

_PERMISSION = re.compile(r"^permissions\.([a-z_]+(?:\.[a-z_]+)?): ", re.MULTILINE)


def missing_modules(document: Document, directory: Path, manifest: Manifest) -> Iterator[Problem]:
    """Find an entry point whose file is not there; yields one problem or none."""
    from platform_base.plugins.documents.document import show
    from platform_base.plugins.documents.spelling import did_you_mean

    stem = directory.joinpath(*manifest.module_name.split("."))
    candidates = (stem.with_name(f"{stem.name}.py"), stem / "__init__.py")
    if not any(path.is_file() for path in candidates):
        modules = [path.stem for path in sorted(directory.glob("*.py"))]
        hint = did_you_mean(manifest.module_name, modules) or "the directory holds no Python file"
        expected = f"a module that is there ({candidates[0]})"
        yield document.problem(("entry_point",), expected=expected, got=show(manifest.entry_point), hint=hint)


def missing_documents(document: Document, directory: Path, manifest: Manifest) -> Iterator[Problem]:
    """Find documents that the manifest names and that are not there."""
    from platform_base.plugins.documents.document import show
    from platform_base.plugins.documents.spelling import did_you_mean

    named: list[tuple[KeyPath, str | None]] = [(("documentation", "readme"), manifest.documentation.readme)]
    named += [(("documentation", "examples", at), name) for at, name in enumerate(manifest.documentation.examples)]
    for place, name in named:
        if name is not None and not (directory / name).is_file():
            there = [str(path.relative_to(directory)) for path in sorted((directory / name).parent.glob("*.*"))]
            hint = did_you_mean(name, there) or "make it, or remove it here"
            yield document.problem(place, expected="a file that is there", got=show(name), hint=hint)


def unusable_self_tests(document: Document, directory: Path, manifest: Manifest) -> Iterator[Problem]:
    """Find arrays of self-tests that cannot be read, and parameters that there are not."""
    from platform_base.plugins.documents.array_file import ArrayFileError, read_array
    from platform_base.plugins.documents.document import show
    from platform_base.plugins.errors import ParameterError
    from platform_base.plugins.parameters import resolve

    for index, case in enumerate(manifest.self_test):
        sources = [(("inputs", name), source) for name, source in case.inputs.items()]
        sources += [(("expected", place), each) for place, each in case.expected.items()]  # type: ignore[misc]
        for (kind, name), source in sources:
            if source.file is None:
                continue
            try:
                read_array(directory / source.file, source.part)
            except ArrayFileError as error:
                place: KeyPath = ("self_test", index, kind, name, "file" if source.part is None else "part")
                yield document.problem(place, expected="an array that can be read", got=f"{show(source.file)}: {error}")
        try:
            resolve(manifest.configuration, case.parameters, plugin_id=manifest.plugin_id)
        except ParameterError as error:
            for problem in error.problems:
                key = problem.key.removeprefix(f"{manifest.plugin_id}.params.").partition("[")[0]
                place = ("self_test", index, "parameters", key)
                yield document.problem(place, expected=problem.expected, got=problem.got, hint=problem.hint)


def place_of(error: PluginError, document: Document, manifest: Manifest) -> str:
    """Return what to write before an error's message: file, line and key that it is about; empty where it is none.

    Example:
        ``plugins/a/manifest.json:7 requires[1]: ``
    """
    for path in _paths(error, manifest):
        problem = document.problem(path, expected="")
        line = f":{problem.line}" if problem.line else ""
        return f"{problem.file}{line} {problem.key}: "
    return ""


def _paths(error: PluginError, manifest: Manifest) -> Iterator[KeyPath]:
    from platform_base.plugins import errors

    if isinstance(error, errors.IncompatiblePluginError):
        yield ("core_min_version",) if "at least" in str(error) else ("core_max_version",)
    elif isinstance(error, errors.MissingDependencyError):
        lacking = [*error.missing, *error.conflicting]
        yield from (("requires", at) for at, text in enumerate(manifest.requires) if _matches(text, lacking))
        yield ("requires",)
    elif isinstance(error, errors.SelfTestError):
        names = [case.name for case in manifest.self_test]
        yield ("self_test", names.index(error.self_test))
    elif match := _PERMISSION.search(str(error)):
        yield ("permissions", *match[1].split("."))
    elif "entry_point: " in str(error):
        yield ("entry_point",)


def _matches(requirement: str, lacking: list[str]) -> bool:
    from packaging.requirements import Requirement

    return Requirement(requirement).name in {Requirement(text).name for text in lacking}
