"""The plugin class: it takes apart the inputs, calls the work, and packs the result."""

from __future__ import annotations

from typing import Any

from platform_base.core.models import ProcessingResult
from platform_base.plugins.base import PluginProtocol

from .scaling import scale_series


class PluginTemplate(PluginProtocol):
    """Scales a series. Copy this directory and put your own work in place of `scale_series`."""

    def execute(self, inputs: dict[str, Any]) -> ProcessingResult:
        """Scale ``inputs["series"]``.

        Args:
            inputs: ``series``, real numbers of any shape, and ``params`` with any of ``multiplier``,
                ``offset``. Arrays are read-only: make a new one instead of writing into it.

        Returns:
            The scaled series, float64, of the same shape.

        Raises:
            ValueError: If the series is empty, ragged, or holds NaN or infinity.
            TypeError: If it holds no real numbers.
        """
        values = scale_series(inputs["series"], **inputs.get("params", {}))
        return ProcessingResult(values=values, metadata={"plugin": "plugin_template"})

    def validate_inputs(self, inputs: dict[str, Any]) -> bool:
        """Say whether the inputs have the right names; `execute` says what is wrong with their values."""
        return inputs.get("series") is not None

    def get_manifest(self) -> dict[str, Any]:
        """Return the metadata that must agree with `manifest.json`."""
        return {
            "plugin_id": "plugin_template",
            "version": "1.0.0",
            "description": "Starting point for new plugins: multiplies a series and adds an offset",
        }
