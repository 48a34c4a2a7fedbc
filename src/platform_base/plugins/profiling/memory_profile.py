"""What a call allocated: the peak, the curve, and what was alive near the peak, by line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from platform_base.plugins.profiling.testimony import Testimony

_MOST_TRACES = 200
_MOST_FRAMES = 12
_MOST_POINTS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """Memory that was alive near the peak and was allocated at one place.

    Attributes:
        bytes: How much.
        count: In how many pieces.
        frames: File and line of each frame, the innermost first.
    """

    bytes: int
    count: int
    frames: tuple[tuple[str, int], ...]

    def place(self, directory: str) -> tuple[str, int]:
        """Return the innermost file and line that lies in a directory; else the innermost of all."""
        inside = (frame for frame in self.frames if Path(frame[0]).is_relative_to(directory))
        return next(inside, self.frames[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryProfile:
    """What `PluginRegistry.trace_memory` returns.

    Attributes:
        plugin_id: The plugin.
        version: Its version.
        digest: Its digest.
        directory: Where its files are.
        peak_bytes: The most that Python and NumPy had allocated for the call at any moment.
        shown_bytes: How much of that was alive when `allocations` were listed; what exists only inside one
            compiled function is gone before anybody can look.
        process_peak_bytes: Resident memory of the whole worker at its peak, the interpreter and the tracing included.
        seconds: ``(n,)`` float64: since the beginning of the call.
        sizes: ``(n,)`` int64: bytes allocated then.
        allocations: Largest first, at most 200.
        values: Result of the call.
        metadata: Likewise.
    """

    plugin_id: str
    version: str
    digest: str
    directory: str
    peak_bytes: int
    shown_bytes: int
    process_peak_bytes: int
    seconds: NDArray[np.float64]
    sizes: NDArray[np.int64]
    allocations: tuple[Allocation, ...]
    values: Any
    metadata: dict[str, Any]


def list_lines(profile: MemoryProfile) -> list[tuple[tuple[str, int], int, int]]:
    """Return each line of the plugin, or of a library where none was, with its bytes and pieces, most bytes first."""
    lines: dict[tuple[str, int], tuple[int, int]] = {}
    for each in profile.allocations:
        size, count = lines.get(place := each.place(profile.directory), (0, 0))
        lines[place] = size + each.bytes, count + each.count
    return sorted(((place, *sums) for place, sums in lines.items()), key=lambda line: -line[1])


def read_memory_profile(
    said: Any, *, plugin_id: str, version: str, digest: str, directory: str, process_peak_bytes: int, values: Any,
    metadata: dict[str, Any], show: Callable[[str], str],
) -> MemoryProfile:  # fmt: skip
    """Read what a worker says it measured; `show` makes its text safe to print.

    Raises:
        WireError: What it says cannot be.
    """
    testimony = Testimony(said, plugin_id, show)
    seconds = testimony.numbers("seconds", most=_MOST_POINTS)
    sizes = testimony.integers("sizes", most=_MOST_POINTS, below=1 << 62)
    if len(seconds) != len(sizes) or (np.diff(seconds) < 0).any():
        raise testimony.broken("seconds and sizes are no curve")
    return MemoryProfile(
        plugin_id=plugin_id,
        version=version,
        digest=digest,
        directory=directory,
        peak_bytes=int(testimony.number("peak_bytes")),
        shown_bytes=int(testimony.number("shown_bytes")),
        process_peak_bytes=process_peak_bytes,
        seconds=seconds,
        sizes=sizes,
        allocations=tuple(_read_allocation(testimony, row) for row in testimony.rows("traces", most=_MOST_TRACES)),
        values=values,
        metadata=metadata,
    )


def _read_allocation(testimony: Testimony, row: list[Any]) -> Allocation:
    if len(row) != 3 or type(row[2]) is not list or not 0 < len(row[2]) <= _MOST_FRAMES:
        raise testimony.broken(f"an allocation is its bytes, its pieces, and 1 to {_MOST_FRAMES} frames")
    frames = tuple(testimony.place(frame) for frame in row[2])
    return Allocation(bytes=testimony.count(row[0]), count=testimony.count(row[1]), frames=frames)
