"""The contract of an engine: a way of carrying out a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec
from numpy.typing import DTypeLike, NDArray

from platform_base.core.models import ProcessingResult
from platform_base.plugins._catalog.environments import Environment
from platform_base.plugins._catalog.release import Release
from platform_base.plugins._host.cancellation import Cancellation
from platform_base.plugins._wire.messages import Probe
from platform_base.plugins.settings import SecuritySettings, WorkerSettings
from platform_base.plugins.worker_info import WorkerInfo

ReportProgress = Callable[[float, str], None]
StartListener = Callable[[str, float], None]
"""Told of a plugin id and the seconds that starting a worker for it took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A release together with what the operator's settings say about it.

    Attributes:
        release: What runs.
        security: What it may do.
        workers: How many workers it may have.
        environment: What it imports from; None: what the host has installed.
        probe: What its workers measure in every call; None: nothing.
        key: Stands for the release and what it may do: calls with the same key may share workers.
    """

    release: Release
    security: SecuritySettings
    workers: WorkerSettings
    environment: Environment | None = None
    probe: Probe | None = None
    key: tuple[str, str, str, str, str] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Compute the key once: calls are frequent, and settings are long."""
        release = self.release
        place = self.environment.key if self.environment is not None else ""
        if self.probe is not None:
            place += f" {self.probe}"
        key = (release.plugin_id, release.version, release.digest, self.security.model_dump_json(), place)
        object.__setattr__(self, "key", key)

    @property
    def reuse(self) -> str:
        """``"worker"``: a worker serves call after call; ``"call"``: each call gets one that nobody has used."""
        return self.workers.reuse or self.release.manifest.reuse


class Request(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One call, checked and ready to run.

    Attributes:
        deployment: What to run, and under which settings.
        inputs: The caller's data, with every parameter under ``"params"``.
        parameters: The same parameters, for the record.
        timeout_s: Seconds from the hand-over to a worker; None: no deadline.
        compile_timeout_s: Seconds more, once, if the worker has compiled kernels when the time is over.
        report_progress: Called in the thread that waits for the call.
        given: The parameters that the caller gave, without defaults.
        run_id: Name of the call in results, errors and replays.
        fresh: Take a worker that has served no call, and let it serve no other.
    """

    deployment: Deployment
    inputs: dict[str, Any]
    parameters: dict[str, Any]
    timeout_s: float | None
    report_progress: ReportProgress | None = None
    given: Mapping[str, Any] = {}
    run_id: str = ""
    fresh: bool = False
    compile_timeout_s: float = 0.0


Outcome = ProcessingResult | BaseException
"""How one of several calls ended."""


class Engine(Protocol):
    """Carries out requests. Thread-safe."""

    name: str

    def load(self, deployment: Deployment) -> None:
        """Make sure that the release loads.

        Raises:
            PluginLoadError: Its code did not load.
            SandboxUnavailableError: A protection cannot be given.
        """
        ...

    def run(self, request: Request, cancellation: Cancellation) -> ProcessingResult:
        """Carry out one request, and raise the typed error of its end if there is no result."""
        ...

    def run_batch(self, requests: Sequence[Request], cancellation: Cancellation) -> tuple[list[Outcome], float]:
        """Carry out several requests of one deployment in one worker, one after the other.

        All together have the time of one.

        Returns:
            The end of each, in order, and the seconds that all took.

        Raises:
            EncodingError: They cannot be sent together.
            ExecutionError: The worker has not answered; no request has.
        """
        ...

    async def run_async(self, request: Request, cancellation: Cancellation) -> ProcessingResult:
        """As `run`, in an event loop. A task that is cancelled stops the work, as `Cancellation.cancel` does."""
        ...

    def empty(self, shape: int | tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Return an array that `run` need not copy, of unspecified content.

        Raises:
            ValueError: There can be no such array, or it could not be sent.
        """
        ...

    def content(self, release: Release) -> Path:
        """Return the directory with the files that calls of this release run on.

        Raises:
            PluginLoadError: The files are not those that were discovered, or cannot be copied.
        """
        ...

    def policy(self, deployment: Deployment) -> dict[str, Any]:
        """Return what a worker of this release may do, as plain values.

        Raises:
            PluginLoadError: The plugin asks for more than the settings give.
        """
        ...

    def retire(self, release: Release) -> None:
        """Let go of what is kept for a release; calls that run finish."""
        ...

    def forget(self, release: Release) -> None:
        """Let go of everything that is kept for a release, also of its files on disk; it is not expected back."""
        ...

    def workers(self) -> list[WorkerInfo]:
        """Return every worker that lives now, and those that are being started."""
        ...

    def waiting(self) -> dict[str, int]:
        """Return how many calls wait for a worker, by plugin id; plugins without such calls are left out."""
        ...

    def close(self) -> None:
        """End everything, running calls included."""
        ...
