"""When the imports that a plugin's sources state are checked: before its code runs, until it has passed once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from platform_base.plugins.errors import PluginLoadError
from platform_base.plugins.registry import PluginRegistry

SOURCE = """
from pathlib import Path

from platform_base.core.models import ProcessingResult


def never_called():
    import ctypes


class Late:
    def execute(self, inputs):
        return ProcessingResult(values=inputs["given"])

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {"plugin_id": "late", "version": "1.0.0"}
"""
MANIFEST = {
    "plugin_id": "late",
    "version": "1.0.0",
    "description": "Imports something where it never gets.",
    "author": "tests",
    "license": "MIT",
    "entry_point": "late.Late",
}


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    directory = tmp_path / "late"
    directory.mkdir()
    (directory / "manifest.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
    (directory / "late.py").write_text(SOURCE, encoding="utf-8")
    return directory


def scans(registry: PluginRegistry) -> list[bool]:
    """Whether the next worker of each release, under each set of settings, would look at the sources."""
    return [recipe.load.scan for recipe in registry._engine._workshop._recipes.values()]


def test_a_release_that_was_refused_is_looked_at_again(plugin, nothing_left):
    with PluginRegistry({"security": {"blocked_modules": ["ctypes"]}}) as registry:
        registry.discover_plugins(plugin)
        for _ in range(3):
            with pytest.raises(PluginLoadError, match=r"late\.py:8: module 'ctypes' is in security\.blocked_modules"):
                registry.load_plugin("late")
            assert False not in scans(registry)


def test_a_release_that_passed_is_not_looked_at_again(plugin, nothing_left):
    with PluginRegistry({"security": {"blocked_modules": []}}) as registry:
        registry.discover_plugins(plugin)
        registry.load_plugin("late")
        assert scans(registry) == [False]
        registry.unload_plugin("late")
        assert registry.execute_plugin("late", {"given": 7}).values == 7


def test_another_content_is_looked_at(plugin, nothing_left):
    """The finding belongs to the digest of the release, not to its name or version."""
    with PluginRegistry({"security": {"blocked_modules": ["ctypes"]}}) as registry:
        (plugin / "late.py").write_text(SOURCE.replace("import ctypes", "import math"), encoding="utf-8")
        registry.discover_plugins(plugin)
        registry.load_plugin("late")
        assert scans(registry) == [False]
        (plugin / "late.py").write_text(SOURCE, encoding="utf-8")
        with pytest.raises(PluginLoadError, match="ctypes"):
            registry.update_plugin("late")
        assert scans(registry).count(False) == 1


def test_other_lists_of_modules_look_again(plugin, nothing_left):
    """What one list lets through is no news about another one: each registry begins without a finding."""
    with PluginRegistry({"security": {"blocked_modules": []}}) as registry:
        registry.discover_plugins(plugin)
        registry.load_plugin("late")
    with PluginRegistry({"plugins": {"late": {"blocked_modules": ["ctypes"]}}}) as registry:
        registry.discover_plugins(plugin)
        with pytest.raises(PluginLoadError, match="ctypes"):
            registry.load_plugin("late")
