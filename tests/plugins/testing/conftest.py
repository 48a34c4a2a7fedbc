"""A plugin with one method body that a test chooses."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MANIFEST: dict[str, Any] = {
    "plugin_id": "blender",
    "version": "1.0.0",
    "requires": ["numpy"],
    "entry_point": "blender.Blender",
    "produces": [{"name": "blend", "at": "values", "dtype": "float64", "shape": ["first"]}],
    "configuration": {"share": {"type": "float", "default": 0.5, "minimum": 0, "maximum": 1}},
    "self_test": [
        {
            "name": "two halves",
            "inputs": {"first": {"value": [0.0, 2.0, 4.0]}, "second": {"value": [2.0, 2.0, 2.0]}},
            "expected": {"values": {"value": [1.0, 2.0, 3.0]}},
        }
    ],
}

CODE = """
import numpy as np

from platform_base.core.models import ProcessingResult

SEEN = []


class Blender:
    def execute(self, inputs):
        first, second = (self.series(inputs, name) for name in ("first", "second"))
        if len(first) != len(second):
            raise ValueError(f"second: expected {len(first)} values as in first, got {len(second)}")
        share = inputs["params"]["share"]
        values, metadata = share * first + (1 - share) * second, {"share": share}
{change}
        return ProcessingResult(values=values, metadata=metadata)

    def series(self, inputs, name):
        if inputs.get(name) is None:
            raise ValueError(f"{name}: expected a series, got nothing")
        series = np.asarray(inputs[name])
        if series.dtype.kind not in "iuf":
            raise TypeError(f"{name}: expected real numbers, got {series.dtype}")
        if series.ndim != 1 or series.size == 0 or not np.isfinite(series).all():
            raise ValueError(f"{name}: expected finite numbers in one dimension")
        return series.astype(float)

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {}
"""

MakePlugin = Callable[..., Path]


@pytest.fixture
def make_plugin(tmp_path: Path) -> MakePlugin:
    """Make the plugin, with lines put into `execute` before it returns, and keys of the manifest changed."""

    def make(change: str = "pass", **keys: Any) -> Path:
        directory = tmp_path / "made" / "blender"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "manifest.json").write_text(json.dumps({**MANIFEST, **keys}, indent=1))
        body = textwrap.indent(textwrap.dedent(change), " " * 8)
        (directory / "blender.py").write_text(CODE.replace("{change}", body))
        return directory

    return make
