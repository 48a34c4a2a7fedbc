"""A plugin that tries to break out, for `platform-base doctor`. Every attempt is harmless where it succeeds."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from platform_base.core.models import ProcessingResult


def read_passwd() -> None:
    """Read a file of the system that every user may read."""
    Path("/etc/passwd").read_bytes()


def list_root() -> None:
    """List the top of the file system."""
    if not list(Path("/").iterdir()):
        raise OSError(errno.ENOENT, "nothing there")


def write_outside() -> None:
    """Make a file where every user may make one."""
    descriptor = os.open("/var/tmp", os.O_TMPFILE | os.O_WRONLY)  # noqa: S108  a file without a name, gone at once
    os.close(descriptor)


def change_mode() -> None:
    """Change the mode of its own source file, to what it is."""
    os.chmod(__file__, os.stat(__file__).st_mode & 0o777)  # noqa: PTH101, PTH116


def start_program() -> None:
    """Start another program."""
    subprocess.run(["/bin/true"], check=True)


def start_process() -> None:
    """Make a copy of itself."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def open_socket() -> None:
    """Make a network socket."""
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()


def signal_parent() -> None:
    """Ask whether it may signal the process that started it."""
    parent = os.getppid()
    if parent == 0:
        raise ProcessLookupError(errno.ESRCH, "no other process can be seen")
    os.kill(parent, 0)


def read_parent_memory() -> None:
    """Read a byte of the memory of the process that started it."""
    libc = ctypes.CDLL(None, use_errno=True)
    byte = ctypes.create_string_buffer(1)
    vector = (ctypes.c_void_p * 2)(ctypes.addressof(byte), 1)
    if libc.process_vm_readv(os.getppid() or 1, vector, 1, vector, 1, 0) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def raise_limit() -> None:
    """Take away its own limit of open files."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 16, 1 << 16))


def become_root() -> None:
    """Become the administrator."""
    os.setresuid(0, 0, 0)


def make_namespace() -> None:
    """Make itself the administrator of a world of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    new_user_namespace = 0x10000000
    if libc.unshare(new_user_namespace) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


ATTEMPTS: tuple[Callable[[], None], ...] = (
    read_passwd,
    list_root,
    write_outside,
    change_mode,
    start_program,
    start_process,
    open_socket,
    signal_parent,
    read_parent_memory,
    raise_limit,
    become_root,
    make_namespace,
)


class Intruder:
    """Tries everything and reports, for each attempt, what the system answered."""

    def execute(self, inputs: dict[str, Any]) -> ProcessingResult:
        """Return a list of attempt, whether it was stopped, and the answer."""
        return ProcessingResult(values=[_try(attempt) for attempt in ATTEMPTS])

    def validate_inputs(self, inputs: dict[str, Any]) -> bool:
        """Accept anything."""
        return True

    def get_manifest(self) -> dict[str, Any]:
        """Return its id."""
        return {"plugin_id": "intruder", "version": "1.0.0"}


def _try(attempt: Callable[[], None]) -> tuple[str, bool, str]:
    what = (attempt.__doc__ or attempt.__name__).rstrip(".")
    try:
        attempt()
    except (OSError, ValueError) as error:
        number = getattr(error, "errno", None)
        return what, True, f"{errno.errorcode.get(number, number)}: {error}" if number else str(error)
    return what, False, "it worked"
