"""Private directories of workers, and removing what a plugin left in them, whatever it is."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def make_scratch(path: Path, *, uid: int | None) -> None:
    """Make an empty directory that only the worker's user may enter."""
    path.mkdir(mode=0o700)
    if uid is not None:
        os.chown(path, uid, uid)


def is_overfull(top: Path, *, max_bytes: int, max_entries: int) -> bool:
    """Whether a tree holds more than it may, or anything but files and directories; looks only until it knows."""
    waiting = [top]
    size = entries = 0
    while waiting:
        with os.scandir(waiting.pop()) as listing:
            for entry in listing:
                entries += 1
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
                elif entry.is_file(follow_symlinks=False):
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
                else:
                    return True
                if size > max_bytes or entries > max_entries:
                    return True
    return False


def wipe(top: Path, *, keep_top: bool = False) -> None:
    """Remove a tree that nobody writes to any more.

    Works level by level with directory descriptors instead of recursion: a plugin may nest thousands of directories,
    use names that are no text, and take away its own permissions. A tree that is gone already is fine. With `keep_top`
    only what is in it is removed.

    Raises:
        OSError: Something could not be removed.
    """
    try:
        root = os.open(top, _OPEN)
    except FileNotFoundError:
        return
    try:
        if not keep_top:
            os.fchmod(root, 0o700)
        # The plugin cannot have made a directory of this name: it is dead, and could not have guessed it.
        prefix = f".lifted-{secrets.token_hex(8)}"
        lifted = 0
        while names := os.listdir(root):
            for name in names:
                if stat.S_ISDIR(os.stat(name, dir_fd=root, follow_symlinks=False).st_mode):
                    lifted = _remove_directory(root, name, prefix, lifted)
                else:
                    os.unlink(name, dir_fd=root)
    finally:
        os.close(root)
    if not keep_top:
        top.rmdir()


def _remove_directory(root: int, name: str, prefix: str, lifted: int) -> int:
    """Remove one directory, moving the directories inside it up to `root`; return how many were moved so far."""
    os.chmod(name, 0o700, dir_fd=root)
    inner = os.open(name, _OPEN, dir_fd=root)
    try:
        for child in os.listdir(inner):
            if stat.S_ISDIR(os.stat(child, dir_fd=inner, follow_symlinks=False).st_mode):
                os.chmod(child, 0o700, dir_fd=inner)
                lifted += 1
                os.rename(child, f"{prefix}-{lifted}", src_dir_fd=inner, dst_dir_fd=root)
            else:
                os.unlink(child, dir_fd=inner)
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=root)
    return lifted
