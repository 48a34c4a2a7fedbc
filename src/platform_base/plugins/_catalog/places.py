"""Where plugins are looked for when nobody says where."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import logging
import os
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import platformdirs

ENTRY_POINT_GROUP = "platform_base.plugins"
PATH_VARIABLE = "PLATFORM_BASE_PLUGIN_PATH"
_log = logging.getLogger(__name__)


def standard_places(environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Return the directories to search, in order; of two equal plugins the first found counts.

    They are: those in ``PLATFORM_BASE_PLUGIN_PATH``; ``./plugins``; the user's data directory; the packages
    that installed distributions name in the entry point group ``platform_base.plugins``; the bundled plugins.

    Places that somebody named are returned even where nothing is there, so that the fault is reported.
    """
    named = [Path(part) for part in environ.get(PATH_VARIABLE, "").split(os.pathsep) if part]
    usual = [Path("plugins"), platformdirs.user_data_path("platform-base", appauthor=False) / "plugins"]
    bundled = bundled_directory()
    candidates = [
        *named,
        *(place for place in usual if place.is_dir()),
        *_entry_point_places(),
        *([bundled] if bundled is not None else []),
    ]
    places: dict[Path, Path] = {}
    for place in candidates:
        places.setdefault(place.resolve(), place)
    return list(places.values())


def bundled_directory() -> Path | None:
    """Return the directory of the plugins that come along: in the wheel, or beside the sources."""
    package = Path(__file__).resolve().parents[2]
    installed = package / "_bundled_plugins"
    if installed.is_dir():
        return installed
    repository = package.parents[1]
    beside = repository / "plugins"
    is_source_tree = package.parent.name == "src" and (repository / "pyproject.toml").is_file()
    return beside if is_source_tree and beside.is_dir() else None


def _entry_point_places() -> Iterator[Path]:
    for entry_point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda each: (each.name, each.value)):
        place = _package_directory(entry_point)
        if place is None:
            _log.warning(
                "entry point %s = %s: expected an installed package, got nothing of that name; reinstall %s",
                entry_point.name,
                entry_point.value,
                entry_point.dist.name if entry_point.dist else "its distribution",
            )
        else:
            yield place


def _package_directory(entry_point: EntryPoint) -> Path | None:
    """Find a package's directory; only the finder of its top-level name is asked, nothing is imported."""
    top, *rest = entry_point.value.partition(":")[0].strip().split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ValueError, ImportError):  # a module in sys.modules without a spec
        spec = importlib.machinery.PathFinder.find_spec(top)
    roots = list(spec.submodule_search_locations or ()) if spec is not None else []
    for root in roots:  # several for a namespace package
        candidate = Path(root, *rest)
        if candidate.is_dir():
            return candidate
    if entry_point.dist is None:
        return Path(roots[0], *rest) if roots else None
    return Path(str(entry_point.dist.locate_file("/".join([top, *rest]))))
