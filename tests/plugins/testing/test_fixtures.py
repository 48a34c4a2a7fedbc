"""`pytest` in a plugin's folder needs nothing else: fixtures, imports, and one case for each property."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.plugins.testing.conftest import MakePlugin

from platform_base.plugins.testing.fixtures import find_plugin
from platform_base.plugins.testing.properties import PROPERTIES

TESTS = """
import numpy as np
import pytest

from plugins.blender.blender import Blender


def test_the_class_by_itself():
    result = Blender().execute({"first": [1.0], "second": [3.0], "params": {"share": 0.5}})
    np.testing.assert_array_equal(result.values, [2.0])


def test_in_its_sandbox(run_plugin, plugin_manifest, plugin_directory):
    result = run_plugin({"first": [1.0], "second": [3.0]}, {"share": 0.0})
    np.testing.assert_array_equal(result.values, [3.0])
    assert "landlock" in result.execution.protections
    assert result.execution.plugin_id == plugin_manifest.plugin_id
    assert (plugin_directory / "manifest.json").is_file()


def test_property(plugin_property):
    plugin_property.require()
"""


def run_pytest(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def write_tests(directory: Path, text: str = TESTS) -> Path:
    (directory / "tests").mkdir()
    (directory / "tests" / "test_blender.py").write_text(text)
    return directory


def test_pytest_in_a_plugins_folder(make_plugin: MakePlugin, tmp_path: Path) -> None:
    directory = write_tests(make_plugin())
    done = run_pytest(directory)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{2 + len(PROPERTIES)} passed" in done.stdout
    # From elsewhere it is the same, also where another directory is called plugins.
    (tmp_path / "plugins").mkdir()
    done = run_pytest(tmp_path, str(directory), "-k", "by_itself")
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_a_property_that_a_plugin_has_not(make_plugin: MakePlugin) -> None:
    directory = write_tests(make_plugin("values[1]", produces=[]))
    done = run_pytest(directory, "-k", "one_point or nan or produces", "-rs")
    assert done.returncode == 1
    assert "1 failed, 1 passed, 1 skipped" in done.stdout
    assert "one_point: expected a plugin where a series of one point gives a value or a clear error" in done.stdout
    assert "first and second cut to one point: expected a value" in done.stdout
    assert "the manifest promises nothing" in done.stdout


def test_settings_of_tests(make_plugin: MakePlugin) -> None:
    directory = write_tests(make_plugin())
    (directory / "pytest.ini").write_text("[pytest]\nplatform_base_config = strict.yaml\n")
    (directory / "strict.yaml").write_text("security: {blocked_modules: [numpy]}\n")
    done = run_pytest(directory, "-k", "sandbox")
    assert done.returncode == 1
    assert "security.blocked_modules" in done.stdout


def test_a_test_that_belongs_to_no_plugin(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"name": "an extension of a browser"}')
    file = tmp_path / "test_it.py"
    file.write_text("def test_it(plugin_directory): pass\n\ndef test_other(): pass\n")
    assert find_plugin(file) is None
    done = run_pytest(tmp_path)
    assert "1 passed, 1 error" in done.stdout
    assert "expected a manifest.json beside the test" in done.stdout


@pytest.mark.parametrize("module", ["platform_base.plugins.testing", "platform_base.plugins.testing.fixtures"])
def test_fixtures_cost_nothing_where_they_are_not_used(module: str) -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", f"import {module}, sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"numpy", "pydantic", "msgspec", "yaml", "platform_base.plugins.registry"}.isdisjoint(loaded)
