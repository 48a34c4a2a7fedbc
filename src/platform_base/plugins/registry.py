"""PluginRegistry: the public face. It asks the rooms in order and returns what they say."""

from __future__ import annotations

import concurrent.futures
import contextlib
import importlib.metadata
import logging
import os
import sys
import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from platform_base.core.models import ProcessingResult
from platform_base.history.location import history_path
from platform_base.history.recorder import Recorder
from platform_base.monitoring.beacon import Beacon
from platform_base.monitoring.exposition import expose
from platform_base.monitoring.programs import ProgramInfo
from platform_base.monitoring.spans import CallSpans
from platform_base.plugins._catalog.environments import Environments
from platform_base.plugins._catalog.places import standard_places
from platform_base.plugins._catalog.store import ReleaseStore
from platform_base.plugins._engines.background import Background
from platform_base.plugins._engines.base import ReportProgress
from platform_base.plugins._engines.engines import ENGINES
from platform_base.plugins._host.cancellation import Cancellation
from platform_base.plugins._reload.reloader import Reloader, follow
from platform_base.plugins._reload.self_test import run_self_tests
from platform_base.plugins._reload.shadow import Shadow, ShadowReport
from platform_base.plugins._reload.shadows import Shadows
from platform_base.plugins._reload.switch import Switch
from platform_base.plugins._sandbox.report import EscapeAttempt, ProtectionInfo, report_protections
from platform_base.plugins.cache import CacheKeeper
from platform_base.plugins.calls import Calls
from platform_base.plugins.comparison import Tolerance
from platform_base.plugins.crash_loop import Breakers
from platform_base.plugins.errors import (
    PluginError,
    PluginNotFoundError,
    Problem,
    RegistryClosedError,
)
from platform_base.plugins.findings import Findings
from platform_base.plugins.intrusion import try_to_break_out
from platform_base.plugins.life_cycle import (
    PluginChange,
    PluginUpdate,
    SelfTestInfo,
    describe_change,
    describe_trial,
    describe_update,
)
from platform_base.plugins.listing import PluginInfo, describe_plugin
from platform_base.plugins.manifest import Manifest
from platform_base.plugins.metrics import PluginFigures, families
from platform_base.plugins.permission_changes import compare_permissions
from platform_base.plugins.profiling.memory_profile import MemoryProfile
from platform_base.plugins.profiling.profiler import Profiler
from platform_base.plugins.profiling.time_profile import TimeProfile
from platform_base.plugins.replayer import Replayer
from platform_base.plugins.replays import KeptCall, Replays
from platform_base.plugins.run_notes import RunNotes
from platform_base.plugins.settings import HistorySettings, Settings
from platform_base.plugins.stats import PluginStats, StatsRecorder
from platform_base.plugins.worker_info import WorkerInfo

if TYPE_CHECKING:
    from platform_base.history.history import History

__all__ = ["PluginChange", "PluginInfo", "PluginRegistry", "PluginStats"]

_LONGEST_PROGRAM = 500

logger = logging.getLogger("platform_base.plugins")
# A library leaves it to the program whether and where its records appear.
logging.getLogger("platform_base").addHandler(logging.NullHandler())


class PluginRegistry:
    """Finds plugins, runs them in confined processes, and keeps count. Thread-safe.

    Example:
        >>> from platform_base.plugins.registry import PluginRegistry
        >>> with PluginRegistry() as registry:
        ...     registry.discover_plugins()
        ...     result = registry.execute_plugin("plugin_template", {"series": [1.0, 2.0]})
        >>> result.values.tolist()
        [2.0, 4.0]
    """

    def __init__(self, config: str | os.PathLike[str] | Mapping[str, Any] | Settings | None = None) -> None:
        """Read the settings; nothing is started and nothing is looked for yet.

        Args:
            config: A settings file, the same as a mapping, or `Settings`. None: the file that ``PLATFORM_BASE_CONFIG``
                names, else ``config/plugins.yaml`` below the current directory, else the built-in defaults.

        Raises:
            SettingsError: The settings cannot be used.
        """
        self.settings = Settings.load(config)
        logger.debug("settings from %s", self.settings.source)
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._stats: defaultdict[str, StatsRecorder] = defaultdict(StatsRecorder)
        self._store = ReleaseStore.standard()
        self._replays = Replays(self.settings.replay)
        self._recorder = _make_recorder(self.settings.history)
        notes = RunNotes(self._recorder, self.settings.history) if self._recorder is not None else None
        self._engine = ENGINES[self.settings.engine](
            self.settings,
            self._store,
            lambda plugin_id, seconds: self._stats[plugin_id].record_load(seconds),
            notes.printed if notes is not None else None,
        )
        self._environments = Environments(self._store.root.parent)
        self._switch = Switch(
            self._engine, self.settings, self._environments, importlib.metadata.version("platform-base")
        )
        self._findings = Findings(self._switch)
        self._breakers = Breakers(self.settings.crash_loop)
        self._shadows = Shadows(self._switch, self._engine)
        self._reloader: Reloader | None = None
        self._background = Background(threads=self.settings.workers.total or 2 * (os.cpu_count() or 1) + 8)
        self._cache = CacheKeeper(self.settings.cache, keep=self._replays.digests)
        self._calls = Calls(
            self._engine,
            self._switch,
            self._background,
            stats=self._stats,
            breakers=self._breakers,
            replays=self._replays,
            shadows=self._shadows,
            notes=notes,
            spans=CallSpans() if self.settings.spans else None,
        )
        self._replayer = Replayer(self._engine, self._switch, self._store, self._replays, self.settings)
        self._profiler = Profiler(self._calls, self._engine)
        live = self.settings.live_view
        self._beacon = Beacon(self._describe) if (self.settings.history.enabled if live is None else live) else None
        self._closed = False

    # -- finding ------------------------------------------------------------------------------------------------

    def discover_plugins(self, path: str | os.PathLike[str] | None = None) -> None:
        """Read the manifests below a directory, one and two levels deep, without running any plugin code.

        A plugin that cannot be used never hides the others: it is logged and kept in `problems`.

        Args:
            path: The directory, or one plugin's own. None: the standard places, which are those in
                ``PLATFORM_BASE_PLUGIN_PATH``, ``./plugins``, the user's data directory, installed packages with an
                entry point ``platform_base.plugins``, and the bundled plugins.

        Raises:
            PluginNotFoundError: There is no such directory.
        """
        self._check_open()
        places = standard_places(os.environ) if path is None else [Path(path)]
        self._cache.start()
        if self._beacon is not None:
            self._beacon.start()
        for place in places:
            if not place.is_dir():
                raise PluginNotFoundError(
                    f"{place}: expected a directory with plugins, got {'a file' if place.exists() else 'nothing'}; "
                    f"the current directory is {Path.cwd()}",
                    plugin_id="",
                )
            self._findings.look_into(place.resolve())

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with plugins that were found, and with those that could not be loaded."""
        return (*self._findings.problems, *self._breakers.problems())

    def list_plugins(self) -> list[PluginInfo]:
        """Return every plugin that was found, by id."""
        self._check_open()
        rows = []
        for release, versions, loaded in self._switch.known():
            refusal = self._breakers.refusal(release.plugin_id)
            rows.append(describe_plugin(release, versions, loaded, refusal.cause if refusal is not None else ""))
        return rows

    def get_manifest(self, plugin_id: str) -> Manifest:
        """Return the manifest of the active release.

        Raises:
            PluginNotFoundError: There is none of that id.
        """
        self._check_open()
        return self._switch.active(plugin_id).manifest

    # -- loading ------------------------------------------------------------------------------------------------

    def load_all(self) -> None:
        """Load every plugin that was found; those that fail are logged and kept in `problems`."""
        names = [info["id"] for info in self.list_plugins()]
        with concurrent.futures.ThreadPoolExecutor(max_workers=4, thread_name_prefix="platform_base-load") as executor:
            for future in [executor.submit(self._try_load, name) for name in names]:
                future.result()

    def _try_load(self, plugin_id: str) -> None:
        # Its failure was logged and kept; the others are loaded all the same.
        with contextlib.suppress(PluginError):
            self.load_plugin(plugin_id)

    def load_plugin(self, plugin_id: str, version: str | None = None) -> None:
        """Load a plugin in a confined worker, so that the next call finds it warm.

        Args:
            plugin_id: Which one.
            version: Exactly this version, which then stays the active one. None: the active one, by default the highest
                stable version that is compatible.

        Raises:
            PluginNotFoundError: There is none of that id or version.
            IncompatiblePluginError: It asks for another version of platform_base.
            MissingDependencyError: It requires what is not installed.
            PluginLoadError: Its code did not load; what was active before keeps serving.
            SelfTestError: It would replace another release, or was named, and failed its self-test; likewise.
            SandboxUnavailableError: A protection cannot be given here.
        """
        self._check_open()
        with self._findings.keeping_failure(plugin_id):
            self._switch.load(plugin_id, version)

    def build_environment(self, plugin_id: str) -> str:
        """Build what a plugin imports from, if the settings give it an environment of its own; `load_plugin` does too.

        Returns:
            Its directory; empty: the plugin runs with what the host has installed.

        Raises:
            PluginNotFoundError: There is none of that id.
            MissingDependencyError: The environment cannot be built.
        """
        self._check_open()
        environment = self._switch.build_environment(plugin_id)
        return str(environment.directory) if environment is not None else ""

    def update_plugin(
        self, plugin_id: str, version: str | None = None, accept_permissions: bool = False
    ) -> PluginUpdate:
        """Switch to another version, found by looking into the discovered directories again.

        Running calls finish on the version of before; when the new one does not load or fails its self-test, the old
        one keeps serving.

        Args:
            plugin_id: Which one.
            version: The version to switch to; None: the highest stable compatible one.
            accept_permissions: Agree that it asks for more than the version that serves.

        Returns:
            Both versions, and what they ask for differently.

        Raises:
            PermissionGrowthError: It asks for more, and that was not agreed to.
            SelfTestError: It failed its self-test.
            PluginError: As `load_plugin`.
        """
        self._check_open()
        with self._findings.keeping_failure(plugin_id), self._findings.found_again(plugin_id) as found:
            before, now, changes = self._switch.update(plugin_id, version, found, accept_permissions=accept_permissions)
        return describe_update(before, now, changes)

    def rollback_plugin(self, plugin_id: str) -> PluginUpdate:
        """Return at once to the release that served before, from its snapshot, whatever lies on disk now.

        Called again it goes one release further back. What was rolled back from is not taken up again by hot reload;
        `update_plugin` goes forward.

        Raises:
            PluginNotFoundError: No other release has served since this registry was made.
            PluginLoadError: It does not load any more; nothing has changed.
        """
        self._check_open()
        before, now = self._switch.rollback(plugin_id)
        self._findings.forget_failure(plugin_id)
        permissions = compare_permissions(before.manifest.permissions, now.manifest.permissions)
        return describe_update(before, now, permissions)

    def shadow_plugin(
        self,
        plugin_id: str,
        version: str,
        fraction: float = 0.1,
        rtol: float = 1e-7,
        atol: float = 0.0,
        ignore: Collection[str] = (),
        accept_permissions: bool = False,
    ) -> None:
        """Try another version on a share of the calls, in the background; callers get the active release's answers.

        Takes the place of a shadow that was begun before.

        Args:
            plugin_id: Which one.
            version: The candidate; it is loaded and self-tested at once.
            fraction: The share of calls, above 0 and at most 1.
            rtol: Relative tolerance of the comparison.
            atol: Absolute tolerance of the comparison, in the unit of the result.
            ignore: Keys of the metadata that are not compared.
            accept_permissions: Agree that the candidate asks for more than the version that serves.

        Raises:
            ParameterError: `fraction`, `rtol` or `atol` is no such number.
            PermissionGrowthError: The candidate asks for more, and that was not agreed to.
            PluginError: As `load_plugin`.
        """
        self._check_open()
        tolerance = Tolerance(rtol=rtol, atol=atol)
        with self._findings.found_again(plugin_id) as found:
            _, candidate, _ = self._switch.choose(plugin_id, version, found, accept_permissions=accept_permissions)
        deployment = self._switch.deployment(candidate)
        shadow = Shadow(deployment, fraction=fraction, tolerance=tolerance, ignore=ignore)
        self._shadows.begin(plugin_id, shadow)

    def shadow_report(self, plugin_id: str) -> ShadowReport:
        """Return how often the candidate agreed, the largest difference and the ratio of speeds.

        Raises:
            PluginNotFoundError: `shadow_plugin` was not called for that id.
        """
        self._check_open()
        return self._shadows.report(plugin_id)

    def stop_shadow(self, plugin_id: str) -> ShadowReport:
        """Stop trying a candidate, and return the last report.

        Raises:
            PluginNotFoundError: `shadow_plugin` was not called for that id.
        """
        self._check_open()
        return self._shadows.stop(plugin_id)

    def run_self_test(self, plugin_id: str, version: str | None = None) -> list[SelfTestInfo]:
        """Carry out the self-test of a release, each call in a fresh confined worker, and say how each one fared.

        Args:
            plugin_id: Which one.
            version: Of this version; None: of the one that answers.

        Raises:
            PluginNotFoundError: There is none of that id or version.
        """
        self._check_open()
        release = self._switch.active(plugin_id) if version is None else self._switch.get(plugin_id, version)
        return [describe_trial(trial) for trial in run_self_tests(self._engine, self._switch.deployment(release))]

    def enable_plugin(self, plugin_id: str) -> None:
        """Let calls of a plugin through again that was disabled because its workers died; its deaths are forgotten.

        Raises:
            PluginNotFoundError: There is none of that id.
        """
        self._check_open()
        self._switch.active(plugin_id)
        self._breakers.enable(plugin_id)

    def unload_plugin(self, plugin_id: str) -> None:
        """Stop the idle workers of a plugin. Running calls finish; the next call loads it again.

        Raises:
            PluginNotFoundError: There is none of that id.
        """
        self._check_open()
        self._switch.unload(plugin_id)

    def enable_hot_reload(self) -> None:
        """Watch the discovered directories: a saved change is live in a moment, a broken one never is."""
        self._check_open()
        with self._lock:
            if self._reloader is None:
                self._reloader = Reloader(self._switch, self._findings.roots, self._findings.report)

    def disable_hot_reload(self) -> None:
        """Stop watching."""
        with self._lock:
            reloader, self._reloader = self._reloader, None
        if reloader is not None:
            reloader.stop()

    def watch_plugins(self, stop: threading.Event | None = None) -> Iterator[PluginChange]:
        """Watch the discovered directories in the calling thread, and yield what becomes of each change.

        The same walk as `enable_hot_reload`, for whoever wants to see it; use one of the two. Plugins that nobody has
        used are loaded, and carry out their self-tests, at the beginning: those are the first verdicts.

        Args:
            stop: Ends the iteration soon after it is set; None: it goes on until the caller leaves it.

        Yields:
            A verdict: live, or refused while what served before goes on.
        """
        self._check_open()
        roots, report = self._findings.roots, self._findings.report
        for change in follow(self._switch, roots, report, stop or threading.Event(), eager=True):
            there = self._switch.is_loaded(change.plugin_id)
            yield describe_change(change, self._switch.active(change.plugin_id).version if there else "")

    # -- running ------------------------------------------------------------------------------------------------

    def execute_plugin(
        self,
        plugin_id: str,
        inputs: Mapping[str, Any],
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        *,
        progress: ReportProgress | None = None,
    ) -> ProcessingResult:
        """Run a plugin and wait for its result.

        Args:
            plugin_id: Which one.
            inputs: The data by name, as the plugin documents it: arrays, lists, numbers, text, tables.
            params: Parameters by name; they may also stand in ``inputs["params"]``.
            timeout: Seconds that the plugin may take, from the moment a worker is free for it. None: what the settings
                say (``default_timeout``).
            progress: Called with a fraction from 0 to 1 and a text while the plugin works.

        Raises:
            PluginNotFoundError: There is none of that id.
            ParameterError: The parameters do not fit the manifest.
            EncodingError: A value cannot be sent.
            InvalidInputsError: The plugin refused the inputs.
            ExecutionError: It failed, took too long, used too much, or died; see `platform_base.plugins.errors`.
        """
        self._check_open()
        return self._calls.execute(plugin_id, inputs, params, timeout, progress, Cancellation())

    def submit_plugin(
        self,
        plugin_id: str,
        inputs: Mapping[str, Any],
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        *,
        progress: ReportProgress | None = None,
    ) -> concurrent.futures.Future[ProcessingResult]:
        """Run a plugin in the background.

        Takes what `execute_plugin` takes. The future's ``cancel()`` stops the work at any time before it is done.
        """
        self._check_open()
        return self._background.submit(
            self._calls.in_context(partial(self._calls.execute, plugin_id, inputs, params, timeout, progress))
        )

    def map_plugin(
        self,
        plugin_id: str,
        iterable: Iterable[Mapping[str, Any]],
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        *,
        retry: bool = True,
        progress: ReportProgress | None = None,
    ) -> Iterator[ProcessingResult]:
        """Run a plugin on many inputs, several at a time, and yield the results in order.

        Small inputs travel many in one message. `iterable` may be endless: only what a few messages hold is ahead of
        what was yielded. The first error ends the iteration and stops what still runs; so does closing the iterator.
        An error says which input it belongs to.

        Args:
            plugin_id: Which one.
            iterable: The inputs of each call.
            params: Parameters of every call.
            timeout: Seconds that each call may take.
            retry: Run an input once more when the worker that had it died without an answer.
            progress: Called, while you iterate, with the fraction that is done (0.0 where the length of `iterable` is
                not known) and a text.

        Raises:
            PluginError: As `execute_plugin`, when the iteration reaches the input that failed.
        """
        self._check_open()
        return self._calls.map(plugin_id, iterable, params, timeout, retry=retry, progress=progress)

    def empty(self, shape: int | tuple[int, ...], dtype: DTypeLike = np.float64) -> NDArray[Any]:
        """Return an array in shared memory: passed whole to a plugin, it is lent for the call and not copied.

        It behaves as any array does and lives until its last view is gone, also beyond `close`. Plugins can only read
        it, and only during the call; one that keeps it is replaced. What you change during a call the plugin may see.

        Args:
            shape: Lengths.
            dtype: Any that can be sent; not ``object``.

        Returns:
            An array of unspecified content.

        Raises:
            ValueError: The dtype holds Python objects, or a length is negative.
            OSError: There is no memory left.
        """
        self._check_open()
        return self._engine.empty(shape, dtype)

    def share(self, array: ArrayLike) -> NDArray[Any]:
        """Return a copy of an array in shared memory, for inputs that are used in many calls; see `empty`.

        Raises:
            ValueError: As `empty`.
            OSError: As `empty`.
        """
        source = np.asarray(array)
        shared = self.empty(source.shape, source.dtype)
        np.copyto(shared, source)
        return shared

    async def aexecute_plugin(
        self,
        plugin_id: str,
        inputs: Mapping[str, Any],
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        *,
        progress: ReportProgress | None = None,
    ) -> ProcessingResult:
        """Run a plugin from an event loop; takes and raises what `execute_plugin` does.

        No thread is used for a call while it waits. Cancelling the task stops the work.

        Raises:
            asyncio.CancelledError: The task was cancelled; its worker is dead.
        """
        self._check_open()
        return await self._calls.execute_async(plugin_id, inputs, params, timeout, progress)

    def profile_plugin(
        self,
        plugin_id: str,
        inputs: Mapping[str, Any],
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        *,
        interval_s: float = 0.001,
        calls: int = 1,
        warm: bool = True,
    ) -> TimeProfile:
        """Run a plugin in a fresh worker, under its policy, while its stack is sampled; needs the extra ``profile``.

        Args:
            plugin_id: Which one.
            inputs: As `execute_plugin`.
            params: Likewise.
            timeout: Seconds for all calls together.
            interval_s: Time between two samples, seconds, 0.00001 to 10.
            calls: How often the plugin's ``execute`` is called, 1 to 10,000: short calls are seen if there are many.
            warm: Call it once before, so that what it imports and compiles on first use is not measured.

        Raises:
            MissingDependencyError: pyinstrument is not installed.
            ParameterError: A number is out of range.
            SandboxUnavailableError: The engine is `inline`.
            WireError: What the worker says it measured cannot be.
            PluginError: As `execute_plugin`.
        """
        self._check_open()
        return self._profiler.profile_time(
            plugin_id, inputs, params, timeout, interval_s=interval_s, calls=calls, warm=warm
        )

    def trace_memory(
        self,
        plugin_id: str,
        inputs: Mapping[str, Any],
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        *,
        warm: bool = True,
    ) -> MemoryProfile:
        """Run a plugin twice in a fresh worker, under its policy, while its allocations are traced.

        That takes many times as long as a call. Python and NumPy tell of their allocations; compiled code that asks the
        system itself does not.

        Args:
            plugin_id: Which one.
            inputs: As `execute_plugin`.
            params: Likewise.
            timeout: Seconds for everything.
            warm: Call it once before, so that what it imports and compiles on first use is not measured.

        Raises:
            SandboxUnavailableError: The engine is `inline`.
            WireError: What the worker says it measured cannot be.
            PluginError: As `execute_plugin`.
        """
        self._check_open()
        return self._profiler.trace_memory(plugin_id, inputs, params, timeout, warm=warm)

    def replay_run(
        self, run_id: str, *, release: str | os.PathLike[str] | None = None, inline: bool = False
    ) -> ProcessingResult:
        """Run a call again that failed and was kept: the same files, inputs, parameters, deadline and permissions.

        Args:
            run_id: As the error named it.
            release: A directory to run instead of the files that ran then, such as a corrected one.
            inline: Run the plugin in this process, without any protection, so that breakpoints work.

        Raises:
            ReplayError: No such call is kept, or the files that ran then are gone.
            ExecutionError: It failed again.
        """
        self._check_open()
        directory = Path(release) if release is not None else None
        return self._replayer.run(run_id, directory=directory, inline=inline)

    def kept_calls(self) -> list[KeptCall]:
        """Return the failed calls that are kept, oldest first."""
        self._check_open()
        return list(self._replays.calls())

    def kept_inputs(self, run_id: str) -> dict[str, Any]:
        """Return the inputs of a call that failed and was kept.

        Raises:
            ReplayError: No such call is kept.
        """
        self._check_open()
        return self._replays.read_inputs(run_id)[0]

    # -- knowing ------------------------------------------------------------------------------------------------

    def get_plugin_stats(self, plugin_id: str) -> PluginStats:
        """Return what was counted about a plugin since this registry was made.

        Raises:
            PluginNotFoundError: There is none of that id.
        """
        self._check_open()
        self._switch.active(plugin_id)
        return self._stats[plugin_id].snapshot()

    def list_workers(self) -> list[WorkerInfo]:
        """Return the processes that run plugins now, by plugin id: what each does, for how long, and what it uses."""
        self._check_open()
        return self._engine.workers()

    def metrics_text(self) -> str:
        """Return what was counted, and what runs now, in the text format of Prometheus."""
        self._check_open()
        active = {release.plugin_id: release for release, _, _ in self._switch.known()}
        plugins = [
            PluginFigures(
                plugin_id=plugin_id,
                version=active[plugin_id].version if plugin_id in active else "",
                digest=active[plugin_id].digest if plugin_id in active else "",
                totals=self._stats[plugin_id].totals(),
                disabled=self._breakers.refusal(plugin_id) is not None,
            )
            for plugin_id in sorted({*active, *tuple(self._stats)})
        ]
        lost = self._recorder.lost if self._recorder is not None else None
        return expose(families(plugins, self._engine.workers(), self._engine.waiting(), lost))

    def _describe(self) -> ProgramInfo:
        """Return what `platform-base top` shows of this registry."""
        return ProgramInfo(
            pid=self._owner,
            program=" ".join(sys.argv)[:_LONGEST_PROGRAM],
            waiting=self._engine.waiting(),
            workers=self._engine.workers(),
        )

    @property
    def history(self) -> History:
        """The memory of runs that the settings name, with everything that this registry has noted so far.

        It can be asked whether or not this registry adds to it.
        """
        from platform_base.history.history import History  # SQLite is loaded where it is wanted only

        self._check_open()
        if self._recorder is not None:
            self._recorder.flush()
        return History(history_path(self.settings.history.path))

    def get_policy(self, plugin_id: str) -> dict[str, Any]:
        """Return what workers of the active release may do: settings ∩ manifest, in bytes and absolute paths.

        Raises:
            PluginNotFoundError: There is none of that id.
            PluginLoadError: The plugin asks for more than the settings give.
        """
        self._check_open()
        return self._engine.policy(self._switch.deployment(self._switch.active(plugin_id)))

    def self_check(self) -> list[EscapeAttempt]:
        """Run a plugin that tries to break out in a dozen ways, under these settings, and return how it fared.

        Raises:
            SandboxUnavailableError: A protection cannot be given here, or plugins run in this very process.
        """
        self._check_open()
        return try_to_break_out(self._engine, self.settings)

    def sandbox_report(self) -> list[ProtectionInfo]:
        """Return every protection that this machine can or cannot give to plugins, and why."""
        return report_protections(self.settings.security.cgroup)

    def close(self) -> None:
        """Stop everything: running calls end with an error, workers die, files vanish. Safe to call twice."""
        if self._closed or os.getpid() != self._owner:
            return
        self._closed = True
        if self._beacon is not None:
            self._beacon.close()
        self._calls.close()
        self.disable_hot_reload()
        self._background.cancel_all()
        self._engine.close()
        self._background.close()
        self._cache.close()
        self._store.close()
        if self._recorder is not None:
            self._recorder.close()

    def _repr_html_(self) -> str:
        from platform_base.plugins.registry_table import show_registry

        if self._closed:
            return "<p>a closed PluginRegistry</p>"
        plugins = self.list_plugins()
        stats = {info["id"]: self._stats[info["id"]].snapshot() for info in plugins if info["id"] in self._stats}
        return show_registry(plugins, stats, [str(problem) for problem in self.problems])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise RegistryClosedError("this registry was closed; make another one")
        if os.getpid() != self._owner:
            raise RegistryClosedError(
                "this registry belongs to the parent of this process; make one of its own after the fork"
            )


def _make_recorder(settings: HistorySettings) -> Recorder | None:
    if not settings.enabled:
        return None
    return Recorder(history_path(settings.path), max_rows=settings.max_rows, max_bytes=settings.max_mb << 20)
