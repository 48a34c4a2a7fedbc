"""The plugin class: it takes apart the inputs, calls the work, and packs the result."""

from __future__ import annotations

from typing import Any

from platform_base.core.models import ProcessingResult
from platform_base.plugins.base import PluginProtocol

from .standardizing import standardize


class PluginTemplate(PluginProtocol):
    """Standardizes a series; put your own work in place of `standardize`."""

    def execute(self, inputs: dict[str, Any]) -> ProcessingResult:
        """Standardize ``inputs["series"]``; see `standardize`."""
        values, center, spread = standardize(inputs["series"], **inputs.get("params", {}))
        return ProcessingResult(values=values, metadata={"center": center, "spread": spread, "samples": values.size})

    def validate_inputs(self, inputs: dict[str, Any]) -> bool:
        """Say whether the series is there; `execute` says what is wrong with its values."""
        return inputs.get("series") is not None

    def get_manifest(self) -> dict[str, Any]:
        """Return what must agree with `manifest.json`."""
        return {"plugin_id": "plugin_template", "version": "0.1.0"}
