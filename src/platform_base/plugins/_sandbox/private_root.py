"""A root directory in which nothing exists but what workers may use.

The warden builds it once, out of clones of mounts: Python and its libraries, read-only, where every worker sees them.
Whatever only some workers may use (snapshots of releases, compiled kernels, the paths of ``security.filesystem``)
stands on a *shelf*, below a directory that no worker can enter. A worker has a mount namespace of its own; it takes
what its policy names off the shelves, puts it in its usual place, and mounts its scratch directory, a file system of
fixed size that vanishes with it.

::

    /usr/lib  /home/me/.venv  ...      for all, read-only
    /.shelves/0 = ~/.cache/.../releases   ──► worker: only  ~/.cache/.../releases/<its digest>
    <runtime>                             ──► worker: only  <runtime>/<its number>, a tmpfs

Source: mount_namespaces(7), pivot_root(2), and open_tree, move_mount and mount_setattr of Linux 5.12.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from platform_base.plugins._sandbox import linux
from platform_base.plugins._sandbox.base import ConfinementError
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins._sandbox.scratch import MAX_SCRATCH_ENTRIES

_NEW_MOUNTS = 0x20000
_HERE = -100
_CLONE = 0x1 | os.O_CLOEXEC
_RECURSIVE = 0x8000
_EMPTY_PATH = 0x1000
_FROM_EMPTY_PATH = 0x4
_BENEATH_WITHOUT_LINKS = 0x8 | 0x4
_RDONLY, _NOSUID, _NODEV, _NOEXEC = 1, 2, 4, 8
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000
_MNT_DETACH = 2

_SHELVES = "/.shelves"
_SEMAPHORES = "/dev/shm"  # noqa: S108 - where the C library looks for them; each worker's is its own
_SEMAPHORES_OPTIONS = "size=1m,nr_inodes=256"
_NEVER_GIVEN = frozenset({"proc", "dev", _SHELVES.strip("/")})
_PAGE_BYTES = 4096
_MAX_LINKS = 40
# A library is looked for in /lib by names of the linker's cache; where /lib is a link, the link must be there too. What
# Debian's alternatives choose (BLAS, for one) is found through links in /etc.
_SPELLINGS = ("/lib", "/lib32", "/lib64", "/usr/lib64", "/etc/alternatives")
_REMEDY = "run `platform-base doctor`; to do without, set security.namespaces: off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A directory or file that is shown only to workers whose policy names it or something in it.

    Attributes:
        name: Its path as policies spell it.
        place: The same path without links.
        store: Where it stands in the private root, out of every worker's reach.
    """

    name: str
    place: str
    store: str

    def holds(self, path: str) -> bool:
        """Whether the shelf is `path`, or a directory that it lies in."""
        return is_within(path, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateRoot:
    """The root directory that the calling process is in.

    Attributes:
        roots: What every worker sees, as policies spell it.
        shelves: What only some workers see.
        runtime: Directory of all scratch directories, without links.
    """

    roots: tuple[str, ...]
    shelves: tuple[Shelf, ...]
    runtime: str

    @property
    def visible(self) -> tuple[str, ...]:
        """Every path that a policy may name, with all that is in it."""
        return (*self.roots, *(shelf.name for shelf in self.shelves))

    def find(self, path: str) -> str:
        """Return where the calling process sees what policies call `path`."""
        shelf = self._shelf_of(path)
        if shelf is None or any(is_within(path, root) for root in self.roots):
            return path
        return f"{shelf.store}/{path[len(shelf.name) :].lstrip('/')}".rstrip("/")

    def _shelf_of(self, path: str) -> Shelf | None:
        fitting = [shelf for shelf in self.shelves if shelf.holds(path)]
        return max(fitting, key=lambda each: len(each.name), default=None)

    def furnish(self, policy: Policy) -> Policy:
        """Give the calling process, a worker that is not confined yet, a view of its own of this root.

        Returns:
            The policy, with the place of POSIX semaphores where it gives processes: `multiprocessing` needs them.

        Raises:
            ConfinementError: The kernel refused, or the policy names a path to write that is not there.
        """
        os.umask(0o022)
        step = "a mount namespace of its own"
        try:
            linux.syscall("unshare", _NEW_MOUNTS)
            writable = set(policy.write_paths)
            for path in sorted({*policy.read_paths, *writable}, key=len):
                step = path
                if not any(is_within(path, root) for root in self.roots):
                    self._take(path, writable=path in writable)
            step = policy.scratch
            if policy.scratch:
                self._mount_scratch(policy)
            if policy.max_processes:
                step = _SEMAPHORES
                policy = _mount_semaphores(policy)
            step = "/"
            _restrict(_HERE, "/", _RDONLY, recursive=False)
        except OSError as error:
            raise ConfinementError("mount_namespace", f"{step}: {error.strerror}", _REMEDY) from error
        return policy

    def _take(self, path: str, *, writable: bool) -> None:
        """Put what stands on a shelf in its place; a path to read that does not exist is left out."""
        shelf = self._shelf_of(path)
        if shelf is None:
            if writable:
                raise FileNotFoundError(errno.ENOENT, "it is not in the private root")
            return
        below = path[len(shelf.name) :].lstrip("/")
        if not f"{shelf.place}/{below}".strip("/"):
            self._take_top(shelf, writable=writable)
            return
        try:
            source = _open_beneath(shelf.store, below)
        except FileNotFoundError:
            if writable:
                raise
            return
        try:
            place = f"{shelf.place}/{below}".rstrip("/")
            _make_place(Path(place), source)
            _attach(source, place, _NOSUID | _NODEV | (0 if writable else _RDONLY))
        finally:
            os.close(source)

    def _take_top(self, shelf: Shelf, *, writable: bool) -> None:
        """Put what stands at the top of the file system in its place, one by one: the top itself is taken already.

        Processes and devices are never given in this way.
        """
        for name in sorted(set(os.listdir(shelf.store)) - _NEVER_GIVEN):
            store, place = f"{shelf.store}/{name}", f"/{name}"
            if os.path.islink(store):  # noqa: PTH114
                if not os.path.lexists(place):
                    os.symlink(os.readlink(store), place)  # noqa: PTH115, PTH211
                continue
            source = _open_beneath(shelf.store, name)
            try:
                _make_place(Path(place), source)
                _attach(source, place, _NOSUID | _NODEV | (0 if writable else _RDONLY))
            finally:
                os.close(source)

    def _mount_scratch(self, policy: Policy) -> None:
        """Cover the directory of all scratch directories with a file system that holds this worker's alone."""
        entries = MAX_SCRATCH_ENTRIES + 2 if policy.max_scratch_bytes else 2
        # A size of zero would mean no limit at all.
        size = max(policy.max_scratch_bytes, _PAGE_BYTES)
        _mount_tmpfs(self.runtime, _NOSUID | _NODEV | _NOEXEC, f"size={size},nr_inodes={entries},mode=711")
        os.mkdir(policy.scratch, 0o700)  # noqa: PTH102 - runs in every worker
        if policy.uid is not None:
            os.chown(policy.scratch, policy.uid, policy.uid)


def _mount_semaphores(policy: Policy) -> Policy:
    owner = "" if policy.uid is None else f",uid={policy.uid},gid={policy.uid}"
    Path(_SEMAPHORES).mkdir(mode=0o755, parents=True, exist_ok=True)
    _mount_tmpfs(_SEMAPHORES, _NOSUID | _NODEV | _NOEXEC, f"{_SEMAPHORES_OPTIONS},mode=700{owner}")
    return msgspec.structs.replace(policy, write_paths=(*policy.write_paths, _SEMAPHORES))


def is_within(path: str, tree: str) -> bool:
    """Whether `path` is `tree` or lies in it, by their names."""
    return path == tree or path.startswith(tree.rstrip("/") + "/")


def enter_private_root(base: str, *, roots: Iterable[str], shelves: Iterable[str]) -> PrivateRoot:
    """Leave the machine's file system for a private root. The calling process is in a mount namespace of its own.

    Paths that do not exist are left out.

    Args:
        base: Any directory; it becomes the place of all scratch directories.
        roots: Files and trees that every worker sees, read-only.
        shelves: Files and trees that a worker sees if its policy names them.

    Raises:
        OSError: The kernel refused; the process still sees what it saw before.
    """
    linux.syscall("mount", b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)
    _mount_tmpfs(base, _NOSUID | _NODEV, "size=4m,nr_inodes=65536,mode=755")
    mask = os.umask(0o022)
    try:
        builder = _Builder(base)
        found = tuple(root for root in roots if builder.show(root))
        places = tuple(builder.shelve(shelf) for shelf in shelves)
        for spelling in (*_SPELLINGS, *sys.path, sys.prefix, sys.base_prefix, sys.exec_prefix, sys.executable):
            builder.link(spelling)
        runtime = builder.link(base)
        builder.inside(runtime).mkdir(parents=True, exist_ok=True)
        builder.inside(_SHELVES).chmod(0)
        os.chdir(base)
        linux.syscall("pivot_root", b".", b".")
    except OSError:
        os.chdir("/")
        linux.syscall("umount2", os.fsencode(base), _MNT_DETACH)
        raise
    finally:
        os.umask(mask)
    # The old root now lies on top of the new one: pivot_root(2), "pivot_root(".", ".")".
    linux.syscall("umount2", b".", _MNT_DETACH)
    os.chdir("/")
    return PrivateRoot(roots=found, shelves=tuple(shelf for shelf in places if shelf), runtime=runtime)


class _Builder:
    """Fills a directory that will be a root."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._count = 0
        self.inside(_SHELVES).mkdir(0o700)

    def inside(self, path: str) -> Path:
        """Return where the file `path` of the new root is now."""
        return Path(self._base + path)

    def show(self, name: str) -> bool:
        """Clone a file or tree to its own place, read-only; false where it does not exist."""
        place = self.link(name)
        source = _open_if_there(place)
        if source < 0:
            return False
        try:
            kind = os.fstat(source).st_mode
            if stat.S_ISDIR(kind) or not self.inside(place).exists():  # a file may have come with a tree that holds it
                _make_place(self.inside(place), source)
                device = 0 if stat.S_ISCHR(kind) else _NODEV
                _attach(source, self._base + place, _RDONLY | _NOSUID | device)
        finally:
            os.close(source)
        return True

    def shelve(self, name: str) -> Shelf | None:
        """Clone a file or tree to a shelf; None where it does not exist."""
        place = self.link(name)
        source = _open_if_there(place)
        if source < 0:
            return None
        store = f"{_SHELVES}/{self._count}"
        self._count += 1
        try:
            _make_place(self.inside(store), source)
            _attach(source, self._base + store, _NOSUID | _NODEV)
        finally:
            os.close(source)
        return Shelf(name=name, place=place, store=store)

    def link(self, name: str) -> str:
        """Copy the links on the way to `name`; return the path behind them."""
        *links, (place, _) = _walk(name)
        for path, target in links:
            copy = self.inside(path)
            if not copy.is_symlink() and not copy.exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.symlink_to(target)
        return place


def _walk(name: str) -> Iterator[tuple[str, str]]:
    """Yield each link on the way to `name` with its target, and last the path behind them with an empty string."""
    path = os.path.normpath(name)
    for _ in range(_MAX_LINKS):
        steps = [Path(path), *Path(path).parents]
        link = next((step for step in reversed(steps) if step.is_symlink()), None)
        if link is None:
            yield path, ""
            return
        target = str(link.readlink())
        yield str(link), target
        path = os.path.normpath(f"{link.parent / target}/{path[len(str(link)) :]}")
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)


def _open_if_there(path: str) -> int:
    """Open a file or directory without a right to read it; -1 where it does not exist."""
    try:
        return os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return -1


def _make_place(path: Path, source: int) -> None:
    """Make the directory or file that the open `source` can be mounted on, if it is not there."""
    if os.path.lexists(path):  # what the wrong kind of thing stands on, the mount itself refuses
        return
    if stat.S_ISDIR(os.fstat(source).st_mode):
        path.mkdir(0o755, parents=True, exist_ok=True)
    else:
        path.parent.mkdir(0o755, parents=True, exist_ok=True)
        path.touch(0o644)


def _open_beneath(tree: str, below: str) -> int:
    """Open a path in a tree, refusing every link: a plugin may write there, and this process can still go anywhere."""
    if not below:
        return os.open(tree, os.O_PATH | os.O_CLOEXEC)
    top = os.open(tree, os.O_PATH | os.O_CLOEXEC)
    try:
        how = struct.pack("=QQQ", os.O_PATH | os.O_CLOEXEC, 0, _BENEATH_WITHOUT_LINKS)
        return linux.syscall("openat2", top, os.fsencode(below), ctypes.create_string_buffer(how, 24), 24)
    finally:
        os.close(top)


def _attach(source: int, place: str, attributes: int) -> None:
    """Mount a clone of what is open as `source`, with all that is mounted in it, at `place`."""
    clone = linux.syscall("open_tree", source, b"", _CLONE | _RECURSIVE | _EMPTY_PATH)
    try:
        _restrict(clone, "", attributes, recursive=True)
        linux.syscall("move_mount", clone, b"", _HERE, os.fsencode(place), _FROM_EMPTY_PATH)
    finally:
        os.close(clone)


def _restrict(descriptor: int, path: str, attributes: int, *, recursive: bool) -> None:
    flags = (_RECURSIVE if recursive else 0) | (0 if path else _EMPTY_PATH)
    wanted = struct.pack("=QQQQ", attributes, 0, _MS_PRIVATE, 0)
    linux.syscall("mount_setattr", descriptor, os.fsencode(path), flags, ctypes.create_string_buffer(wanted, 32), 32)


def _mount_tmpfs(place: str, flags: int, options: str) -> None:
    linux.syscall("mount", b"tmpfs", os.fsencode(place), b"tmpfs", flags, options.encode())
