"""Making a call again that was kept: the files that ran then, or others in their place."""

from __future__ import annotations

from pathlib import Path

from platform_base.core.models import ProcessingResult
from platform_base.plugins._catalog.discovery import read_release
from platform_base.plugins._catalog.release import Release
from platform_base.plugins._catalog.store import ReleaseStore
from platform_base.plugins._engines.base import Deployment, Engine, Request
from platform_base.plugins._engines.inline import InlineEngine
from platform_base.plugins._host.cancellation import Cancellation
from platform_base.plugins._reload.switch import Switch
from platform_base.plugins.errors import ReplayError
from platform_base.plugins.parameters import resolve
from platform_base.plugins.replays import KeptCall, Replays
from platform_base.plugins.settings import Settings


class Replayer:
    """Runs calls again; see `PluginRegistry.replay_run`."""

    def __init__(
        self, engine: Engine, switch: Switch, store: ReleaseStore, replays: Replays, settings: Settings
    ) -> None:
        """Take what the registry shares with it.

        Args:
            engine: Runs calls.
            switch: Knows the environments of releases.
            store: Has the files that ran then.
            replays: Has the calls.
            settings: How many workers a plugin has.
        """
        self._engine = engine
        self._switch = switch
        self._store = store
        self._replays = replays
        self._settings = settings

    def run(self, run_id: str, *, directory: Path | None, inline: bool) -> ProcessingResult:
        """Make a call again; arguments and errors as `PluginRegistry.replay_run`."""
        kept = self._replays.read(run_id)
        data, given = self._replays.read_inputs(run_id)
        release = self._release(kept) if directory is None else read_release(directory)
        parameters = resolve(release.manifest.configuration, given, plugin_id=release.plugin_id)
        request = Request(
            deployment=Deployment(
                release=release,
                security=kept.security_settings(),
                workers=self._settings.workers_for(kept.plugin_id),
                environment=self._switch.environment(release),
            ),
            inputs={**data, "params": parameters},
            parameters=parameters,
            timeout_s=kept.timeout_s,
            given=given,
            run_id=run_id,
            fresh=True,
        )
        engine = InlineEngine(lambda plugin_id, seconds: None) if inline else self._engine
        return engine.run(request, Cancellation())

    def _release(self, kept: KeptCall) -> Release:
        copy = self._store.find(kept.digest)
        if copy is None:
            raise ReplayError(
                f"run {kept.run_id}: expected the files of {kept.plugin_id} {kept.version} ({kept.digest[:19]}) in "
                f"{self._store.root}, got nothing; name a directory that holds them",
                run=kept.run_id,
            )
        return read_release(copy)
