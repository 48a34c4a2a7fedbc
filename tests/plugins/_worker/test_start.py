"""What a worker inherits from the process that forks it, and what it must not share with its siblings."""

from __future__ import annotations

import json
import logging

import pytest

from platform_base.plugins.registry import PluginRegistry

CODE = """
import random
import sys

import numpy as np

from platform_base.core.models import ProcessingResult


class Draw:
    def execute(self, inputs):
        print("printed", "\\udcff")
        print("complained", file=sys.stderr)
        drawn = (random.random(), float(np.random.rand()), float(np.random.default_rng().random()))
        streams = [(each.encoding, each.errors, each.line_buffering) for each in (sys.stdout, sys.stderr)]
        return ProcessingResult(values=drawn, metadata={"streams": streams, "typed": sys.stdin.read()})

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {"plugin_id": "draw", "version": "1.0.0"}
"""


@pytest.fixture
def registry(tmp_path, nothing_left):
    directory = tmp_path / "plugins" / "draw"
    directory.mkdir(parents=True)
    (directory / "draw.py").write_text(CODE)
    manifest = {"plugin_id": "draw", "version": "1.0.0", "entry_point": "draw.Draw"}
    (directory / "manifest.json").write_text(json.dumps(manifest))
    with PluginRegistry({"workers": {"reuse": "call"}, "security": {"blocked_modules": []}}) as registry:
        registry.discover_plugins(directory)
        yield registry


def test_no_two_workers_draw_the_same_random_numbers(registry):
    drawn = [registry.execute_plugin("draw", {}).values for _ in range(6)]
    for column in zip(*drawn, strict=True):
        assert len(set(column)) == 6


def test_streams_are_text_line_by_line_and_take_everything(registry, caplog):
    with caplog.at_level(logging.INFO, logger="platform_base.plugins.output"):
        result = registry.execute_plugin("draw", {})
    assert result.metadata["streams"] == [("utf-8", "backslashreplace", True)] * 2
    assert result.metadata["typed"] == ""
    assert [record.getMessage() for record in caplog.records][:2] == [
        "draw | printed \\udcff",
        "draw | complained",
    ]
