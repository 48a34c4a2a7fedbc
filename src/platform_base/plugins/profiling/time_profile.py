"""Where the time of a call went: a tree of calls with seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from platform_base.plugins.profiling.testimony import Testimony

_MOST_STACKS = 50_000
_MOST_SAMPLES = 5_000_000
_MOST_DEEP = 1_000
_MOST_FRAMES = 5_000_000
"""In all stacks together: half a megabyte of parents could stand for fifty million frames."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callee:
    """A function, as the worker named it.

    Attributes:
        name: With its class.
        file: The author's file, or that of a library.
        line: Where it is defined.
    """

    name: str
    file: str
    line: int


@dataclass(slots=True, kw_only=True)
class Call:
    """A function that was called at one place of the tree.

    Attributes:
        callee: The function.
        seconds: Spent in it and in what it called.
        own_seconds: Spent in it alone.
        calls: What it called, longest first.
    """

    callee: Callee
    seconds: float
    own_seconds: float
    calls: list[Call]

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Call]]:
        """Yield this call and all below it with their depth, each before what it called."""
        waiting = [(depth, self)]
        while waiting:
            at, call = waiting.pop()
            yield at, call
            waiting.extend((at + 1, each) for each in reversed(call.calls))


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeProfile:
    """What `PluginRegistry.profile_plugin` returns.

    Attributes:
        plugin_id: The plugin.
        version: Its version.
        digest: Its digest.
        directory: Where its files are.
        seconds: Wall time of all calls together.
        calls: How often the plugin's `execute` was called.
        samples: How often the stack was looked at.
        roots: What was called first, longest first.
        timeline: For each run of equal samples, in order, the stack (functions, the outermost first) and its seconds.
        values: Result of the last call.
        metadata: Of the last call.
    """

    plugin_id: str
    version: str
    digest: str
    directory: str
    seconds: float
    calls: int
    samples: int
    roots: tuple[Call, ...]
    timeline: tuple[tuple[tuple[Callee, ...], float], ...]
    values: Any
    metadata: dict[str, Any]


def read_calls(
    testimony: Testimony,
) -> tuple[tuple[Call, ...], tuple[tuple[tuple[Callee, ...], float], ...], int]:
    """Read the tree, the timeline, and the number of samples.

    Raises:
        WireError: What the worker said cannot be.
    """
    callees = [_read_callee(testimony, row) for row in testimony.rows("functions", most=_MOST_STACKS)]
    parents = testimony.integers("parents", most=_MOST_STACKS, below=_MOST_STACKS, least=-1)
    chosen = testimony.integers("callees", most=_MOST_STACKS, below=max(1, len(callees)))
    samples = testimony.integers("samples", most=_MOST_SAMPLES, below=max(1, len(parents)), least=-1)
    weights = testimony.numbers("weights", most=_MOST_SAMPLES)
    # A stack comes after the one that it belongs to: so there are no rings.
    if len(parents) != len(chosen) or len(samples) != len(weights) or (parents >= np.arange(len(parents))).any():
        raise testimony.broken("the stacks are no tree")
    if len(chosen) and not callees:
        raise testimony.broken("stacks without functions")
    own = np.bincount(samples[samples >= 0], weights[samples >= 0], minlength=len(parents))
    calls = [Call(callee=callees[at], seconds=0.0, own_seconds=float(own[k]), calls=[]) for k, at in enumerate(chosen)]
    stacks: list[tuple[Callee, ...]] = []
    roots: list[Call] = []
    frames = 0
    for call, parent in zip(calls, parents.tolist(), strict=True):
        outer = stacks[parent] if parent >= 0 else ()
        if len(outer) >= _MOST_DEEP:
            raise testimony.broken(f"stacks of more than {_MOST_DEEP} calls")
        frames += len(outer) + 1
        if frames > _MOST_FRAMES:
            raise testimony.broken(f"stacks of more than {_MOST_FRAMES} calls together")
        stacks.append((*outer, call.callee))
        (calls[parent].calls if parent >= 0 else roots).append(call)
    for call, parent in zip(reversed(calls), reversed(parents.tolist()), strict=True):
        call.seconds += call.own_seconds
        call.calls.sort(key=lambda each: -each.seconds)
        if parent >= 0:
            calls[parent].seconds += call.seconds
    roots.sort(key=lambda each: -each.seconds)
    return tuple(roots), _run_together(stacks, samples, weights), len(samples)


def _run_together(stacks: list[tuple[Callee, ...]], samples: Any, weights: Any) -> Any:
    if not len(samples):
        return ()
    begins = np.concatenate([[0], np.flatnonzero(np.diff(samples)) + 1])
    seconds = np.add.reduceat(weights, begins)
    return tuple(
        (stacks[stack] if stack >= 0 else (), float(each))
        for stack, each in zip(samples[begins].tolist(), seconds, strict=True)
    )


def _read_callee(testimony: Testimony, row: list[Any]) -> Callee:
    if len(row) != 3:
        raise testimony.broken("a function is a name, a file and a line")
    file, line = testimony.place(row[1:])
    return Callee(name=testimony.text(row[0]), file=file, line=line)


def list_hot(profile: TimeProfile) -> list[tuple[Callee, float]]:
    """Return every function with the seconds spent in it alone, at whatever place of the tree, longest first."""
    seconds: dict[Callee, float] = {}
    for root in profile.roots:
        for _, call in root.walk():
            seconds[call.callee] = seconds.get(call.callee, 0.0) + call.own_seconds
    return sorted(seconds.items(), key=lambda item: -item[1])


def read_time_profile(
    said: Any, *, plugin_id: str, version: str, digest: str, directory: str, values: Any, metadata: dict[str, Any],
    show: Callable[[str], str],
) -> TimeProfile:  # fmt: skip
    """Read what a worker says it measured; `show` makes its text safe to print.

    Raises:
        WireError: What it says cannot be.
    """
    testimony = Testimony(said, plugin_id, show)
    roots, timeline, samples = read_calls(testimony)
    return TimeProfile(
        plugin_id=plugin_id,
        version=version,
        digest=digest,
        directory=directory,
        seconds=testimony.number("seconds"),
        calls=int(testimony.number("calls")),
        samples=samples,
        roots=roots,
        timeline=timeline,
        values=values,
        metadata=metadata,
    )
