"""A profile in the file format of the viewer speedscope: samples in the order of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from platform_base.plugins.profiling.time_profile import Callee, TimeProfile

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def make_speedscope(profile: TimeProfile) -> dict[str, Any]:
    """Return the document."""
    frames: dict[Callee, int] = {}
    samples = [[frames.setdefault(callee, len(frames)) for callee in stack] for stack, _ in profile.timeline]
    weights = [seconds for _, seconds in profile.timeline]
    name = f"{profile.plugin_id} {profile.version}"
    return {
        "$schema": _SCHEMA,
        "name": name,
        "exporter": "platform_base",
        "activeProfileIndex": 0,
        "shared": {"frames": [{"name": each.name, "file": each.file, "line": each.line} for each in frames]},
        "profiles": [
            {
                "type": "sampled",
                "name": name,
                "unit": "seconds",
                "startValue": 0,
                "endValue": sum(weights),
                "samples": samples,
                "weights": weights,
            }
        ],
    }
