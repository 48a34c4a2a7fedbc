"""A plugin that is looked at while it works: what a worker that was asked to profile serves instead of the plugin.

What was measured travels as ordinary data beside the result. Like everything that a worker says it is believed by
nobody: the plugin runs in the same process and could have written it itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from platform_base.core.models import ProcessingResult
from platform_base.plugins._wire.messages import Load, Probe
from platform_base.plugins._worker.memory_probe import trace_memory
from platform_base.plugins.base import PluginProtocol

MEASURED, METADATA = "measured", "metadata"


class MissingProbeError(Exception):
    """What measures the plugin is not where the plugin imports from."""


class ProbedPlugin:
    """Passes everything on to a plugin, and measures its `execute`."""

    def __init__(self, plugin: PluginProtocol, load: Load, probe: Probe) -> None:
        self._plugin = plugin
        self._measure = _choose(load, probe)
        self._cold = probe.warm

    def execute(self, inputs: dict[str, Any]) -> Any:
        """Carry out the call; the metadata of the result holds that of the plugin, and what was measured."""
        if self._cold:
            self._plugin.execute(inputs)
            self._cold = False
        result, measured = self._measure(lambda: self._plugin.execute(inputs))
        if not isinstance(result, ProcessingResult):
            return result  # the server refuses it, and says what was expected
        return ProcessingResult(values=result.values, metadata={METADATA: result.metadata, MEASURED: measured})

    def validate_inputs(self, inputs: dict[str, Any]) -> bool:
        """Ask the plugin."""
        return self._plugin.validate_inputs(inputs)

    def get_manifest(self) -> dict[str, Any]:
        """Ask the plugin."""
        return self._plugin.get_manifest()


def _choose(load: Load, probe: Probe) -> Callable[[Callable[[], Any]], tuple[Any, dict[str, Any]]]:
    if probe.kind == "memory":
        return lambda call: trace_memory(call, load.directory)
    try:
        # Only now: no other worker needs pyinstrument.
        from platform_base.plugins._worker.time_probe import sample_time
    except ModuleNotFoundError as error:
        # The host has it, so the plugin imports from an environment of its own.
        raise MissingProbeError(
            f"the plugin's environment has no {error.name}: add it to the manifest's requires to profile this plugin"
        ) from error

    return lambda call: sample_time(call, interval_s=probe.interval_s, calls=probe.calls)
