"""A profile as a page: flame graph, functions by their own time, and the tree of calls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from platform_base.cli.profiles.page import escape, make_page, make_table

if TYPE_CHECKING:
    from platform_base.plugins.profiling.time_profile import Call, Callee, TimeProfile

_WIDTH, _ROW = 1200.0, 20
_NARROWEST = 0.5
_CHARACTER = 7.3
_MOST_ROWS = 30
_SMALLEST_SHARE = 0.002
_OWN_COLOR, _LIBRARY_COLOR = "#e69f00", "#c9cdd3"


def make_time_page(profile: TimeProfile, facts: dict[str, str]) -> str:
    """Return the page; `facts` stand below its title."""
    from platform_base.plugins.profiling.time_profile import list_hot

    total = _total(profile)
    hot = [
        (f"{seconds:.4f}", f"{seconds / total:.1%}", callee.name, show_place(callee, profile.directory))
        for callee, seconds in list_hot(profile)[:_MOST_ROWS]
        if seconds > 0
    ]
    parts = [
        ("Flame graph", _draw_flames(profile, total)),
        (
            "Functions by the time in them alone",
            make_table(["seconds", "share", "function", "place"], hot, numbers=(0, 1)),
        ),
        ("Calls", f'<div class="tree">{"".join(_list_calls(profile, total))}</div>'),
    ]
    return make_page(f"{profile.plugin_id} {profile.version}: where the time goes", facts, parts)


def show_place(callee: Callee, directory: str) -> str:
    """Return file and line; a file of the plugin relative to its directory, others by their last two parts."""
    if not callee.line:
        return callee.file
    path = Path(callee.file)
    short = path.relative_to(directory) if path.is_relative_to(directory) else Path(*path.parts[-2:])
    return f"{short}:{callee.line}"


def _total(profile: TimeProfile) -> float:
    return sum(root.seconds for root in profile.roots) or 1.0


def _draw_flames(profile: TimeProfile, total: float) -> str:
    boxes = [box for box in _place_boxes(profile, total) if box[3] >= _NARROWEST]
    height = (1 + max((depth for _, depth, _, _ in boxes), default=0)) * _ROW
    drawn = "".join(_draw_box(profile, call, depth, left, width, total) for call, depth, left, width in boxes)
    return (
        "<p>As wide as the time is long. Orange: the plugin's own files; grey: libraries. Point at one to read it.</p>"
        f'<svg viewBox="0 0 {_WIDTH:g} {height}" role="img" aria-label="flame graph">{drawn}</svg>'
    )


def _place_boxes(profile: TimeProfile, total: float) -> Iterator[tuple[Call, int, float, float]]:
    """Yield each call with its row, its left edge and its width."""
    waiting: list[tuple[Call, int, float]] = []
    left = 0.0
    for root in profile.roots:
        waiting.append((root, 0, left))
        left += root.seconds / total * _WIDTH
    while waiting:
        call, depth, left = waiting.pop()
        yield call, depth, left, call.seconds / total * _WIDTH
        for inner in call.calls:
            waiting.append((inner, depth + 1, left))
            left += inner.seconds / total * _WIDTH


def _draw_box(profile: TimeProfile, call: Call, depth: int, left: float, width: float, total: float) -> str:
    own = Path(call.callee.file).is_relative_to(profile.directory)
    room = int((width - 6) / _CHARACTER)
    name = call.callee.name if len(call.callee.name) <= room else f"{call.callee.name[: max(0, room - 1)]}…"
    label = f'<text x="{left + 3:.2f}" y="{depth * _ROW + 14}">{escape(name)}</text>' if room >= 3 else ""
    place = show_place(call.callee, profile.directory)
    hint = f"{call.callee.name} ({place}) {call.seconds:.4f} s, {call.seconds / total:.1%}"
    return (
        f"<g><title>{escape(hint)}</title>"
        f'<rect x="{left:.2f}" y="{depth * _ROW}" width="{max(width - 0.5, 0.3):.2f}" height="{_ROW - 1}" rx="2" '
        f'fill="{_OWN_COLOR if own else _LIBRARY_COLOR}"/>{label}</g>'
    )


def _list_calls(profile: TimeProfile, total: float) -> Iterator[str]:
    """Yield nested ``details``, those open that hold a tenth of the time, without recursion: stacks may be deep."""
    opened: list[int] = []
    for root in profile.roots:
        for depth, call in root.walk():
            while opened and opened[-1] >= depth:
                opened.pop()
                yield "</details>"
            if call.seconds < _SMALLEST_SHARE * total:
                continue
            line = (
                f"{call.seconds / total:6.1%} {call.seconds:.4f} s {escape(call.callee.name)} "
                f'<span class="place">{escape(show_place(call.callee, profile.directory))}</span>'
            )
            if any(inner.seconds >= _SMALLEST_SHARE * total for inner in call.calls):
                opened.append(depth)
                yield f"<details{' open' if call.seconds >= 0.1 * total else ''}><summary>{line}</summary>"
            else:
                yield f'<div class="leaf">{line}</div>'
    yield from ("</details>" for _ in opened)
