"""A plugin is unloaded, updated, rolled back or closed while calls share a message: each call ends."""

from __future__ import annotations

import concurrent.futures
import json

import pytest
from tests.conftest import eventually

from platform_base.plugins.errors import RegistryClosedError
from platform_base.plugins.registry import PluginRegistry

CODE = """
import time

from platform_base.core.models import ProcessingResult
from platform_base.plugins.base import get_context

FACTOR = 2


class Quick:
    def execute(self, inputs):
        wish = inputs.get("wish")
        if wish == "block":
            get_context().report_progress(0.5)
        if wish:
            time.sleep(0.4 if wish == "block" else 0.1)
        return ProcessingResult(values=inputs["value"] * FACTOR)

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {"plugin_id": "quick"}
"""
CALLS = 6


def write(directory, factor, version="1.0.0"):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "quick.py").write_text(CODE.replace("FACTOR = 2", f"FACTOR = {factor}"))
    manifest = {"plugin_id": "quick", "version": version, "entry_point": "quick.Quick"}
    (directory / "manifest.json").write_text(json.dumps(manifest))


@pytest.fixture
def registry(tmp_path, nothing_left):
    """A plugin with two versions, of which the older one answers; its calls share messages by now."""
    write(tmp_path / "plugins" / "quick", 2)
    write(tmp_path / "plugins" / "quick_3", 3, "3.0.0")
    security = {"allowed_modules": None, "blocked_modules": []}
    with PluginRegistry({"security": security, "workers": {"max": 1}}) as made:
        made.discover_plugins(tmp_path / "plugins")
        made.load_plugin("quick", version="1.0.0")
        make_quick(made)
        yield made


def make_quick(registry):
    """Make calls until those of the release that answers are known to be short."""
    for _ in range(5000):
        registry.execute_plugin("quick", {"value": 1})
        if list(registry._engine._lanes.values())[-1].pace.is_quick:
            return
    raise AssertionError("64 short calls in a row never happened")


def state(registry):
    return [row["state"] for row in registry.list_workers()]


def share_a_message(registry, *, in_flight):
    """Have calls wait together behind one that runs, or run together; return the futures of all."""
    blocker = registry.submit_plugin("quick", {"value": 1, "wish": "block"})
    assert eventually(lambda: state(registry) == ["busy"])
    rest = [registry.submit_plugin("quick", {"value": 1, "wish": "rest"}) for _ in range(CALLS)]
    assert eventually(lambda: registry._engine.waiting().get("quick", 0) == CALLS or blocker.done())
    if in_flight:
        assert eventually(lambda: blocker.done() and not registry._engine.waiting())
    return [blocker, *rest]


#: What is done, the factor of the release that answers before, and of the one that answers afterwards.
CHANGES = {
    "unload": (lambda registry: registry.unload_plugin("quick"), 2, 2),
    "update": (lambda registry: registry.update_plugin("quick", version="3.0.0"), 2, 3),
    "roll back": (lambda registry: registry.rollback_plugin("quick"), 3, 2),
}


@pytest.mark.parametrize("in_flight", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_each_call_has_the_answer_of_one_release_and_later_ones_that_of_the_next(registry, change, in_flight):
    act, before, after = CHANGES[change]
    if before == 3:
        registry.update_plugin("quick", version="3.0.0")
        make_quick(registry)
    futures = share_a_message(registry, in_flight=in_flight)
    act(registry)
    assert {future.result(20).values for future in futures} == {before}
    assert registry.execute_plugin("quick", {"value": 1}).values == after
    assert registry._engine.waiting() == {}
    assert not registry._engine._active


@pytest.mark.parametrize("in_flight", [False, True])
def test_closing_ends_every_call_that_shares_a_message(registry, in_flight):
    futures = share_a_message(registry, in_flight=in_flight)
    registry.close()
    done, waiting = concurrent.futures.wait(futures, timeout=20)
    assert waiting == set()
    outcomes = {type(future.exception()) if not future.cancelled() else "cancelled" for future in done}
    assert outcomes <= {type(None), RegistryClosedError, concurrent.futures.CancelledError, "cancelled"}
