"""What is installed: the wheel carries the bundled plugins and finds them; so does an editable install."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PROGRAM = """
import json
from platform_base.plugins.registry import PluginRegistry
with PluginRegistry() as registry:
    registry.discover_plugins()
    result = registry.execute_plugin("plugin_template", {"series": [1, 2, 3]})
    print(json.dumps({
        "directories": [info["directory"] for info in registry.list_plugins()],
        "ids": [info["id"] for info in registry.list_plugins()],
        "values": result.values.tolist(),
        "protections": result.execution.protections,
    }))
"""

BUNDLED = ["custom_filters", "dtw_align", "plugin_template", "twed_distance"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built from this tree, offline, by the build backend that is installed for development."""
    directory = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", directory, REPOSITORY],
        check=True,
        capture_output=True,
    )
    (found,) = directory.glob("*.whl")
    return found


def run_elsewhere(python: list[str], directory: Path) -> dict:
    finished = subprocess.run([*python, "-c", PROGRAM], cwd=directory, capture_output=True, text=True, check=True)
    return json.loads(finished.stdout)


def test_the_wheel_carries_plugins_settings_and_types(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "platform_base/_bundled_plugins/advanced_sync/manifest.json" in names
    assert "platform_base/_bundled_plugins/template/plugin_template.py" in names
    assert "platform_base/_config/plugins.yaml" in names
    assert "platform_base/_example_data/elnino.csv" in names
    assert "platform_base/web/templates/page.html" in names
    assert "platform_base/web/languages/pt.toml" in names
    assert "platform_base/web/static/vendor/uplot/LICENSE" in names
    assert "platform_base/web/file_reader/manifest.json" in names
    assert "platform_base/py.typed" in names
    for kind in ("series", "pair", "filter"):
        start = f"platform_base/cli/templates/{kind}/"
        assert {f"{start}manifest.json", f"{start}data/self_test.csv", f"{start}tests/test_plugin_template.py"} <= set(
            names
        )
    assert "platform_base/plugins/testing/observer.py" in names
    assert not [name for name in names if "__pycache__" in name or name.startswith(("plugins/", "tests/"))]


def test_an_installed_wheel_finds_and_runs_its_plugins(wheel, tmp_path):
    # The dependencies come from the environment that runs the tests; the package itself only from the wheel.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    packages = Path(
        subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
    )
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", packages, wheel],
        check=True,
    )
    import numpy

    (packages / "dependencies.pth").write_text(f"{Path(numpy.__file__).parent.parent}\n")
    found = run_elsewhere([str(python)], tmp_path)
    assert found["ids"] == BUNDLED
    assert all("_bundled_plugins" in directory for directory in found["directories"])
    assert found["values"] == [2.0, 4.0, 6.0]
    assert "landlock" in found["protections"]


def test_an_editable_install_finds_its_plugins_in_place(tmp_path):
    found = run_elsewhere([sys.executable], tmp_path)
    assert found["ids"] == BUNDLED
    assert all(Path(directory).parent == REPOSITORY / "plugins" for directory in found["directories"])


def test_importing_the_registry_loads_no_heavy_library():
    program = (
        "import sys, platform_base.plugins.registry; "
        "print([name for name in ('scipy', 'numba', 'pandas', 'matplotlib', 'typer') if name in sys.modules])"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"
