"""Opening files that somebody else wrote: regular files only, no device, no pipe and (by default) no link."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def open_regular(path: str | Path, *, dir_fd: int | None = None, follow: bool = False) -> int:
    """Open a regular file for reading.

    Args:
        path: The file; with `dir_fd`, relative to that directory.
        dir_fd: Descriptor of a directory, or None for the current one.
        follow: Whether the last component may be a symbolic link.

    Returns:
        A descriptor that the caller closes.

    Raises:
        OSError: It cannot be opened, is a link, or is no regular file; ``strerror`` says which.
    """
    # O_NONBLOCK: opening a named pipe must not wait for a writer.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags, dir_fd=dir_fd)
    except OSError as error:
        if error.errno == errno.ELOOP and not follow:
            raise OSError(errno.ELOOP, "a symbolic link", str(path)) from None
        raise
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        kind = "a directory" if stat.S_ISDIR(mode) else "no regular file"
        raise OSError(errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL, kind, str(path))
    return descriptor


def read_regular(path: str | Path, *, max_bytes: int, follow: bool = False) -> bytes:
    """Read a whole regular file of at most `max_bytes` bytes.

    Raises:
        OSError: As `open_regular`, or the file is larger (``errno.EFBIG``).
    """
    with os.fdopen(open_regular(path, follow=follow), "rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"more than {max_bytes} bytes", str(path))
    return content
