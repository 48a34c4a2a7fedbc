"""The command as users call it, and a small plugin for it to run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]

MANIFEST: dict[str, Any] = {
    "plugin_id": "scaler",
    "version": "1.2.0",
    "requires": ["numpy"],
    "entry_point": "scaler.Scaler",
    "description": "Multiplies \u001b[31m a series",
    "configuration": {
        "factor": {"type": "float", "default": 2.0, "unit": "V", "description": "What to multiply with"},
        "count": {"type": "integer", "default": 1, "minimum": 1, "maximum": 9},
        "mode": {"type": "string", "default": "scale", "options": ["scale", "fail", "wait", "table", "matrix"]},
        "flag": {"type": "boolean", "default": False},
        "weights": {"type": "array", "items": "float", "default": []},
        "limit": {"type": "integer", "default": None},
    },
}

CODE = """
import time

import numpy as np

from platform_base.core.models import ProcessingResult
from platform_base.plugins.base import get_context


class Scaler:
    def execute(self, inputs):
        params = inputs["params"]
        if params["mode"] == "fail":
            raise ValueError("no \\x1b[2J luck")
        if params["mode"] == "wait":
            get_context().report_progress(0.5, "half of it")
            time.sleep(60)
        series = np.asarray(inputs["series"], dtype=float)
        if params["mode"] == "table":
            return ProcessingResult(values={"rows": [1, 2]})
        if params["mode"] == "matrix":
            return ProcessingResult(values=float(series.sum()), metadata={"table": np.outer(series, series)})
        metadata = {"count": params["count"], "peak": series.max(), "twice": series * 2, "note": "done"}
        return ProcessingResult(values=series * params["factor"], metadata=metadata)

    def validate_inputs(self, inputs):
        return "series" in inputs

    def get_manifest(self):
        return {"plugin_id": "scaler", "version": "1.2.0"}
"""


@pytest.fixture
def scaler(tmp_path: Path) -> Path:
    """A directory with one plugin, `scaler`."""
    directory = tmp_path / "own" / "scaler"
    directory.mkdir(parents=True)
    (directory / "manifest.json").write_text(json.dumps(MANIFEST, indent=2))
    (directory / "scaler.py").write_text(CODE)
    return directory.parent


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Run ``platform-base`` with some words in a directory without settings."""

    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "platform_base.cli.main", *map(str, words)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return run
