"""Plugins change on disk while the program runs."""

from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path

import pytest
from tests.conftest import OPEN_IMPORTS, eventually

from platform_base.plugins.errors import PluginLoadError, PluginNotFoundError
from platform_base.plugins.registry import PluginRegistry

CODE = """
from platform_base.core.models import ProcessingResult

class Constant:
    def execute(self, inputs):
        return ProcessingResult(values={value!r})
    def validate_inputs(self, inputs):
        return True
    def get_manifest(self):
        return {{}}
"""


def write_plugin(directory: Path, value: object, *, version: str = "1.0.0", plugin_id: str = "constant") -> Path:
    """Write a plugin that returns `value`, each file replaced at once as editors do."""
    directory.mkdir(parents=True, exist_ok=True)
    manifest = {"plugin_id": plugin_id, "version": version, "entry_point": "constant.Constant"}
    for name, text in (("constant.py", CODE.format(value=value)), ("manifest.json", json.dumps(manifest))):
        temporary = directory / f".{name}.tmp"
        temporary.write_text(text)
        temporary.rename(directory / name)
    return directory


@pytest.fixture
def root(tmp_path):
    write_plugin(tmp_path / "plugins" / "constant", "first")
    return tmp_path / "plugins"


@pytest.fixture
def registry(root, nothing_left):
    with PluginRegistry(OPEN_IMPORTS) as made:
        made.discover_plugins(root)
        yield made


def answer(registry, plugin_id="constant"):
    return registry.execute_plugin(plugin_id, {}).values


class TestWatching:
    def test_an_edit_is_live_without_a_restart(self, registry, root):
        registry.enable_hot_reload()
        assert answer(registry) == "first"
        write_plugin(root / "constant", "second")
        assert eventually(lambda: answer(registry) == "second")

    def test_a_broken_edit_never_replaces_a_good_release(self, registry, root):
        registry.enable_hot_reload()
        assert answer(registry) == "first"
        (root / "constant" / "constant.py").write_text("def broken(:\n")
        assert eventually(lambda: registry.problems)
        assert "SyntaxError" in str(registry.problems[0])
        assert answer(registry) == "first"
        write_plugin(root / "constant", "third")
        assert eventually(lambda: answer(registry) == "third")
        assert eventually(lambda: not registry.problems)

    def test_a_broken_manifest_never_replaces_a_good_release(self, registry, root):
        registry.enable_hot_reload()
        assert answer(registry) == "first"
        (root / "constant" / "manifest.json").write_text("{")
        assert eventually(lambda: registry.problems)
        assert answer(registry) == "first"

    def test_a_touch_reloads_nothing(self, registry, root):
        registry.enable_hot_reload()
        before = registry.execute_plugin("constant", {}).execution.digest
        loads = registry.get_plugin_stats("constant")["cold_starts"]
        os.utime(root / "constant" / "constant.py")
        write_plugin(root / "other", "other", plugin_id="other")
        assert eventually(lambda: "other" in {info["id"] for info in registry.list_plugins()})
        assert registry.execute_plugin("constant", {}).execution.digest == before
        assert registry.get_plugin_stats("constant")["cold_starts"] == loads

    def test_directories_appear_and_vanish(self, registry, root):
        registry.enable_hot_reload()
        write_plugin(root / "other", "other", plugin_id="other")
        assert eventually(lambda: "other" in {info["id"] for info in registry.list_plugins()})
        assert answer(registry, "other") == "other"
        shutil.rmtree(root / "other")
        assert eventually(lambda: "other" not in {info["id"] for info in registry.list_plugins()})
        with pytest.raises(PluginNotFoundError):
            answer(registry, "other")

    def test_nothing_happens_once_it_is_switched_off(self, registry, root):
        registry.enable_hot_reload()
        registry.disable_hot_reload()
        registry.disable_hot_reload()
        assert answer(registry) == "first"
        write_plugin(root / "constant", "second")
        assert answer(registry) == "first"

    def test_calls_go_on_while_the_plugin_is_edited(self, registry, root):
        registry.enable_hot_reload()
        values = [f"value {number}" for number in range(10)]
        seen, failed, stop = [], [], threading.Event()

        def call():
            while not stop.is_set():
                try:
                    seen.append(answer(registry))
                except BaseException as error:
                    failed.append(repr(error))

        assert answer(registry) == "first"
        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        for value in values:
            write_plugin(root / "constant", value)
            live = eventually(lambda value=value: seen and seen[-1] == value)
            if not live:
                failed.append(f"{value} never went live")
        stop.set()
        for thread in threads:
            thread.join()
        assert failed == []
        assert set(seen) == {"first", *values}


class TestVersions:
    def test_the_highest_version_is_active(self, registry, root):
        write_plugin(root / "newer", "newer", version="1.1.0")
        write_plugin(root / "prerelease", "prerelease", version="2.0.0-rc.1")
        registry.discover_plugins(root)
        (info,) = registry.list_plugins()
        assert info["versions"] == ["1.0.0", "1.1.0", "2.0.0-rc.1"]
        assert info["version"] == "1.1.0"
        assert answer(registry) == "newer"

    def test_a_version_can_be_named_and_left_again(self, registry, root):
        write_plugin(root / "newer", "newer", version="1.1.0")
        registry.discover_plugins(root)
        registry.load_plugin("constant", version="1.0.0")
        assert answer(registry) == "first"
        registry.update_plugin("constant", version="1.1.0")
        assert answer(registry) == "newer"
        registry.update_plugin("constant", version="1.0.0")
        assert answer(registry) == "first"
        registry.update_plugin("constant")
        assert answer(registry) == "newer"

    def test_update_looks_at_the_disk_again(self, registry, root):
        assert answer(registry) == "first"
        write_plugin(root / "newer", "newer", version="1.1.0")
        registry.update_plugin("constant", version="1.1.0")
        assert answer(registry) == "newer"

    def test_an_update_that_does_not_load_leaves_the_old_version_in_service(self, registry, root):
        assert answer(registry) == "first"
        broken = write_plugin(root / "newer", "newer", version="1.1.0")
        (broken / "constant.py").write_text("import nothing_of_that_name\n")
        with pytest.raises(PluginLoadError):
            registry.update_plugin("constant", version="1.1.0")
        assert answer(registry) == "first"

    def test_an_unknown_version_is_refused_with_those_that_are_known(self, registry):
        with pytest.raises(PluginNotFoundError, match=r"1\.0\.0"):
            registry.load_plugin("constant", version="9.9.9")

    def test_a_running_call_finishes_on_the_release_it_began_with(self, registry, root):
        slow = CODE.format(value="slow").replace(
            "return ProcessingResult", "import time; time.sleep(0.5)\n        return ProcessingResult"
        )
        (root / "constant" / "constant.py").write_text(slow)
        registry.discover_plugins(root)
        future = registry.submit_plugin("constant", {})
        assert eventually(future.running)
        write_plugin(root / "newer", "newer", version="1.1.0")
        registry.update_plugin("constant", version="1.1.0")
        assert future.result(10).values == "slow"
        assert answer(registry) == "newer"


class TestSnapshots:
    def test_an_edit_without_hot_reload_does_not_leak_into_new_workers(self, registry, root):
        before = registry.execute_plugin("constant", {})
        registry.unload_plugin("constant")
        write_plugin(root / "constant", "second")
        after = registry.execute_plugin("constant", {})
        assert (after.values, after.execution.digest) == (before.values, before.execution.digest)

    def test_a_plugin_directory_that_vanishes_does_not_harm_its_workers(self, registry, root):
        assert answer(registry) == "first"
        shutil.rmtree(root / "constant")
        assert answer(registry) == "first"
