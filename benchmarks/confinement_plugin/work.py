"""NumPy work, timed from inside."""

from __future__ import annotations

import time

import numpy as np

from platform_base.core.models import ProcessingResult


class Work:
    """Runs one of four kernels and returns the seconds that it took."""

    def __init__(self):
        dice = np.random.default_rng(0)
        matrix = dice.random((400, 400))
        series = dice.random(1 << 19)
        self._kernels = {
            "matmul 400x400": lambda: matrix @ matrix,
            "fft 2^19": lambda: np.fft.rfft(series),
            "sort 2^19": lambda: np.sort(series),
            "ufunc 4 MB": lambda: np.sqrt(series) + series,
        }

    def execute(self, inputs):
        kernel = self._kernels[inputs["kernel"]]
        began = time.perf_counter()
        for _ in range(inputs["times"]):
            kernel()
        return ProcessingResult(values=time.perf_counter() - began)

    def validate_inputs(self, inputs):
        return inputs["kernel"] in self._kernels

    def get_manifest(self):
        return {"plugin_id": "confinement_plugin", "version": "1.0.0"}
