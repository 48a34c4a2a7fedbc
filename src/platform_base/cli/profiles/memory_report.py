"""What a call allocated: as a table, for a program, and as a page with the curve."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from platform_base.cli.profiles.page import escape, make_page, make_table
from platform_base.cli.profiles.source_lines import SourceLines

if TYPE_CHECKING:
    from platform_base.plugins.profiling.memory_profile import Allocation, MemoryProfile

_WIDTH, _HEIGHT, _MARGIN = 1200, 220, 24


def show_bytes(size: float) -> str:
    """Return an amount with a unit.

    Example:
        >>> show_bytes(40130208)
        '38.27 MiB'
    """
    for unit, divisor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= divisor:
            return f"{size / divisor:.2f} {unit}"
    return f"{size:.0f} B"


def list_rows(profile: MemoryProfile, most: int, *, least: float = 0.0) -> list[tuple[str, str, str, str]]:
    """Return memory, pieces, place and source of the lines that hold most.

    Args:
        profile: The figures.
        most: How many lines.
        least: Leave out those that hold less than this share of all.
    """
    from platform_base.plugins.profiling.memory_profile import list_lines

    source = SourceLines(profile.directory)
    return [
        (show_bytes(size), str(count), _show_place(profile, file, line), source.find(file, line))
        for (file, line), size, count in list_lines(profile)[:most]
        if size >= least * profile.shown_bytes
    ]


def describe_memory(profile: MemoryProfile) -> dict[str, Any]:
    """Return the figures for a program."""
    from platform_base.plugins.profiling.memory_profile import list_lines

    source = SourceLines(profile.directory)
    return {
        "plugin": profile.plugin_id,
        "version": profile.version,
        "digest": profile.digest,
        "peak_bytes": profile.peak_bytes,
        "shown_bytes": profile.shown_bytes,
        "process_peak_bytes": profile.process_peak_bytes,
        "lines": [
            {"file": file, "line": line, "source": source.find(file, line), "bytes": size, "count": count}
            for (file, line), size, count in list_lines(profile)
        ],
        "curve": {"seconds": profile.seconds, "bytes": profile.sizes},
    }


def make_memory_page(profile: MemoryProfile, facts: dict[str, str]) -> str:
    """Return the page; `facts` stand below its title."""
    lines = make_table(["memory", "pieces", "place", "source"], list_rows(profile, 100), numbers=(0, 1))
    stacks = "".join(_show_allocation(profile, each) for each in profile.allocations)
    parts = [
        ("Memory over the call", _draw_curve(profile)),
        ("Near the peak, by line", lines),
        ("Near the peak, by call stack", f'<div class="tree">{stacks}</div>'),
    ]
    return make_page(f"{profile.plugin_id} {profile.version}: what is allocated", facts, parts)


def _show_place(profile: MemoryProfile, file: str, line: int) -> str:
    path = Path(file)
    inside = path.is_relative_to(profile.directory)
    short = path.relative_to(profile.directory) if inside else Path(*path.parts[-3:])
    return f"{short}:{line}"


def _show_allocation(profile: MemoryProfile, each: Allocation) -> str:
    file, line = each.place(profile.directory)
    head = f"{show_bytes(each.bytes)} in {each.count}, {_show_place(profile, file, line)}"
    frames = "".join(f'<div class="leaf">{escape(_show_place(profile, *frame))}</div>' for frame in each.frames)
    return f"<details><summary>{escape(head)}</summary>{frames}</details>"


def _draw_curve(profile: MemoryProfile) -> str:
    if not len(profile.sizes):
        return "<p>No memory was allocated.</p>"
    span = float(profile.seconds[-1]) or 1.0
    top = float(max(profile.sizes.max(), profile.peak_bytes, 1))
    x = profile.seconds / span * _WIDTH
    y = _MARGIN + (1 - profile.sizes / top) * (_HEIGHT - 2 * _MARGIN)
    # What is allocated stays until it is seen to change: a stair, not a slope.
    steps = np.column_stack([np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]])
    points = " ".join(f"{at:.1f},{level:.1f}" for at, level in steps)
    floor = _HEIGHT - _MARGIN
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="memory over the call">'
        f'<polygon points="0,{floor} {points} {_WIDTH},{floor}" fill="#56b4e9" fill-opacity=".45"/>'
        f'<polyline points="{points}" fill="none" stroke="#0072b2" stroke-width="1.5"/>'
        f'<line x1="0" x2="{_WIDTH}" y1="{_MARGIN}" y2="{_MARGIN}" stroke="#d55e00" stroke-dasharray="5 4"/>'
        f'<text class="axis" x="4" y="{_MARGIN - 8}">peak {escape(show_bytes(profile.peak_bytes))}</text>'
        f'<text class="axis" x="4" y="{_HEIGHT - 6}">0 s</text>'
        f'<text class="axis" x="{_WIDTH - 4}" y="{_HEIGHT - 6}" text-anchor="end">{span:.3g} s, traced</text></svg>'
    )
