"""The directory of a plugin, as somebody has typed it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from platform_base.cli.errors import InputError
from platform_base.plugins.documents.spelling import nearest

MANIFEST = "manifest.json"
_USUAL = Path("plugins")


def find_manifest(directory: Path) -> Path:
    """Return the manifest of the plugin in a directory.

    Raises:
        InputError: There is no such directory, or no manifest in it; the message names what comes nearest.
    """
    path = directory / MANIFEST
    if path.is_file():
        return path
    check_directory(directory, "a plugin's directory")
    inner = sorted(str(each.parent) for each in directory.glob(f"*/{MANIFEST}"))
    remedy = f"plugins are in {', '.join(inner[:5])}" if inner else "make a plugin with: platform-base new NAME"
    raise InputError(f"{directory}: expected a directory with manifest.json, got one without; {remedy}")


def check_directory(directory: Path, expected: str) -> None:
    """Make sure that there is a directory.

    Raises:
        InputError: There is none; the message says what was `expected`, and names the plugin that comes nearest.
    """
    if directory.is_dir():
        return
    got = "a file" if directory.exists() else "nothing"
    meant = _nearest(directory)
    hint = f"; did you mean {str(meant)!r}?" if meant is not None else ""
    raise InputError(f"{directory}: expected {expected}, got {got}{hint}")


def _nearest(directory: Path) -> Path | None:
    """Return the plugin that was meant: where plugins usually are, or beside what was typed."""
    for place in (_USUAL, directory.parent):
        plugins = {each.name: each for each in _plugins(place)}
        name = directory.name if directory.name in plugins else nearest(directory.name, plugins)
        if name:
            return plugins[name]
    return None


def _plugins(place: Path) -> Iterator[Path]:
    return (path.parent for path in sorted(place.glob(f"*/{MANIFEST}")))
