"""What a release asks for that the release before it did not ask for, and the other way round."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from platform_base.plugins.permissions import Permissions


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionChanges:
    """The difference between what two manifests ask for, as lines for people.

    Attributes:
        added: What only the new one asks for, larger amounts included.
        removed: What only the old one asks for, smaller amounts included.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def compare_permissions(before: Permissions, after: Permissions) -> PermissionChanges:
    """Compare what two manifests ask for.

    A manifest that says nothing about memory or threads gets what the settings give, which is at least what it could
    have asked for: leaving the key out counts as asking for more.

    Example:
        >>> compare_permissions(Permissions(threads=2), Permissions(threads=4)).added
        ('threads: 4 instead of 2',)
    """
    old, new = set(_named(before)), set(_named(after))
    added, removed = sorted(new - old), sorted(old - new)
    unlimited = float("inf")
    amounts = (
        ("processes", before.processes or 0, after.processes or 0),
        ("threads", before.threads or unlimited, after.threads or unlimited),
        ("memory_mb", before.memory_mb or unlimited, after.memory_mb or unlimited),
    )
    for name, was, wanted in amounts:
        if was != wanted:
            line = f"{name}: {_amount(wanted)} instead of {_amount(was)}"
            (added if wanted > was else removed).append(line)
    return PermissionChanges(added=tuple(added), removed=tuple(removed))


def _named(permissions: Permissions) -> Iterator[str]:
    if permissions.network is not None:
        yield from (f"network: {destination}" for destination in permissions.network.tcp)
    if permissions.filesystem is not None:
        yield from (f"filesystem.read: {path}" for path in permissions.filesystem.read)
        yield from (f"filesystem.write: {path}" for path in permissions.filesystem.write)
    if permissions.gpu:
        yield "gpu"


def _amount(number: float) -> str:
    return "what the settings give" if number == float("inf") else str(number)
