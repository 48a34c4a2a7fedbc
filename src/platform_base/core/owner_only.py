"""Files that nobody but their owner may read."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def make_owner_only(directory: Path) -> None:
    """Make a directory that is its owner's alone (mode 0700), or make one so that is there already.

    Raises:
        OSError: It is a link, no directory, or another user's; or it cannot be made.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "a link or a file instead of a directory", str(directory))
    if status.st_uid != os.geteuid():
        raise PermissionError(errno.EACCES, "a directory of another user", str(directory))
    if stat.S_IMODE(status.st_mode) != 0o700:
        directory.chmod(0o700)


def make_safe(directory: Path) -> None:
    """Make a directory for files that are their owner's alone, or accept one in which nobody else can put any.

    Raises:
        OSError: Others could put files there under names that are ours; or it cannot be made.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = directory.stat()
    if status.st_uid not in (os.geteuid(), 0) or status.st_mode & 0o022:
        raise PermissionError(
            errno.EACCES,
            "others can put files into this directory; choose one that only you can write to",
            str(directory),
        )


def open_owner_only(path: Path) -> int:
    """Open a regular file that is its owner's alone (mode 0600) for reading and writing, making it if need be.

    Returns:
        Its descriptor, which the caller closes.

    Raises:
        OSError: It is a link, no regular file, or another user's; or it cannot be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "expected a regular file", str(path))
        if status.st_uid != os.geteuid():
            raise PermissionError(errno.EACCES, "a file of another user", str(path))
        if stat.S_IMODE(status.st_mode) != 0o600:
            os.fchmod(descriptor, 0o600)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
