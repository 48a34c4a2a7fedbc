"""Landlock: which files the worker can open; no TCP, no signals or abstract sockets to the outside.

Source: ``linux/landlock.h`` and Documentation/userspace-api/landlock.rst, ABI 1 (Linux 5.13) to 7 (6.15).
What it does not cover, and seccomp therefore does: chmod, chown, utime, extended attributes, ``truncate(2)``
and ``open(O_RDONLY | O_TRUNC)`` before ABI 3. What nothing here covers: ``stat`` tells size, owner and
existence of foreign files where there is no private root.
"""

from __future__ import annotations

import ctypes
import errno
import os
import site
import stat
import struct
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

import platform_base
from platform_base.plugins._sandbox import linux
from platform_base.plugins._sandbox.base import Availability, Baseline, ConfinementError
from platform_base.plugins._sandbox.no_new_privs import set_no_new_privs
from platform_base.plugins._sandbox.policy import Policy

_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1

_EXECUTE = 1 << 0
_WRITE_FILE = 1 << 1
_READ_FILE = 1 << 2
_READ_DIR = 1 << 3
_REMOVE_DIR = 1 << 4
_REMOVE_FILE = 1 << 5
_MAKE_DIR = 1 << 7
_MAKE_REG = 1 << 8
_MAKE_SYM = 1 << 12
_REFER = 1 << 13
_TRUNCATE = 1 << 14
_IOCTL_DEV = 1 << 15
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_READ = _READ_FILE | _READ_DIR
_CHANGE = _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_SYM | _REFER | _TRUNCATE
_NET_BIND_TCP, _NET_CONNECT_TCP = 1, 2
_SCOPE_ABSTRACT_UNIX_SOCKET, _SCOPE_SIGNAL = 1, 2

_PARTS = (("landlock_truncate", 3), ("landlock_tcp", 4), ("landlock_scope", 6))
_AT_FDCWD = -100
_NO_SYMLINKS = 0x4  # RESOLVE_NO_SYMLINKS
_NULL_DEVICE = os.makedev(1, 3)
_BROAD = frozenset(map(Path, ("/", "/usr", "/usr/local", "/opt", "/home", "/root")))
_LIBRARIES = ("/usr/lib", "/lib", "/lib64", "/usr/lib64", "/usr/local/lib")
# /dev/zero for reading only: a shared mapping of it, opened for writing, is memory that no limit counts.
_OTHER = ("/etc/ld.so.cache", "/usr/share/zoneinfo", "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")

_REMEDY = (
    "run on Linux 5.13 or newer with CONFIG_SECURITY_LANDLOCK and landlock in the kernel's lsm= list, "
    "or accept it with security.accept_missing: [landlock]"
)
_LINK_REMEDY = "see who replaced it: a plugin that may write there could have; then make a new registry"
_PATH_REMEDY = "let the worker's user reach it, or take it out of security.filesystem"


def landlock_abi() -> int:
    """Return the kernel's Landlock ABI version; 0 where there is none.

    Asked by system call: ``/sys/kernel/security/lsm`` is not mounted in every container.
    """
    try:
        return linux.syscall("landlock_create_ruleset", None, 0, _CREATE_RULESET_VERSION)
    except OSError:
        return 0


def handled_rights(abi: int, switched_off: Iterable[str] = ()) -> tuple[int, int, int]:
    """Return what a ruleset refuses unless a rule grants it: file system, network and scope rights.

    Args:
        abi: Landlock ABI version, from 1.
        switched_off: Names of parts to leave out, as on an older kernel.
    """
    off = set(switched_off)
    files = (1 << 13) - 1
    if abi >= 2:
        files |= _REFER
    if abi >= 3 and "landlock_truncate" not in off:
        files |= _TRUNCATE
    if abi >= 5:
        files |= _IOCTL_DEV
    network = _NET_BIND_TCP | _NET_CONNECT_TCP if abi >= 4 and "landlock_tcp" not in off else 0
    scope = _SCOPE_ABSTRACT_UNIX_SOCKET | _SCOPE_SIGNAL if abi >= 6 and "landlock_scope" not in off else 0
    return files, network, scope


def parts(abi: int) -> tuple[str, ...]:
    """Return the names of the protections that this ABI version gives besides the file system rules."""
    return tuple(name for name, since in _PARTS if abi >= since)


def _ruleset(abi: int, switched_off: Iterable[str]) -> tuple[int, int]:
    """Make an empty ruleset; its descriptor, and the file system rights that it handles."""
    rights = handled_rights(abi, switched_off)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    attributes = ctypes.create_string_buffer(struct.pack("=QQQ", *rights), 24)
    return linux.syscall("landlock_create_ruleset", attributes, size, 0), rights[0]


def open_without_links(path: str) -> int:
    """Open a path of a policy, none of whose parts may be a link.

    The host resolved it when it derived the policy. What is a link now has become one since, and a plugin that may
    write there could have made it, to be granted what it leads to.
    """
    how = struct.pack("=QQQ", os.O_PATH | os.O_CLOEXEC, 0, _NO_SYMLINKS)
    try:
        return linux.syscall("openat2", _AT_FDCWD, os.fsencode(path), ctypes.create_string_buffer(how, 24), 24)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EPERM):  # a container profile that does not know it
            raise OSError(error.errno, os.strerror(error.errno or 0), path) from error
    return open_step_by_step(path)


def open_step_by_step(path: str) -> int:
    """Do the same where there is no ``openat2(2)``.

    Raises:
        OSError: `path` cannot be opened, or a part of it is a link.
    """
    found = os.open("/", os.O_PATH | os.O_CLOEXEC)
    for name in filter(None, path.split("/")):
        try:
            following = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=found)
        except OSError as error:
            raise OSError(error.errno, os.strerror(error.errno or 0), path) from error
        finally:
            os.close(found)
        found = following
        if stat.S_ISLNK(os.fstat(found).st_mode):
            os.close(found)
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    return found


def _grant(ruleset: int, path: str, access: int, handled: int) -> None:
    descriptor = open_without_links(path)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISDIR(found.st_mode):
            access &= _FILE_RIGHTS
        if stat.S_ISCHR(found.st_mode) and found.st_rdev == _NULL_DEVICE:
            access |= _WRITE_FILE  # what is written there is nowhere; programs open it to be rid of output
        rule = ctypes.create_string_buffer(struct.pack("=Qi", access & handled, descriptor), 12)
        linux.syscall("landlock_add_rule", ruleset, _RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)


def _grant_all(ruleset: int, policy: Policy, handled: int) -> None:
    for path in policy.read_paths:
        try:
            _grant(ruleset, path, _READ, handled)
        except FileNotFoundError:
            if os.path.islink(path):  # noqa: PTH114 - 0.1 ms of Path objects would count here
                raise
    for path in (*policy.write_paths, *filter(None, (policy.scratch,))):
        _grant(ruleset, path, _READ | _CHANGE, handled)


class Landlock:
    """The backend. Beyond ``landlock`` it gives the parts that the kernel's ABI has."""

    name = "landlock"

    def probe(self) -> Availability:
        """Ask the kernel for its ABI version."""
        try:
            abi = linux.syscall("landlock_create_ruleset", None, 0, _CREATE_RULESET_VERSION)
        except OSError as error:
            reasons = {errno.ENOSYS: "the kernel has no Landlock", errno.EOPNOTSUPP: "switched off at boot"}
            reason = reasons.get(error.errno or 0, f"refused: {error.strerror}")
            return Availability(available=False, reason=reason, remedy=_REMEDY)
        given = parts(abi)
        lacks = tuple(name for name, _ in _PARTS if name not in given)
        remedy = "run on Linux 6.12 or newer; until then seccomp alone refuses this" if lacks else ""
        return Availability(available=True, detail=f"ABI {abi}", remedy=remedy, lacks=lacks)

    def apply(self, policy: Policy, baseline: Baseline) -> tuple[str, ...]:
        """Restrict this thread, and every thread it starts, to the policy's paths.

        A readable path that does not exist is left out, for nothing is lost by it. Any other path that cannot
        be opened is a fault.

        Raises:
            ConfinementError: The kernel has no Landlock or refused, or a path cannot be opened.
        """
        abi = landlock_abi()
        if abi < 1:
            raise ConfinementError(self.name, self.probe().reason, _REMEDY)
        try:
            ruleset, handled = _ruleset(abi, policy.switched_off)
            try:
                _grant_all(ruleset, policy, handled)
                set_no_new_privs()
                linux.syscall("landlock_restrict_self", ruleset, 0)
            finally:
                os.close(ruleset)
        except OSError as error:
            if error.errno == errno.ELOOP:
                reason = (
                    f"{error.filename}: expected the path that the policy was derived for, got one with a link in it"
                )
                raise ConfinementError(self.name, reason, _LINK_REMEDY) from error
            if error.filename:
                reason = f"{error.filename}: expected a path that can be opened, got {error.strerror}"
                raise ConfinementError(self.name, reason, _PATH_REMEDY) from error
            raise ConfinementError(self.name, str(error.strerror), _REMEDY) from error
        return (self.name, *(name for name in parts(abi) if name not in policy.switched_off))


def _is_broad(prefix: Path) -> bool:
    """Whether a prefix holds more than Python: the system, or somebody's whole home."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises for a user without a home
    return prefix in _BROAD or home.resolve().is_relative_to(prefix)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:  # Python before 3.12 does not take this for a no
        return False


def _without_nested(paths: Iterable[Path]) -> tuple[str, ...]:
    resolved = sorted({path.resolve() for path in paths if _is_there(path)})
    outer: list[Path] = []
    for path in resolved:
        if not any(path.is_relative_to(other) for other in outer):
            outer.append(path)
    return tuple(map(str, outer))


def system_read_paths() -> tuple[str, ...]:
    """Return what every worker must be able to read: Python, its packages, shared libraries, a few devices.

    ``/proc`` and ``/sys`` are not among it, nor is the whole of ``/usr`` where Python is installed there.

    Returns:
        Existing absolute paths, links resolved, none inside another.
    """
    installed = sysconfig.get_paths()
    wanted = [Path(installed[key]) for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    wanted += map(Path, site.getsitepackages())
    if site.ENABLE_USER_SITE:
        wanted.append(Path(site.getusersitepackages()))
    # The stdlib and packages are in the list by themselves, so a broad prefix is simply left out.
    prefixes = {Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}
    wanted += [prefix for prefix in prefixes if not _is_broad(prefix)]
    wanted += [Path(folder) for folder in platform_base.__path__]
    wanted += map(Path, (*_LIBRARIES, *_OTHER))
    return _without_nested(wanted)
