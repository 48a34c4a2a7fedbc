"""Fixtures for authors' tests, found by pytest through its entry point; they load the host only where they are used.

The plugin under test is the one whose directory, with ``manifest.json``, holds the test's file, one or two levels up.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from platform_base.core.models import ProcessingResult
    from platform_base.plugins.manifest import Manifest
    from platform_base.plugins.registry import PluginRegistry
    from platform_base.plugins.testing.report import PluginReport, Verdict

RunPlugin = Callable[..., "ProcessingResult"]
_NAMESPACE = "plugins"
_CONFIG = "platform_base_config"
_LEVELS = 3


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let ``platform_base_config`` in pytest's configuration name the settings under which plugins are tested."""
    parser.addini(_CONFIG, "settings under which plugins are tested, a file relative to the rootdir", default="")


def pytest_pycollect_makemodule(module_path: Path) -> None:
    """Make a plugin importable for its own tests, as ``plugins.NAME``: that is what its worker imports it as."""
    directory = find_plugin(module_path)
    if directory is not None and directory.name.isidentifier():
        make_importable(directory)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test of ``plugin_property`` one case for each property."""
    if "plugin_property" in metafunc.fixturenames:
        from platform_base.plugins.testing.properties import PROPERTIES

        metafunc.parametrize("plugin_property", [each.name for each in PROPERTIES], indirect=True)


def find_plugin(file: Path) -> Path | None:
    """Return the directory of the plugin that a test's file belongs to; None: it belongs to none."""
    for directory in file.parents[:_LEVELS]:
        manifest = directory / "manifest.json"
        if manifest.is_file():
            # Other programs have files of this name, too.
            return directory if b'"plugin_id"' in manifest.read_bytes() else None
    return None


def make_importable(directory: Path) -> None:
    """Make ``import plugins.NAME`` find a plugin's directory, unless it finds something already."""
    name = f"{_NAMESPACE}.{directory.name}"
    if name in sys.modules:
        return
    if _NAMESPACE not in sys.modules and importlib.util.find_spec(_NAMESPACE) is None:
        sys.modules[_NAMESPACE] = _package(_NAMESPACE, directory.parent)
    if importlib.util.find_spec(name) is None:
        sys.modules[name] = package = _package(name, directory)
        setattr(sys.modules[_NAMESPACE], directory.name, package)


def _package(name: str, directory: Path) -> ModuleType:
    spec = importlib.machinery.ModuleSpec(name, loader=None, is_package=True)
    spec.submodule_search_locations = [str(directory)]
    return importlib.util.module_from_spec(spec)


@pytest.fixture(scope="module")
def plugin_directory(request: pytest.FixtureRequest) -> Path:
    """The directory of the plugin that the test belongs to."""
    file = Path(str(request.path))
    directory = find_plugin(file)
    if directory is None:
        pytest.fail(
            f"{file}: expected a manifest.json beside the test or one or two levels up, got none", pytrace=False
        )
    return directory


@pytest.fixture(scope="module")
def plugin_manifest(plugin_directory: Path) -> Manifest:
    """The plugin's manifest."""
    from platform_base.plugins.manifest import MANIFEST_NAME, Manifest

    return Manifest.from_file(plugin_directory / MANIFEST_NAME)


@pytest.fixture(scope="module")
def plugin_registry(plugin_directory: Path, pytestconfig: pytest.Config) -> Iterator[PluginRegistry]:
    """A registry that knows the plugin, and no other."""
    from platform_base.plugins.registry import PluginRegistry

    with PluginRegistry(_settings(pytestconfig)) as registry:
        registry.discover_plugins(plugin_directory)
        yield registry


@pytest.fixture(scope="module")
def run_plugin(plugin_registry: PluginRegistry, plugin_manifest: Manifest) -> RunPlugin:
    """Run the plugin in its sandbox: ``run_plugin(inputs, params=None, timeout=None)`` returns the result."""

    def run(
        inputs: Mapping[str, Any], params: Mapping[str, Any] | None = None, timeout: float | None = None
    ) -> ProcessingResult:
        return plugin_registry.execute_plugin(plugin_manifest.plugin_id, inputs, params, timeout)

    return run


@pytest.fixture(scope="module")
def plugin_report(plugin_directory: Path, pytestconfig: pytest.Config) -> PluginReport:
    """What `check_plugin` finds; it is carried out once for all tests of a file."""
    from platform_base.plugins.testing.suite import check_plugin

    return check_plugin(plugin_directory, config=_settings(pytestconfig))


@pytest.fixture
def plugin_property(request: pytest.FixtureRequest, plugin_report: PluginReport) -> Verdict:
    """The verdict on one property after the other: ``plugin_property.require()`` is the whole test."""
    verdict = plugin_report[request.param]
    if verdict.state == "skipped":
        pytest.skip(verdict.detail)
    return verdict


def _settings(config: pytest.Config) -> Path | None:
    named = str(config.getini(_CONFIG))
    return config.rootpath / named if named else None
