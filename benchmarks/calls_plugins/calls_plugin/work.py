"""The work that the benchmark of calls gives to everybody."""

from __future__ import annotations

import time

import numpy as np

from platform_base.core.models import ProcessingResult
from platform_base.plugins.base import get_context


class Work:
    """Doubles a series; without one it does nothing, pauses, or computes without end."""

    def execute(self, inputs):
        if inputs.get("in_place"):
            series = inputs["series"]
            out = get_context().empty(series.shape, series.dtype)
            return ProcessingResult(values=np.multiply(series, 2, out=out))
        if "series" in inputs:
            return ProcessingResult(values=inputs["series"] * 2)
        if "pause_seconds" in inputs:
            time.sleep(inputs["pause_seconds"])
        while inputs.get("endless"):
            pass
        return ProcessingResult(values=None)

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {"plugin_id": "calls_plugin", "version": "1.0.0"}
