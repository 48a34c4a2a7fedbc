"""Where the time of a call goes: pyinstrument samples the stack; here its samples become a small table.

The stacks are a tree: stack i is stack ``parents[i]`` (-1: none) with the function ``callees[i]`` called by it. Sample
k says that for ``weights[k]`` seconds the stack was ``samples[k]``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyinstrument

from platform_base.plugins._sandbox import import_guard

_MOST_STACKS = 50_000
_MOST_CHARACTERS = 300
_CALLER = __file__.replace("time_probe", "probe")


def sample_time(call: Callable[[], Any], *, interval_s: float, calls: int) -> tuple[Any, dict[str, Any]]:
    """Carry out a call while its stack is sampled.

    Args:
        call: What to do.
        interval_s: Time between two samples, seconds.
        calls: How often to do it; the result is that of the last time.

    Returns:
        What the call returned, and the table.
    """
    profiler = pyinstrument.Profiler(interval=interval_s, async_mode="disabled")
    with profiler:
        for _ in range(calls):
            result = call()
    session = profiler.last_session
    records = session.frame_records if session is not None else []
    seconds = session.duration if session is not None else 0.0
    return result, {**_tabulate(records), "seconds": float(seconds), "calls": calls}


def _tabulate(records: Sequence[tuple[Sequence[str], float]]) -> dict[str, Any]:
    functions: dict[tuple[str, str, int], int] = {}
    stacks: dict[tuple[int, int], int] = {}
    samples, weights = [], []
    for frames, weight in records:
        stack = -1
        for frame in _own_frames(frames):
            function = functions.setdefault(_read_frame(frame), len(functions))
            known = stacks.get((stack, function))
            if known is None:
                if len(stacks) >= _MOST_STACKS:
                    break  # what is deeper counts for its caller
                known = stacks[stack, function] = len(stacks)
            stack = known
        samples.append(stack)
        weights.append(weight)
    return {
        "functions": [list(function) for function in functions],
        "parents": np.array([parent for parent, _ in stacks], dtype=np.int64),
        "callees": np.array([callee for _, callee in stacks], dtype=np.int64),
        "samples": np.array(samples, dtype=np.int64),
        "weights": np.array(weights, dtype=np.float64),
    }


def _own_frames(frames: Sequence[str]) -> Sequence[str]:
    """Leave out the frames of the worker, which lie outside of the plugin's, and those of the import system."""
    files = [frame.split("\x00", 2)[1] if "\x00" in frame else "" for frame in frames]
    inner = [at for at, file in enumerate(files) if file in (_CALLER, __file__)]
    # Below this file there is only pyinstrument itself, at the beginning and the end.
    begin = inner[-1] + 1 if inner and files[inner[-1]] == _CALLER else len(frames)
    return [
        frame
        for frame, file in zip(frames[begin:], files[begin:], strict=True)
        if not file.startswith("<frozen importlib") and file != import_guard.__file__
    ]


def _read_frame(frame: str) -> tuple[str, str, int]:
    """Part ``function\\0file\\0line\\1attributes``, pyinstrument's name of a frame; the class is the attribute c."""
    name, file, rest = (*frame.split("\x00", 2), "", "")[:3]
    line, *attributes = rest.split("\x01")
    owner = next((each[1:] for each in attributes if each.startswith("c")), "")
    shown = f"{owner}.{name}" if owner else name
    return _sendable(shown), _sendable(file), int(line) if line.isdigit() else 0


def _sendable(text: str) -> str:
    return text[:_MOST_CHARACTERS].encode("utf-8", "backslashreplace").decode("utf-8")
