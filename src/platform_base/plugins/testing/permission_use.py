"""What a plugin asks for, compared with what it was seen to use; pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from platform_base.plugins.permissions import Permissions

_MB = 1 << 20
_MEMORY_MARGIN = 1.5
_MEMORY_STEP_MB = 32
_MOST_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What was noted of a plugin over some time.

    Attributes:
        read: Files and directories that were opened to read, or tried to.
        written: Files and directories that were changed, or tried to.
        connections: Destinations that were connected to, or tried to.
        processes: Programs and processes that were started, or tried to.
        threads: Threads that were started.
        peak_memory_bytes: Largest resident memory, interpreter and NumPy included; 0: not known.
    """

    read: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    threads: int = 0
    peak_memory_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionUse:
    """One permission.

    Attributes:
        name: Its key in the manifest, such as ``filesystem.read``.
        asked: What the manifest asks for; empty: nothing.
        loading: What was used of it, or tried, while the plugin loaded.
        running: The same in the self-tests.
        advice: What to change in the manifest; empty: nothing.
    """

    name: str
    asked: tuple[str, ...]
    loading: tuple[str, ...]
    running: tuple[str, ...]
    advice: str = ""


def compare_use(
    asked: Permissions, loading: Sighting, running: Sighting, usual: Sequence[str], *, ran: bool
) -> list[PermissionUse]:
    """Say of each permission what was asked for and what was used.

    Args:
        asked: What the manifest asks for; paths without links and ``~``.
        loading: What was noted while the plugin loaded.
        running: What was noted in its self-tests.
        usual: Paths that every plugin may use without asking: Python, its own directory, its scratch directory.
        ran: Whether there were self-tests.
    """
    files = asked.filesystem
    uses = [
        _paths("filesystem.read", files.read if files else (), loading.read, running.read, usual, ran=ran),
        _paths("filesystem.write", files.write if files else (), loading.written, running.written, usual, ran=ran),
        _named("network", asked.network.tcp if asked.network else (), loading.connections, running.connections, ran),
        _processes(asked.processes, loading.processes, running.processes, ran=ran),
        _threads(asked.threads, loading.threads, running.threads),
        _memory(asked.memory_mb, loading.peak_memory_bytes, running.peak_memory_bytes, ran=ran),
    ]
    if asked.gpu:
        uses.append(PermissionUse(name="gpu", asked=("true",), loading=(), running=(), advice="cannot be observed"))
    return uses


def least_permissions(uses: Iterable[PermissionUse], asked: Permissions) -> dict[str, Any]:
    """Return the smallest ``permissions`` that cover what was seen, as the manifest would have them."""
    by_name = {use.name: use for use in uses}
    least: dict[str, Any] = {}
    filesystem = {
        right: kept for right in ("read", "write") if (kept := list(_used_of(by_name[f"filesystem.{right}"])))
    }
    if filesystem:
        least["filesystem"] = filesystem
    network = by_name["network"]
    seen = sorted({*network.loading, *network.running})
    if seen:
        least["network"] = {"tcp": seen}
    processes = by_name["processes"]
    if processes.loading or processes.running:
        least["processes"] = max(1, asked.processes or 0)
    memory = suggest_memory_mb(by_name["memory_mb"])
    if memory:
        least["memory_mb"] = memory
    return least


def suggest_memory_mb(use: PermissionUse) -> int:
    """Return half as much again as the largest peak, in steps of 32 MB; 0: no peak is known.

    The peak counts the interpreter and NumPy, which the limit does not, so there is some more room than that.
    """
    peaks = [float(text.split()[0]) for text in (*use.loading, *use.running)]
    return math.ceil(max(peaks) * _MEMORY_MARGIN / _MEMORY_STEP_MB) * _MEMORY_STEP_MB if peaks else 0


def _used_of(use: PermissionUse) -> Iterable[str]:
    seen = (*use.loading, *use.running)
    return (path for path in use.asked if any(_is_below(each, [path]) for each in seen))


def _paths(
    name: str,
    asked: Sequence[str],
    loading: Sequence[str],
    running: Sequence[str],
    usual: Sequence[str],
    *,
    ran: bool,
) -> PermissionUse:
    first, later = ([path for path in paths if not _is_below(path, usual)] for paths in (loading, running))
    seen = [*first, *later]
    idle = [path for path in asked if not any(_is_below(each, [path]) for each in seen)]
    foreign = [path for path in dict.fromkeys(seen) if not _is_below(path, asked)]
    advice = [_unused(idle, ran)] if idle else []
    if foreign:
        advice.append(f"it, or a library, tried without asking: {_listed(foreign)}")
    return PermissionUse(
        name=name, asked=tuple(asked), loading=tuple(first), running=tuple(later), advice="; ".join(advice)
    )


def _named(name: str, asked: Sequence[str], loading: Sequence[str], running: Sequence[str], ran: bool) -> PermissionUse:
    seen = dict.fromkeys([*loading, *running])
    idle = [each for each in asked if each not in seen]
    foreign = [each for each in seen if each not in asked]
    advice = [_unused(idle, ran)] if idle else []
    if foreign:
        advice.append(f"it, or a library, tried without asking: {_listed(foreign)}")
    return PermissionUse(
        name=name, asked=tuple(asked), loading=tuple(loading), running=tuple(running), advice="; ".join(advice)
    )


def _processes(asked: int | None, loading: Sequence[str], running: Sequence[str], *, ran: bool) -> PermissionUse:
    advice = ""
    if asked and not loading and not running:
        advice = _unused([str(asked)], ran)
    elif not asked and (loading or running):
        advice = f"it, or a library, tried without asking: {_listed([*loading, *running])}"
    return PermissionUse(
        name="processes",
        asked=(str(asked),) if asked else (),
        loading=tuple(loading),
        running=tuple(running),
        advice=advice,
    )


def _threads(asked: int | None, loading: int, running: int) -> PermissionUse:
    started = [f"{count} started" if count else "" for count in (loading, running)]
    return PermissionUse(
        name="threads",
        asked=(str(asked),) if asked is not None else (),
        loading=tuple(filter(None, started[:1])),
        running=tuple(filter(None, started[1:])),
    )


def _memory(asked: int | None, loading: int, running: int, *, ran: bool) -> PermissionUse:
    shown = [(f"{peak / _MB:.1f} MB",) if peak else () for peak in (loading, running)]
    use = PermissionUse(
        name="memory_mb", asked=(str(asked),) if asked is not None else (), loading=shown[0], running=shown[1]
    )
    suggested = suggest_memory_mb(use)
    advice = ""
    if ran and asked is not None and asked >= 2 * suggested:
        advice = f"{suggested} would do for these calls; give larger inputs what they need"
    return PermissionUse(name=use.name, asked=use.asked, loading=use.loading, running=use.running, advice=advice)


def _unused(idle: Sequence[str], ran: bool) -> str:
    when = "while loading or in the self-tests" if ran else "while loading; there is no self-test that would"
    return f"{_listed(idle)} was not used {when}"


def _is_below(path: str, trees: Iterable[str]) -> bool:
    place = PurePosixPath(path)
    # A relative path lies in the directory that the worker starts in, which is none of anybody's.
    return not place.is_absolute() or any(place.is_relative_to(tree) for tree in trees)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_SHOWN])
    return f"{shown} and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else shown


def sighting(notes: Mapping[str, Any], before: Mapping[str, Any] | None = None, *, peak: int = 0) -> Sighting:
    """Return what the notes hold beyond those of before.

    Args:
        notes: As `observer.Notes.describe` returns them.
        before: The same, from an earlier moment of the same process.
        peak: Largest resident memory meanwhile, bytes.
    """

    def since(kind: str) -> tuple[str, ...]:
        earlier: Mapping[str, int] = before[kind] if before is not None else {}
        return tuple(what for what, count in notes[kind].items() if count > earlier.get(what, 0))

    return Sighting(
        read=since("read"),
        written=since("written"),
        connections=since("connections"),
        processes=since("processes"),
        threads=notes["threads"] - (before["threads"] if before is not None else 0),
        peak_memory_bytes=peak,
    )
