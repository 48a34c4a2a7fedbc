"""`config/plugins.yaml`: what the operator allows. The defaults stand here and nowhere else."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, ValidationError, model_validator

from platform_base.plugins.documents.document import Document, show
from platform_base.plugins.documents.model import (
    DocumentModel,
    Fault,
    fault,
    problems_in,
    without_annotations,
)
from platform_base.plugins.documents.yaml_document import read_yaml
from platform_base.plugins.environment import with_environment
from platform_base.plugins.errors import Problem, SettingsError
from platform_base.plugins.manifest import check_plugin_id
from platform_base.plugins.permissions import AbsolutePath, Filesystem, Network

CONFIG_VARIABLE = "PLATFORM_BASE_CONFIG"
DEFAULT_FILE = Path("config/plugins.yaml")
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_MAX_MB = 1 << 40


def _check_module(value: str) -> str:
    if _MODULE.fullmatch(value):
        return value
    raise fault(Fault(expected="a module name such as scipy or scipy.signal", got=show(value)))


Modules: TypeAlias = Annotated[tuple[Annotated[str, AfterValidator(_check_module)], ...], Field(strict=False)]
Names: TypeAlias = Annotated[tuple[str, ...], Field(strict=False)]
Seconds: TypeAlias = Annotated[float, Field(gt=0, le=1e9)]
EnvironmentMode: TypeAlias = Literal["shared", "isolated", "auto"]
Megabytes: TypeAlias = Annotated[int, Field(ge=1, le=_MAX_MB)]


class SecuritySettings(DocumentModel):
    """What a plugin may do; for all plugins, and key by key for one. MB are 2**20 bytes.

    Attributes:
        enable_sandboxing: False leaves plugins a process of their own, deadlines and nothing else.
        default_timeout: Time for a call that names none, seconds; None: no limit.
        max_memory_mb: Memory of a worker beyond what it starts with, MB; None: no limit.
        max_cpu_percent: Share of one core, percent; 200 is two cores; None: no limit.
        allowed_modules: Third-party modules that plugins may import; None: any. A lint, not the boundary.
        blocked_modules: Modules that plugins may not import in their own files. A lint.
        network: Destinations that may be reached, or the word ``none``.
        filesystem: Files that may be used besides the plugin's own.
        max_cpu_seconds: CPU time of a worker, seconds; None: no limit.
        max_threads: Threads of a worker, the first one included. Numerical libraries are told to use as many as
            ``max_cpu_percent`` has whole cores, at least one.
        max_open_files: Open descriptors of a worker.
        max_processes: Processes that a worker may have besides itself, by ``os.fork`` or ``multiprocessing`` with the
            start method ``fork``; only where the plugin's manifest asks for them, and only in a process id namespace.
        max_scratch_mb: Size of the scratch directory, MB; also that of any one file.
        max_output_mb: What is kept of the text that one call prints, MB.
        max_result_mb: Size of one result, MB.
        namespaces: An own root directory, network and list of processes. ``auto``: what the system gives; ``require``:
            all of them; ``off``: none.
        cgroup: Directory of the cgroup v2 hierarchy that is delegated to this program; each worker gets a cgroup in it.
            None: none.
        accept_missing: Protections that may be missing, by the names that ``platform-base doctor`` prints.
    """

    enable_sandboxing: bool = True
    default_timeout: Seconds | None = 30.0
    max_memory_mb: Megabytes | None = 512
    max_cpu_percent: Annotated[float, Field(gt=0, le=1_000_000)] | None = 50.0
    allowed_modules: Modules | None = ("numpy", "scipy", "pandas", "numba")
    blocked_modules: Modules = ("os", "subprocess", "socket")
    network: Network = Network()
    filesystem: Filesystem = Filesystem()
    max_cpu_seconds: Annotated[int, Field(ge=1, le=10**9)] | None = None
    max_threads: Annotated[int, Field(ge=1, le=1_000_000)] = 32
    max_open_files: Annotated[int, Field(ge=16, le=1_000_000)] = 64
    max_processes: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    max_scratch_mb: Megabytes = 64
    max_output_mb: Annotated[int, Field(ge=0, le=_MAX_MB)] = 1
    max_result_mb: Megabytes = 256
    namespaces: Literal["auto", "require", "off"] = "auto"
    cgroup: AbsolutePath | None = None
    accept_missing: Names = ()


class PluginWorkerSettings(DocumentModel):
    """How many workers one plugin has, and for how long.

    Attributes:
        min: Workers of a plugin that are kept ready, from its first load on.
        max: Workers of a plugin at most; None: as many as there are CPU cores, or ``min`` if that is more.
        idle_seconds: A worker without work ends after this time, seconds.
        load_timeout: Time for importing and constructing a plugin, seconds.
        compile_timeout: Time that a call without a ``timeout`` may take beyond ``default_timeout``, once, if it has
            compiled kernels by then, seconds.
        reuse: ``worker``: a worker serves call after call; ``call``: each call gets one that nobody has used; None: as
            the manifest wishes.
        max_waiting: Calls that may wait for a worker; one more is a ``QueueFullError``. None: any number.
    """

    min: Annotated[int, Field(ge=0, le=10_000)] = 0
    max: Annotated[int, Field(ge=1, le=10_000)] | None = None
    idle_seconds: Annotated[float, Field(ge=0, le=1e9)] = 300.0
    load_timeout: Seconds = 60.0
    compile_timeout: Annotated[float, Field(ge=0, le=1e9)] = 120.0
    reuse: Literal["worker", "call"] | None = None
    max_waiting: Annotated[int, Field(ge=0, le=10**9)] | None = 10_000

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max is not None and self.min > self.max:
            raise fault(Fault(at=("min",), expected=f"at most max, {self.max}", got=show(self.min)))
        return self


class WorkerSettings(PluginWorkerSettings):
    """How many workers there are, and what they start with.

    Attributes:
        total: Workers of all plugins together; None: twice the CPU cores, at least 8.
        preload: Modules that are imported once, before workers are forked; not for those that start threads.
    """

    total: Annotated[int, Field(ge=1, le=10_000)] | None = None
    preload: Modules = ()


class CrashLoopSettings(DocumentModel):
    """When a plugin whose workers die is left alone, and for how long.

    Attributes:
        early_deaths: So many workers in a row that die early disable the plugin; None: never.
        early_seconds: A worker that dies within this time of its start dies early, seconds.
        deaths: So many deaths within `window_minutes` disable the plugin; None: never.
        window_minutes: How long a death counts, minutes.
        backoff_seconds: For how long a plugin is disabled the first time; doubled each time after, seconds.
        max_backoff_seconds: For how long it is disabled at most, seconds.
        stable_seconds: After this time without a death the back-off is `backoff_seconds` again, seconds.
    """

    early_deaths: Annotated[int, Field(ge=1, le=1_000_000)] | None = 3
    early_seconds: Seconds = 5.0
    deaths: Annotated[int, Field(ge=1, le=1_000_000)] | None = 20
    window_minutes: Annotated[float, Field(gt=0, le=1e6)] = 10.0
    backoff_seconds: Seconds = 5.0
    max_backoff_seconds: Seconds = 600.0
    stable_seconds: Seconds = 60.0

    @model_validator(mode="after")
    def _backoff_ordered(self) -> Self:
        if self.max_backoff_seconds < self.backoff_seconds:
            expected = f"at least backoff_seconds, {self.backoff_seconds:g}"
            raise fault(Fault(at=("max_backoff_seconds",), expected=expected, got=show(self.max_backoff_seconds)))
        return self


class CacheSettings(DocumentModel):
    """How old and how large the cache directory may become: copies of releases and compiled kernels.

    Attributes:
        max_age_days: What nobody has used for so long is deleted, days; None: never.
        max_mb: What was used least recently is deleted until the rest is no larger, MB; None: however large.
    """

    max_age_days: Annotated[float, Field(ge=0, le=1e6)] | None = 30.0
    max_mb: Annotated[int, Field(ge=0, le=_MAX_MB)] | None = 2048


class ReplaySettings(DocumentModel):
    """Whether failing calls are kept to be run again; also written as one word, which is ``keep``.

    Attributes:
        keep: ``never``; or ``on_failure``: inputs, parameters, policy and error of each call that fails.
        max_calls: So many are kept; the oldest go first.
        max_mb: So much is kept, MB; a call that is larger alone is not kept.
        directory: Where; None: ``replays`` in the user's state directory (``~/.local/state/platform-base``).
    """

    keep: Literal["never", "on_failure"] = "never"
    max_calls: Annotated[int, Field(ge=1, le=1_000_000)] = 20
    max_mb: Megabytes = 512
    directory: AbsolutePath | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_word(cls, data: Any) -> Any:
        return {"keep": data} if isinstance(data, str) else data


class HistorySettings(DocumentModel):
    """Whether every run is remembered; also written as one word, ``true`` or ``false``, which is ``enabled``.

    Attributes:
        enabled: Remember what ran, how it ended and what it used; null: programs do not, ``platform-base run`` does.
        path: The file; None: ``history/runs.db`` in the user's state directory.
        max_rows: So many runs are remembered; the oldest go first.
        max_mb: So large the file may become, MB.
        max_lines: So many lines that a plugin prints are remembered of each call, the last ones.
        digest_inputs: Remember SHA-256 over each input, to tell later whether two runs had the same.
    """

    enabled: bool | None = None
    path: AbsolutePath | None = None
    max_rows: Annotated[int, Field(ge=1, le=1_000_000_000)] = 100_000
    max_mb: Megabytes = 256
    max_lines: Annotated[int, Field(ge=0, le=1_000_000)] = 200
    digest_inputs: bool = True

    @model_validator(mode="before")
    @classmethod
    def _read_switch(cls, data: Any) -> Any:
        return {"enabled": data} if isinstance(data, bool) else data


class PluginSettings(SecuritySettings):
    """What is different for one plugin; only the keys that were written count.

    Attributes:
        workers: Its own numbers of workers.
        environments: Whether it runs in an environment of its own; None: as all do.
    """

    workers: PluginWorkerSettings = PluginWorkerSettings()
    environments: EnvironmentMode | None = None


class Settings(DocumentModel):
    """Everything that the operator decides.

    Attributes:
        security: What every plugin may do.
        workers: How many workers there are.
        crash_loop: When a plugin whose workers die is left alone.
        cache: How old and how large the cache directory may become.
        replay: Whether failing calls are kept to be run again; ``on_failure`` is short for ``{keep: on_failure}``.
        history: Whether every run is remembered; ``true`` is short for ``{enabled: true}``.
        plugins: What is different for single plugins, by plugin id.
        environments: ``shared``: plugins run with what the host has installed; ``isolated``: each with what it
            requires, in an environment of its own; ``auto``: those whose requirements the host does not meet. Also
            for one plugin.
        engine: Where plugins run: ``local``, in confined processes; ``inline``, in the host itself, for
            debugging, only with ``enable_sandboxing: false``.
        live_view: Let ``platform-base top`` of the same user look at the workers; null: where runs are remembered.
        spans: Tell OpenTelemetry of each call, as a span; takes the extra ``otel``.
    """

    security: SecuritySettings = SecuritySettings()
    workers: WorkerSettings = WorkerSettings()
    crash_loop: CrashLoopSettings = CrashLoopSettings()
    cache: CacheSettings = CacheSettings()
    replay: ReplaySettings = ReplaySettings()
    history: HistorySettings = HistorySettings()
    plugins: Annotated[
        dict[Annotated[str, AfterValidator(check_plugin_id)], PluginSettings],
        BeforeValidator(without_annotations),
    ] = Field(default_factory=dict)
    environments: EnvironmentMode = "shared"
    engine: Literal["local", "inline"] = "local"
    live_view: bool | None = None
    spans: bool = False
    _source: str = PrivateAttr("the built-in defaults")

    @model_validator(mode="after")
    def _inline_only_without_sandbox(self) -> Self:
        if self.engine == "inline" and self.security.enable_sandboxing:
            hint = "inline runs plugins unprotected in this process: say so with security.enable_sandboxing: false"
            raise fault(Fault(at=("engine",), expected="local while sandboxing is on", got="inline", hint=hint))
        return self

    @model_validator(mode="after")
    def _ordered_for_each_plugin(self) -> Self:
        for plugin_id in self.plugins:
            joined = self.workers_for(plugin_id)
            if joined.max is not None and joined.min > joined.max:
                at = ("plugins", plugin_id, "workers")
                expected = f"min at most max, {joined.max}"
                raise fault(Fault(at=at, expected=expected, got=f"min {joined.min}"))
        return self

    @property
    def source(self) -> str:
        """Where the settings come from, in words."""
        return self._source

    @classmethod
    def load(
        cls,
        config: str | os.PathLike[str] | Mapping[str, Any] | Self | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> Self:
        """Read settings; whatever they leave out has its default.

        Args:
            config: A YAML file; or what it would hold; or settings, which stay as they are; or None for the file that
                ``PLATFORM_BASE_CONFIG`` names, else ``config/plugins.yaml`` in the current directory, else
                the defaults.
            environ: Variables such as ``PLATFORM_BASE_SECURITY__MAX_MEMORY_MB=1024`` or
                ``PLATFORM_BASE_PLUGINS__DTW_ALIGN__MAX_MEMORY_MB=2048`` have the last word, wherever the
                settings come from.

        Raises:
            SettingsError: With every problem, each with its place.
        """
        if isinstance(config, cls):
            return config
        document, source = _read(config, environ)
        document = with_environment(document, environ, plugin_keys=frozenset(PluginSettings.model_fields))
        try:
            settings = cls.model_validate(document.data)
        except ValidationError as error:
            raise SettingsError(problems_in(error, document, cls)) from error
        variables = ", ".join(sorted(set(document.origins.values())))
        settings._source = f"{source}, changed by {variables}" if variables else source
        return settings

    def security_for(self, plugin_id: str) -> SecuritySettings:
        """Return what holds for one plugin: its own keys, and the common ones for the rest."""
        own = self.plugins.get(plugin_id)
        return _overlaid(self.security, own) if own is not None else self.security

    def workers_for(self, plugin_id: str) -> WorkerSettings:
        """Return the numbers of workers of one plugin; ``total`` and ``preload`` are those of all plugins."""
        own = self.plugins.get(plugin_id)
        return _overlaid(self.workers, own.workers) if own is not None else self.workers

    def environments_for(self, plugin_id: str) -> EnvironmentMode:
        """Return whether a plugin runs in an environment of its own."""
        own = self.plugins.get(plugin_id)
        return (own.environments if own is not None else None) or self.environments


_Model = TypeVar("_Model", bound=DocumentModel)


def _overlaid(base: _Model, over: DocumentModel) -> _Model:
    """Return `base` with the keys written in `over`; mappings are joined key by key, lists replaced."""
    changes: dict[str, Any] = {}
    for name in over.model_fields_set & set(type(base).model_fields):
        before, after = getattr(base, name), getattr(over, name)
        joined = isinstance(before, DocumentModel) and isinstance(after, DocumentModel)
        changes[name] = _overlaid(before, after) if joined and type(before) is type(after) else after
    return base.model_copy(update=changes)


def _read(config: object, environ: Mapping[str, str]) -> tuple[Document, str]:
    if isinstance(config, Mapping):
        return Document(file="", data=_plain(config)), "a mapping"
    if config is None:
        named = environ.get(CONFIG_VARIABLE)
        if named:
            return _read_file(Path(named)), f"{named} (named by {CONFIG_VARIABLE})"
        if not os.path.lexists(DEFAULT_FILE):
            return Document(file="", data={}), "the built-in defaults"
        config = DEFAULT_FILE
    if not isinstance(config, str | os.PathLike):
        expected = "None, a path or a mapping"
        raise SettingsError([Problem(key="config", expected=expected, got=type(config).__name__)])
    return _read_file(Path(config)), str(config)


def _read_file(path: Path) -> Document:
    document = read_yaml(path, error=SettingsError)
    if document.data is None:  # an empty file, or comments only
        return Document(file=document.file, data={}, locate=document.locate)
    if not isinstance(document.data, dict):
        raise SettingsError([document.problem((), expected="keys with values", got=show(document.data))])
    return document


def _plain(value: Any) -> Any:
    """Turn what a program may pass into what a file would have held."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return os.fspath(value) if isinstance(value, os.PathLike) else value
