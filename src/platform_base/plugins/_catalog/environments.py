"""Environments: sets of installed distributions that are not the host's, for releases that require others.

One environment stands for one set of requirements, whichever releases have it::

    <cache>/environments/<key>/
        requirements.txt   what was asked for, sorted
        lock.txt           what that came to, each distribution with its version and hashes; written last
        core/              NumPy and msgspec: all that the warden imports
        site/              everything; a worker gets it on its path once it is confined
        host/              a link to this installation's platform_base, and nothing else

What a manifest requires is chosen by whoever wrote the plugin, so none of it may run outside the sandbox: only wheels
are installed, as building a source distribution runs its code; the warden sees ``core`` alone, as a wheel may hold
files of any name; and Python is started without `site`, as ``.pth`` files are code too.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import platform_base
from platform_base.plugins._catalog.claim import Claims, sole_use
from platform_base.plugins._catalog.retention import PARTIAL
from platform_base.plugins.errors import MissingDependencyError

_OWN = ("msgspec>=0.20", "numpy>=1.26")
"""What a worker needs whatever its plugin requires: the dependencies of its part of platform_base."""

_CORE = frozenset({"msgspec", "numpy"})
_BUILD_S = 900.0
_LAST_WORDS = 1500


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where an environment is, or will be.

    Attributes:
        key: 64 hexadecimal digits over its requirements, this Python and this installation.
        requires: Its requirements, as the manifest writes them.
        directory: Its place.
    """

    key: str
    requires: tuple[str, ...]
    directory: Path

    @property
    def complete(self) -> bool:
        """Whether it has been built."""
        return (self.directory / "lock.txt").is_file()

    @property
    def warden_path(self) -> tuple[str, ...]:
        """What the warden imports from, besides the standard library."""
        return str(self.directory / "host"), str(self.directory / "core")

    @property
    def site(self) -> str:
        """What a confined worker imports from as well."""
        return str(self.directory / "site")


class Environments:
    """The environments of one user, shared by all processes. Thread-safe."""

    def __init__(self, cache: Path) -> None:
        """Begin; nothing is made before something is built.

        Args:
            cache: The cache directory.
        """
        self._root = cache / "environments"
        self._locks = cache / "in-use"
        self._claims = Claims(self._locks)

    @property
    def root(self) -> Path:
        """The directory of all environments."""
        return self._root

    def place(self, requires: Sequence[str]) -> Environment:
        """Return the environment of a set of requirements, built or not."""
        wanted = sorted({str(Requirement(text)) for text in requires})
        package = str(Path(platform_base.__file__).resolve().parent)
        facts = [*wanted, *_OWN, sys.version, sys.implementation.cache_tag or "", sys.base_prefix, package]
        key = hashlib.sha256("\0".join(facts).encode()).hexdigest()
        return Environment(key=key, requires=tuple(wanted), directory=self._root / key)

    def hold(self, environment: Environment) -> None:
        """Keep others from deleting an environment until `close`.

        Raises:
            MissingDependencyError: It is not built.
        """
        self._claims.hold(f"environment-{environment.key}")
        if not environment.complete:
            raise MissingDependencyError(
                f"the environment for {', '.join(environment.requires)} is not built, and calls do not build any; call "
                "load_plugin, or run: platform-base env build",
                missing=environment.requires,
            )
        os.utime(environment.directory)  # the time of last use, which `prune` reads

    def close(self) -> None:
        """Let other processes delete what was held."""
        self._claims.release_all()

    def build(self, environment: Environment) -> None:
        """Build an environment aside and swap it in when it is complete; one that is complete stays as it is.

        Raises:
            MissingDependencyError: uv is not installed, or the requirements cannot be met with wheels.
        """
        if environment.complete:
            return
        _refuse_addresses(environment)
        uv = _find_uv(environment)
        self._root.mkdir(mode=0o755, parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=self._root))
        try:
            partial.chmod(0o755)
            _install(uv, partial, environment)
            (partial / "host").mkdir()
            (partial / "host" / "platform_base").symlink_to(Path(platform_base.__file__).resolve().parent)
            (partial / "lock.new").rename(partial / "lock.txt")
            try:
                partial.rename(environment.directory)
            except OSError:
                if not environment.complete:  # another process was not faster: it is a fault
                    raise
        except OSError as error:
            raise MissingDependencyError(
                f"the environment for {', '.join(environment.requires)} could not be built in {self._root}: "
                f"{error.strerror or error}",
                missing=environment.requires,
            ) from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def found(self) -> list[tuple[Environment, float, int]]:
        """Return every environment, with the days since its last use and its size, bytes."""
        now, rows = time.time(), []
        for directory in sorted(self._root.iterdir()) if self._root.is_dir() else []:
            if directory.name.startswith("."):
                continue
            wanted = tuple((directory / "requirements.txt").read_text(encoding="utf-8").splitlines())
            environment = Environment(key=directory.name, requires=wanted, directory=directory)
            rows.append((environment, (now - directory.stat().st_mtime) / 86400.0, _size(directory)))
        return rows

    def remove(self, environment: Environment, *, dry_run: bool = False) -> bool:
        """Delete an environment unless a process uses it; say whether it went, or would."""
        name = f"environment-{environment.key}"
        with sole_use(self._locks, name) as free:
            if free and not dry_run:
                doomed = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=self._root))
                environment.directory.rename(doomed / "doomed")
        if free and not dry_run:
            shutil.rmtree(doomed, ignore_errors=True)
        return free


def _refuse_addresses(environment: Environment) -> None:
    addresses = [text for text in environment.requires if Requirement(text).url is not None]
    if addresses:
        raise MissingDependencyError(
            f"requires: expected names and versions, got {', '.join(addresses)}; an environment is installed from the "
            "package index only",
            missing=addresses,
        )


def _find_uv(environment: Environment) -> str:
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise MissingDependencyError(
            f"building the environment for {', '.join(environment.requires)}: expected uv, got none installed; run: "
            'python -m pip install "platform-base[envs]"',
            missing=("uv",),
        )
    return found


def _install(uv: str, partial: Path, environment: Environment) -> None:
    (partial / "requirements.txt").write_text("".join(f"{line}\n" for line in environment.requires), encoding="utf-8")
    (partial / "wanted.txt").write_text(
        "".join(f"{line}\n" for line in (*environment.requires, *_OWN)), encoding="utf-8"
    )
    common = ("--quiet", "--no-build", "--python", sys.executable)
    lock = partial / "lock.new"
    plain = ("--no-header", "--no-annotate", "--generate-hashes")
    _run(environment, partial, uv, "pip", "compile", *common, *plain, "--output-file", str(lock), "wanted.txt")
    blocks = re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8"))
    core = [block for block in blocks if canonicalize_name(re.split(r"[=\s;]", block, maxsplit=1)[0]) in _CORE]
    (partial / "core.txt").write_text("\n".join(core) + "\n", encoding="utf-8")
    for target, file in (("site", lock.name), ("core", "core.txt")):
        exact = ("--require-hashes", "--no-deps", "--target", target, "--requirements", file)
        _run(environment, partial, uv, "pip", "install", *common, *exact)
    for file in ("wanted.txt", "core.txt"):
        (partial / file).unlink()


def _run(environment: Environment, directory: Path, *command: str) -> None:
    """Run uv with the caller's own environment variables, where the package index is named."""
    surroundings = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", "NO_COLOR": "1"}
    try:
        ended = subprocess.run(
            command,
            cwd=directory,
            env=surroundings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_BUILD_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        status, said = "no end", f"it was stopped after {_BUILD_S:.0f} s"
    else:
        if ended.returncode == 0:
            return
        status, said = f"exit status {ended.returncode}", ended.stderr.strip()[-_LAST_WORDS:]
    printable = "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in said)
    raise MissingDependencyError(
        f"the environment for {', '.join(environment.requires)} cannot be built: `uv {command[1]} {command[2]}` ended "
        f"with {status}:\n{printable}",
        missing=environment.requires,
    )


def _size(directory: Path) -> int:
    return sum(path.lstat().st_blocks * 512 for path in directory.rglob("*"))
