"""What the registry says of switches from release to release."""

from __future__ import annotations

from typing import TypedDict

from platform_base.plugins._catalog.release import Release
from platform_base.plugins._reload.change import Change
from platform_base.plugins._reload.self_test import Trial
from platform_base.plugins._reload.shadow import ShadowReport
from platform_base.plugins.errors import PluginError, Problem
from platform_base.plugins.permission_changes import PermissionChanges

__all__ = [
    "PluginChange",
    "PluginUpdate",
    "SelfTestInfo",
    "ShadowReport",
    "describe_change",
    "describe_trial",
    "describe_update",
]


class PluginUpdate(TypedDict):
    """What `PluginRegistry.update_plugin` and `PluginRegistry.rollback_plugin` return."""

    id: str
    from_version: str
    to_version: str
    from_digest: str
    to_digest: str
    permissions_added: list[str]
    permissions_removed: list[str]


class SelfTestInfo(TypedDict):
    """One row of `PluginRegistry.run_self_test`."""

    name: str
    passed: bool
    findings: list[str]
    seconds: float


class PluginChange(TypedDict):
    """What `PluginRegistry.watch_plugins` yields."""

    id: str
    version: str
    digest: str
    directory: str
    state: str
    self_tests: int
    serving: str
    problems: list[Problem]
    error: PluginError | None
    files: list[str]
    permissions_added: list[str]
    permissions_removed: list[str]
    changed_at: float | None
    decided_at: float


def describe_change(change: Change, serving: str) -> PluginChange:
    """Return one verdict; `serving` is the version that answers calls of that plugin now, if any does."""
    release = change.release
    return PluginChange(
        id=change.plugin_id,
        version=release.version if release is not None else "",
        digest=release.digest if release is not None else "",
        directory=str(change.directory),
        state=change.state,
        self_tests=len(release.manifest.self_test) if release is not None else 0,
        serving=serving,
        problems=list(change.problems),
        error=change.error,
        files=list(change.files),
        permissions_added=list(change.permissions.added),
        permissions_removed=list(change.permissions.removed),
        changed_at=change.changed_at,
        decided_at=change.decided_at,
    )


def describe_update(before: Release, now: Release, changes: PermissionChanges) -> PluginUpdate:
    """Return what changed; `changes` are those of the permissions."""
    return PluginUpdate(
        id=now.plugin_id,
        from_version=before.version,
        to_version=now.version,
        from_digest=before.digest,
        to_digest=now.digest,
        permissions_added=list(changes.added),
        permissions_removed=list(changes.removed),
    )


def describe_trial(trial: Trial) -> SelfTestInfo:
    """Return the row of one self-test."""
    return SelfTestInfo(
        name=trial.name, passed=not trial.findings, findings=list(trial.findings), seconds=trial.seconds
    )
