"""Which copies of releases and compiled kernels are deleted, and deleting them under the eyes of other processes."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from platform_base.plugins._catalog.claim import sole_use

PARTIAL = ".partial-"
"""What begins the name of a directory that is being written, or deleted."""

_PARTIAL_MAX_AGE_S = 3600.0
_DIGEST_DIGITS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What the cache holds of one release: its copy, its kernels, or both.

    Attributes:
        digest: Of the release, ``"sha256:..."``; empty for what a crashed process left.
        paths: Its directories.
        used: When it was last used, seconds since the epoch.
        size: Bytes on disk.
    """

    digest: str
    paths: tuple[Path, ...]
    used: float
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruning:
    """What was deleted, or would be.

    Attributes:
        removed: Pieces that went, each with the reason.
        in_use: Pieces that were to go and stayed because a process uses them.
        kept: The others.
    """

    removed: tuple[tuple[Piece, str], ...] = ()
    in_use: tuple[Piece, ...] = ()
    kept: tuple[Piece, ...] = ()


def prune(
    cache: Path,
    *,
    keep: AbstractSet[str],
    max_age_s: float | None,
    max_bytes: int | None,
    wipe: Callable[[Path], None],
    dry_run: bool = False,
) -> Pruning:
    """Delete what was not used for long, and then what was used least recently until the rest is small enough.

    Args:
        cache: The directory that holds ``releases``, ``kernels`` and the locks.
        keep: Digests that stay, ``"sha256:..."``.
        max_age_s: What was used within this time stays, seconds; None: whatever its age.
        max_bytes: So much may stay; None: however much it is.
        wipe: Removes a tree, whatever workers may have left in it.
        dry_run: Delete nothing.

    Raises:
        OSError: The cache cannot be read or written.
    """
    now = time.time()
    pieces = sorted(find_pieces(cache), key=lambda piece: piece.used)
    left = sum(piece.size for piece in pieces)
    removed: list[tuple[Piece, str]] = []
    in_use: list[Piece] = []
    kept: list[Piece] = []
    for piece in pieces:
        reason = _reason(piece, now, left, max_age_s, max_bytes)
        if not reason or piece.digest in keep:
            kept.append(piece)
        elif _remove(cache, piece, wipe, dry_run=dry_run):
            removed.append((piece, reason))
            left -= piece.size
        else:
            in_use.append(piece)
    return Pruning(removed=tuple(removed), in_use=tuple(in_use), kept=tuple(kept))


def find_pieces(cache: Path) -> Iterator[Piece]:
    """Yield what the cache holds."""
    found: dict[str, list[Path]] = {}
    for shelf in ("releases", "kernels"):
        for path in _entries(cache / shelf):
            if path.name.startswith(PARTIAL):
                yield _piece("", [path])
            elif len(path.name) == _DIGEST_DIGITS:
                found.setdefault(path.name, []).append(path)
    for name, paths in found.items():
        yield _piece(f"sha256:{name}", paths)


def _reason(piece: Piece, now: float, left: int, max_age_s: float | None, max_bytes: int | None) -> str:
    age_s = now - piece.used
    if not piece.digest:
        return "left by a process that ended" if age_s >= _PARTIAL_MAX_AGE_S else ""
    if max_age_s is not None and age_s >= max_age_s:
        return f"not used for {age_s / 86400:.1f} days"
    if max_bytes is not None and left > max_bytes:
        return "least recently used"
    return ""


def _remove(cache: Path, piece: Piece, wipe: Callable[[Path], None], *, dry_run: bool) -> bool:
    """Delete a piece unless somebody uses it; in a dry run, say whether that would work."""
    name = piece.digest.removeprefix("sha256:")
    if not name:
        doomed = [] if dry_run else [piece.paths[0]]
        _wipe(doomed, wipe)
        return True
    with sole_use(cache / "in-use", name) as free:
        if not free or dry_run:
            return free
        doomed = [_take_away(path) for path in piece.paths]
    _wipe(doomed, wipe)
    return True


def _wipe(doomed: list[Path], wipe: Callable[[Path], None]) -> None:
    for directory in doomed:
        with suppress(OSError):  # what stays is a piece that a crashed process left, and is tried again
            wipe(directory)


def _take_away(path: Path) -> Path:
    """Rename first: a process that looks for it meanwhile finds all of it or nothing."""
    doomed = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=path.parent))
    try:
        path.rename(doomed / "doomed")
    except FileNotFoundError:  # somebody deleted it by hand
        return doomed
    return doomed


def _entries(directory: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(directory) if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def _piece(digest: str, paths: list[Path]) -> Piece:
    used, size = 0.0, 0
    for path in paths:
        try:
            used = max(used, path.stat().st_mtime)
        except FileNotFoundError:
            continue
        size += _space(path)
    return Piece(digest=digest, paths=tuple(paths), used=used, size=size)


def _space(top: Path) -> int:
    """Return how much of the disk a tree takes, bytes.

    What cannot be looked at is left out: it was deleted meanwhile, or a worker has made it so, with names too long to
    be spelled or rights that it took away, and must not keep everything else from being counted.
    """
    size = 0
    waiting = [str(top)]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as listing:
            for entry in listing:
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        size += entry.stat(follow_symlinks=False).st_blocks * 512
    return size
