"""Calls that failed, kept so that they can be run again.

A kept call is a directory named after its run id::

    call.json     what ran, under which settings, and how it ended
    inputs.body   inputs and parameters, as they cross to a worker: never pickle
    inputs.blocks their arrays, likewise

Inputs may be confidential: the directory is its owner's alone, and nothing is kept unless the settings say so.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import logging
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from platform_base.core.owner_only import make_owner_only
from platform_base.plugins._engines.base import Request
from platform_base.plugins._wire.codec import DecodeError, decode, encode
from platform_base.plugins.errors import (
    EncodingError,
    ExecutionError,
    InvalidInputsError,
    PluginError,
    QueueFullError,
    ReplayError,
)
from platform_base.plugins.settings import ReplaySettings, SecuritySettings

logger = logging.getLogger("platform_base.plugins")

_FORMAT = 1
_PARTIAL = ".partial-"
_ID_DIGITS = 32
_NOT_RUN = (QueueFullError,)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCall:
    """What is known of a call that failed, without its inputs.

    Attributes:
        run_id: Its name.
        plugin_id: What ran.
        version: Its version.
        digest: Of its files.
        directory: Where they lay.
        timeout_s: The deadline, seconds; None: none.
        security: The settings that held for it.
        policy: What its worker was allowed.
        error_type: How it ended.
        error: The same in words, with the plugin's traceback.
        when: The time, ISO 8601, UTC.
        surroundings: Versions of what ran it.
    """

    run_id: str
    plugin_id: str
    version: str
    digest: str
    directory: str
    timeout_s: float | None
    security: dict[str, Any]
    policy: dict[str, Any]
    error_type: str
    error: str
    when: str
    surroundings: dict[str, str]

    def security_settings(self) -> SecuritySettings:
        """Return the settings that held for the call."""
        return SecuritySettings.model_validate(self.security)


class Replays:
    """The kept calls of one user."""

    def __init__(self, settings: ReplaySettings) -> None:
        """Begin; nothing is made before there is something to keep.

        Args:
            settings: Whether calls are kept, where, and how many.
        """
        self._settings = settings
        chosen = settings.directory
        usual = platformdirs.user_state_path("platform-base", appauthor=False) / "replays"
        self._root = Path(chosen).expanduser() if chosen is not None else usual

    @property
    def root(self) -> Path:
        """Where the calls are kept."""
        return self._root

    def wants(self, error: BaseException) -> bool:
        """Whether a call that ended so is to be kept: the plugin ran, and it was not the caller who stopped it."""
        ran = isinstance(error, ExecutionError | InvalidInputsError | EncodingError)
        return self._settings.keep == "on_failure" and ran and not isinstance(error, _NOT_RUN)

    def keep(self, request: Request, policy: Mapping[str, Any], error: PluginError) -> None:
        """Keep a call; where that is not possible, say so in the log: the call's own error is what matters."""
        about = {"run_id": request.run_id, "plugin_id": request.deployment.release.plugin_id}
        try:
            size = self._write(request, policy, error)
        except (OSError, EncodingError) as failure:
            logger.warning("run %s could not be kept in %s: %s", request.run_id, self._root, failure, extra=about)
            return
        if size is None:
            logger.warning("run %s is larger than replay.max_mb and is not kept", request.run_id, extra=about)
            return
        logger.info("run %s is kept: platform-base replay %s", request.run_id, request.run_id, extra=about)
        self._prune()

    def ids(self) -> list[str]:
        """Return the names of the kept calls, oldest first."""
        try:
            names = os.listdir(self._root)
        except FileNotFoundError:
            return []
        return sorted(name for name in names if len(name) == _ID_DIGITS and not name.startswith("."))

    def calls(self) -> Iterator[KeptCall]:
        """Yield every kept call that can be read, oldest first."""
        for run_id in self.ids():
            try:
                yield self.read(run_id)
            except ReplayError as error:
                logger.warning("%s", error)

    def read(self, run_id: str) -> KeptCall:
        """Return what is known of a call.

        Raises:
            ReplayError: There is none of that name, or it cannot be read.
        """
        directory = self._place(run_id)
        try:
            facts = json.loads((directory / "call.json").read_text(encoding="utf-8"))
            if facts.pop("format") != _FORMAT:
                raise ValueError("another version of platform_base wrote it")
            return KeptCall(**facts)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ReplayError(f"{directory / 'call.json'}: expected a kept call, got {error}", run=run_id) from error

    def read_inputs(self, run_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the inputs of a call, without parameters, and the parameters that the caller gave.

        Raises:
            ReplayError: They cannot be read.
        """
        directory = self._place(run_id)
        try:
            body = (directory / "inputs.body").read_bytes()
            blocks = np.fromfile(directory / "inputs.blocks", dtype=np.uint8)
            kept = decode(body, blocks.data if blocks.size else None)
            return kept["inputs"], kept["given"]
        except (OSError, DecodeError, TypeError, KeyError) as error:
            raise ReplayError(f"{directory}: expected the inputs of a call, got {error}", run=run_id) from error

    def digests(self) -> frozenset[str]:
        """Return the releases that the kept calls need."""
        return frozenset(call.digest for call in self.calls())

    def _place(self, run_id: str) -> Path:
        if run_id not in self.ids():
            latest = ", ".join(self.ids()[-3:]) or "none"
            raise ReplayError(
                f"expected a kept call in {self._root}, got {run_id!r}; the latest are: {latest}; failing calls are "
                "kept with the setting replay: on_failure",
                run=run_id,
            )
        return self._root / run_id

    def _write(self, request: Request, policy: Mapping[str, Any], error: PluginError) -> int | None:
        """Write a call aside and give it its name at the end; return its bytes, None if they are too many."""
        inputs = {name: value for name, value in request.inputs.items() if name != "params"}
        encoded = encode({"inputs": inputs, "given": dict(request.given)}, root="")
        if encoded.size + len(encoded.body) > self._settings.max_mb << 20:
            return None
        make_owner_only(self._root)
        partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=self._root))
        try:
            blocks = np.zeros(encoded.size, dtype=np.uint8)
            encoded.write_into(blocks.data)
            _write_file(partial / "inputs.body", encoded.body)
            _write_file(partial / "inputs.blocks", blocks.data)
            facts = json.dumps(_facts(request, policy, error), indent=1)
            _write_file(partial / "call.json", facts.encode("utf-8"))
            partial.rename(self._root / request.run_id)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        return encoded.size + len(encoded.body)

    def _prune(self) -> None:
        """Delete the oldest calls until there are few enough and they are small enough."""
        sizes = {run_id: _size(self._root / run_id) for run_id in self.ids()}
        total = sum(sizes.values())
        for run_id in list(sizes):
            if len(sizes) <= self._settings.max_calls and total <= self._settings.max_mb << 20:
                return
            total -= sizes.pop(run_id)
            shutil.rmtree(self._root / run_id, ignore_errors=True)


def _facts(request: Request, policy: Mapping[str, Any], error: PluginError) -> dict[str, Any]:
    release = request.deployment.release
    trace = getattr(error, "remote_traceback", "")
    return {
        "format": _FORMAT,
        "run_id": request.run_id,
        "plugin_id": release.plugin_id,
        "version": release.version,
        "digest": release.digest,
        "directory": str(release.directory),
        "timeout_s": request.timeout_s,
        "security": request.deployment.security.model_dump(mode="json"),
        "policy": dict(policy),
        "error_type": type(error).__name__,
        "error": f"{error}\n{trace}".rstrip(),
        "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        "surroundings": {
            "platform_base": importlib.metadata.version("platform-base"),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "machine": platform.machine(),
        },
    }


def _write_file(path: Path, content: bytes | memoryview) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(content)


def _size(directory: Path) -> int:
    try:
        return sum(entry.stat(follow_symlinks=False).st_size for entry in os.scandir(directory))
    except FileNotFoundError:  # another process has deleted it
        return 0
