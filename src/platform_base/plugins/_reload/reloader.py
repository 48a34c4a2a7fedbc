"""Hot reload: a settled change on disk becomes a candidate release, or a problem; never a broken plugin."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from platform_base.plugins._catalog.discovery import discover
from platform_base.plugins._catalog.release import Release
from platform_base.plugins._reload.switch import Switch
from platform_base.plugins._reload.watcher import watch_directories
from platform_base.plugins.errors import PluginError, Problem

NOT_TAKEN_UP = "the release of before keeps serving; save a correction to try again"


class Reloader:
    """Watches the discovered directories in one thread and offers what changed to the switch."""

    def __init__(
        self, switch: Switch, roots: Sequence[Path], report: Callable[[Path, Sequence[Problem]], None]
    ) -> None:
        """Begin to watch.

        Args:
            switch: Takes the candidates.
            roots: Directories that were discovered.
            report: Keeps the problems of a root; an empty sequence clears them.
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
        for changed in watch_directories(self._roots, self._stop):
            for root in self._roots:
                if not changed or any(path.is_relative_to(root) for path in changed):
                    reload_root(self._switch, root, self._report)


def reload_root(switch: Switch, root: Path, report: Callable[[Path, Sequence[Problem]], None]) -> None:
    """Bring the switch up to date with one directory: new content, new plugins, removed plugins."""
    problems: list[Problem] = []
    seen: set[Path] = set()
    for release, found in discover(root):
        problems.extend(found)
        if release is None:
            continue
        seen.add(release.directory)
        try:
            switch.replace(release)
        except PluginError as error:
            problems.append(
                Problem(
                    file=str(release.directory),
                    key=release.plugin_id,
                    expected="a plugin that loads",
                    got=str(error),
                    hint=NOT_TAKEN_UP,
                )
            )
    for release in switch.releases():
        below = release.directory.is_relative_to(root)
        # A manifest that is broken now still has its directory: only what is really gone is forgotten.
        if below and release.directory not in seen and not (release.directory / "manifest.json").exists():
            switch.forget(release)
    report(root, problems)


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
