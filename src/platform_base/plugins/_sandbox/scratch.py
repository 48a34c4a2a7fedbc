"""Private directories of workers, and removing what a plugin left in them, whatever it is."""

from __future__ import annotations

import errno
import itertools
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MAX_SCRATCH_ENTRIES = 4096
"""Files and directories that a worker may have in its scratch directory at once."""

_UNSEEN = (errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE)
_BLOCK_BYTES = 512
_ORDINARY_DEPTH = 8
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def make_scratch(path: Path, *, uid: int | None) -> None:
    """Make an empty directory that only the worker's user may enter."""
    path.mkdir(mode=0o700)
    if uid is not None:
        os.chown(path, uid, uid)


def is_overfull(top: Path, *, max_bytes: int, max_entries: int) -> bool:
    """Whether a tree of ordinary use holds more than it may, or what nobody needs there; looks only until it knows.

    What nobody needs is anything but files and directories, deep nesting, and directories that cannot be listed. Others
    may be at work there: what has gone since it was listed holds nothing.
    """
    waiting = [(str(top), 0)]
    size = entries = 0
    while waiting:
        directory, depth = waiting.pop()
        try:
            with os.scandir(directory) as listing:
                for entry in listing:
                    entries += 1
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((entry.path, depth + 1))
                    elif entry.is_file(follow_symlinks=False):
                        size += _space(entry)
                    else:
                        return True
                    if size > max_bytes or entries > max_entries or depth > _ORDINARY_DEPTH:
                        return True
        except FileNotFoundError:
            continue
        except OSError:
            return True
    return False


def _space(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_blocks * _BLOCK_BYTES
    except FileNotFoundError:
        return 0


def exceeds(scratch: str, max_bytes: int) -> bool:
    """Whether a scratch directory, which somebody writes to, holds more bytes or entries than it may.

    Stops as soon as that is known, so a look costs no more than `MAX_SCRATCH_ENTRIES` entries do. A directory that
    cannot be looked into counts as too much. Files that are open but have no name any more
    are not seen: a worker can have as many of them as it may have open files, each of `max_bytes`.

    Args:
        scratch: The directory.
        max_bytes: Bytes that it may hold; what counts is space on the disk, so holes in files are free.
    """
    entries = used = 0
    levels: list[tuple[int, list[str]]] = []
    name, parent = scratch, None
    try:
        while True:
            try:
                level = os.open(name, _OPEN, dir_fd=parent)
            except OSError as error:
                if error.errno in _UNSEEN and not _is_closed_for_all(name, parent):
                    return True
                # Else it is gone in the meantime, or something else now.
            else:
                directories: list[str] = []
                levels.append((level, directories))
                for directory, size in _list(level):
                    entries += 1
                    used += size
                    if used > max_bytes or entries > MAX_SCRATCH_ENTRIES:
                        return True
                    if directory:
                        directories.append(directory)
            while levels and not levels[-1][1]:
                os.close(levels.pop()[0])
            if not levels:
                return False
            parent, names = levels[-1]
            name = names.pop()
    finally:
        for level, _ in levels:
            os.close(level)


def _is_closed_for_all(name: str, parent: int | None) -> bool:
    """Whether a directory is empty because its owner may not even enter it: a worker cannot change modes."""
    try:
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return True
    return stat.S_ISDIR(mode) and mode & (stat.S_IWUSR | stat.S_IXUSR) != stat.S_IWUSR | stat.S_IXUSR


def _list(directory: int) -> Iterator[tuple[str, int]]:
    """Yield the space of each entry in bytes, with its name where it is a directory."""
    with os.scandir(directory) as found:
        for entry in found:
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            yield (entry.name if stat.S_ISDIR(status.st_mode) else ""), status.st_blocks * _BLOCK_BYTES


def wipe(top: Path) -> None:
    """Remove a tree that nobody writes to any more.

    Works level by level with directory descriptors instead of recursion: a plugin may nest thousands of directories,
    use names that are no text, and take away its own permissions. A tree that is gone already is fine.

    Raises:
        OSError: Something could not be removed.
    """
    try:
        root = os.open(top, _OPEN)
    except FileNotFoundError:
        return
    try:
        os.fchmod(root, 0o700)
        places = _places()
        while names := os.listdir(root):
            _remove(root, names, places)
    finally:
        os.close(root)
    with suppress(FileNotFoundError):
        top.rmdir()


def empty(top: Path) -> None:
    """Remove what is in a directory, though others may be at work there; what they put there meanwhile may stay.

    Raises:
        OSError: Something could not be removed.
    """
    root = os.open(top, _OPEN)
    try:
        places = _places()
        # So many levels are lifted at most, one with each round; whoever goes on writing must not keep this one busy.
        for _ in range(MAX_SCRATCH_ENTRIES):
            if not (names := os.listdir(root)):
                return
            _remove(root, names, places)
    finally:
        os.close(root)


def _places() -> Iterator[str]:
    # The plugin cannot have made a directory of this name: it could not have guessed it.
    prefix = f".lifted-{secrets.token_hex(8)}"
    return (f"{prefix}-{number}" for number in itertools.count())


def _remove(root: int, names: Iterable[str], places: Iterator[str]) -> None:
    """Remove what has these names in `root`; of a directory with others in it those stay, one level higher."""
    for name in names:
        with _others_at_work():
            if stat.S_ISDIR(os.stat(name, dir_fd=root, follow_symlinks=False).st_mode):
                _remove_directory(root, name, places)
            else:
                os.unlink(name, dir_fd=root)


@contextmanager
def _others_at_work() -> Iterator[None]:
    """Let a step fail that somebody else has done, or undone, meanwhile; the next round sees what is left.

    When a warden is killed, its other half and the host both clear away what it left.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTEMPTY):
            raise


def _remove_directory(root: int, name: str, places: Iterator[str]) -> None:
    """Remove one directory, moving the directories inside it up to `root`, to the next of `places`."""
    os.chmod(name, 0o700, dir_fd=root)
    inner = os.open(name, _OPEN, dir_fd=root)
    try:
        for child in os.listdir(inner):
            if stat.S_ISDIR(os.stat(child, dir_fd=inner, follow_symlinks=False).st_mode):
                os.chmod(child, 0o700, dir_fd=inner)
                os.rename(child, next(places), src_dir_fd=inner, dst_dir_fd=root)
            else:
                os.unlink(child, dir_fd=inner)
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=root)
