"""Hot reload: a settled change on disk becomes a candidate release, or a problem; never a broken plugin."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from platform_base.plugins._catalog.discovery import discover
from platform_base.plugins._catalog.release import Release
from platform_base.plugins._reload.change import LIVE, REFUSED, REMOVED, SET_ASIDE, Change, changed_files, last_change
from platform_base.plugins._reload.switch import Switch
from platform_base.plugins._reload.watcher import watch_directories
from platform_base.plugins.errors import PluginError, Problem
from platform_base.plugins.manifest import MANIFEST_NAME
from platform_base.plugins.permission_changes import compare_permissions

ReportProblems: TypeAlias = Callable[[Path, Sequence[Problem]], None]
"""Keeps the problems of a root; an empty sequence clears them."""

NOT_TAKEN_UP = "the release of before keeps serving; save a correction to try again"


class Reloader:
    """Watches the discovered directories in one thread and offers what changed to the switch."""

    def __init__(self, switch: Switch, roots: Sequence[Path], report: ReportProblems) -> None:
        """Begin to watch.

        Args:
            switch: Takes the candidates.
            roots: Directories that were discovered.
            report: Keeps the problems of a root.
        """
        self._switch = switch
        self._roots = tuple(root.resolve() for root in roots)
        self._report = report
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="platform_base-reload", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; returns when the thread has ended."""
        self._stop.set()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        for _ in follow(self._switch, self._roots, self._report, self._stop):
            continue  # the switch has logged what became of it


def follow(
    switch: Switch, roots: Sequence[Path], report: ReportProblems, stop: threading.Event, *, eager: bool = False
) -> Iterator[Change]:
    """Watch directories and bring the switch up to date with them; yield every verdict.

    Args:
        switch: Takes the candidates.
        roots: Directories that were discovered, absolute, links resolved.
        report: Keeps the problems of a root.
        stop: Ends the iteration when it is set.
        eager: Load and test, also at the beginning, what nobody has used yet.
    """
    refused: set[Path] = set()
    for changed in watch_directories(tuple(roots), stop):
        for root in roots:
            if not changed or any(path.is_relative_to(root) for path in changed):
                changes = reload_root(switch, root, report, changed, refused=refused, eager=eager)
                refused -= {change.directory for change in changes}
                refused |= {change.directory for change in changes if change.state == REFUSED}
                yield from changes


def reload_root(
    switch: Switch,
    root: Path,
    report: ReportProblems,
    changed: Iterable[Path] = (),
    *,
    refused: Collection[Path] = (),
    eager: bool = False,
) -> list[Change]:
    """Bring the switch up to date with one directory: new content, new plugins, removed plugins.

    Args:
        switch: Takes the candidates.
        root: The directory.
        report: Keeps its problems.
        changed: What is known to have changed.
        refused: Directories whose last verdict was that they cannot be used.
        eager: Load and test what nobody has used yet.

    Returns:
        What became of the plugins that have changed, or did not load.
    """
    problems: list[Problem] = []
    changes: list[Change] = []
    seen: set[Path] = set()
    for release, found in discover(root):
        problems.extend(found)
        if release is None:
            changes += _unreadable(switch, found, changed)
            continue
        seen.add(release.directory)
        change = _take_up(switch, release, changed, again=release.directory in refused, eager=eager)
        if change is not None:
            changes.append(change)
            problems.extend(change.problems)
    for release in switch.releases():
        below = release.directory.is_relative_to(root)
        # A manifest that is broken now still has its directory: only what is really gone is forgotten.
        if below and release.directory not in seen and not (release.directory / MANIFEST_NAME).exists():
            switch.forget(release)
            when = last_change(changed, release.directory)
            changes.append(
                Change(
                    directory=release.directory,
                    plugin_id=release.plugin_id,
                    state=REMOVED,
                    release=release,
                    files=changed_files(changed, release.directory),
                    changed_at=when,
                )
            )
    report(root, problems)
    return changes


def _take_up(switch: Switch, release: Release, changed: Iterable[Path], *, again: bool, eager: bool) -> Change | None:
    """Offer a release to the switch; None: that is what it has already, unless something else was there meanwhile."""
    before = switch.active(release.plugin_id) if switch.is_loaded(release.plugin_id) else release
    change = Change(
        directory=release.directory,
        plugin_id=release.plugin_id,
        state=LIVE,
        release=release,
        files=changed_files(changed, release.directory),
        permissions=compare_permissions(before.manifest.permissions, release.manifest.permissions),
        changed_at=last_change(changed, release.directory),
    )
    try:
        taken = switch.replace(release)
        if eager and not switch.is_loaded(release.plugin_id) and switch.active_after_load(release):
            switch.load(release.plugin_id, tested=True)
            taken = True
    except PluginError as error:
        problem = Problem(
            file=str(release.directory),
            key=release.plugin_id,
            expected="a plugin that loads",
            got=str(error),
            hint=NOT_TAKEN_UP,
        )
        return replace(change, state=REFUSED, problems=(problem,), error=error, decided_at=time.time())
    if not taken and not again:
        return None
    state = LIVE if switch.active_after_load(release) else SET_ASIDE
    return replace(change, state=state, decided_at=time.time())


def _unreadable(switch: Switch, found: Sequence[Problem], changed: Iterable[Path]) -> Iterator[Change]:
    """Say that a plugin's files cannot be used, if one of them has just changed or nothing is known of it yet."""
    place = Path(found[0].file)
    directory = place if place.is_dir() else place.parent
    known = [release for release in switch.releases() if release.directory == directory.resolve()]
    changed_at = last_change(changed, directory.resolve())
    if changed_at is not None or not known:
        plugin_id = known[0].plugin_id if known else ""
        yield Change(
            directory=directory.resolve(),
            plugin_id=plugin_id,
            state=REFUSED,
            release=None,
            problems=tuple(found),
            files=changed_files(changed, directory.resolve()),
            changed_at=changed_at,
        )


def find_releases(roots: Iterable[Path], plugin_id: str) -> tuple[list[Release], list[Problem]]:
    """Read the releases of one plugin as they lie on disk now, and what is wrong with plugins that cannot be used."""
    releases: list[Release] = []
    problems: list[Problem] = []
    for root in [root for root in roots if root.is_dir()]:
        for release, found in discover(root):
            problems.extend(found)
            if release is not None and release.plugin_id == plugin_id:
                releases.append(release)
    return releases, problems
