"""Writing a release as a zip file whose bytes follow from its files alone (APPNOTE.TXT of PKWARE, version 6.3).

Files in the order of their names, stored and not compressed, because what a compressor writes differs from version to
version of its library; the earliest date that the format knows; mode 0644; no extra fields, no comments.
"""

from __future__ import annotations

import hashlib
import unicodedata
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from platform_base.plugins._catalog.digest import ReleaseDigest, list_files, open_files
from platform_base.plugins._catalog.discovery import read_release
from platform_base.plugins._catalog.release import Release
from platform_base.plugins.documents.document import show
from platform_base.plugins.errors import ManifestError, Problem
from platform_base.plugins.packing.credentials import Finding, find_credentials

SUFFIX = ".pbplugin"
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_REGULAR_0644 = 0o100644 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedFile:
    """One file of an archive.

    Attributes:
        name: Relative to the plugin's directory, with ``/``.
        bytes: How long it is.
    """

    name: str
    bytes: int


class Parcel:
    """The files of one release, looked at and ready to be written."""

    def __init__(self, directory: Path) -> None:
        """Read the manifest, list the files and look through them.

        Args:
            directory: The plugin's.

        Raises:
            ManifestError: The manifest cannot be used, or a file cannot be packed.
        """
        self._release: Release = read_release(directory)
        names = list_files(self._release.directory)
        _check_names(self._release.directory, names)
        self.files: tuple[PackedFile, ...]
        self.findings: tuple[Finding, ...]
        files: list[PackedFile] = []
        findings: list[Finding] = []
        for name, file in open_files(self._release.directory, names):
            content = file.read()
            files.append(PackedFile(name=name, bytes=len(content)))
            findings += find_credentials(name, content)
        self.files = tuple(files)
        self.findings = tuple(findings)

    @property
    def plugin_id(self) -> str:
        """The plugin's id."""
        return self._release.plugin_id

    @property
    def version(self) -> str:
        """Its version."""
        return self._release.version

    @property
    def digest(self) -> str:
        """Digest of the release: over names and contents, ``"sha256:..."``."""
        return self._release.digest

    @property
    def directory(self) -> Path:
        """Absolute, links resolved."""
        return self._release.directory

    @property
    def file_name(self) -> str:
        """What the archive is called by default."""
        return f"{self.plugin_id}-{self.version}{SUFFIX}"

    def write(self, stream: IO[bytes]) -> None:
        """Write the archive.

        Args:
            stream: Open for writing, at its beginning; it can seek.

        Raises:
            ManifestError: The files are not those that were looked at.
        """
        digest = ReleaseDigest()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
            for name, file in open_files(self.directory, [each.name for each in self.files]):
                content = file.read()
                digest.add(name, hashlib.sha256(content).digest())
                archive.writestr(_describe_entry(f"{self.directory.name}/{name}"), content)
        if digest.text() != self.digest:
            raise ManifestError(
                [
                    Problem(
                        file=str(self.directory),
                        expected=f"the files that were checked ({self.digest[:19]})",
                        got=f"others ({digest.text()[:19]})",
                        hint="do not change the plugin while it is packed",
                    )
                ]
            )


def compute_sha256(path: Path) -> str:
    """Return SHA-256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _describe_entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=_EARLIEST)
    entry.create_system = _UNIX
    entry.external_attr = _REGULAR_0644
    entry.compress_type = zipfile.ZIP_STORED
    return entry


def _check_names(directory: Path, names: Sequence[str]) -> None:
    """Refuse names that another system, or another program, would take for something else."""
    problems: list[Problem] = []
    taken: dict[str, str] = {}
    for name in (f"{directory.name}/{name}" for name in names):
        fault = _find_fault(name)
        # What is the same name on systems that ignore case or compose accents would overwrite its neighbour there.
        first = taken.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
        if fault is None and first != name:
            fault = f"another spelling of {show(first)}"
        if fault is not None:
            problems.append(
                Problem(
                    file=str(directory),
                    expected="names that mean one file on every system",
                    got=f"{show(name)}: {fault}",
                    hint="rename it",
                )
            )
    if problems:
        raise ManifestError(problems)


def _find_fault(name: str) -> str | None:
    if "\\" in name:
        return "a backslash, which parts directories elsewhere"
    if not name.isprintable():
        return "a control character"
    if ":" in name:
        return "a colon, which parts drives elsewhere"
    if any(part != part.strip(" ") or part.endswith(".") for part in name.split("/")):
        return "a blank at an end, or a dot at the last one, which other systems leave out"
    return None
