"""Compiles kernels, one of its own and one of the core's, and says where they came from."""

from __future__ import annotations

import sys
import time

import numpy as np

from platform_base.core.models import ProcessingResult
from platform_base.plugins.base import PluginProtocol

NUMBA_WAS_THERE = "numba" in sys.modules


class KernelPlugin(PluginProtocol):
    """On request it takes its time afterwards."""

    def execute(self, inputs):
        began = time.monotonic()
        found = self.compute(inputs.get("dtype", "float64")) if inputs.get("compile", True) else {}
        while time.monotonic() - began < inputs.get("seconds", 0.0):
            time.sleep(0.01)
        return ProcessingResult(values=found, metadata={})

    def compute(self, dtype):
        from platform_base.kernels.pruning import shrink

        from . import kernel

        total = kernel.add_up(np.arange(1000, dtype=dtype))
        shrunk = shrink(np.ones((64, 1)))
        stats = kernel.add_up.stats, shrink.for_python.stats
        return {
            "total": total,
            "shrunk": float(shrunk.sum()),
            "numba_was_there": NUMBA_WAS_THERE,
            "hits": [sum(each.cache_hits.values()) for each in stats],
            "misses": [sum(each.cache_misses.values()) for each in stats],
        }

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {"plugin_id": "kernels", "version": "1.0.0"}
