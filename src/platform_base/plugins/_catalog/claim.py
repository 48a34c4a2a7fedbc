"""Saying that a piece of the cache is in use, so that no other process deletes it.

A claim is a shared lock (flock(2)) on a file named after the piece. The kernel gives it back when its holder dies,
however it dies. Who wants to delete takes the lock exclusively, without waiting. A lock file is deleted together with
its piece, under that lock; so whoever gets a lock looks whether the file still has its name, and else begins anew.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL)
"""What file systems without locks answer. Nobody can lock there to delete either, so nothing is lost."""


class Claims:
    """The pieces that this process uses. Thread-safe."""

    def __init__(self, directory: Path) -> None:
        """Begin with none.

        Args:
            directory: Where the lock files are; made with mode 0700 with the first claim.
        """
        self._directory = directory
        self._lock = threading.Lock()
        self._held: dict[str, int] = {}
        self._finalizer = weakref.finalize(self, _close_all, self._held)

    def hold(self, name: str) -> None:
        """Keep others from deleting a piece, until `release_all`.

        Raises:
            OSError: The lock file cannot be made.
        """
        with self._lock:
            if name in self._held:
                return
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = _lock(self._directory / name, fcntl.LOCK_SH)
            if descriptor is not None:
                self._held[name] = descriptor

    def release(self, name: str) -> None:
        """Let one piece go."""
        with self._lock:
            descriptor = self._held.pop(name, None)
        if descriptor is not None:
            os.close(descriptor)

    def release_all(self) -> None:
        """Let everything go."""
        with self._lock:
            _close_all(self._held)


@contextmanager
def sole_use(directory: Path, name: str) -> Iterator[bool]:
    """Yield whether nobody uses a piece; until the block ends nobody can begin to.

    Its lock file is deleted at the end, so delete or rename the piece inside the block.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / name
    try:
        descriptor = _lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        descriptor = None
    if descriptor is None:
        yield False
        return
    try:
        yield True
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _lock(path: Path, operation: int) -> int | None:
    """Return a descriptor that holds the lock, or None where the file system knows no locks."""
    while True:
        descriptor = os.open(path, _FLAGS, 0o600)
        try:
            fcntl.flock(descriptor, operation)
            if _has_name(descriptor, path):
                return descriptor
        except OSError as error:
            os.close(descriptor)
            if error.errno in _NO_LOCKS:
                return None
            raise
        os.close(descriptor)


def _has_name(descriptor: int, path: Path) -> bool:
    try:
        named = path.lstat()
    except FileNotFoundError:
        return False
    return os.path.samestat(named, os.fstat(descriptor))


def _close_all(held: dict[str, int]) -> None:
    while held:
        os.close(held.popitem()[1])
