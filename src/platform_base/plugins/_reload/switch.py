"""Which release of each plugin answers calls, and the only way to change that.

A candidate is proved first and switched to afterwards: compatible, requirements met, loaded in a confined worker of its
own, right in its self-test. Only then is one assignment made. Whatever goes wrong, the release of before keeps serving.
Releases that have served stay known for a while, so that there is a way back.
"""

from __future__ import annotations

import copy
import logging
import threading
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress

from platform_base.plugins._catalog.catalog import Catalog
from platform_base.plugins._catalog.environments import Environment, Environments
from platform_base.plugins._catalog.release import Release
from platform_base.plugins._engines.base import Deployment, Engine
from platform_base.plugins._reload.deployments import Deployments
from platform_base.plugins._reload.self_test import check_self_tests
from platform_base.plugins.core_version import check_core_version
from platform_base.plugins.errors import (
    IncompatiblePluginError,
    ManifestError,
    PermissionGrowthError,
    PluginNotFoundError,
)
from platform_base.plugins.manifest import MANIFEST_NAME
from platform_base.plugins.permission_changes import PermissionChanges, compare_permissions
from platform_base.plugins.settings import Settings

logger = logging.getLogger("platform_base.plugins")

_STEPS_BACK = 5
"""Releases of one plugin that are kept to be rolled back to."""


class Switch:
    """The releases that are known, and the one of each plugin that is active. Thread-safe."""

    def __init__(self, engine: Engine, settings: Settings, environments: Environments, core_version: str) -> None:
        self._engine = engine
        self._deployments = Deployments(settings, environments)
        self._core_version = core_version
        self._lock = threading.RLock()
        self._catalog = Catalog(core_version)
        self._loaded: dict[str, Release] = {}
        self._served: defaultdict[str, list[Release]] = defaultdict(list)
        self._left: dict[str, Release] = {}
        self._unfit: set[tuple[str, str, str]] = set()

    def deployment(self, release: Release) -> Deployment:
        """Return a release with the settings that apply to it."""
        return self._deployments.of(release)

    def environment(self, release: Release) -> Environment | None:
        """Return what a release imports from, built or not; None: what the host has installed."""
        return self._deployments.environment(release)

    def build_environment(self, plugin_id: str) -> Environment | None:
        """Build what the active release imports from; None: that is what the host has installed.

        Raises:
            MissingDependencyError: It cannot be built.
        """
        return self._deployments.build_environment(self.active(plugin_id))

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
        return loaded if loaded is not None else self.load(plugin_id, building=False)

    def answers(self, release: Release) -> bool:
        """Whether that release answers calls now."""
        return self._loaded.get(release.plugin_id) is release

    def is_loaded(self, plugin_id: str) -> bool:
        """Whether a release of that plugin answers calls without being loaded first."""
        with self._lock:
            return plugin_id in self._loaded

    def load(
        self, plugin_id: str, version: str | None = None, *, building: bool = True, tested: bool = False
    ) -> Release:
        """Prove a release and make it the one that answers calls; return it.

        Args:
            plugin_id: Which plugin.
            version: Exactly this version, from now on; None: the active one.
            building: Build its environment if need be; that may take minutes, so no call does it.
            tested: Carry out its self-test also where it takes nobody's place.

        Raises:
            PluginNotFoundError: There is none.
            IncompatiblePluginError: It asks for another version of platform_base.
            MissingDependencyError: It requires what is not installed.
            PluginLoadError: Its code did not load.
            SelfTestError: It takes the place of another release, or was named, and failed its self-test.
        """
        with self._lock:
            release = self._active(plugin_id) if version is None else self._catalog.get(plugin_id, version)
            before = self._loaded.get(plugin_id)
        # A first call waits for no self-test: there is nothing yet that could be kept in its place.
        tested = tested or (release != before and (before is not None or version is not None))
        self._prove(release, tested=tested, building=building)
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
            known = candidate.key in [release.key for release in there]
            left = self._left.get(candidate.plugin_id)
            # What was rolled back from stays on disk; only other content, or `update`, goes forward again.
            if (known and candidate.key not in self._unfit) or (left is not None and left.key == candidate.key):
                return False
            if not there:
                # A further version lies beside the others; whether it becomes active is decided by its number.
                self._catalog.add(candidate)
        # What nobody has used yet needs no proof: it is loaded, and proved, by the first call.
        if before is not None and (there or self.active_after_load(candidate)):
            if before != candidate:
                self._warn_of_growth(before, candidate)
            self._prove(candidate, tested=True)
        with self._lock:
            self._catalog.add(candidate)
            switched = before is not None and self._active(candidate.plugin_id) == candidate
            if switched:
                self._loaded[candidate.plugin_id] = candidate
        if switched:
            self._settle(before, candidate)
        return True

    def update(
        self, plugin_id: str, version: str | None, found: Iterable[Release], *, accept_permissions: bool
    ) -> tuple[Release, Release, PermissionChanges]:
        """Switch to another release, among those that are known and those that were just found on disk.

        Args:
            plugin_id: Which plugin.
            version: The version to switch to; None: the highest stable compatible one.
            found: Its releases as they lie on disk now.
            accept_permissions: Whether the new release may ask for more than the one that serves.

        Returns:
            The release of before, the new one (maybe the same), and what they ask for differently.

        Raises:
            PermissionGrowthError: The new release asks for more, and that was not accepted.
            PluginError: As `load`. Whatever is raised, the release of before keeps answering.
        """
        before, now, changes = self.choose(plugin_id, version, found, accept_permissions=accept_permissions)
        self.prove(now)
        with self._lock:
            serving = self._loaded.get(plugin_id)
            self._catalog.add(now)
            self._catalog.activate(plugin_id, now.version)
            self._left.pop(plugin_id, None)
            self._loaded[plugin_id] = now
        self._settle(serving, now)
        return before, now, changes

    def choose(
        self, plugin_id: str, version: str | None, found: Iterable[Release], *, accept_permissions: bool
    ) -> tuple[Release, Release, PermissionChanges]:
        """Return the release that answers now, the one that `update` would switch to, and what it asks for differently.

        Raises:
            PluginNotFoundError: There is none of that id or version.
            PermissionGrowthError: The new release asks for more, and that was not accepted.
        """
        with self._lock:
            before = self.active(plugin_id) if plugin_id in self._catalog.ids() else None
            ahead = self._look_ahead(plugin_id, found)
            now = ahead.highest(plugin_id) if version is None else ahead.get(plugin_id, version)
        before = before or now
        changes = compare_permissions(before.manifest.permissions, now.manifest.permissions)
        if changes.added and not accept_permissions:
            raise _growth(before, now, changes)
        return before, now, changes

    def prove(self, release: Release) -> None:
        """Make sure that a release could answer in the place of the one that does; raises what `load` does."""
        with self._lock:
            serving = self._loaded.get(release.plugin_id)
        self._prove(release, tested=release != serving)

    def _look_ahead(self, plugin_id: str, found: Iterable[Release]) -> Catalog:
        """Return the catalog as it would be with these releases; versions whose directories are gone stay out of it."""
        ahead = copy.copy(self._catalog)  # every change replaces a mapping, so the original stays as it is
        for release in found:
            with suppress(ManifestError):  # another directory holds that version too; discovery has said so
                ahead.add(release)
        if plugin_id in ahead.ids():
            releases = ahead.versions(plugin_id)
            gone = [each for each in releases if not (each.directory / MANIFEST_NAME).exists()]
            for release in gone if len(gone) < len(releases) else []:
                ahead.remove(plugin_id, release.version)
        return ahead

    def rollback(self, plugin_id: str) -> tuple[Release, Release]:
        """Return to the release that served before, from its snapshot; the next one back is then the one before that.

        Returns:
            The release that was left, and the one that answers now.

        Raises:
            PluginNotFoundError: No other release has served in the life of this object.
            PluginLoadError: It does not load any more; nothing has changed.
        """
        with self._lock:
            leaving = self.active(plugin_id)
            target = self._last_served(plugin_id, leaving)
        # It has served: it was proved, and its snapshot is what was proved.
        self._engine.load(self.deployment(target))
        with self._lock:
            leaving = self._loaded.get(plugin_id, leaving)
            if target in self._served[plugin_id]:
                del self._served[plugin_id][self._served[plugin_id].index(target) :]
            same = {each.version: each for each in self._catalog.versions(plugin_id)}.get(target.version)
            if same is not None and same.key != target.key:
                self._catalog.remove(plugin_id, same.version)
            self._catalog.add(target)
            self._catalog.activate(plugin_id, target.version)
            self._left[plugin_id] = leaving
            self._loaded[plugin_id] = target
        self._settle(leaving, target, rolled_back=True)
        return leaving, target

    def _last_served(self, plugin_id: str, leaving: Release) -> Release:
        for release in reversed(self._served[plugin_id]):
            if release != leaving:
                return release
        raise PluginNotFoundError(
            f"{plugin_id}: expected a release that served before {leaving.version} ({leaving.digest[:19]}), got none "
            "since this registry was made; name one with update_plugin(..., version=...)",
            plugin_id=plugin_id,
        )

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

    def get(self, plugin_id: str, version: str) -> Release:
        """Return a known release.

        Raises:
            PluginNotFoundError: There is none of that id or version.
        """
        with self._lock:
            return self._catalog.get(plugin_id, version)

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
            left = self._left.get(release.plugin_id)
            if left is not None and self._loaded.get(release.plugin_id) == release:
                return  # It was rolled back to, and serves from its snapshot.
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

    def _prove(self, release: Release, *, tested: bool, building: bool = True) -> None:
        deployment = self.deployment(release)
        check_core_version(release.manifest, self._core_version)
        self._deployments.meet_requirements(deployment, building=building)
        try:
            self._engine.load(deployment)
            if tested:
                check_self_tests(self._engine, deployment)
        except BaseException:
            with self._lock:
                self._unfit.add(release.key)
                serves = self._loaded.get(release.plugin_id) == release
            if not serves:
                self._engine.retire(release)
                self._let_go([release])
            raise
        with self._lock:
            self._unfit.discard(release.key)

    def _let_go(self, releases: Iterable[Release]) -> None:
        """Let the files of releases be deleted to which nobody can return."""
        for release in releases:
            with self._lock:
                known = (self._loaded.get(release.plugin_id), *self._served[release.plugin_id])
                wanted = release.key in [each.key for each in known if each is not None]
            if not wanted:
                self._engine.forget(release)

    def _warn_of_growth(self, before: Release | None, now: Release) -> None:
        if before is not None:
            added = compare_permissions(before.manifest.permissions, now.manifest.permissions).added
            if added:
                logger.warning("%s %s asks for more than before: %s", now.plugin_id, now.version, "; ".join(added))

    def _settle(self, before: Release | None, now: Release, *, rolled_back: bool = False) -> None:
        if before is None:
            logger.info("loaded %s %s (%s)", now.plugin_id, now.version, now.digest[:19])
        elif before != now:
            if not rolled_back:
                with self._lock:
                    served = self._served[now.plugin_id]
                    served.append(before)
                    gone = served[:-_STEPS_BACK]
                    del served[:-_STEPS_BACK]
                self._let_go(gone)
            self._engine.retire(before)
            logger.info(
                "%s %s from %s (%s) to %s (%s)",
                "rolled back" if rolled_back else "switched",
                now.plugin_id,
                before.version,
                before.digest[:19],
                now.version,
                now.digest[:19],
            )


def _growth(before: Release, now: Release, changes: PermissionChanges) -> PermissionGrowthError:
    removed = f"; it no longer asks for {', '.join(changes.removed)}" if changes.removed else ""
    return PermissionGrowthError(
        f"{now.plugin_id} {now.version} asks for more than {before.version}, which keeps serving: "
        f"{', '.join(changes.added)}{removed}; to agree, call update_plugin with accept_permissions=True",
        plugin_id=now.plugin_id,
        added=changes.added,
    )
