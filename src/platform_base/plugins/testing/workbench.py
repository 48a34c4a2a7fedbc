"""Where a plugin is tried: a registry that knows this one plugin, with its production settings."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from platform_base.plugins._catalog.discovery import read_release
from platform_base.plugins._reload.self_test import read_inputs
from platform_base.plugins.documents.array_file import ArrayFileError
from platform_base.plugins.errors import ManifestError, PluginError, Problem
from platform_base.plugins.registry import PluginRegistry
from platform_base.plugins.self_test import SelfTest
from platform_base.plugins.settings import Settings
from platform_base.plugins.testing.outcome import Outcome

_LOGGER = logging.getLogger("platform_base.plugins")

Config = str | os.PathLike[str] | Mapping[str, Any] | None


class Workbench:
    """Calls one plugin in its sandbox, under the settings that it will run under, also after it has died.

    A context manager; not thread-safe. Calls that fail are not logged: they are made to fail, and whoever makes them
    tells how they did.
    """

    def __init__(self, directory: str | os.PathLike[str], config: Config = None) -> None:
        """Read the plugin and the settings; nothing is started yet.

        Args:
            directory: The plugin's, with ``manifest.json``.
            config: Settings, as for `PluginRegistry`.

        Raises:
            ManifestError: The directory holds no plugin that can be read.
            SettingsError: The settings cannot be used.
        """
        self.config = config
        self.release = read_release(Path(directory))
        self.manifest = self.release.manifest
        self.registry = PluginRegistry(_tolerant(Settings.load(config)))
        _LOGGER.addFilter(self._is_news)
        try:
            self.registry.discover_plugins(self.release.directory)
        except BaseException:
            self.close()
            raise

    def load(self) -> None:
        """Load the plugin, without its self-tests.

        Raises:
            PluginError: As `PluginRegistry.load_plugin`.
        """
        self.registry.load_plugin(self.manifest.plugin_id)

    def inputs_of(self, case: SelfTest) -> dict[str, Any]:
        """Return the inputs of a self-test.

        Raises:
            ManifestError: A file does not hold the array that it should.
        """
        try:
            return read_inputs(self.release.directory, case)
        except ArrayFileError as error:
            file = str(self.release.directory / "manifest.json")
            raise ManifestError([Problem(file=file, key="self_test", expected="an array", got=str(error))]) from error

    def call(self, case: SelfTest, inputs: Mapping[str, Any], *, fresh: bool = False) -> Outcome:
        """Make one call with the parameters and the time of a self-test.

        Args:
            case: The self-test.
            inputs: The inputs instead of its own.
            fresh: In a process that has served no call.
        """
        plugin_id = self.manifest.plugin_id
        if fresh:
            self.registry.unload_plugin(plugin_id)
        try:
            return Outcome(result=self.registry.execute_plugin(plugin_id, inputs, case.parameters, case.timeout))
        except PluginError as error:
            return Outcome(error=error)

    def close(self) -> None:
        """Stop everything."""
        self.registry.close()
        _LOGGER.removeFilter(self._is_news)

    def _is_news(self, record: logging.LogRecord) -> bool:
        """Say whether a log record is about something else than a call of this plugin that failed."""
        failed = f"{self.manifest.plugin_id} {self.manifest.version} failed"
        return record.levelno != logging.ERROR or not record.getMessage().startswith(failed)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _tolerant(settings: Settings) -> dict[str, Any]:
    """Return settings under which a plugin may die often: what it is given on purpose need not be kept or counted."""
    document = settings.model_dump(mode="json", exclude_unset=True)
    document.pop("history", None)
    return {**document, "crash_loop": {"early_deaths": None, "deaths": None}, "replay": "never"}
