"""Finding releases: manifests are read, plugin code is not imported."""

from __future__ import annotations

import importlib.machinery
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from platform_base.plugins._catalog.digest import compute_digest, is_ignored, list_files
from platform_base.plugins._catalog.release import Release
from platform_base.plugins.documents.document import show
from platform_base.plugins.documents.spelling import did_you_mean
from platform_base.plugins.errors import ManifestError, Problem
from platform_base.plugins.manifest import MANIFEST_NAME, Manifest

_DEPTH = 2
Found = tuple[Release | None, tuple[Problem, ...]]
"""A release and no problems, or None and what is wrong with it."""


def discover(path: str | Path) -> Iterator[Found]:
    """Find every plugin at or below a directory.

    A directory with a ``manifest.json`` is a plugin and is not searched further; others are searched, two
    levels deep, but for names that begin with a dot or an underscore. One broken plugin never hides the
    others.

    Args:
        path: A plugin's directory, or one that holds plugins, such as ``plugins/``.

    Returns:
        Releases and problems, in the order of their names, found while the caller iterates.

    Raises:
        ManifestError: At once, when `path` is no directory.
    """
    root = Path(path)
    if not os.path.isdir(root):  # noqa: PTH112 - is_dir raises where a parent is closed
        got = "a file" if os.path.lexists(root) else "nothing there"
        hint = f"directories are taken from {Path.cwd()}" if not root.is_absolute() else ""
        raise ManifestError([Problem(file=str(root), expected="a directory with plugins", got=got, hint=hint)])
    return _search(root, _DEPTH, set())


def read_release(directory: str | Path) -> Release:
    """Read the one plugin in a directory.

    Raises:
        ManifestError: With every problem of its manifest and its files.
    """
    directory = Path(directory)
    manifest_file = directory / MANIFEST_NAME
    manifest = Manifest.from_file(manifest_file)
    files = list_files(directory)
    _check_entry_point(manifest, files, manifest_file)
    return Release(manifest=manifest, directory=directory.resolve(), digest=compute_digest(directory, files))


def _search(directory: Path, depth: int, seen: set[Path]) -> Iterator[Found]:
    resolved = directory.resolve()
    if os.path.lexists(directory / MANIFEST_NAME):
        if resolved not in seen:  # the same directory, reached through a link
            seen.add(resolved)
            yield _read(directory)
        return
    if depth == 0:
        return
    try:
        children = sorted(child for child in directory.iterdir() if _is_searched(child))
    except OSError as error:
        got = error.strerror or str(error)
        yield None, (Problem(file=str(directory), expected="a readable directory", got=got),)
        return
    for child in children:
        yield from _search(child, depth - 1, seen)


def _is_searched(child: Path) -> bool:
    return not child.name.startswith((".", "_")) and not is_ignored(child.name) and child.is_dir()


def _read(directory: Path) -> Found:
    try:
        return read_release(directory), ()
    except ManifestError as error:
        return None, error.problems


def _check_entry_point(manifest: Manifest, files: Sequence[str], manifest_file: Path) -> None:
    """See that the module's file exists; whether it holds the class is found out in the worker."""
    stem = manifest.module_name.replace(".", "/")
    endings = (".py", "/__init__.py", *importlib.machinery.EXTENSION_SUFFIXES)
    names = set(files)
    if any(stem + ending in names for ending in endings):
        return
    modules = [name.removesuffix(".py").replace("/", ".") for name in files if name.endswith(".py")]
    hint = did_you_mean(manifest.module_name, modules) or "the directory holds no Python file"
    raise ManifestError(
        [
            Problem(
                file=str(manifest_file),
                key="entry_point",
                expected=f"a module in this directory ({stem}.py)",
                got=show(manifest.entry_point),
                hint=hint,
            )
        ]
    )
