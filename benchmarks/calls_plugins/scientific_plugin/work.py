"""A plugin with NumPy, SciPy and numba loaded."""

from __future__ import annotations

import numba
import numpy as np
import scipy.signal

from platform_base.core.models import ProcessingResult


class Work:
    """Returns a filtered sum."""

    def execute(self, inputs):
        filtered = scipy.signal.detrend(np.arange(10.0))
        return ProcessingResult(values=float(filtered.sum()), metadata={"numba": numba.__version__})

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {"plugin_id": "scientific_plugin", "version": "1.0.0"}
