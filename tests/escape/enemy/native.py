"""What the other files use: attempts whose refusal is reported, and system calls by name."""

from __future__ import annotations

import ctypes
import errno
import os

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def process():
    return os.getpid()


def attempt(what, function):
    """Return what was tried, how it was refused (empty: it was not), and what it gave."""
    try:
        got = function()
    except OSError as error:
        return [what, errno.errorcode.get(error.errno, type(error).__name__), ""]
    except BaseException as error:
        return [what, type(error).__name__, ""]
    return [what, "", repr(got)[:200]]


def open_and_close(path, flags=os.O_RDONLY, mode=0o600):
    os.close(os.open(path, flags, mode))


def pointer(data):
    return ctypes.create_string_buffer(data, len(data) + 8)
