"""The plugin `dtw_align`: dynamic time warping for synchronizing one series with another."""

from __future__ import annotations

from typing import Any

from platform_base.core.models import ProcessingResult
from platform_base.kernels.inputs import refuse_unknown_inputs
from platform_base.plugins.base import PluginProtocol

from .dtw import Alignment, dtw_align

_INPUTS = ("reference", "target")
_OPTIONAL_INPUTS = ("reference_times", "target_times", "band", "cost_matrix")


def _metadata(alignment: Alignment) -> dict[str, Any]:
    metadata = {
        "distance": alignment.distance,
        "normalized_distance": alignment.normalized_distance,
        "path": alignment.path,
        "distance_metric": alignment.distance_metric,
        "step_pattern": alignment.step_pattern,
        "window_size": alignment.window_size,
        "kernel": alignment.kernel,
        "dtype": alignment.dtype,
    }
    if alignment.times is not None:
        metadata |= {"times": alignment.times, "warped_times": alignment.warped_times}
    if alignment.matrices is not None:
        metadata["local_cost_matrix"] = alignment.matrices.local
        metadata["accumulated_cost_matrix"] = alignment.matrices.accumulated
    return metadata


class DTWPlugin(PluginProtocol):
    """Warps `target` onto the time axis of `reference`; see README.md for inputs, parameters and metadata."""

    def execute(self, inputs: dict[str, Any]) -> ProcessingResult:
        """Align the two series.

        Args:
            inputs: ``reference`` ``(n,)`` or ``(n, channels)``, ``target`` ``(m,)`` or ``(m, channels)``; if wanted,
                ``reference_times`` ``(n,)`` and ``target_times`` ``(m,)``, ``band`` ``(n, 2)`` and ``cost_matrix``
                ``(n, m)``; and ``params`` with any of the declared parameters.

        Returns:
            The warped series, with the distance and the path in the metadata.

        Raises:
            ValueError: If a series or a parameter cannot be used, as `dtw_align` says, or an input is unknown.
            TypeError: If a series holds no real numbers.
        """
        refuse_unknown_inputs(inputs, (*_INPUTS, *_OPTIONAL_INPUTS))
        given = {name: inputs[name] for name in _OPTIONAL_INPUTS if inputs.get(name) is not None}
        alignment = dtw_align(inputs["reference"], inputs["target"], **given, **inputs.get("params", {}))
        return ProcessingResult(values=alignment.warped, metadata=_metadata(alignment))

    def validate_inputs(self, inputs: dict[str, Any]) -> bool:
        """Say whether both series are there; `execute` says what is wrong with their values."""
        return all(inputs.get(name) is not None for name in _INPUTS)

    def get_manifest(self) -> dict[str, Any]:
        """Return the metadata that must agree with `manifest.json`."""
        return {
            "plugin_id": "dtw_align",
            "version": "1.0.0",
            "description": "Dynamic time warping: aligns a target series with a reference",
        }
