"""Whether a plugin works with this version of platform_base."""

from __future__ import annotations

import semver
from packaging.version import InvalidVersion, Version

from platform_base.plugins.errors import IncompatiblePluginError
from platform_base.plugins.manifest import Manifest

_PRERELEASES = {"a": "alpha", "b": "beta", "rc": "rc"}


def check_core_version(manifest: Manifest, core_version: str) -> None:
    """Compare `core_version` with the manifest's range, both ends inclusive.

    Args:
        manifest: The plugin.
        core_version: Version of platform_base, as a semantic version or as Python writes it (``2.1.0rc1``).
            Order is that of semver.org: 2.1.0-rc.1 is newer than 2.0.0 and older than 2.1.0.

    Raises:
        IncompatiblePluginError: It is outside.
    """
    core = parse_core_version(core_version)
    lowest, highest = manifest.core_min_version, manifest.core_max_version
    too_old = lowest is not None and core < semver.Version.parse(lowest)
    too_new = highest is not None and core > semver.Version.parse(highest)
    if not too_old and not too_new:
        return
    wanted = " and ".join(
        [f"at least {lowest}"] * (lowest is not None) + [f"at most {highest}"] * (highest is not None)
    )
    remedy = "update platform_base, or use an older" if too_old else "use a newer"
    raise IncompatiblePluginError(
        f"{manifest.plugin_id} {manifest.version}: expected platform_base {wanted}, got {core_version}; "
        f"{remedy} version of the plugin",
        plugin_id=manifest.plugin_id,
        version=manifest.version,
    )


def parse_core_version(text: str) -> semver.Version:
    """Read a version written in either convention.

    Example:
        >>> str(parse_core_version("2.1.0rc1"))
        '2.1.0-rc.1'

    Raises:
        ValueError: It is neither.
    """
    if semver.Version.is_valid(text):
        return semver.Version.parse(text)
    try:
        version = Version(text)
    except InvalidVersion:
        raise ValueError(f"expected a version such as 2.0.0 or 2.1.0rc1, got {text!r}") from None
    prerelease: list[str] = []
    if version.pre is not None:
        prerelease += [_PRERELEASES[version.pre[0]], str(version.pre[1])]
    if version.dev is not None:
        prerelease += ["dev", str(version.dev)]
    return semver.Version(version.major, version.minor, version.micro, ".".join(prerelease) or None, version.local)
