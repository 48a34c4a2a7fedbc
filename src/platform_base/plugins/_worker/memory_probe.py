"""What a call allocates, by line: tracemalloc keeps the books, and here is found out what they say at the peak.

tracemalloc knows its peak but not what was alive then, and a snapshot at every new maximum would take minutes. So the
call is carried out twice: the first time the traced memory is read at every call, return, and line of the plugin, and
the largest value remembered; the second time a snapshot is made when the memory reaches some shares of it, and the last
one stays.
"""

from __future__ import annotations

import gc
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import numpy as np

_FRAMES = 12
_MOST_TRACES = 200
_MOST_POINTS = 1000
_SHARES = (0.5, 0.8, 0.98)
"""Of the largest value: it is not always reached twice, where the plugin keeps something for its next call."""
_MOST_CHARACTERS = 300
_OWN_FILES = tuple(__file__.replace("memory_probe", name) for name in ("memory_probe", "probe", "serve"))


def trace_memory(call: Callable[[], Any], directory: str) -> tuple[Any, dict[str, Any]]:
    """Carry out a call twice while its allocations are traced.

    Args:
        call: What to do.
        directory: The plugin's: in its files every line is looked at.

    Returns:
        What the call returned the second time, and the figures.
    """
    # What the books are kept with is there before the first entry.
    first, second = _Lookout(directory), _Lookout(directory)
    gc.collect()
    tracemalloc.start(_FRAMES)
    try:
        first.watch(call)
        peak = tracemalloc.get_traced_memory()[1] - first.base
        gc.collect()
        result = second.watch(call, snapshots_at=[share * first.highest for share in _SHARES])
        snapshot = second.snapshot or tracemalloc.take_snapshot()
    finally:
        tracemalloc.stop()
    seconds, sizes = first.curve()
    return result, {
        "peak_bytes": max(0, peak),
        "shown_bytes": second.shown,
        "seconds": seconds,
        "sizes": sizes,
        "traces": _list_traces(snapshot),
    }


class _Lookout:
    """Reads the traced memory wherever the interpreter lets it."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._snapshots_at: list[float] = []
        self._points = np.zeros((2, 2 * _MOST_POINTS))
        self._filled = 0
        self._began = 0.0
        self.base = 0
        self.highest = 0
        self.shown = 0
        self.snapshot: tracemalloc.Snapshot | None = None

    def watch(self, call: Callable[[], Any], *, snapshots_at: Sequence[float] = ()) -> Any:
        """Carry out a call; return what it returned.

        Args:
            call: What to do.
            snapshots_at: Make a snapshot when the memory first reaches so many bytes; ascending.
        """
        self._snapshots_at = list(snapshots_at)
        self.base = tracemalloc.get_traced_memory()[0]
        self._began = time.perf_counter()
        sys.setprofile(self._profile)
        sys.settrace(self._trace)
        try:
            return call()
        finally:
            sys.settrace(None)
            sys.setprofile(None)

    def curve(self) -> tuple[Any, Any]:
        """Return seconds since the beginning, and bytes then; where points were left out, the higher ones stayed."""
        return self._points[0, : self._filled].copy(), self._points[1, : self._filled].astype(np.int64)

    def _profile(self, frame: FrameType, event: str, argument: Any) -> None:
        self._look()

    def _trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        if not frame.f_code.co_filename.startswith(self._directory):
            return None
        self._look()
        return self._trace

    def _look(self) -> None:
        size = max(0, tracemalloc.get_traced_memory()[0] - self.base)
        self.highest = max(self.highest, size)
        if self._filled == self._points.shape[1]:
            self._halve()
        self._points[:, self._filled] = time.perf_counter() - self._began, size
        self._filled += 1
        if self._snapshots_at and size >= self._snapshots_at[0]:
            while self._snapshots_at and size >= self._snapshots_at[0]:
                self._snapshots_at.pop(0)
            self.shown = size
            self.snapshot = tracemalloc.take_snapshot()

    def _halve(self) -> None:
        pairs = self._points.reshape(2, -1, 2)
        higher = pairs[1].argmax(axis=1)
        self._filled = self._points.shape[1] // 2
        self._points[:, : self._filled] = pairs[:, np.arange(self._filled), higher]


def _list_traces(snapshot: tracemalloc.Snapshot) -> list[list[Any]]:
    """Return the largest groups of allocations: bytes, how many, and the frames, the innermost first."""
    listed: list[list[Any]] = []
    for group in snapshot.statistics("traceback"):
        frames = [[_sendable(each.filename), each.lineno] for each in reversed(group.traceback)]
        own = [at for at, (file, _) in enumerate(frames) if file in _OWN_FILES]
        kept = frames[: own[0]] if own else frames
        if kept and kept[0][0] != tracemalloc.__file__:
            listed.append([group.size, group.count, kept])
        if len(listed) == _MOST_TRACES:
            break
    return listed


def _sendable(text: str) -> str:
    return text[:_MOST_CHARACTERS].encode("utf-8", "backslashreplace").decode("utf-8")
