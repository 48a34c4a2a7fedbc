"""What became of one plugin after something below its directory changed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from platform_base.plugins._catalog.digest import is_ignored
from platform_base.plugins._catalog.release import Release
from platform_base.plugins.errors import PluginError, Problem
from platform_base.plugins.permission_changes import PermissionChanges

LIVE, REFUSED, SET_ASIDE, REMOVED = "live", "refused", "set aside", "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One verdict.

    Attributes:
        directory: The plugin's.
        plugin_id: Its id; empty where its manifest cannot be read and nothing was known of it.
        state: ``"live"``: it answers calls from now on. ``"refused"``: it cannot be used, what served before goes on.
            ``"set aside"``: it is known now, but another version answers. ``"removed"``: its manifest is gone.
        release: What lies there now, or lay there before it was removed; None: that cannot be read.
        problems: What is wrong with the files.
        error: Why it was not taken into service.
        files: Which of its files changed, relative to the directory; none where it was not watched.
        permissions: What it asks for differently from what served before.
        changed_at: When the last of its files changed, seconds since 1970; None: not while it was watched.
        decided_at: When the verdict was reached, likewise.
    """

    directory: Path
    plugin_id: str
    state: str
    release: Release | None
    problems: tuple[Problem, ...] = ()
    error: PluginError | None = None
    files: tuple[str, ...] = ()
    permissions: PermissionChanges = field(default_factory=PermissionChanges)
    changed_at: float | None = None
    decided_at: float = field(default_factory=time.time)


def changed_files(paths: Iterable[Path], directory: Path) -> tuple[str, ...]:
    """Return the names of those of these paths that are, or were, files of the release in a directory; sorted.

    Args:
        paths: Absolute.
        directory: Absolute.
    """
    names: list[str] = []
    named_below: set[Path] = set()
    # The deepest first: a directory is named, with a slash, only where nothing in it is, as when it was moved here.
    for path in sorted(paths, key=lambda path: -len(path.parts)):
        if path == directory or not path.is_relative_to(directory):
            continue
        inside = path.relative_to(directory)
        if inside not in named_below and not any(map(is_ignored, inside.parts)):
            names.append(f"{inside.as_posix()}/" if path.is_dir() else inside.as_posix())
            named_below.update(inside.parents)
    return tuple(sorted(names))


def last_change(paths: Iterable[Path], directory: Path) -> float | None:
    """Return when the last of these paths changed, of those at or below a directory; seconds since 1970.

    That is the time of the change of the inode, which a file that was renamed into its place has too and which no
    program can set. Of a file that is gone, its directory keeps the time. Both have the grain of the kernel's clock
    tick, 1 to 10 ms.

    Args:
        paths: Absolute.
        directory: Absolute.

    Returns:
        None: None of them lies there.
    """
    times = [_change_time(path) for path in paths if path.is_relative_to(directory)]
    return max(times, default=None)


def _change_time(path: Path) -> float:
    while True:
        try:
            return os.lstat(path).st_ctime
        except FileNotFoundError:
            path = path.parent
