"""Having a call measured: it runs in a fresh worker under the policy of every other call, with a probe around it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from platform_base.core.models import Execution, ProcessingResult
from platform_base.plugins._catalog.release import Release
from platform_base.plugins._engines.base import Engine
from platform_base.plugins._host.visible import make_visible
from platform_base.plugins._wire.messages import Probe
from platform_base.plugins.calls import Calls
from platform_base.plugins.errors import (
    MissingDependencyError,
    ParameterError,
    Problem,
    SandboxUnavailableError,
    WireError,
)
from platform_base.plugins.profiling.memory_profile import MemoryProfile, read_memory_profile
from platform_base.plugins.profiling.time_profile import TimeProfile, read_time_profile

_MEASURED, _METADATA = "measured", "metadata"
_MOST_CALLS = 10_000


class Profiler:
    """Measures single calls."""

    def __init__(self, calls: Calls, engine: Engine) -> None:
        self._calls = calls
        self._engine = engine

    def profile_time(
        self,
        plugin_id: str,
        inputs: Mapping[str, Any],
        params: Mapping[str, Any] | None,
        timeout: float | None,
        *,
        interval_s: float,
        calls: int,
        warm: bool,
    ) -> TimeProfile:
        """See `PluginRegistry.profile_plugin`."""
        _check_range("interval_s", interval_s, 1e-5, 10.0)
        _check_range("calls", calls, 1, _MOST_CALLS)
        if importlib.util.find_spec("pyinstrument") is None:
            raise MissingDependencyError(
                "profiling: expected pyinstrument, got none installed; run: "
                'python -m pip install "platform-base[profile]"',
                missing=["pyinstrument"],
            )
        probe = Probe(kind="time", interval_s=float(interval_s), calls=int(calls), warm=warm)
        release, result, said, metadata = self._measure(plugin_id, inputs, params, timeout, probe)
        return read_time_profile(
            said,
            plugin_id=release.plugin_id,
            version=release.version,
            digest=release.digest,
            directory=str(release.directory),
            values=result.values,
            metadata=metadata,
            show=self._show(release),
        )

    def trace_memory(
        self,
        plugin_id: str,
        inputs: Mapping[str, Any],
        params: Mapping[str, Any] | None,
        timeout: float | None,
        *,
        warm: bool,
    ) -> MemoryProfile:
        """See `PluginRegistry.trace_memory`."""
        release, result, said, metadata = self._measure(
            plugin_id, inputs, params, timeout, Probe(kind="memory", warm=warm)
        )
        assert isinstance(result.execution, Execution)
        return read_memory_profile(
            said,
            plugin_id=release.plugin_id,
            version=release.version,
            digest=release.digest,
            directory=str(release.directory),
            process_peak_bytes=result.execution.peak_memory_bytes,
            values=result.values,
            metadata=metadata,
            show=self._show(release),
        )

    def _measure(
        self,
        plugin_id: str,
        inputs: Mapping[str, Any],
        params: Mapping[str, Any] | None,
        timeout: float | None,
        probe: Probe,
    ) -> tuple[Release, ProcessingResult, Any, dict[str, Any]]:
        if self._engine.name != "local":
            raise SandboxUnavailableError(
                f"engine: {self._engine.name} runs plugins in this process, where nothing is measured; "
                "use engine: local",
                protection="process",
            )
        release, result = self._calls.probe(plugin_id, inputs, params, timeout, probe)
        around = result.metadata
        if set(around) != {_MEASURED, _METADATA} or type(around[_METADATA]) is not dict:
            raise WireError(f"plugin {plugin_id!r}: its worker has not measured the call", plugin_id=plugin_id)
        return release, result, around[_MEASURED], around[_METADATA]

    def _show(self, release: Release) -> Callable[[str], str]:
        return partial(_replace, str(self._engine.content(release).resolve()), str(release.directory))


def _replace(copy: str, original: str, text: str) -> str:
    """Make text of the worker safe to print, with the author's own paths in it."""
    return make_visible(text).replace(copy, original)


def _check_range(name: str, value: float, least: float, most: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ParameterError([Problem(key=name, expected=f"a number from {least:g} to {most:g}", got=repr(value))])
