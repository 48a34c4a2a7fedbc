"""Edits, switches and rollbacks under load, and what is left when the host dies in the middle, or the disk is full."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.conftest import OPEN_IMPORTS, eventually

from platform_base.plugins._catalog.digest import compute_digest
from platform_base.plugins.errors import PluginLoadError, PluginNotFoundError
from platform_base.plugins.registry import PluginRegistry

CODE = """
from platform_base.core.models import ProcessingResult

FIRST = {number}
{filler}
LAST = {number}

class Numbered:
    def execute(self, inputs):
        return ProcessingResult(values=[FIRST, LAST], metadata={{"version": self.get_manifest()["version"]}})
    def validate_inputs(self, inputs):
        return True
    def get_manifest(self):
        return {{"plugin_id": "numbered", "version": {version!r}}}
"""


def replace_file(path: Path, text: str) -> None:
    """As editors save: written aside, then renamed."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text)
    temporary.rename(path)


def write_numbered(directory: Path, number: int, version: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    manifest = {"plugin_id": "numbered", "version": version, "entry_point": "numbered.Numbered"}
    if not (directory / "manifest.json").exists():
        replace_file(directory / "manifest.json", json.dumps(manifest))
    filler = "\n".join(f"# {line}" for line in range(200))
    replace_file(directory / "numbered.py", CODE.format(number=number, version=version, filler=filler))
    return directory


class Callers:
    """Threads that call without pause, and remember which release answered each call."""

    def __init__(self, registry: PluginRegistry, count: int) -> None:
        self._registry = registry
        self._stop = threading.Event()
        self.failed: list[str] = []
        self.seen: list[list[tuple[str, int]]] = [[] for _ in range(count)]
        self._threads = [threading.Thread(target=self._call, args=(seen,)) for seen in self.seen]

    def _call(self, seen: list[tuple[str, int]]) -> None:
        while not self._stop.is_set():
            try:
                result = self._registry.execute_plugin("numbered", {})
            except BaseException as error:
                self.failed.append(repr(error))
                continue
            first, last = result.values
            if first != last or result.metadata["version"] != result.execution.version:
                self.failed.append(f"a mixture: {result}")
            seen.append((result.execution.digest, first))

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()


class Story:
    """What happens to the plugin while it is called, one thing after the other, each one seen through to its end."""

    def __init__(self, registry: PluginRegistry, root: Path) -> None:
        self._registry = registry
        self._root = root
        self._numbers = itertools.count(10)
        self.digests = [self._digest()]

    def _digest(self) -> str:
        (info,) = self._registry.list_plugins()
        return info["digest"]

    def _directory(self) -> Path:
        (info,) = self._registry.list_plugins()
        return Path(info["directory"])

    def _went_live(self) -> None:
        assert self._digest() != self.digests[-1]
        self.digests.append(self._digest())

    def edit(self) -> None:
        before, directory = self._digest(), self._directory()
        write_numbered(directory, next(self._numbers), json.loads((directory / "manifest.json").read_text())["version"])
        assert eventually(lambda: self._digest() != before, seconds=60), self._registry.problems
        self._went_live()

    def break_it(self) -> None:
        source = self._directory() / "numbered.py"
        good = source.read_text()
        replace_file(source, good[: len(good) // 2] + "\ndef broken(:\n")
        assert eventually(lambda: self._registry.problems, seconds=60)
        assert self._digest() == self.digests[-1]
        replace_file(source, good)
        # What was rolled back from lies there again: then it stays aside, and nothing else is wrong.
        assert eventually(lambda: not self._registry.problems, seconds=60)

    def switch(self) -> None:
        (info,) = self._registry.list_plugins()
        (other,) = {"1.0.0", "2.0.0"} - {info["version"]}
        self._registry.update_plugin("numbered", version=other)
        self._went_live()

    def roll_back(self) -> None:
        self._registry.rollback_plugin("numbered")
        self._went_live()


def is_in_order(seen, switches):
    """Whether the answers of one thread are a walk through the switches, never back."""
    place = 0
    for digest, _ in seen:
        while place < len(switches) and switches[place] != digest:
            place += 1
        if place == len(switches):
            return False
    return True


@pytest.mark.parametrize(
    ("edits", "broken", "switches", "rollbacks"),
    [(8, 2, 3, 3), pytest.param(100, 20, 20, 20, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])],
)
def test_no_call_is_lost_and_each_answer_is_one_releases(tmp_path, nothing_left, edits, broken, switches, rollbacks):
    root = tmp_path / "plugins"
    write_numbered(root / "one", 1, "1.0.0")
    write_numbered(root / "two", 2, "2.0.0")
    steps = ["edit"] * edits + ["break_it"] * broken + ["switch"] * switches + ["roll_back"] * rollbacks
    random.Random(4).shuffle(steps)
    # There must be something to go back to: five steps are kept, and each rollback uses one up.
    steps.sort(key=lambda step: step == "roll_back" and edits < 10)
    with PluginRegistry({**OPEN_IMPORTS, "workers": {"max": 2}}) as registry:
        registry.discover_plugins(root)
        registry.load_plugin("numbered", version="1.0.0")
        registry.enable_hot_reload()
        story = Story(registry, root)
        with Callers(registry, 8) as callers:
            for step in steps:
                try:
                    getattr(story, step)()
                except PluginNotFoundError:
                    assert step == "roll_back"
                    story.edit()
                    story.roll_back()
    assert callers.failed == []
    numbers: dict[str, set[int]] = {}
    for digest, number in (answer for seen in callers.seen for answer in seen):
        numbers.setdefault(digest, set()).add(number)
    assert all(len(found) == 1 for found in numbers.values())
    assert set(numbers) <= set(story.digests)
    assert all(is_in_order(seen, story.digests) for seen in callers.seen)
    assert sum(map(len, callers.seen)) > len(steps)


HOST = """
import itertools, json, sys
from pathlib import Path
from platform_base.plugins.registry import PluginRegistry
from tests.plugins._reload.test_life_cycle import write_numbered

root, first = Path(sys.argv[1]), int(sys.argv[2])
registry = PluginRegistry({"security": {"allowed_modules": None}})
registry.discover_plugins(root)
registry.load_plugin("numbered", version="1.0.0")
((warden, _),) = registry._engine._workshop._wardens.values()
print(warden.pid, flush=True)
for number in itertools.count(first):
    name, version = ("one", "1.0.0") if number % 2 else ("two", "2.0.0")
    write_numbered(root / name, number, version)
    registry.update_plugin("numbered", version=version)
    registry.execute_plugin("numbered", {})
    print(number, flush=True)
"""


@pytest.mark.parametrize("deaths", [4, pytest.param(60, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])])
def test_a_host_that_is_killed_in_the_middle_of_a_switch(tmp_path, nothing_left, monkeypatch, deaths):
    cache = tmp_path / "cache"
    monkeypatch.setenv("PLATFORM_BASE_CACHE_DIR", str(cache))
    root = tmp_path / "plugins"
    write_numbered(root / "one", 1, "1.0.0")
    write_numbered(root / "two", 2, "2.0.0")
    for name in ("one", "two"):
        # Many files: copying them takes a while, in which the host dies now and then.
        for number in range(150):
            (root / name / f"data{number}.bin").write_bytes(os.urandom(200))
    randomly = random.Random(5)
    for death in range(deaths):
        host = subprocess.Popen(
            [sys.executable, "-c", HOST, str(root), str(1000 * (death + 1))],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        warden = int(host.stdout.readline())
        for _ in range(randomly.randint(1, 3)):
            assert host.stdout.readline()
        threading.Event().wait(randomly.random() * 0.05)  # somewhere in the next switch
        host.send_signal(signal.SIGKILL)
        host.communicate()
        assert eventually(lambda warden=warden: not Path(f"/proc/{warden}").exists())
        with PluginRegistry(OPEN_IMPORTS) as registry:
            registry.discover_plugins(root)
            assert registry.problems == ()
            for version in ("1.0.0", "2.0.0"):
                registry.load_plugin("numbered", version=version)
                result = registry.execute_plugin("numbered", {})
                first, last = result.values
                assert first == last
                assert (result.execution.version, result.metadata["version"]) == (version, version)
    for shelf in (cache / "releases").iterdir():
        if not shelf.name.startswith(".partial-"):
            (copy,) = shelf.iterdir()
            assert compute_digest(copy) == f"sha256:{shelf.name}"


class TestFullDisk:
    @pytest.fixture
    def small_disk(self, tmp_path):
        """A file system of 400 kB for the cache; only root may mount one."""
        cache = tmp_path / "cache"
        cache.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=400k,mode=700", "tmpfs", str(cache)], capture_output=True, check=False
        )
        if mounted.returncode:
            pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode(errors='replace').strip()}")
        yield cache
        subprocess.run(["umount", str(cache)], check=True)

    def fill_up(self, root):
        write_numbered(root / "two", 2, "2.0.0")
        (root / "two" / "model.bin").write_bytes(os.urandom(1 << 20))

    def test_the_old_release_serves_until_there_is_room(self, small_disk, tmp_path, nothing_left, monkeypatch):
        monkeypatch.setenv("PLATFORM_BASE_CACHE_DIR", str(small_disk))
        root = tmp_path / "plugins"
        write_numbered(root / "one", 1, "1.0.0")
        with PluginRegistry(OPEN_IMPORTS) as registry:
            registry.discover_plugins(root)
            assert registry.execute_plugin("numbered", {}).values == [1, 1]
            self.fill_up(root)
            with pytest.raises(PluginLoadError, match=r"No space left on device; free some space"):
                registry.update_plugin("numbered", version="2.0.0")
            assert registry.execute_plugin("numbered", {}).values == [1, 1]
            assert "No space left" in registry.problems[0].got
            assert [path.name for path in (small_disk / "releases").iterdir() if path.name.startswith(".")] == []
            subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
            registry.update_plugin("numbered", version="2.0.0")
            assert registry.execute_plugin("numbered", {}).values == [2, 2]
            assert registry.problems == ()

    def test_also_where_no_file_may_grow(self, tmp_path, nothing_left, monkeypatch):
        monkeypatch.setenv("PLATFORM_BASE_CACHE_DIR", str(tmp_path / "cache"))
        root = tmp_path / "plugins"
        write_numbered(root / "one", 1, "1.0.0")
        self.fill_up(root)
        program = """
import resource, sys
from platform_base.plugins.errors import PluginLoadError
from platform_base.plugins.registry import PluginRegistry

with PluginRegistry({"security": {"allowed_modules": None}}) as registry:
    registry.discover_plugins(sys.argv[1])
    registry.load_plugin("numbered", version="1.0.0")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        registry.update_plugin("numbered", version="2.0.0")
    except PluginLoadError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    print(registry.execute_plugin("numbered", {}).values)
    registry.update_plugin("numbered", version="2.0.0")
    print(registry.execute_plugin("numbered", {}).values)
"""
        ended = subprocess.run([sys.executable, "-c", program, str(root)], capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        lines = ended.stdout.splitlines()
        assert "File too large; free some space" in lines[0]
        assert lines[1:] == ["[1, 1]", "[2, 2]"]
        assert [path.name for path in (tmp_path / "cache" / "releases").iterdir() if path.name.startswith(".")] == []


def test_a_directory_that_is_deleted_under_a_running_call(tmp_path, nothing_left):
    directory = write_numbered(tmp_path / "plugins" / "one", 1, "1.0.0")
    source = directory / "numbered.py"
    lazy = """import time; from pathlib import Path
        time.sleep(inputs.get("seconds", 0))
        from .late import VALUE
        VALUE += int((Path(__file__).parent / "data.txt").read_text())
        return ProcessingResult(values=VALUE) if inputs else ProcessingResult"""
    source.write_text(source.read_text().replace("return ProcessingResult", lazy, 1))
    (directory / "late.py").write_text("VALUE = 40\n")
    (directory / "data.txt").write_text("2")
    with PluginRegistry(OPEN_IMPORTS) as registry:
        registry.discover_plugins(tmp_path / "plugins")
        registry.load_plugin("numbered")
        registry.enable_hot_reload()
        future = registry.submit_plugin("numbered", {"seconds": 1.0})
        assert eventually(future.running)
        shutil.rmtree(directory)
        assert eventually(lambda: registry.list_plugins() == [])
        assert not future.done()
        assert future.result(30).values == 42
        with pytest.raises(PluginNotFoundError):
            registry.execute_plugin("numbered", {"seconds": 0.0})
