"""Updates with growing permissions, and the way back."""

from __future__ import annotations

import json
import shutil

import pytest
from tests.conftest import OPEN_IMPORTS, eventually
from tests.plugins._reload.test_hot_reload import CODE, answer, write_plugin

from platform_base.plugins.errors import PermissionGrowthError, PluginLoadError, PluginNotFoundError
from platform_base.plugins.registry import PluginRegistry


@pytest.fixture
def root(tmp_path):
    write_plugin(tmp_path / "plugins" / "v1", "one")
    return tmp_path / "plugins"


@pytest.fixture
def registry(root, nothing_left):
    with PluginRegistry(OPEN_IMPORTS) as made:
        made.discover_plugins(root)
        yield made


def ask_for(directory, **permissions):
    file = directory / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "permissions": permissions}))


class TestPermissions:
    def test_a_growth_is_refused_and_named(self, registry, root):
        ask_for(root / "v1", memory_mb=64, threads=2)
        registry.discover_plugins(root)
        assert answer(registry) == "one"
        ask_for(write_plugin(root / "v2", "two", version="2.0.0"), memory_mb=128, threads=1)
        with pytest.raises(PermissionGrowthError, match="accept_permissions=True") as caught:
            registry.update_plugin("constant", version="2.0.0")
        assert caught.value.added == ("memory_mb: 128 instead of 64",)
        assert answer(registry) == "one"
        update = registry.update_plugin("constant", version="2.0.0", accept_permissions=True)
        assert update["permissions_added"] == ["memory_mb: 128 instead of 64"]
        assert update["permissions_removed"] == ["threads: 1 instead of 2"]
        assert (update["from_version"], update["to_version"]) == ("1.0.0", "2.0.0")
        assert answer(registry) == "two"
        assert registry.problems == ()

    def test_asking_for_less_needs_no_agreement(self, registry, root):
        assert answer(registry) == "one"
        ask_for(write_plugin(root / "v2", "two", version="2.0.0"), memory_mb=64)
        assert registry.update_plugin("constant")["permissions_added"] == []
        assert answer(registry) == "two"

    def test_agreement_gives_no_more_than_the_settings(self, registry, root):
        assert answer(registry) == "one"
        ask_for(write_plugin(root / "v2", "two", version="2.0.0"), network={"tcp": ["example.org:443"]})
        with pytest.raises(PermissionGrowthError):
            registry.update_plugin("constant")
        with pytest.raises(PluginLoadError, match="asks for more than it is given"):
            registry.update_plugin("constant", accept_permissions=True)
        assert answer(registry) == "one"


class TestUpdate:
    def test_other_plugins_are_left_alone(self, registry, root):
        write_plugin(root / "other", "before", plugin_id="other")
        registry.discover_plugins(root)
        assert answer(registry, "other") == "before"
        write_plugin(root / "other", "after", plugin_id="other")
        write_plugin(root / "v2", "two", version="2.0.0")
        registry.update_plugin("constant")
        assert (answer(registry), answer(registry, "other")) == ("two", "before")

    def test_a_version_whose_directory_is_gone_is_not_the_highest(self, registry, root):
        write_plugin(root / "v2", "two", version="2.0.0")
        registry.discover_plugins(root)
        registry.load_plugin("constant", version="1.0.0")
        shutil.rmtree(root / "v2")
        assert registry.update_plugin("constant")["to_version"] == "1.0.0"

    def test_an_unknown_version_comes_with_the_problems_of_the_manifests(self, registry, root):
        (write_plugin(root / "v2", "two", version="2.0.0") / "manifest.json").write_text("{")
        with pytest.raises(PluginNotFoundError) as caught:
            registry.update_plugin("constant", version="2.0.0")
        assert any(str(root / "v2" / "manifest.json") in note for note in caught.value.__notes__)

    def test_edited_content_of_the_same_version_is_taken_up(self, registry, root):
        assert answer(registry) == "one"
        write_plugin(root / "v1", "one, corrected")
        registry.update_plugin("constant", version="1.0.0")
        assert answer(registry) == "one, corrected"

    def test_edited_content_that_does_not_load_is_not(self, registry, root):
        assert answer(registry) == "one"
        (root / "v1" / "constant.py").write_text("def broken(:\n")
        with pytest.raises(PluginLoadError):
            registry.update_plugin("constant")
        registry.unload_plugin("constant")
        assert answer(registry) == "one"


class TestRollback:
    def test_back_through_the_releases_that_served(self, registry, root):
        seen = [answer(registry)]
        for number in range(2, 9):
            write_plugin(root / f"v{number}", f"{number}", version=f"{number}.0.0")
            registry.update_plugin("constant")
            seen.append(answer(registry))
        for expected in seen[-2:1:-1]:
            registry.rollback_plugin("constant")
            assert answer(registry) == expected
        with pytest.raises(PluginNotFoundError, match="expected a release that served before"):
            registry.rollback_plugin("constant")

    def test_it_needs_no_file_of_the_author(self, registry, root):
        assert answer(registry) == "one"
        write_plugin(root / "v2", "two", version="2.0.0")
        registry.update_plugin("constant")
        shutil.rmtree(root / "v1")
        update = registry.rollback_plugin("constant")
        assert (update["from_version"], update["to_version"]) == ("2.0.0", "1.0.0")
        assert answer(registry) == "one"
        registry.discover_plugins(root)
        assert answer(registry) == "one"

    def test_an_edit_is_undone_and_stays_undone_until_the_next_edit(self, registry, root):
        registry.enable_hot_reload()
        assert answer(registry) == "one"
        write_plugin(root / "v1", "mistake")
        assert eventually(lambda: answer(registry) == "mistake")
        registry.rollback_plugin("constant")
        assert answer(registry) == "one"
        registry.discover_plugins(root)
        registry.unload_plugin("constant")
        assert answer(registry) == "one"
        write_plugin(root / "v1", "corrected")
        assert eventually(lambda: answer(registry) == "corrected")

    def test_update_goes_forward_again(self, registry, root):
        assert answer(registry) == "one"
        write_plugin(root / "v1", "two")
        registry.update_plugin("constant")
        registry.rollback_plugin("constant")
        assert answer(registry) == "one"
        registry.update_plugin("constant")
        assert answer(registry) == "two"

    def test_an_edit_that_raised_the_version_in_place_is_undone(self, registry, root):
        assert answer(registry) == "one"
        write_plugin(root / "v1", "two", version="1.1.0")
        registry.update_plugin("constant")
        assert answer(registry) == "two"
        registry.rollback_plugin("constant")
        registry.discover_plugins(root)
        assert answer(registry) == "one"

    def test_a_running_call_finishes_where_it_began(self, registry, root):
        assert answer(registry) == "one"
        slow = CODE.format(value="slow").replace(
            "return ProcessingResult", "import time; time.sleep(0.5)\n        return ProcessingResult"
        )
        (root / "v1" / "constant.py").write_text(slow)
        registry.update_plugin("constant")
        future = registry.submit_plugin("constant", {})
        assert eventually(future.running)
        registry.rollback_plugin("constant")
        assert answer(registry) == "one"
        assert future.result(10).values == "slow"

    def test_nothing_to_go_back_to(self, registry):
        with pytest.raises(PluginNotFoundError):
            registry.rollback_plugin("constant")
        with pytest.raises(PluginNotFoundError):
            registry.rollback_plugin("absent")
