"""What is observed of a plugin while it loads and runs, against what it was written to do."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Command, command  # noqa: F401  a fixture
from tests.plugins.testing.conftest import MakePlugin

from platform_base.plugins.errors import PluginLoadError
from platform_base.plugins.permissions import Permissions
from platform_base.plugins.testing.permission_use import Sighting, compare_use, least_permissions
from platform_base.plugins.testing.probe import Probe, probe_plugin

BUSY = """
import threading, pathlib
thread = threading.Thread(target=int)
thread.start()
thread.join()
pathlib.Path({used!r}).read_text()
try:
    open("/etc/shadow")
except OSError:
    pass
from platform_base.plugins.base import get_context
(get_context().scratch / "note").write_text("mine")
large = np.ones(40_000_000 // 8)
"""


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """Two directories that the settings give, of which the plugin uses one."""
    used, idle = tmp_path / "given" / "used", tmp_path / "given" / "idle"
    for place in (used, idle):
        place.mkdir(parents=True)
        (place / "file.txt").write_text("content")
        for parent in (place, *place.parents):
            if parent == tmp_path.parent.parent:
                break
            parent.chmod(0o755)
    return used, idle


def settings_for(*places: Path) -> dict[str, Any]:
    return {"security": {"filesystem": {"read": [str(place) for place in places]}, "max_threads": 8}}


def uses(probe: Probe) -> dict[str, Any]:
    return {use.name: use for use in probe.permissions}


def test_what_a_busy_plugin_uses(make_plugin: MakePlugin, places: tuple[Path, Path], nothing_left: None) -> None:
    used, idle = places
    asked = {"filesystem": {"read": [str(used), str(idle)]}, "memory_mb": 400, "threads": 4}
    directory = make_plugin(BUSY.format(used=str(used / "file.txt")), permissions=asked)
    (directory / "blender.py").write_text("import colorsys\n" + (directory / "blender.py").read_text())
    probe = probe_plugin(directory, config=settings_for(used, idle))
    assert (probe.self_tests, probe.failed) == (1, ())
    assert probe.own_modules == ("blender",)
    assert "numpy" in probe.packages
    assert probe.standard_modules >= 1
    found = uses(probe)
    assert found["filesystem.read"].loading == ()
    assert str(used / "file.txt") in found["filesystem.read"].running
    assert f"{idle} was not used while loading or in the self-tests" in found["filesystem.read"].advice
    assert "tried without asking: /etc/shadow" in found["filesystem.read"].advice
    assert str(used) not in found["filesystem.read"].advice
    assert found["filesystem.write"].running == ()  # the scratch directory is everybody's own
    assert found["threads"].running == ("1 started",)
    assert probe.run_peak_mb > probe.load_peak_mb + 35
    assert probe.least["filesystem"] == {"read": [str(used)]}
    assert probe.run_peak_mb < probe.least["memory_mb"] < 400
    assert json.loads(json.dumps(probe.describe()))["self_tests"] == 1


def test_a_plugin_with_a_required_parameter_and_no_self_test(make_plugin: MakePlugin) -> None:
    directory = make_plugin(self_test=[], configuration={"share": {"type": "float", "nullable": False}})
    probe = probe_plugin(directory)
    assert (probe.self_tests, probe.run_peak_mb) == (0, 0.0)
    assert probe.import_seconds <= probe.load_seconds


def test_requirements_are_compared_with_imports(make_plugin: MakePlugin) -> None:
    directory = make_plugin(requires=["msgspec"])
    assert probe_plugin(directory).advice == (
        'requires: its files import numpy; add "numpy"',
        "requires: msgspec is not imported by the files that were loaded",
    )
    code = (directory / "blender.py").read_text()
    optional = "try:\n    import scipy\nexcept ImportError:\n    scipy = None\n"
    (directory / "blender.py").write_text(optional + code)
    assert not [line for line in probe_plugin(directory).advice if "scipy" in line]


def test_a_self_test_that_fails_is_named(make_plugin: MakePlugin) -> None:
    assert probe_plugin(make_plugin("raise KeyError('x')")).failed == ("two halves: KeyError: 'x'",)


def test_what_does_not_load_is_an_error(make_plugin: MakePlugin) -> None:
    directory = make_plugin()
    (directory / "blender.py").write_text("class Blender(:\n")
    with pytest.raises(PluginLoadError, match="SyntaxError"):
        probe_plugin(directory)


def test_validate_with_probe(command: Command, make_plugin: MakePlugin) -> None:  # noqa: F811
    directory = make_plugin(permissions={"memory_mb": 500})
    done = command("validate", directory, "--probe")
    assert done.returncode == 0
    assert re.search(r"memory_mb +500 +[0-9.]+ MB +[0-9.]+ MB", done.stdout)
    assert "note: permissions.memory_mb: 64 would do for these calls" in done.stdout
    assert 'least that covers this: "permissions": {"memory_mb": 64}' in done.stdout
    document = json.loads(command("validate", directory, "--probe", "--json").stdout)
    assert document["probe"]["least"] == {"memory_mb": 64}
    assert json.loads(command("validate", directory, "--json").stdout)["probe"] is None


class TestCompareUse:
    """The comparison alone, on what is hard to have a plugin do."""

    @staticmethod
    def compare(asked: dict[str, Any], loading: Sighting = Sighting(), running: Sighting = Sighting()) -> Any:  # noqa: B008
        permissions = Permissions.model_validate(asked)
        found = compare_use(permissions, loading, running, ["/usr/lib"], ran=True)
        return {use.name: use for use in found}, least_permissions(found, permissions)

    def test_nothing_asked_and_nothing_used(self) -> None:
        found, least = self.compare({}, Sighting(read=("/usr/lib/python/a.py", "relative")))
        assert least == {}
        assert {use.advice for use in found.values()} == {""}

    def test_network_and_processes(self) -> None:
        asked = {"network": {"tcp": ["a.org:443", "b.org:443"]}, "processes": 2}
        found, least = self.compare(asked, running=Sighting(connections=("a.org:443", "c.org:80")))
        assert "b.org:443 was not used" in found["network"].advice
        assert "tried without asking: c.org:80" in found["network"].advice
        assert "2 was not used" in found["processes"].advice
        assert "processes" not in least
        _, least = self.compare(asked, running=Sighting(processes=("os.fork",), connections=("a.org:443",)))
        assert least == {"network": {"tcp": ["a.org:443"]}, "processes": 2}

    def test_writing_below_what_was_asked(self) -> None:
        found, least = self.compare({"filesystem": {"write": ["/data"]}}, running=Sighting(written=("/data/a/b",)))
        assert found["filesystem.write"].advice == ""
        assert least == {"filesystem": {"write": ["/data"]}}
        found, _ = self.compare({}, running=Sighting(written=("/database",)))
        assert "tried without asking: /database" in found["filesystem.write"].advice
