"""The plugin class: it takes apart the inputs, calls the function, and packs the result."""

from __future__ import annotations

from typing import Any

import numpy as np

from platform_base.core.models import ProcessingResult
from platform_base.plugins.base import PluginProtocol

from .work_module import work_function

REQUIRED = ("required_inputs",)
ARRAYS = ("array_inputs",)
OTHERS = ("other_inputs",)
CONVERSIONS: dict[str, Any] = {"parameter": "conversion"}


class PluginTemplate(PluginProtocol):
    """function_summary."""

    def execute(self, inputs: dict[str, Any]) -> ProcessingResult:
        """Call `work_function`."""
        data = {name: np.asarray(inputs[name]) for name in ARRAYS if inputs.get(name) is not None}
        data |= {name: inputs[name] for name in OTHERS if inputs.get(name) is not None}
        params = dict(inputs.get("params", {}))
        params |= {name: convert(params[name]) for name, convert in CONVERSIONS.items() if params.get(name) is not None}
        return ProcessingResult(values=work_function(**data, **params))

    def validate_inputs(self, inputs: dict[str, Any]) -> bool:
        """Say whether every input is there that must be; the function says what is wrong with their values."""
        return all(inputs.get(name) is not None for name in REQUIRED)

    def get_manifest(self) -> dict[str, Any]:
        """Return what must agree with `manifest.json`."""
        return {"plugin_id": "plugin_template", "version": "0.1.0"}
