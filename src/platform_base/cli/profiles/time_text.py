"""A profile as text: the tree of calls, and the functions by their own time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from platform_base.cli.profiles.time_page import show_place
from platform_base.cli.render import shorten, visible

if TYPE_CHECKING:
    from platform_base.plugins.profiling.time_profile import Call, TimeProfile

_SMALLEST_SHARE = 0.01
_MOST_NAME = 60


def draw_tree(profile: TimeProfile) -> Iterator[str]:
    """Yield the lines of the tree, without what took less than a hundredth of the time."""
    total = sum(root.seconds for root in profile.roots) or 1.0
    waiting: list[tuple[Call, str, str]] = [(root, "", "") for root in reversed(profile.roots)]
    while waiting:
        call, before, below = waiting.pop()
        place = show_place(call.callee, profile.directory)
        name = shorten(call.callee.name, _MOST_NAME)
        yield f"{call.seconds:9.4f} {call.seconds / total:6.1%}  {before}{name}  {visible(place)}"
        inner = [each for each in call.calls if each.seconds >= _SMALLEST_SHARE * total]
        for at, each in reversed(list(enumerate(inner))):
            last = at == len(inner) - 1
            waiting.append((each, f"{below}{'└─ ' if last else '├─ '}", f"{below}{'   ' if last else '│  '}"))


def describe_time(profile: TimeProfile) -> dict[str, Any]:
    """Return a profile for a program: ``tree`` has the calls in order, each before what it called, with ``depth``."""
    from platform_base.plugins.profiling.time_profile import list_hot

    return {
        "plugin": profile.plugin_id,
        "version": profile.version,
        "digest": profile.digest,
        "seconds": profile.seconds,
        "calls": profile.calls,
        "samples": profile.samples,
        "functions": [
            {"name": callee.name, "file": callee.file, "line": callee.line, "own_seconds": seconds}
            for callee, seconds in list_hot(profile)
        ],
        "tree": [
            {
                "depth": depth,
                "name": call.callee.name,
                "file": call.callee.file,
                "line": call.callee.line,
                "seconds": call.seconds,
                "own_seconds": call.own_seconds,
            }
            for root in profile.roots
            for depth, call in root.walk()
        ],
    }
