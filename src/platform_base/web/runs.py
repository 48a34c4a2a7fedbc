"""Calls that were made from the page: running, done, failed, cancelled; the latest are kept."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

from platform_base.core.models import ProcessingResult
from platform_base.plugins.errors import PluginError
from platform_base.plugins.registry import PluginRegistry

MAX_RUNS = 40
MAX_BYTES = 1 << 30
MAX_AT_ONCE = 16

State: TypeAlias = Literal["running", "done", "failed", "cancelled"]


class BusyError(Exception):
    """As many calls run as may at once."""


@dataclass(slots=True, kw_only=True)
class Run:
    """One call.

    Attributes:
        key: Its name in addresses; the platform's own run id is known when it has ended.
        plugin_id: The plugin.
        version: The version that was active when it began.
        inputs: Values by name.
        sources: Where they came from: name of the input, then fields of the form by name.
        origins: The same in words.
        given: Parameters that were given.
        texts: The same as they stood in the form.
        began: Wall clock, seconds since the epoch.
        ended: Likewise; None: it runs.
        fraction: How far it is, 0 to 1, as the plugin says.
        message: What the plugin says it does.
        result: What came out.
        error: Why nothing came out.
        cancelled: Whether somebody stopped it.
    """

    key: str
    plugin_id: str
    version: str
    inputs: dict[str, Any]
    sources: dict[str, Any]
    origins: dict[str, str]
    given: dict[str, Any]
    texts: dict[str, str]
    began: float
    ended: float | None = None
    fraction: float | None = None
    message: str = ""
    result: ProcessingResult | None = None
    error: BaseException | None = None
    cancelled: bool = False
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def state(self) -> State:
        """How it stands."""
        if self.ended is None:
            return "running"
        return "cancelled" if self.cancelled else "done" if self.result is not None else "failed"

    @property
    def seconds(self) -> float:
        """How long it took, or has taken until now."""
        return (self.ended if self.ended is not None else time.time()) - self.began

    @property
    def run_id(self) -> str:
        """The platform's name of the call; empty: it is not known yet."""
        if self.result is not None and self.result.execution is not None:
            return self.result.execution.run_id
        return str(getattr(self.error, "run_id", "") or "")

    @property
    def nbytes(self) -> int:
        """Memory of inputs and result, bytes."""
        values = [*self.inputs.values()]
        if self.result is not None:
            values += [self.result.values, *self.result.metadata.values()]
        return sum(value.nbytes for value in values if isinstance(value, np.ndarray))


class Runs:
    """The calls that are known; used by one event loop."""

    def __init__(self, registry: PluginRegistry, *, max_runs: int = MAX_RUNS, max_bytes: int = MAX_BYTES) -> None:
        self._registry = registry
        self._max_runs, self._max_bytes = max_runs, max_bytes
        self._kept: dict[str, Run] = {}

    def start(
        self,
        plugin_id: str,
        version: str,
        *,
        inputs: dict[str, Any],
        sources: dict[str, Any],
        origins: dict[str, str],
        given: Mapping[str, Any],
        texts: dict[str, str],
        timeout_s: float | None,
    ) -> Run:
        """Begin a call and return at once.

        Raises:
            BusyError: Too many run.
        """
        if sum(each.state == "running" for each in self._kept.values()) >= MAX_AT_ONCE:
            raise BusyError(f"expected at most {MAX_AT_ONCE} calls at once; wait for one to end, or cancel it")
        run = Run(
            key=secrets.token_hex(8),
            plugin_id=plugin_id,
            version=version,
            inputs=inputs,
            sources=sources,
            origins=origins,
            given=dict(given),
            texts=texts,
            began=time.time(),
        )
        run.task = asyncio.create_task(self._carry_out(run, timeout_s))
        self._kept[run.key] = run
        self._prune()
        return run

    async def _carry_out(self, run: Run, timeout_s: float | None) -> None:
        def report(fraction: float, message: str) -> None:
            run.fraction, run.message = min(max(fraction, 0.0), 1.0), message

        try:
            run.result = await self._registry.aexecute_plugin(
                run.plugin_id, run.inputs, run.given, timeout_s, progress=report
            )
        except asyncio.CancelledError as error:
            run.cancelled, run.error = True, error
        except PluginError as error:
            run.error = error
        finally:
            run.ended = time.time()
            self._prune()

    async def cancel(self, run: Run) -> None:
        """Stop a call and wait until it has ended; nothing happens where it has ended already."""
        if run.task is not None and not run.task.done():
            run.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await run.task
            if run.ended is None:  # it was cancelled before it began
                run.cancelled, run.ended = True, time.time()

    async def close(self) -> None:
        """Stop every call."""
        for run in list(self._kept.values()):
            await self.cancel(run)

    def get(self, key: str) -> Run | None:
        """Return a call; None: it is not kept any more, or never was."""
        return self._kept.get(key)

    def all(self) -> list[Run]:
        """Return the calls, the latest first."""
        return list(reversed(self._kept.values()))

    def last_failure(self, plugin_id: str) -> Run | None:
        """Return the latest call of a plugin that failed."""
        return next((run for run in self.all() if run.plugin_id == plugin_id and run.state == "failed"), None)

    def _prune(self) -> None:
        ended = [run for run in self._kept.values() if run.state != "running"]
        total = sum(run.nbytes for run in self._kept.values())
        while len(ended) > 1 and (len(self._kept) > self._max_runs or total > self._max_bytes):
            oldest = ended.pop(0)
            total -= oldest.nbytes
            del self._kept[oldest.key]
