"""What was found below the directories that were looked into, and what is wrong with it."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from platform_base.plugins._catalog.discovery import discover
from platform_base.plugins._catalog.release import Release
from platform_base.plugins._reload.reloader import NOT_TAKEN_UP, find_releases, reload_root
from platform_base.plugins._reload.switch import Switch
from platform_base.plugins.errors import (
    ManifestError,
    PluginError,
    PluginNotFoundError,
    Problem,
    RegistryClosedError,
)

logger = logging.getLogger("platform_base.plugins")


class Findings:
    """Directories, and the problems of the plugins in them. Thread-safe."""

    def __init__(self, switch: Switch) -> None:
        """Begin with no directory.

        Args:
            switch: Is given the releases that are found.
        """
        self._switch = switch
        self._lock = threading.Lock()
        self._roots: dict[Path, tuple[Problem, ...]] = {}
        self._failures: dict[str, Problem] = {}

    @property
    def roots(self) -> list[Path]:
        """The directories that were looked into."""
        with self._lock:
            return list(self._roots)

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with plugins that were found, and with those that could not be loaded."""
        with self._lock:
            return [*(problem for found in self._roots.values() for problem in found), *self._failures.values()]

    def look_into(self, root: Path) -> None:
        """Take up the releases below a directory; one that was looked into before is compared with what is known."""
        if root in self.roots:
            reload_root(self._switch, root, self.report)
            return
        problems: list[Problem] = []
        for release, found in discover(root):
            problems.extend(found)
            if release is None:
                continue
            try:
                self._switch.add(release)
            except ManifestError as error:
                problems.extend(error.problems)
        self.report(root, problems)

    def report(self, root: Path, problems: Sequence[Problem]) -> None:
        """Keep what is wrong below a directory, and log what is new."""
        with self._lock:
            known = self._roots.get(root, ())
            self._roots[root] = tuple(problems)
        for problem in problems:
            if problem not in known:
                logger.log(logging.ERROR if problem.hint == NOT_TAKEN_UP else logging.WARNING, "%s", problem)

    @contextlib.contextmanager
    def found_again(self, plugin_id: str) -> Iterator[list[Release]]:
        """Look for releases on disk; where the wanted one is not among them, say which could not be used."""
        found, problems = find_releases(self.roots, plugin_id)
        try:
            yield found
        except PluginNotFoundError as error:
            for problem in problems:
                error.add_note(f"found, but not usable: {problem}")
            raise

    @contextlib.contextmanager
    def keeping_failure(self, plugin_id: str) -> Iterator[None]:
        """Log why a release was not taken into service, and keep it among the problems until one is."""
        try:
            yield
        except (PluginNotFoundError, RegistryClosedError):
            raise
        except PluginError as error:
            logger.error("%s is not loaded: %s", plugin_id, error)
            problem = Problem(key=plugin_id, expected="a plugin that loads", got=str(error))
            with self._lock:
                self._failures[plugin_id] = problem
            raise
        self.forget_failure(plugin_id)

    def forget_failure(self, plugin_id: str) -> None:
        """Note that a release of a plugin is in service."""
        with self._lock:
            self._failures.pop(plugin_id, None)
