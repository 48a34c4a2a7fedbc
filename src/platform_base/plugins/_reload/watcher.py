"""Telling that something changed below a directory; what it means is for others to decide."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

from watchfiles import Change, watch

_QUIET_MS = 60
"""A burst of changes is told once nothing more happened for so long: a save is several events, a checkout many."""
_LONGEST_WAIT_MS = 1500
_LOOK_MS = 100

_NO_EVENTS = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "vboxsf", "virtiofs", "afs"})
"""File systems on which another machine's changes raise no kernel event."""

_IGNORED = ("__pycache__", ".git", ".hg", ".svn")


def watch_directories(roots: tuple[Path, ...], stop: threading.Event) -> Iterator[frozenset[Path]]:
    """Yield, for each burst of changes, the paths that were added, changed or removed; not what was there in between.

    The first thing that is yielded is an empty set, as soon as the watching has begun: what happened before that raised
    no event, so look for yourself.

    Args:
        roots: Directories to watch with everything below them.
        stop: Ends the iteration when it is set.
    """
    changes = watch(
        *roots,
        stop_event=stop,
        debounce=_LONGEST_WAIT_MS,
        step=_QUIET_MS,
        rust_timeout=_LOOK_MS,
        yield_on_timeout=True,
        force_polling=any(_file_system(root) in _NO_EVENTS for root in roots) or None,
        watch_filter=lambda _, path: not any(part in _IGNORED for part in Path(path).parts),
        raise_interrupt=True,
    )
    begun = False
    for batch in changes:
        lasting = frozenset(Path(path) for path in _lasting(batch))
        if lasting or not begun:
            yield lasting
        begun = True


def _lasting(batch: set[tuple[Change, str]]) -> set[str]:
    """Return the paths of a burst without those that came and went in it, such as what editors write beside a file."""
    came, gone = ({path for kind, path in batch if kind is which} for which in (Change.added, Change.deleted))
    return {path for _, path in batch} - {path for path in came & gone if not os.path.lexists(path)}


def _file_system(path: Path) -> str:
    """Return the type of the file system that `path` lies on, by the longest mount point above it."""
    best, kind = "", ""
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
        _, mount_point, found, *_ = line.split(" ")
        if (path.is_relative_to(mount_point)) and len(mount_point) > len(best):
            best, kind = mount_point, found
    return kind
