"""Numerical libraries use the cores that their worker has."""

from __future__ import annotations

import os

import pytest

from platform_base.plugins._sandbox.grant import whole_cores
from platform_base.plugins.registry import PluginRegistry

CORES = len(os.sched_getaffinity(0))

PLUGIN = """
import ctypes
import sys
from pathlib import Path

import numpy as np

from platform_base.core.models import ProcessingResult


class Count:
    def get_manifest(self):
        return {"plugin_id": "count", "version": "1.0.0"}

    def validate_inputs(self, inputs):
        return True

    def execute(self, inputs):
        environ = sys.modules["os"].environ
        for path in (Path(np.__file__).parent.parent / "numpy.libs").glob("*openblas*"):
            library = ctypes.CDLL(str(path))
            for name in ("scipy_openblas_get_num_threads64_", "openblas_get_num_threads64_"):
                if hasattr(library, name):
                    return ProcessingResult(values=[getattr(library, name)(), int(environ["OMP_NUM_THREADS"])])
        return ProcessingResult(values=[])
"""


@pytest.mark.parametrize(
    ("percent", "threads"), [(10.0, 1), (50.0, 1), (100.0, 1), (199.0, 1), (200.0, min(2, CORES)), (None, CORES)]
)
def test_whole_cores(percent, threads):
    assert whole_cores(percent) == threads


@pytest.mark.parametrize("percent", [50.0, None])
def test_openblas_and_what_is_loaded_later_use_the_workers_cores(tmp_path, nothing_left, percent):
    directory = tmp_path / "count"
    directory.mkdir()
    (directory / "count.py").write_text(PLUGIN)
    (directory / "manifest.json").write_text(
        '{"plugin_id": "count", "version": "1.0.0", "entry_point": "count.Count", "core_min_version": "2.0.0",'
        ' "requires": ["numpy"], "produces": ["anything"], "description": "Says how many threads there are"}'
    )
    with PluginRegistry({"security": {"max_cpu_percent": percent}}) as registry:
        registry.discover_plugins(directory)
        counted = registry.execute_plugin("count", {}).values
    if not counted:
        pytest.skip("NumPy does not bring OpenBLAS here")
    assert counted == [whole_cores(percent)] * 2
