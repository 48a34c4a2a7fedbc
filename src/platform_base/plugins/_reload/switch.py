"""Which release of each plugin answers calls, and the only way to change that.

A candidate is proved first and switched to afterwards: compatible, requirements met, loaded in a confined worker of its
own. Only then is one assignment made. Whatever goes wrong before leaves the release of before in service.
"""

from __future__ import annotations

import logging
import threading

from platform_base.plugins._catalog.catalog import Catalog
from platform_base.plugins._catalog.release import Release
from platform_base.plugins._catalog.requirements import check_requirements
from platform_base.plugins._engines.base import Deployment, Engine
from platform_base.plugins.core_version import check_core_version
from platform_base.plugins.errors import IncompatiblePluginError
from platform_base.plugins.settings import Settings

logger = logging.getLogger("platform_base.plugins")


class Switch:
    """The releases that are known, and the one of each plugin that is active. Thread-safe."""

    def __init__(self, engine: Engine, settings: Settings, core_version: str) -> None:
        self._engine = engine
        self._settings = settings
        self._core_version = core_version
        self._lock = threading.RLock()
        self._catalog = Catalog(core_version)
        self._loaded: dict[str, Release] = {}
        self._deployments: dict[str, Deployment] = {}

    def deployment(self, release: Release) -> Deployment:
        """Return a release with the settings that apply to it."""
        known = self._deployments.get(release.plugin_id)
        if known is not None and known.release is release:
            return known
        deployment = self._deployments[release.plugin_id] = Deployment(
            release=release,
            security=self._settings.security_for(release.plugin_id),
            workers=self._settings.workers_for(release.plugin_id),
        )
        return deployment

    def add(self, release: Release) -> None:
        """Make a release known.

        Raises:
            ManifestError: Another directory holds that version with other files.
        """
        with self._lock:
            self._catalog.add(release)

    def known(self) -> list[tuple[Release, list[str], bool]]:
        """Return, for each plugin, its active release, all its versions, and whether it is loaded.

        A plugin of which no version is compatible is shown with its highest one.
        """
        with self._lock:
            return [
                (
                    self._shown(plugin_id),
                    [each.version for each in self._catalog.versions(plugin_id)],
                    plugin_id in self._loaded,
                )
                for plugin_id in self._catalog.ids()
            ]

    def releases(self) -> list[Release]:
        """Return every known release."""
        with self._lock:
            return [release for plugin_id in self._catalog.ids() for release in self._catalog.versions(plugin_id)]

    def serving(self, plugin_id: str) -> Release:
        """Return the release that answers calls now, loading it first if nobody has.

        Raises:
            PluginNotFoundError: There is none of that id.
            PluginError: It cannot be loaded.
        """
        with self._lock:
            loaded = self._loaded.get(plugin_id)
        return loaded if loaded is not None else self.load(plugin_id)

    def is_loaded(self, plugin_id: str) -> bool:
        """Whether a release of that plugin answers calls without being loaded first."""
        with self._lock:
            return plugin_id in self._loaded

    def load(self, plugin_id: str, version: str | None = None) -> Release:
        """Prove a release and make it the one that answers calls; return it.

        Args:
            plugin_id: Which plugin.
            version: Exactly this version, from now on; None: the active one.

        Raises:
            PluginNotFoundError: There is none.
            IncompatiblePluginError: It asks for another version of platform_base.
            MissingDependencyError: It requires what is not installed.
            PluginLoadError: Its code did not load.
        """
        with self._lock:
            release = self._active(plugin_id) if version is None else self._catalog.get(plugin_id, version)
        self._prove(release)
        with self._lock:
            if version is not None:
                self._catalog.activate(plugin_id, version)
            before = self._loaded.get(plugin_id)
            # While this one was loading, somebody may have switched to another: then that one stays.
            current = self._active(plugin_id) == release
            if current:
                self._loaded[plugin_id] = release
        if current:
            self._settle(before, release)
        return release

    def replace(self, candidate: Release) -> bool:
        """Take up new content of a directory; return whether anything changed.

        Raises:
            PluginError: The candidate cannot be loaded; the release of before keeps answering.
        """
        with self._lock:
            before = self._loaded.get(candidate.plugin_id)
            there = [release for release in self.releases() if release.directory == candidate.directory]
            if candidate.key in [release.key for release in there]:
                return False
            if not there:
                # A further version lies beside the others; whether it becomes active is decided by its number.
                self._catalog.add(candidate)
        # What nobody has used yet needs no proof: it is loaded, and proved, by the first call.
        if before is not None and (there or self.active_after_load(candidate)):
            self._prove(candidate)
        with self._lock:
            self._catalog.add(candidate)
            switched = before is not None and self._active(candidate.plugin_id) == candidate
            if switched:
                self._loaded[candidate.plugin_id] = candidate
        if switched:
            self._settle(before, candidate)
        return True

    def active_after_load(self, release: Release) -> bool:
        """Whether that release would answer calls if its plugin were loaded now."""
        with self._lock:
            return self._active(release.plugin_id) == release

    def active(self, plugin_id: str) -> Release:
        """Return the release that would answer the next call.

        Raises:
            PluginNotFoundError: There is none of that id.
        """
        with self._lock:
            return self._loaded.get(plugin_id) or self._active(plugin_id)

    def highest(self, plugin_id: str) -> Release:
        """Return the highest stable compatible release, whichever one answers now.

        Raises:
            PluginNotFoundError: There is none of that id.
        """
        with self._lock:
            return self._catalog.highest(plugin_id)

    def unload(self, plugin_id: str) -> None:
        """Stop the idle workers of a plugin; running calls finish. The next call loads it again.

        Raises:
            PluginNotFoundError: There is none of that id.
        """
        with self._lock:
            self._catalog.versions(plugin_id)
            release = self._loaded.pop(plugin_id, None)
        if release is not None:
            self._engine.retire(release)
            logger.info("unloaded %s %s", release.plugin_id, release.version)

    def forget(self, release: Release) -> None:
        """Remove a release whose directory is gone."""
        with self._lock:
            self._catalog.remove(release.plugin_id, release.version)
            loaded = self._loaded.get(release.plugin_id) == release
            if loaded:
                del self._loaded[release.plugin_id]
        if loaded:
            self._engine.retire(release)
        logger.info("%s %s is gone: its directory was removed", release.plugin_id, release.version)

    def _shown(self, plugin_id: str) -> Release:
        try:
            return self._loaded.get(plugin_id) or self._active(plugin_id)
        except IncompatiblePluginError:
            return self._catalog.versions(plugin_id)[-1]

    def _active(self, plugin_id: str) -> Release:
        return self._catalog.active(plugin_id)

    def _prove(self, release: Release) -> None:
        check_core_version(release.manifest, self._core_version)
        check_requirements(release.manifest.requires, plugin_id=release.plugin_id)
        self._engine.load(self.deployment(release))

    def _settle(self, before: Release | None, now: Release) -> None:
        if before is None:
            logger.info("loaded %s %s (%s)", now.plugin_id, now.version, now.digest[:19])
        elif before != now:
            self._engine.retire(before)
            logger.info(
                "switched %s from %s (%s) to %s (%s)",
                now.plugin_id,
                before.version,
                before.digest[:19],
                now.version,
                now.digest[:19],
            )
