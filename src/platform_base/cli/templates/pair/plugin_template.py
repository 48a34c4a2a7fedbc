"""The plugin class: it takes apart the inputs, calls the work, and packs the result."""

from __future__ import annotations

from typing import Any

from platform_base.core.models import ProcessingResult
from platform_base.plugins.base import PluginProtocol

from .lagging import correlate_lags


class PluginTemplate(PluginProtocol):
    """Finds the lag between two series; put your own work in place of `correlate_lags`."""

    def execute(self, inputs: dict[str, Any]) -> ProcessingResult:
        """Compare ``inputs["target"]`` with ``inputs["reference"]``; see `correlate_lags`."""
        lags, correlations = correlate_lags(inputs["reference"], inputs["target"], **inputs.get("params", {}))
        best = int(correlations.argmax())
        metadata = {"lags": lags, "lag": int(lags[best]), "correlation": float(correlations[best])}
        return ProcessingResult(values=correlations, metadata=metadata)

    def validate_inputs(self, inputs: dict[str, Any]) -> bool:
        """Say whether both series are there; `execute` says what is wrong with their values."""
        return inputs.get("reference") is not None and inputs.get("target") is not None

    def get_manifest(self) -> dict[str, Any]:
        """Return what must agree with `manifest.json`."""
        return {"plugin_id": "plugin_template", "version": "0.1.0"}
