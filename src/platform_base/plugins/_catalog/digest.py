"""The files of a release, and one number that stands for all of them.

The digest is SHA-256 over, for each file in the order of its name: the length of the name (8 bytes,
big-endian), the name (UTF-8, ``/`` between parts), and the SHA-256 of the content. Times, modes and owners do
not count.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from platform_base.plugins.documents.document import show
from platform_base.plugins.documents.regular_file import open_regular
from platform_base.plugins.errors import ManifestError, Problem

MAX_FILES = 10_000
MAX_BYTES = 256 << 20
MAX_DEPTH = 32
_CHUNK = 1 << 20

_IGNORED = (
    *("__pycache__", "*.pyc", "*.pyo", "*.nbi", "*.nbc"),
    *(".git", ".hg", ".svn", ".bzr", "CVS"),
    *(
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".hypothesis",
        ".ipynb_checkpoints",
        ".tox",
        ".nox",
        ".venv",
    ),
    *(".idea", ".vscode", ".DS_Store", "Thumbs.db"),
    *("*~", ".*.sw?", ".*.sw", "4913", ".#*", "#*#", "*___jb_tmp___", "*___jb_old___", ".goutputstream-*"),
)
_IGNORED_NAME = re.compile("|".join(fnmatch.translate(pattern) for pattern in _IGNORED))


def is_ignored(name: str) -> bool:
    """Say whether a file or directory of that name is no part of a release: caches, editors' and VCS files.

    Example:
        >>> is_ignored("__pycache__"), is_ignored(".plugin.py.swp"), is_ignored("plugin.py")
        (True, True, False)
    """
    return _IGNORED_NAME.match(name) is not None


def list_files(directory: Path) -> tuple[str, ...]:
    """Return the names of a release's files, relative, with ``/``, sorted.

    Raises:
        ManifestError: The directory holds a link, a device, a pipe, a name that is no UTF-8, more than 10,000
            files or more than 256 MiB, or cannot be read.
    """
    files: list[str] = []
    problems: list[Problem] = []
    total = 0
    with _open_directory(directory) as root:
        for name, size, fault in _walk(root, ""):
            if fault is not None:
                problems.append(_problem(directory, name, fault))
                continue
            files.append(name)
            total += size
            if len(files) > MAX_FILES:
                raise ManifestError([*problems, _problem(directory, "", f"more than {MAX_FILES} files")])
            if total > MAX_BYTES:
                raise ManifestError([*problems, _problem(directory, name, _TOO_LARGE)])
    if problems:
        raise ManifestError(problems)
    return tuple(sorted(files))


def compute_digest(directory: Path, files: Iterable[str] | None = None) -> str:
    """Return ``"sha256:..."`` over the names and contents of a release's files.

    Args:
        directory: The release's directory.
        files: What `list_files` returned, when the caller has it already.

    Raises:
        ManifestError: As `list_files`, or a file changed its kind meanwhile.
    """
    digest = ReleaseDigest()
    for name, file in open_files(directory, list_files(directory) if files is None else files):
        content = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            content.update(chunk)
        digest.add(name, content.digest())
    return digest.text()


class ReleaseDigest:
    """Builds the digest while somebody else reads, or copies, the files."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, name: str, content_sha256: bytes) -> None:
        """Add the next file; names come in sorted order."""
        encoded = name.encode("utf-8")
        self._hash.update(len(encoded).to_bytes(8, "big") + encoded + content_sha256)

    def text(self) -> str:
        """Return the digest as it is written: ``"sha256:"`` and 64 hexadecimal digits."""
        return f"sha256:{self._hash.hexdigest()}"


def open_files(directory: Path, names: Iterable[str]) -> Iterator[tuple[str, BinaryIO]]:
    """Open each file of a release in turn; no component of its name may be a link.

    Raises:
        ManifestError: One of them cannot be opened, or they grew beyond 256 MiB.
    """
    total = 0
    with _open_directory(directory) as root:
        for name in names:
            try:
                descriptor = _open_inside(root, name)
            except OSError as error:
                fault = error.strerror or str(error)
                raise ManifestError([_problem(directory, name, fault)]) from error
            with os.fdopen(descriptor, "rb", buffering=0) as file:
                total += os.fstat(descriptor).st_size
                if total > MAX_BYTES:
                    raise ManifestError([_problem(directory, name, _TOO_LARGE)])
                yield name, file


_TOO_LARGE = f"more than {MAX_BYTES >> 20} MiB in all"
_DIRECTORY_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY | os.O_NOFOLLOW


@contextmanager
def _open_directory(directory: Path) -> Iterator[int]:
    try:
        descriptor = os.open(directory, _DIRECTORY_FLAGS & ~os.O_NOFOLLOW)
    except OSError as error:
        raise ManifestError([_problem(directory, "", error.strerror or str(error))]) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _open_inside(root: int, name: str) -> int:
    """Open component by component, because O_NOFOLLOW looks at the last one only."""
    *directories, last = name.split("/")
    here, opened = root, -1
    try:
        for part in directories:
            here = os.open(part, _DIRECTORY_FLAGS, dir_fd=here)
            if opened >= 0:
                os.close(opened)
            opened = here
        return open_regular(last, dir_fd=here)
    finally:
        if opened >= 0:
            os.close(opened)


def _walk(directory: int, prefix: str) -> Iterator[tuple[str, int, str | None]]:
    """Yield name, size and fault of everything below an open directory, ignored names left out."""
    with os.scandir(directory) as entries:
        found = [entry for entry in entries if not is_ignored(entry.name)]
    for entry in found:
        name = prefix + entry.name
        try:
            entry.name.encode("utf-8")
            status = entry.stat(follow_symlinks=False)
        except UnicodeEncodeError:
            yield name, 0, "a name that is no UTF-8"
            continue
        except OSError as error:
            yield name, 0, error.strerror or str(error)
            continue
        if stat.S_ISDIR(status.st_mode):
            yield from _walk_inside(directory, entry.name, name)
        elif stat.S_ISREG(status.st_mode):
            yield name, status.st_size, None
        else:
            yield name, 0, "a symbolic link" if stat.S_ISLNK(status.st_mode) else "no regular file"


def _walk_inside(parent: int, part: str, name: str) -> Iterator[tuple[str, int, str | None]]:
    if name.count("/") >= MAX_DEPTH:
        yield name, 0, f"more than {MAX_DEPTH} levels of directories"
        return
    try:
        descriptor = os.open(part, _DIRECTORY_FLAGS, dir_fd=parent)
    except OSError as error:
        yield name, 0, error.strerror or str(error)
        return
    try:
        yield from _walk(descriptor, f"{name}/")
    finally:
        os.close(descriptor)


def _problem(directory: Path, name: str, fault: str) -> Problem:
    hint = "copy the file here instead of linking to it" if "link" in fault else ""
    if "more than" in fault:
        hint = "keep data outside of the plugin, or delete what it does not need"
    shown = show(name)[1:-1] if name else ""
    file = f"{directory}/{shown}" if shown else str(directory)
    return Problem(file=file, expected="regular, readable files only, of bounded size", got=fault, hint=hint)
