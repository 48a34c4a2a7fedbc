"""A profile in the file format of the viewer speedscope: samples in the order of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_base.cli.errors import OutputError

if TYPE_CHECKING:
    from platform_base.plugins.profiling.time_profile import Callee, TimeProfile

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"
_MOST_FRAMES = 20_000_000


def make_speedscope(profile: TimeProfile) -> dict[str, Any]:
    """Return the document.

    Raises:
        OutputError: It would be too large: each change of the stack is written with all its frames.
    """
    count = sum(len(stack) for stack, _ in profile.timeline)
    if count > _MOST_FRAMES:
        raise OutputError(
            f"--speedscope: expected at most {_MOST_FRAMES} frames over the whole profile, got {count}; "
            "take fewer samples with a larger --interval, or fewer --calls"
        )
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
