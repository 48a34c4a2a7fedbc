"""A plugin with NumPy loaded."""

from __future__ import annotations

import numpy as np

from platform_base.core.models import ProcessingResult


class Work:
    """Returns a sum."""

    def execute(self, inputs):
        return ProcessingResult(values=float(np.arange(10).sum()))

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {"plugin_id": "numpy_plugin", "version": "1.0.0"}
