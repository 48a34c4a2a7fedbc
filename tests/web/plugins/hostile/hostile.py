"""Does what the page's tests ask for, and says what a page must not believe."""

import ctypes
import threading

import numpy as np

from platform_base.core.models import ProcessingResult
from platform_base.plugins.base import PluginProtocol, get_context

MARKUP = "<img src=x onerror=\"document.title='owned'\">"


class Hostile(PluginProtocol):
    def execute(self, inputs):
        params = inputs["params"]
        if params["act"] == "hang":
            get_context().report_progress(0.25, MARKUP)
            threading.Event().wait()
        if params["act"] == "raise":
            raise ValueError(MARKUP)
        if params["act"] == "die":
            ctypes.string_at(0)
        if params["act"] == "odd":
            extremes = np.array([[1e308, -1e308, 1.0], [np.nan, np.inf, -np.inf], [0.0, 1.0, 2.0]])
            return ProcessingResult(
                values=np.array([1e308, -1e308, np.nan]),
                metadata={"panel.extremes": extremes, "half \ud800": "a\udfffb", "large": 10**5000},
            )
        if params["act"] == "matrix":
            return ProcessingResult(values=1.5, metadata={"costs": np.arange(12.0).reshape(3, 4), MARKUP: MARKUP})
        return ProcessingResult(
            values=np.asarray(inputs["series"]) * params["factor"], metadata={MARKUP: MARKUP, "given": repr(params)}
        )

    def validate_inputs(self, inputs):
        return "series" in inputs

    def get_manifest(self):
        return {"plugin_id": "hostile", "version": "1.0.0"}
