"""The Linux calls for which Python has no wrapper: raw system calls, prctl, capabilities.

Everything goes through the C library that the interpreter already has loaded, so nothing is compiled or
installed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from functools import cache

from platform_base.plugins._sandbox.syscall_numbers import MACHINES, numbers

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_READ = 23
PR_CAPBSET_DROP = 24
PR_GET_SECUREBITS = 27
PR_SET_SECUREBITS = 28
PR_SET_NO_NEW_PRIVS = 38
PR_GET_NO_NEW_PRIVS = 39
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4

CAP_DAC_READ_SEARCH = 2
CAP_SETGID = 6
CAP_SETUID = 7
CAP_SETPCAP = 8

_CAPABILITY_VERSION_3 = 0x20080522


@cache
def machine() -> str:
    """Return the machine whose system call table holds for this process; empty where none is known."""
    name = os.uname().machine  # not platform.machine(), which would keep the name of the host for good
    # A 32-bit interpreter on a 64-bit kernel uses another table.
    return name if name in MACHINES and struct.calcsize("P") == 8 else ""


@cache
def _libc() -> ctypes.CDLL:
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    # Declared types let ctypes convert by itself: identity makes some forty of these calls in every worker.
    library.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    return library


def _checked(name: str, result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
    return result


def _number(name: str) -> int:
    table = numbers(machine()) if machine() else {}
    if name not in table:
        raise OSError(errno.ENOSYS, f"{name}: {os.strerror(errno.ENOSYS)} ({platform.machine()})")
    return table[name]


def syscall(name: str, *args: int | bytes | ctypes.Array[ctypes.c_char] | None) -> int:
    """Make the system call `name`.

    Args:
        name: As in the kernel's table, such as ``"landlock_create_ruleset"``.
        args: Integers, and pointers as bytes, character buffers or ``None`` for a null pointer.

    Returns:
        What the kernel returned, not negative.

    Raises:
        OSError: The kernel refused, with its error number; ``ENOSYS`` too where this machine's table is not
        known.
    """
    words = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    return _checked(name, _libc().syscall(ctypes.c_long(_number(name)), *words))


def prctl(option: int, argument: int = 0, second: int = 0) -> int:
    """Call ``prctl(2)``; the arguments that are not given are zero, as newer options demand.

    Raises:
        OSError: The kernel refused.
    """
    return _checked("prctl", _libc().prctl(option, argument, second, 0, 0))


def capget() -> tuple[int, int, int]:
    """Return the effective, permitted and inheritable capabilities of this thread as bit sets.

    Raises:
        OSError: The kernel refused.
    """
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), 8)
    data = ctypes.create_string_buffer(24)
    syscall("capget", header, data)
    low = struct.unpack("=6I", data.raw)
    return low[0] | low[3] << 32, low[1] | low[4] << 32, low[2] | low[5] << 32


def capset(*, effective: int, permitted: int) -> None:
    """Set the capabilities of this thread; none stays inheritable.

    Args:
        effective: Bit set of the capabilities that count from now on.
        permitted: Bit set of those that may be taken up again.

    Raises:
        OSError: A capability was asked for that the thread does not have.
    """
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), 8)
    low = 0xFFFFFFFF
    data = struct.pack("=6I", effective & low, permitted & low, 0, effective >> 32, permitted >> 32, 0)
    syscall("capset", header, ctypes.create_string_buffer(data, 24))
