"""The cache is pruned in the background and by the command line, and running registries keep what they use."""

from __future__ import annotations

import json
import os

import pytest
from tests.conftest import OPEN_IMPORTS, eventually
from tests.plugins._reload.test_hot_reload import answer, write_plugin

from platform_base.cli.main import call
from platform_base.plugins.cache import prune_cache
from platform_base.plugins.registry import PluginRegistry
from platform_base.plugins.settings import CacheSettings

EVERYTHING = CacheSettings(max_age_days=0.0)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PLATFORM_BASE_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def root(tmp_path):
    write_plugin(tmp_path / "plugins" / "constant", "one")
    return tmp_path / "plugins"


def registry_of(root, **settings):
    registry = PluginRegistry({**OPEN_IMPORTS, **settings})
    registry.discover_plugins(root)
    return registry


def copies(cache):
    return {path.name for path in (cache / "releases").iterdir()}


def test_a_running_registry_keeps_what_it_serves_and_what_it_can_go_back_to(own_cache, root, nothing_left):
    with registry_of(root) as registry:
        assert answer(registry) == "one"
        write_plugin(root / "constant", "two")
        registry.update_plugin("constant")
        report = prune_cache(EVERYTHING)
        assert (report["removed"], len(report["in_use"])) == ([], 2)
        registry.rollback_plugin("constant")
        assert answer(registry) == "one"
    assert len(prune_cache(EVERYTHING)["removed"]) == 2
    assert copies(own_cache) == set()


def test_many_edits_hold_no_more_than_can_be_gone_back_to(own_cache, root, nothing_left):
    with registry_of(root) as registry:
        before = len(os.listdir("/proc/self/fd"))
        for number in range(12):
            write_plugin(root / "constant", f"edit {number}")
            registry.discover_plugins(root)
            assert answer(registry) == f"edit {number}"
        assert len(os.listdir("/proc/self/fd")) - before < 20
        assert len(prune_cache(EVERYTHING)["in_use"]) == 6


def test_a_registry_prunes_when_it_starts_once_an_hour(own_cache, root, nothing_left):
    with registry_of(root) as registry:
        assert answer(registry) == "one"
    write_plugin(root / "constant", "two")
    with registry_of(root, cache={"max_age_days": 0.0}) as registry:
        assert eventually(lambda: copies(own_cache) == set())
        assert answer(registry) == "two"
    write_plugin(root / "constant", "three")
    with registry_of(root, cache={"max_age_days": 0.0}) as registry:
        assert answer(registry) == "three"
        assert len(copies(own_cache)) == 2
    os.utime(own_cache / "pruned", (0, 0))
    with registry_of(root, cache={"max_age_days": 0.0}) as registry:
        assert eventually(lambda: len(copies(own_cache)) == 0)


def test_the_command_says_what_goes_and_deletes_it(own_cache, root, nothing_left, capsys, monkeypatch):
    with registry_of(root) as registry:
        assert answer(registry) == "one"
    monkeypatch.setenv("PLATFORM_BASE_CACHE__MAX_AGE_DAYS", "0")
    assert call(["cache", "prune", "--dry-run", "--json"]) == 0
    foreseen = json.loads(capsys.readouterr().out)
    assert (len(foreseen["removed"]), foreseen["dry_run"], foreseen["directory"]) == (1, True, str(own_cache))
    assert len(copies(own_cache)) == 1
    assert call(["cache", "prune"]) == 0
    text = capsys.readouterr().out
    assert foreseen["removed"][0]["digest"][7:19] in text
    assert "1 releases" in text
    assert copies(own_cache) == set()
    assert call(["cache"]) == 2
