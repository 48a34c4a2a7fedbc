"""Copies of releases that nobody edits: what a worker loads is what was discovered, byte for byte.

The place of a copy is ``<root>/<hexadecimal digest>/<name of the original directory>/``. It appears in one
rename, so that a crash, a full disk or a second process never leaves half a copy under that name.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

import platformdirs

from platform_base.core.owner_only import make_owner_only
from platform_base.plugins._catalog.claim import Claims
from platform_base.plugins._catalog.digest import ReleaseDigest, compute_digest, list_files, open_files
from platform_base.plugins._catalog.release import Release
from platform_base.plugins._catalog.retention import PARTIAL
from platform_base.plugins.errors import ManifestError, PluginLoadError

CACHE_VARIABLE = "PLATFORM_BASE_CACHE_DIR"
_CONSTANT_TIME = 315_532_800  # 1980-01-01, the first moment that a zip file can hold
_CHUNK = 1 << 20
_MAX_ATTEMPTS = 8


class ReleaseStore:
    """A directory of copies, shared by all processes of one user.

    Args:
        root: The directory; made with mode 0700 when it is missing.
    """

    def __init__(self, root: Path) -> None:
        self._root = Path(root)
        self._claims = Claims(self._root.parent / "in-use")

    @classmethod
    def standard(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Return the store in ``PLATFORM_BASE_CACHE_DIR``, or else in the user's cache directory."""
        named = environ.get(CACHE_VARIABLE)
        base = Path(named) if named else platformdirs.user_cache_path("platform-base", appauthor=False)
        return cls(base.absolute() / "releases")

    @property
    def root(self) -> Path:
        """The directory of all copies."""
        return self._root

    def snapshot(self, release: Release) -> Path:
        """Copy a release, or find the copy that was made before; no process deletes it until `close`.

        Returns:
            The copy: directories 0755, files 0644, every modification time the same.

        Raises:
            PluginLoadError: The files are not those that were discovered, or the copy cannot be written.
        """
        digest = release.digest.removeprefix("sha256:")
        shelf = self._root / digest
        target = shelf / (release.directory.name or release.plugin_id)
        try:
            make_owner_only(self._root)
            self._claims.hold(digest)
            if _is_intact(target, release.digest):
                os.utime(shelf)  # the time of last use, which `retention` reads
                return target
            partial = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=self._root))
            try:
                self._copy(release, partial / "files")
                self._publish(partial, target, release.digest)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
        except OSError as error:
            raise PluginLoadError(
                f"{release.plugin_id} {release.version}: expected to copy it below {self._root}, got "
                f"{error.strerror or error}; free some space, or set {CACHE_VARIABLE} to a directory that "
                "you can write to",
                plugin_id=release.plugin_id,
            ) from error
        return target

    def find(self, digest: str) -> Path | None:
        """Return the copy of a release that was made before, or None; it stays until `close`.

        Args:
            digest: ``"sha256:..."``.
        """
        name = digest.removeprefix("sha256:")
        shelf = self._root / name
        try:
            self._claims.hold(name)
            (copy,) = shelf.iterdir()
        except (OSError, ValueError):
            return None
        return copy if _is_intact(copy, digest) else None

    def release(self, digest: str) -> None:
        """Let other processes delete one copy.

        Args:
            digest: ``"sha256:..."``.
        """
        self._claims.release(digest.removeprefix("sha256:"))

    def close(self) -> None:
        """Let other processes delete the copies that were asked for."""
        self._claims.release_all()

    def _copy(self, release: Release, destination: Path) -> None:
        digest = ReleaseDigest()
        made = {destination}
        destination.mkdir()
        try:
            for name, source in open_files(release.directory, list_files(release.directory)):
                path = destination / name
                path.parent.mkdir(parents=True, exist_ok=True)
                made.update(parent for parent in path.parents if parent.is_relative_to(destination))
                digest.add(name, _copy_file(source.fileno(), path))
        except ManifestError as error:
            raise _changed(release) from error
        if digest.text() != release.digest:
            raise _changed(release)
        for directory in made:
            directory.chmod(0o755)
            os.utime(directory, (_CONSTANT_TIME, _CONSTANT_TIME))

    def _publish(self, partial: Path, target: Path, digest: str) -> None:
        """Give the copy its name; where another process was faster, its copy is as good."""
        target.parent.mkdir(exist_ok=True)
        target.parent.chmod(0o755)  # whatever the umask
        for attempt in range(_MAX_ATTEMPTS):
            try:
                (partial / "files").rename(target)
                return
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise
            if _is_intact(target, digest):
                return
            with suppress(FileNotFoundError):  # another process moved it away first
                # What stands there is damaged, by a cleaner of caches for example.
                target.rename(partial / f"damaged-{attempt}")
        raise FileExistsError(errno.EEXIST, "a damaged copy that comes back", str(target))


def _copy_file(source: int, path: Path) -> bytes:
    content = hashlib.sha256()
    with path.open("xb") as target:
        while chunk := os.read(source, _CHUNK):
            content.update(chunk)
            target.write(chunk)
        target.flush()
        os.fchmod(target.fileno(), 0o644)
    os.utime(path, (_CONSTANT_TIME, _CONSTANT_TIME))
    return content.digest()


def _is_intact(target: Path, digest: str) -> bool:
    try:
        return target.is_dir() and compute_digest(target) == digest
    except ManifestError:
        return False


def _changed(release: Release) -> PluginLoadError:
    return PluginLoadError(
        f"{release.plugin_id} {release.version}: expected the files that were discovered, got others: "
        f"{release.directory} changed on disk since it was discovered; call discover_plugins again",
        plugin_id=release.plugin_id,
    )
