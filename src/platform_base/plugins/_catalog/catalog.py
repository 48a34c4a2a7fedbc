"""Which releases are known, and which one answers for a plugin id; pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import semver

from platform_base.plugins._catalog.release import Release
from platform_base.plugins.core_version import check_core_version
from platform_base.plugins.documents.spelling import did_you_mean
from platform_base.plugins.errors import IncompatiblePluginError, ManifestError, PluginNotFoundError, Problem


class Catalog:
    """The known releases.

    Every change replaces a mapping, so a reader in another thread sees the state before or after it.

    Two changes at a time are the caller's to prevent.

    Args:
        core_version: Version of platform_base, which decides what is compatible.
    """

    def __init__(self, core_version: str) -> None:
        self._core_version = core_version
        self._releases: Mapping[str, Mapping[str, Release]] = {}
        self._directories: Mapping[Path, Release] = {}
        self._pins: Mapping[str, str] = {}

    def add(self, release: Release) -> Release | None:
        """Take up a release.

        The same id, version and digest again changes nothing. A directory holds one release: what was found
        there before is replaced.

        Returns:
            The release that was replaced, if any.

        Raises:
            ManifestError: Another directory holds that version with other files; the first one stays.
        """
        known = self._releases.get(release.plugin_id, {})
        same = known.get(release.version)
        if same is not None and same.digest == release.digest:
            return None
        if same is not None and same.directory != release.directory:
            raise ManifestError([_clash(same, release)])
        replaced = self._directories.get(release.directory)
        if replaced is not None and replaced.key[:2] != release.key[:2]:
            self.remove(replaced.plugin_id, replaced.version)
        self._put(release.plugin_id, {**self._releases.get(release.plugin_id, {}), release.version: release})
        self._directories = {**self._directories, release.directory: release}
        return replaced

    def ids(self) -> tuple[str, ...]:
        """Return every known plugin id, sorted."""
        return tuple(sorted(self._releases))

    def versions(self, plugin_id: str) -> tuple[Release, ...]:
        """Return the releases of a plugin, lowest version first.

        Raises:
            PluginNotFoundError: None is known.
        """
        known = self._releases.get(plugin_id)
        if known is None:
            raise PluginNotFoundError(self._unknown(plugin_id), plugin_id=plugin_id)
        return tuple(sorted(known.values(), key=_order))

    def get(self, plugin_id: str, version: str) -> Release:
        """Return one release.

        Raises:
            PluginNotFoundError: It is not known.
        """
        releases = self.versions(plugin_id)
        for release in releases:
            if release.version == version:
                return release
        known = ", ".join(release.version for release in releases)
        raise PluginNotFoundError(
            f"{plugin_id}: expected one of the known versions ({known}), got {version!r}; "
            "call discover_plugins with the directory that holds it",
            plugin_id=plugin_id,
        )

    def active(self, plugin_id: str) -> Release:
        """Return the release that answers for a plugin id.

        It is the one that `activate` named; else the highest stable one that is compatible; else the highest
        compatible prerelease.

        Raises:
            PluginNotFoundError: No release is known.
            IncompatiblePluginError: None is compatible with this platform_base.
        """
        pinned = self._pins.get(plugin_id)
        return self.get(plugin_id, pinned) if pinned is not None else self.highest(plugin_id)

    def highest(self, plugin_id: str) -> Release:
        """Return the release that answers while nobody has named one; raises what `active` does."""
        releases = self.versions(plugin_id)
        compatible = [release for release in releases if self._is_compatible(release)]
        if not compatible:
            check_core_version(releases[-1].manifest, self._core_version)
        stable = [release for release in compatible if semver.Version.parse(release.version).prerelease is None]
        return (stable or compatible)[-1]

    def activate(self, plugin_id: str, version: str | None) -> Release:
        """Let one version answer for a plugin id, or with None the highest again.

        Returns:
            The release that is active now.

        Raises:
            PluginNotFoundError: It is not known.
            IncompatiblePluginError: It does not work with this platform_base; nothing has changed.
        """
        if version is None:
            self._pins = {each: pin for each, pin in self._pins.items() if each != plugin_id}
            return self.active(plugin_id)
        release = self.get(plugin_id, version)
        check_core_version(release.manifest, self._core_version)
        self._pins = {**self._pins, plugin_id: version}
        return release

    def remove(self, plugin_id: str, version: str | None = None) -> tuple[Release, ...]:
        """Forget one version, or with None all of them.

        Returns:
            What was forgotten.

        Raises:
            PluginNotFoundError: It is not known.
        """
        gone = self.versions(plugin_id) if version is None else (self.get(plugin_id, version),)
        rest = {each: release for each, release in self._releases[plugin_id].items() if release not in gone}
        if self._pins.get(plugin_id) not in rest:
            self._pins = {each: pin for each, pin in self._pins.items() if each != plugin_id}
        self._put(plugin_id, rest)
        self._directories = {path: each for path, each in self._directories.items() if each not in gone}
        return gone

    def _put(self, plugin_id: str, releases: Mapping[str, Release]) -> None:
        others = {each: known for each, known in self._releases.items() if each != plugin_id}
        self._releases = {**others, plugin_id: releases} if releases else others

    def _is_compatible(self, release: Release) -> bool:
        try:
            check_core_version(release.manifest, self._core_version)
        except IncompatiblePluginError:
            return False
        return True

    def _unknown(self, plugin_id: str) -> str:
        if not self._releases:
            return f"expected a known plugin, got {plugin_id!r}; none are known: call discover_plugins first"
        return f"expected a known plugin, got {plugin_id!r}; {did_you_mean(str(plugin_id), self.ids())}"


def _order(release: Release) -> tuple[semver.Version, str]:
    return semver.Version.parse(release.version), release.version


def _clash(first: Release, second: Release) -> Problem:
    return Problem(
        file=str(second.directory),
        key=f"{second.plugin_id} {second.version}",
        expected=f"the same files as {first.directory}, or another version",
        got="other files",
        hint="raise the version in one of the two manifests, or delete one directory",
    )
