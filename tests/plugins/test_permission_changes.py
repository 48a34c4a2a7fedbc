"""What counts as asking for more."""

from __future__ import annotations

import pytest

from platform_base.plugins.permission_changes import compare_permissions
from platform_base.plugins.permissions import Permissions


def permissions(**given):
    return Permissions.model_validate(given)


@pytest.mark.parametrize(
    ("before", "after", "added", "removed"),
    [
        ({}, {}, [], []),
        ({}, {"network": "none", "processes": 0, "gpu": False}, [], []),
        ({}, {"network": {"tcp": ["a.org:1"]}}, ["network: a.org:1"], []),
        (
            {"network": {"tcp": ["a.org:1"]}},
            {"network": {"tcp": ["a.org:2"]}},
            ["network: a.org:2"],
            ["network: a.org:1"],
        ),
        (
            {"filesystem": {"read": ["/a"]}},
            {"filesystem": {"write": ["/a"]}},
            ["filesystem.write: /a"],
            ["filesystem.read: /a"],
        ),
        ({}, {"processes": 2}, ["processes: 2 instead of 0"], []),
        ({"threads": 4}, {"threads": 2}, [], ["threads: 2 instead of 4"]),
        ({"memory_mb": 64}, {}, ["memory_mb: what the settings give instead of 64"], []),
        ({}, {"memory_mb": 64}, [], ["memory_mb: 64 instead of what the settings give"]),
        ({}, {"gpu": True}, ["gpu"], []),
    ],
)
def test_changes(before, after, added, removed):
    changes = compare_permissions(permissions(**before), permissions(**after))
    assert (list(changes.added), list(changes.removed)) == (added, removed)
