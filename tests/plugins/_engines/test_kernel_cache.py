"""The one directory that a worker may write to and that outlives it: nothing else can be had through it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.conftest import OPEN_IMPORTS

from platform_base.plugins.cache import prune_cache
from platform_base.plugins.errors import ResourceLimitError
from platform_base.plugins.registry import PluginRegistry
from platform_base.plugins.settings import CacheSettings

CODE = '''
import os

from platform_base.core.models import ProcessingResult

PLACE = os.environ["NUMBA_CACHE_DIR"]


def _refusal(attempt):
    try:
        attempt()
    except OSError as error:
        return type(error).__name__
    return "done"


class Vandal:
    def execute(self, inputs):
        return ProcessingResult(values=getattr(self, inputs["do"])(inputs))

    def place(self, inputs):
        return PLACE

    def usurp(self, inputs):
        """Put something else where workers and the host look for kernels."""
        aside = f"{os.path.dirname(PLACE)}/aside"
        attempts = {
            "move away": lambda: os.rename(PLACE, aside),
            "move to scratch": lambda: os.rename(PLACE, f"{os.environ['HOME']}/aside"),
            "remove": lambda: os.rmdir(PLACE),
            "write beside": lambda: open(aside, "w").close(),
            "link beside": lambda: os.symlink("/", aside),
            "another release": lambda: os.mkdir(f"{os.path.dirname(os.path.dirname(PLACE))}/{'0' * 64}"),
        }
        return {name: _refusal(attempt) for name, attempt in attempts.items()}

    def hoard(self, inputs):
        """More names than thousands of kernels have; what is in them would be found in the same way."""
        for number in range(6000):
            open(f"{PLACE}/{number}", "w").close()
        while True:
            sum(range(100_000))

    def litter(self, inputs):
        """What is in the way of whoever clears up."""
        os.symlink("/", f"{PLACE}/root")
        os.mkdir(f"{PLACE}/closed", 0)
        os.mkdir(f"{PLACE}/hidden", 0o300)
        place = os.open(f"{PLACE}/hidden", os.O_PATH)
        for _ in range(100):
            os.mkdir("deeper", dir_fd=place)
            inner = os.open("deeper", os.O_PATH, dir_fd=place)
            os.close(place)
            place = inner
        with open(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=place), "w") as file:
            file.write("x")
        return sorted(os.listdir(PLACE))

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {"plugin_id": "vandal", "version": "1.0.0"}
'''


@pytest.fixture
def vandal(nothing_left, tmp_path, monkeypatch):
    """A plugin, and a cache that holds nothing but what is its own."""
    monkeypatch.setenv("PLATFORM_BASE_CACHE_DIR", str(tmp_path / "cache"))
    directory = tmp_path / "plugins" / "vandal"
    directory.mkdir(parents=True)
    (directory / "vandal.py").write_text(CODE)
    (directory / "manifest.json").write_text(
        json.dumps({"plugin_id": "vandal", "version": "1.0.0", "entry_point": "vandal.Vandal"})
    )
    security = {**OPEN_IMPORTS["security"], "max_cpu_percent": None, "accept_missing": []}
    with PluginRegistry({**OPEN_IMPORTS, "security": security}) as registry:
        registry.discover_plugins(directory.parent)
        yield registry


def ask(registry, do):
    return registry.execute_plugin("vandal", {"do": do}).values


def test_a_worker_cannot_put_anything_in_its_place(vandal):
    place = Path(ask(vandal, "place"))
    found = ask(vandal, "usurp")
    assert {name for name, outcome in found.items() if outcome == "done"} == set()
    assert [path.name for path in place.parent.iterdir()] == [place.name]
    assert list(place.iterdir()) == []


def test_a_worker_that_hoards_there_is_stopped_and_nothing_is_kept(vandal):
    place = Path(ask(vandal, "place"))
    with pytest.raises(ResourceLimitError) as caught:
        ask(vandal, "hoard")
    assert caught.value.limit == "max_scratch_mb"
    assert Path(ask(vandal, "place")) == place
    assert list(place.iterdir()) == []


def test_what_is_in_the_way_of_clearing_up_is_cleared_up(vandal, tmp_path):
    place = Path(ask(vandal, "place"))
    assert ask(vandal, "litter") == ["closed", "hidden", "root"]
    vandal.unload_plugin("vandal")
    assert list(place.iterdir()) == []
    assert ask(vandal, "litter") == ["closed", "hidden", "root"]
    vandal.close()
    assert prune_cache(CacheSettings(max_age_days=0.0))["removed"] != []
    assert list((tmp_path / "cache" / "kernels").iterdir()) == []
