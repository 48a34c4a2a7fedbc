"""Plugins with requirements of their own, installed from the real package index; skipped where there is none."""

from __future__ import annotations

import base64
import concurrent.futures
import hashlib
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import OPEN_IMPORTS

from platform_base.cli.main import call as command
from platform_base.plugins._catalog.environments import Environments
from platform_base.plugins.cache import list_environments, prune_environments
from platform_base.plugins.errors import MissingDependencyError, PluginFailedError
from platform_base.plugins.registry import PluginRegistry

OLD_NUMPY = "numpy==1.26.4"

CODE = """
import os
import sys

import numpy as np

from platform_base.core.models import ProcessingResult


class Probe:
    def execute(self, inputs):
        return getattr(self, inputs["do"])(inputs)

    def double(self, inputs):
        return ProcessingResult(
            values=inputs["series"] * 2, metadata={"numpy": np.__version__, "file": np.__file__, "path": list(sys.path)}
        )

    def read(self, inputs):
        return ProcessingResult(values=open(inputs["path"], "rb").read())

    def write(self, inputs):
        open(inputs["path"], "wb").close()

    def load(self, inputs):
        module = __import__(inputs["name"])
        return ProcessingResult(values=module.__file__)

    def validate_inputs(self, inputs):
        return "do" in inputs

    def get_manifest(self):
        return {}
"""


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory):
    """A cache in which an environment with an old NumPy is built; skips where no package index can be reached."""
    pytest.importorskip("uv")
    cache = tmp_path_factory.mktemp("environments")
    before = os.environ.get("UV_CACHE_DIR")
    os.environ["UV_CACHE_DIR"] = str(cache / "uv")
    try:
        environments = Environments(cache / "cache")
        try:
            environments.build(environments.place([OLD_NUMPY]))
        except MissingDependencyError as error:
            pytest.skip(f"no environment can be built here: {error}")
        yield cache / "cache"
    finally:
        if before is None:
            del os.environ["UV_CACHE_DIR"]
        else:
            os.environ["UV_CACHE_DIR"] = before


@pytest.fixture
def cache(shared_cache, monkeypatch):
    monkeypatch.setenv("PLATFORM_BASE_CACHE_DIR", str(shared_cache))
    return shared_cache


def write_probe(root, *requires, plugin_id="probe", version="1.0.0"):
    directory = root / f"{plugin_id}-{version}"
    directory.mkdir(parents=True)
    manifest = {"plugin_id": plugin_id, "version": version, "entry_point": "probe.Probe", "requires": list(requires)}
    (directory / "manifest.json").write_text(json.dumps(manifest))
    (directory / "probe.py").write_text(CODE)
    return root


def registry_of(root, mode="isolated", **settings):
    registry = PluginRegistry({**OPEN_IMPORTS, "environments": mode, **settings})
    registry.discover_plugins(root)
    return registry


def run(registry, do="double", plugin_id="probe", **inputs):
    return registry.execute_plugin(plugin_id, {"do": do, **inputs})


class TestIsolation:
    def test_a_host_on_one_numpy_drives_a_plugin_on_another(self, cache, tmp_path, nothing_left):
        series = np.arange(100_000.0)
        with registry_of(write_probe(tmp_path, OLD_NUMPY)) as registry:
            registry.load_plugin("probe")
            result = run(registry, series=series)
            inner = run(registry, series=np.array([1, 2], dtype=">i4"))
        assert np.__version__.startswith("2.")
        assert result.metadata["numpy"] == "1.26.4"
        np.testing.assert_array_equal(result.values, series * 2)
        assert inner.values.tolist() == [2, 4]
        assert not any("site-packages" in entry for entry in result.metadata["path"])

    def test_beside_plugins_that_share_the_hosts_installation(self, cache, tmp_path, nothing_left):
        root = write_probe(write_probe(tmp_path, OLD_NUMPY), "numpy", plugin_id="other")
        with registry_of(root, mode="auto") as registry:
            registry.load_all()
            results = [run(registry, plugin_id=name, series=np.ones(1)) for name in ("probe", "other")]
        versions = [result.metadata["numpy"] for result in results]
        protections = {result.execution.protections for result in results}
        assert versions == ["1.26.4", np.__version__]
        assert len(protections) == 1
        assert "landlock" in protections.pop()

    def test_one_plugin_by_its_own_settings(self, cache, tmp_path, nothing_left):
        root = write_probe(tmp_path, OLD_NUMPY)
        with registry_of(root, mode="shared", plugins={"probe": {"environments": "isolated"}}) as registry:
            registry.load_plugin("probe")
            assert run(registry, series=np.ones(1)).metadata["numpy"] == "1.26.4"
        with (
            registry_of(root, mode="shared") as registry,
            pytest.raises(MissingDependencyError, match=r"numpy==1\.26\.4"),
        ):
            registry.load_plugin("probe")

    def test_confinement_holds_there_too(self, cache, tmp_path, nothing_left):
        secret = tmp_path / "secret"
        secret.write_text("secret")
        (environment,) = [row for row in list_environments() if row["requires"] == [OLD_NUMPY]]
        with registry_of(write_probe(tmp_path / "plugins", OLD_NUMPY)) as registry:
            registry.load_plugin("probe")
            for do, path in (
                ("read", secret),
                ("write", tmp_path / "new"),
                ("write", Path(environment["directory"]) / "site" / "new.py"),
                ("write", Path(environment["directory"]) / "core" / "numpy" / "__init__.py"),
            ):
                with pytest.raises(PluginFailedError) as caught:
                    run(registry, do, path=str(path))
                assert caught.value.remote_type in ("PermissionError", "FileNotFoundError", "OSError"), path
            with pytest.raises(PluginFailedError, match="No module named 'pandas'"):
                run(registry, "load", name="pandas")


class TestBuilding:
    def test_never_inside_a_call(self, cache, tmp_path, nothing_left):
        with registry_of(write_probe(tmp_path, "numpy==1.26.3")) as registry:
            before = {row["key"] for row in list_environments()}
            with pytest.raises(MissingDependencyError, match="calls do not build any"):
                run(registry, series=np.ones(1))
            assert {row["key"] for row in list_environments()} == before

    def test_releases_with_the_same_requirements_share_one(self, cache, tmp_path, nothing_left):
        root = write_probe(write_probe(tmp_path, OLD_NUMPY), OLD_NUMPY, version="1.1.0")
        with registry_of(root) as registry:
            lock = Path(registry.build_environment("probe")) / "lock.txt"
            before = lock.stat().st_mtime_ns
            for version in ("1.0.0", "1.1.0"):
                registry.load_plugin("probe", version=version)
                assert run(registry, series=np.ones(1)).metadata["numpy"] == "1.26.4"
            assert lock.stat().st_mtime_ns == before
        assert "--hash=sha256:" in lock.read_text()

    def test_many_at_once_build_one(self, cache, tmp_path):
        requires = ["numpy==1.26.4", "typing-extensions"]
        with concurrent.futures.ThreadPoolExecutor(3) as executor:

            def build(_):
                environments = Environments(cache)
                environments.build(environments.place(requires))
                return environments.place(requires).complete

            assert list(executor.map(build, range(3))) == [True] * 3
        assert [entry.name for entry in (cache / "environments").iterdir() if entry.name.startswith(".")] == []

    @pytest.mark.parametrize(
        ("requires", "reason"),
        [
            ("numpy==0.0.1", "cannot be built"),
            ("numpy @ https://example.org/numpy-1.26.4-py3-none-any.whl", "from the package index only"),
        ],
    )
    def test_what_cannot_be_built_leaves_nothing(self, cache, tmp_path, nothing_left, requires, reason):
        before = sorted(entry.name for entry in (cache / "environments").iterdir())
        with registry_of(write_probe(tmp_path, requires)) as registry:
            with pytest.raises(MissingDependencyError, match=reason):
                registry.load_plugin("probe")
            assert any(reason in problem.got for problem in registry.problems)
        assert sorted(entry.name for entry in (cache / "environments").iterdir()) == before


def make_wheel(directory, name, files):
    """Write a wheel by hand."""
    info = f"{name}-1.0.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(text)}")
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]) + "\n"
    directory.mkdir(exist_ok=True)
    with zipfile.ZipFile(directory / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


def test_what_a_plugin_requires_runs_in_no_process_but_its_worker(cache, tmp_path, nothing_left, monkeypatch):
    marker = tmp_path / "marker"
    attack = f"open({str(marker)!r}, 'a').write(__name__)\n"
    make_wheel(
        tmp_path / "wheels",
        "hostile_requirement",
        {
            "hostile_requirement.py": "VALUE = 1\n",
            "hostile.pth": f"import sys; {attack}",
            "sitecustomize.py": attack,
            "numpy/__init__.py": attack,
            "msgspec/__init__.py": attack,
            "platform_base/__init__.py": attack,
        },
    )
    places = [str(tmp_path / "wheels"), os.environ.get("UV_FIND_LINKS", "")]
    monkeypatch.setenv("UV_FIND_LINKS", ",".join(filter(None, places)))
    with registry_of(write_probe(tmp_path / "plugins", "hostile-requirement==1.0")) as registry:
        site = Path(registry.build_environment("probe")) / "site"
        # The installer lets either of two wheels win a file that both bring: here the hostile one has won.
        # It is put in place as a file of its own, because the installer links its files to those of its cache.
        for name in ("msgspec", "numpy"):
            (site / name / "__init__.py").unlink()
            (site / name / "__init__.py").write_text(attack)
        registry.load_plugin("probe")
        assert run(registry, "load", name="hostile_requirement").values.endswith("site/hostile_requirement.py")
        result = run(registry, series=np.ones(3))
    for path in ("hostile.pth", "msgspec/__init__.py", "numpy/__init__.py", "platform_base/__init__.py"):
        assert "marker" in (site / path).read_text()
    assert result.values.tolist() == [2.0] * 3
    assert "/core/numpy/" in result.metadata["file"]
    assert not marker.exists()


def test_pruning_and_the_command_line(cache, tmp_path, nothing_left, capsys, monkeypatch):
    root = write_probe(tmp_path / "plugins", OLD_NUMPY, "typing-extensions>=4")
    monkeypatch.setenv("PLATFORM_BASE_ENVIRONMENTS", "isolated")
    monkeypatch.setenv("PLATFORM_BASE_SECURITY__ALLOWED_MODULES", "null")
    monkeypatch.setenv("PLATFORM_BASE_SECURITY__BLOCKED_MODULES", "[]")
    assert command(["env", "build", "probe", "--plugins", str(root), "--json"]) == 0
    directory = Path(json.loads(capsys.readouterr().out)["directory"])
    assert command(["env", "list", "--json"]) == 0
    rows = {row["key"]: row for row in json.loads(capsys.readouterr().out)["environments"]}
    assert rows[directory.name]["requires"] == sorted([OLD_NUMPY, "typing-extensions>=4"])
    os.utime(directory, (0, 0))
    with registry_of(root) as registry:
        registry.load_plugin("probe")
        os.utime(directory, (0, 0))
        assert prune_environments(30.0) == []
        assert directory.is_dir()
    os.utime(directory, (0, 0))
    assert command(["env", "prune", "--dry-run", "--json"]) == 0
    assert [row["key"] for row in json.loads(capsys.readouterr().out)["removed"]] == [directory.name]
    assert directory.is_dir()
    assert command(["env", "prune"]) == 0
    assert "1 environments" in capsys.readouterr().out
    assert not directory.exists()
