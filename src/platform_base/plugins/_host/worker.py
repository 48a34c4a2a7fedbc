"""One worker from its start to its end: fork, confinement, loading, and clearing away."""

from __future__ import annotations

import itertools
import logging
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from platform_base.plugins._host.connection import (
    Connection,
    DeadlineError,
    UndeliveredError,
    WorkerDiedError,
)
from platform_base.plugins._host.exchange import Exchange
from platform_base.plugins._host.leases import Leases
from platform_base.plugins._host.visible import make_visible
from platform_base.plugins._host.warden import THREAD_VARIABLES, WardenClient, WardenLostError
from platform_base.plugins._sandbox import cgroup as cgroups
from platform_base.plugins._sandbox.base import ConfinementError
from platform_base.plugins._sandbox.cgroup import Cgroup
from platform_base.plugins._sandbox.identity import choose_uid
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins._sandbox.scratch import empty, is_overfull, make_scratch, wipe
from platform_base.plugins._wire.messages import Load, LoadFailed, Ready, Refused, Usage
from platform_base.plugins._worker.kernel_cache import CODE_PLACES
from platform_base.plugins.errors import ExecutionError, PluginLoadError, SandboxUnavailableError

logger = logging.getLogger(__name__)

# Not from 1: as root, workers of two hosts would share user ids, and with them limits and files.
_sequence = itertools.count(1 + secrets.randbelow(1 << 15))

_MOST_KERNELS = 4096
"""Files in the cache of one release; a numba function makes two or three."""

_RESTLESS_S = 0.02
"""CPU time that an idle worker may use, seconds: what ends a call, and waking up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that is needed to start a worker of one release.

    Attributes:
        load: What the worker is told to import.
        policy: Its policy, without what differs from worker to worker.
        environment: Its environment variables, likewise.
        source: The author's directory, which replaces the snapshot's in tracebacks.
        load_timeout_s: Time for importing and constructing the plugin, seconds.
    """

    load: Load
    policy: Policy
    environment: Mapping[str, str]
    source: str
    load_timeout_s: float


@dataclass(slots=True, kw_only=True, eq=False)
class Worker:
    """A worker that has loaded its plugin."""

    warden: WardenClient
    connection: Connection
    recipe: Recipe
    scratch: Path
    protections: tuple[str, ...]
    load_usage: Usage
    load_seconds: float
    exchange: Exchange
    cgroup: Cgroup | None = None
    started: float = field(default_factory=time.monotonic)
    idle_since: float = field(default_factory=time.monotonic)
    rested_cpu_seconds: float = 0.0
    busy_since: float | None = None
    run_id: str = ""
    timeout_s: float | None = None

    @property
    def cpu_seconds(self) -> float:
        """CPU time of the process up to now; 0.0 when it is gone."""
        try:
            # The kernel's name for the CPU clock of a whole process: see clock_getcpuclockid(3).
            return time.clock_gettime((~self.connection.pid << 3) | 2)
        except OSError:
            return 0.0

    def begin(self, run_id: str, timeout_s: float | None, now: float) -> None:
        """Note that a call runs from now on, `time.monotonic` seconds; for whoever looks on."""
        self.run_id, self.timeout_s, self.busy_since = run_id, timeout_s, now
        self.connection.output.run_id = run_id

    def rest(self) -> None:
        """Note that no call runs from now on."""
        self.busy_since = None
        self.idle_since = time.monotonic()
        self.rested_cpu_seconds = self.cpu_seconds

    @property
    def restless(self) -> bool:
        """Whether it computes although no call runs: a thread that a call has left behind."""
        return self.cpu_seconds - self.rested_cpu_seconds > _RESTLESS_S

    def has_compiled(self, *, since: float) -> bool:
        """Return whether workers of this release have compiled kernels since a moment, `time.monotonic` seconds.

        Numba puts each kernel into the cache when it is ready. It is the worker's word: enough for a second chance, no
        more.
        """
        earliest = time.time() - (time.monotonic() - since)
        try:
            with os.scandir(self.recipe.policy.kernel_cache or self.scratch / "kernels") as entries:
                packages = itertools.islice(entries, _MOST_KERNELS)
                return any(package.stat(follow_symlinks=False).st_mtime > earliest for package in packages)
        except OSError:
            return False

    @property
    def has_processes(self) -> bool:
        """Whether a process is left that it has started; asked between calls, when there should be none."""
        if not self.recipe.policy.max_processes or not self.recipe.policy.enabled:
            return False
        try:
            tasks = list(Path(f"/proc/{self.connection.pid}/task").iterdir())
            return any((task / "children").read_bytes() for task in tasks)
        except OSError:
            return True  # dead, or not to be told: either way it is not fit for another call

    def show_source(self, text: str) -> str:
        """Make text of the worker safe to print, with the author's own paths in it."""
        return make_visible(text).replace(self.recipe.load.directory, self.recipe.source)

    def stop(self) -> None:
        """Kill the worker and remove what it left."""
        self.connection.kill()
        self.connection.bury()
        self.connection.close()
        if self.cgroup is not None:
            self.cgroup.remove()
        wipe(self.scratch)
        self._check_kernel_cache()

    def _check_kernel_cache(self) -> None:
        """Empty the directory that outlives workers if this one has abused it as storage."""
        policy = self.recipe.policy
        cache = Path(policy.kernel_cache)
        if policy.kernel_cache and is_overfull(cache, max_bytes=policy.max_scratch_bytes, max_entries=_MOST_KERNELS):
            logger.warning("%s holds more than compiled kernels; it is emptied", cache)
            try:
                empty(cache)
            except OSError as error:
                logger.warning("%s could not be emptied: %s", cache, error.strerror)


def start_worker(warden: WardenClient, recipe: Recipe, runtime: Path, leases: Leases) -> Worker:
    """Fork, confine and load one worker.

    Raises:
        SandboxUnavailableError: A protection cannot be given; no plugin code was run.
        PluginLoadError: The plugin's code did not load.
        WardenLostError: There is no warden any more.
    """
    began = time.monotonic()
    warden.check_visible(recipe.policy)
    number = next(_sequence)
    uid = choose_uid(number) if recipe.policy.enabled else None
    scratch = runtime / str(number)
    try:
        make_scratch(scratch, uid=uid)
    except FileNotFoundError as error:
        # A warden that ends removes the directory of all scratch directories.
        raise WardenLostError(str(error)) from None
    policy = msgspec.structs.replace(recipe.policy, scratch=str(scratch), uid=uid)
    kernels = policy.kernel_cache or f"{scratch}/kernels"
    environment = {
        **recipe.environment,
        **dict.fromkeys(THREAD_VARIABLES, str(policy.blas_threads)),
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "NUMBA_CACHE_DIR": kernels,
        "NUMBA_CACHE_LOCATOR_CLASSES": CODE_PLACES,
    }
    cgroup = None
    try:
        cgroup = _make_cgroup(policy, number)
        connection = Connection(warden, number, policy, environment)
    except BaseException:
        if cgroup is not None:
            cgroup.remove()
        wipe(scratch)
        raise
    try:
        if cgroup is not None:
            # It runs already, but only the code of its start: the plugin's is loaded when it is told to.
            _enclose(cgroup, connection)
        protections, usage = _boot(connection, recipe, began + recipe.load_timeout_s)
    except BaseException:
        connection.kill()
        connection.bury()
        connection.close()
        if cgroup is not None:
            cgroup.remove()
        wipe(scratch)
        raise
    return Worker(
        warden=warden,
        connection=connection,
        recipe=recipe,
        scratch=scratch,
        protections=protections + (cgroup.protections if cgroup is not None else ()),
        cgroup=cgroup,
        load_usage=usage,
        exchange=Exchange(leases, audience=recipe.load.directory, most_bytes=policy.max_memory_bytes),
        load_seconds=time.monotonic() - began,
    )


def _make_cgroup(policy: Policy, number: int) -> Cgroup | None:
    """Make a worker's cgroup, if the settings name a place for it."""
    if not policy.cgroup or cgroups.NAME in policy.switched_off:
        return None
    try:
        return cgroups.make_cgroup(policy.cgroup, number, policy)
    except ConfinementError as error:
        if error.protection in policy.accept_missing:
            return None
        raise _unavailable(error) from error


def _enclose(cgroup: Cgroup, connection: Connection) -> None:
    try:
        cgroup.add(connection.pid)
    except ConfinementError as error:
        raise _unavailable(error) from error
    connection.cgroup = cgroup


def _unavailable(error: ConfinementError) -> SandboxUnavailableError:
    return SandboxUnavailableError(
        f"protection {error.protection!r} cannot be given here: {error.reason}; {error.remedy}",
        protection=error.protection,
    )


def _boot(connection: Connection, recipe: Recipe, deadline: float) -> tuple[tuple[str, ...], Usage]:
    plugin_id = recipe.load.plugin_id
    try:
        ready = connection.receive(deadline)
        if isinstance(ready, Refused):
            raise SandboxUnavailableError(
                f"protection {ready.protection!r} cannot be given here: {make_visible(ready.reason)}; "
                f"{make_visible(ready.remedy)}; to run without it set security.accept_missing: [{ready.protection}]",
                protection=ready.protection,
            )
        assert isinstance(ready, Ready)
        connection.send(connection.session.load(recipe.load))
        loaded = connection.receive(deadline)
    except DeadlineError:
        raise PluginLoadError(
            f"plugin {plugin_id!r} did not load within {recipe.load_timeout_s:g} s (workers.load_timeout)",
            plugin_id=plugin_id,
        ) from None
    except UndeliveredError:
        cause: ExecutionError = connection.bury().explain(plugin_id, connection.policy)
        raise PluginLoadError(f"plugin {plugin_id!r} could not be loaded: {cause}", plugin_id=plugin_id) from cause
    except WorkerDiedError as died:
        cause = died.death.explain(plugin_id, connection.policy)
        raise PluginLoadError(f"plugin {plugin_id!r} could not be loaded: {cause}", plugin_id=plugin_id) from cause
    finally:
        connection.output.log_call(plugin_id)
    if isinstance(loaded, LoadFailed):
        text, trace = (
            make_visible(part).replace(recipe.load.directory, recipe.source)
            for part in (loaded.message, loaded.traceback)
        )
        raise PluginLoadError(
            f"plugin {plugin_id!r} could not be loaded from {recipe.source}: {make_visible(loaded.error_type)}: {text}",
            plugin_id=plugin_id,
            remote_traceback=trace,
        )
    return ready.protections, loaded.usage  # type: ignore[union-attr]
