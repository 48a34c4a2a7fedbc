"""Compiled kernels: kept for the next worker, loaded there without importing Numba again, given time to compile."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.conftest import OPEN_IMPORTS

from platform_base.plugins.errors import PluginTimeoutError
from platform_base.plugins.registry import PluginRegistry

pytest.importorskip("numba")

PLUGIN = Path(__file__).parent / "kernel_plugin"


@pytest.fixture
def plugins(tmp_path):
    """A release that nobody has: its digest, and with it its cache, are those of this test."""
    shutil.copytree(PLUGIN, tmp_path / "plugins" / "kernel_plugin")
    (tmp_path / "plugins" / "kernel_plugin" / "README.md").write_text(os.urandom(8).hex())
    return tmp_path / "plugins"


def registry_with(directory, *, preload=(), default_timeout=120.0, compile_timeout=0.0):
    security = {**OPEN_IMPORTS["security"], "default_timeout": default_timeout, "max_cpu_percent": None}
    workers = {"preload": list(preload), "compile_timeout": compile_timeout}
    registry = PluginRegistry({**OPEN_IMPORTS, "security": security, "workers": workers})
    registry.discover_plugins(directory)
    return registry


def call(registry, **inputs):
    return registry.execute_plugin("kernels", inputs).values


def kernel_cache(registry):
    """Where the compiled kernels of the only release lie."""
    (recipe,) = registry._engine._workshop._recipes.values()
    return Path(recipe.policy.kernel_cache)


def tear_files(registry):
    """Take the end off whatever is kept."""
    for path in kernel_cache(registry).rglob("*"):
        if path.is_file():
            os.truncate(path, path.stat().st_size // 2)


def import_numba(registry):
    """Take out of the next call what takes seconds on a busy machine; it still compiles for another dtype."""
    registry.execute_plugin("kernels", {}, timeout=300.0)


@pytest.mark.parametrize("preload", [(), ("numba",)])
def test_the_next_worker_finds_the_kernels_and_numba(nothing_left, plugins, preload):
    computed = {"total": 499500.0, "shrunk": 4.0}
    with registry_with(plugins, preload=preload) as registry:
        assert call(registry) == {
            **computed, "numba_was_there": bool(preload), "hits": [0, 0], "misses": [1, 1],
        }  # fmt: skip
    for _ in range(2):
        with registry_with(plugins, preload=preload) as registry:
            assert call(registry) == {**computed, "numba_was_there": True, "hits": [1, 1], "misses": [0, 0]}


def test_a_worker_of_the_same_registry_finds_them_too(nothing_left, plugins):
    with registry_with(plugins) as registry:
        assert call(registry)["misses"] == [1, 1]
        registry.unload_plugin("kernels")
        again = call(registry)
        assert again["hits"] == [1, 1]
        assert again["numba_was_there"]
        # A crash of the machine may tear what was written last.
        registry.unload_plugin("kernels")
        tear_files(registry)
        assert call(registry) == {**again, "hits": [0, 0], "misses": [1, 1]}
        registry.unload_plugin("kernels")
        assert call(registry) == again


def test_a_plugin_without_kernels_does_not_wait_for_numba(nothing_left, plugins):
    for _ in range(2):
        with registry_with(plugins) as registry:
            assert call(registry, compile=False) == {}
            assert [kernels for _, _, kernels in registry._engine._workshop._wardens] == [False]


def test_compiling_does_not_use_up_the_default_timeout(nothing_left, plugins):
    with registry_with(plugins, default_timeout=4.0, compile_timeout=60.0) as registry:
        import_numba(registry)
        assert call(registry, dtype="float32", seconds=4.2)["misses"] == [2, 1]


def test_but_it_has_a_limit(nothing_left, plugins):
    with registry_with(plugins, default_timeout=4.0, compile_timeout=0.5) as registry:
        import_numba(registry)
        with pytest.raises(PluginTimeoutError, match=r"4\.5 s") as caught:
            call(registry, dtype="float32", seconds=60.0)
        assert caught.value.timeout_s == 4.5
        assert "platform-base warmup" in str(caught.value)


def test_whoever_compiles_nothing_gets_no_more(nothing_left, plugins):
    with registry_with(plugins, default_timeout=0.5, compile_timeout=60.0) as registry:
        with pytest.raises(PluginTimeoutError) as caught:
            call(registry, compile=False, seconds=60.0)
        assert caught.value.timeout_s == 0.5
        assert "warmup" not in str(caught.value)


def test_nor_does_a_call_with_a_timeout_of_its_own(nothing_left, plugins):
    with registry_with(plugins, compile_timeout=60.0) as registry:
        call(registry)
        with pytest.raises(PluginTimeoutError) as caught:
            registry.execute_plugin("kernels", {"seconds": 60.0}, timeout=0.5)
        assert caught.value.timeout_s == 0.5
