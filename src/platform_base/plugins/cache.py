"""The cache directory: copies of releases and compiled kernels, and how it stays small."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TypedDict

from platform_base.plugins._catalog.environments import Environments
from platform_base.plugins._catalog.retention import Pruning, prune
from platform_base.plugins._catalog.store import ReleaseStore
from platform_base.plugins._sandbox.scratch import wipe
from platform_base.plugins.settings import CacheSettings

logger = logging.getLogger("platform_base.plugins")

_DAY_S = 86400.0
_MB = 1 << 20
_EVERY_S = 3600.0
"""Processes that start often look at the cache once an hour, all together."""
_STAMP = "pruned"


class CachePiece(TypedDict):
    """What the cache held of one release."""

    digest: str
    mb: float
    days: float
    reason: str


class CacheReport(TypedDict):
    """What `prune_cache` returns. MB are 2**20 bytes, days are since the last use."""

    directory: str
    dry_run: bool
    removed: list[CachePiece]
    in_use: list[CachePiece]
    kept_count: int
    kept_mb: float
    removed_mb: float


def prune_cache(settings: CacheSettings, *, keep: AbstractSet[str] = frozenset(), dry_run: bool = False) -> CacheReport:
    """Delete what the settings say from the cache directory; what a running process uses stays.

    Args:
        settings: How old and how large it may become.
        keep: Digests of releases that stay, ``"sha256:..."``.
        dry_run: Delete nothing, only say what would go.

    Raises:
        OSError: The cache cannot be read or written.
    """
    cache = cache_directory()
    pruning = prune(
        cache,
        keep=keep,
        max_age_s=None if settings.max_age_days is None else settings.max_age_days * _DAY_S,
        max_bytes=None if settings.max_mb is None else settings.max_mb * _MB,
        wipe=wipe,
        dry_run=dry_run,
    )
    return _describe(cache, pruning, dry_run=dry_run)


class EnvironmentInfo(TypedDict):
    """One row of `list_environments`. MB are 2**20 bytes, days are since the last use."""

    key: str
    requires: list[str]
    directory: str
    mb: float
    days: float


def list_environments() -> list[EnvironmentInfo]:
    """Return the environments that are built."""
    return [
        EnvironmentInfo(
            key=each.key, requires=list(each.requires), directory=str(each.directory), mb=size / _MB, days=days
        )
        for each, days, size in Environments(cache_directory()).found()
    ]


def prune_environments(max_age_days: float | None, *, dry_run: bool = False) -> list[EnvironmentInfo]:
    """Delete the environments that nobody has used for so long, and return them; what a process uses stays.

    Args:
        max_age_days: Days; None: delete nothing.
        dry_run: Delete nothing, only say what would go.
    """
    environments = Environments(cache_directory())
    return [
        row
        for row, (each, days, _) in zip(list_environments(), environments.found(), strict=True)
        if max_age_days is not None and days >= max_age_days and environments.remove(each, dry_run=dry_run)
    ]


def cache_directory() -> Path:
    """Return the directory that ``PLATFORM_BASE_CACHE_DIR`` names, or else the user's own."""
    return ReleaseStore.standard().root.parent


class CacheKeeper:
    """Prunes the cache in a thread of its own, at most once an hour for all processes together."""

    def __init__(self, settings: CacheSettings, keep: Callable[[], AbstractSet[str]]) -> None:
        """Begin with nothing to do.

        Args:
            settings: How old and how large the cache may become.
            keep: Returns the digests of releases that stay.
        """
        self._settings = settings
        self._keep = keep
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, if it is due; returns at once."""
        limits = (self._settings.max_age_days, self._settings.max_mb)
        if self._thread is None and limits != (None, None) and _is_due(cache_directory()):
            self._thread = threading.Thread(target=self._run, name="platform_base-cache", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Wait until the thread has ended."""
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            report = prune_cache(self._settings, keep=self._keep())
        except OSError as error:
            logger.warning("the cache %s could not be pruned: %s", cache_directory(), error)
            return
        if report["removed"]:
            logger.info(
                "%d releases (%.1f MB) were pruned from the cache", len(report["removed"]), report["removed_mb"]
            )


def _is_due(cache: Path) -> bool:
    """Whether nobody has pruned for an hour; if so, say that it is being done."""
    stamp = cache / _STAMP
    try:
        if time.time() - stamp.stat().st_mtime < _EVERY_S:
            return False
    except FileNotFoundError:
        if not cache.is_dir():
            return False
    except OSError:
        return False
    try:
        with stamp.open("a"):
            os.utime(stamp)
    except OSError:
        return False  # a cache that cannot be written to cannot be pruned either
    return True


def _describe(cache: Path, pruning: Pruning, *, dry_run: bool) -> CacheReport:
    now = time.time()
    gone = [(piece, reason) for piece, reason in pruning.removed]
    rows = [
        [
            CachePiece(
                digest=piece.digest, mb=piece.size / _MB, days=max(0.0, now - piece.used) / _DAY_S, reason=reason
            )
            for piece, reason in pieces
        ]
        for pieces in (gone, [(piece, "in use") for piece in pruning.in_use])
    ]
    stays = (*pruning.kept, *pruning.in_use)
    return CacheReport(
        directory=str(cache),
        dry_run=dry_run,
        removed=rows[0],
        in_use=rows[1],
        kept_count=len(stays),
        kept_mb=sum(piece.size for piece in stays) / _MB,
        removed_mb=sum(piece.size for piece, _ in gone) / _MB,
    )
