"""Several wardens of one registry: none reaches what is another's, and each may die at any moment."""

from __future__ import annotations

import json
import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from tests.conftest import children, eventually, workers

from platform_base.plugins._host.warden import WardenClient
from platform_base.plugins.errors import SandboxUnavailableError, WorkerCrashedError
from platform_base.plugins.registry import PluginRegistry

CODE = """
import os
import time

from platform_base.core.models import ProcessingResult
from platform_base.plugins.base import get_context


class Sleeper:
    def execute(self, inputs):
        if inputs.get("seconds"):
            get_context().report_progress(0.5)
            time.sleep(inputs["seconds"])
        return ProcessingResult(values=[os.getpid(), sorted(map(int, _open_descriptors()))])

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {}


def _open_descriptors():
    for number in range(256):
        try:
            os.fstat(number)
        except OSError:
            continue
        yield number
"""
PLUGINS = ("inside", "outside")


@pytest.fixture
def registry(tmp_path, nothing_left):
    """A registry with two wardens, of which each has a worker."""
    for plugin_id in PLUGINS:
        directory = tmp_path / "plugins" / plugin_id
        directory.mkdir(parents=True)
        (directory / f"{plugin_id}.py").write_text(CODE)
        manifest = {"plugin_id": plugin_id, "version": "1.0.0", "entry_point": f"{plugin_id}.Sleeper"}
        (directory / "manifest.json").write_text(json.dumps(manifest))
    settings = {
        "security": {"allowed_modules": None, "blocked_modules": []},
        "plugins": {"outside": {"namespaces": "off"}},
        "workers": {"max": 1},
    }
    with PluginRegistry(settings) as made:
        made.discover_plugins(tmp_path / "plugins")
        for plugin_id in PLUGINS:
            made.execute_plugin(plugin_id, {})
        assert len(wardens(made)) == 2
        yield made


def wardens(registry):
    """Process ids by whether it is the one with namespaces."""
    return {place[0]: client.pid for place, (client, _) in registry._engine._workshop._wardens.items()}


def sockets(pid):
    """What a process holds that another one could speak through; what a worker holds only root may see."""
    found = set()
    try:
        entries = list(Path(f"/proc/{pid}/fd").iterdir())
    except PermissionError:
        return found
    for entry in entries:
        try:
            target = os.readlink(entry)
        except FileNotFoundError:
            continue
        if target.startswith(("socket:", "pipe:", "/memfd:")):
            found.add(target)
    return found


def with_children(pid):
    found = [pid]
    for each in found:
        found += map(int, Path(f"/proc/{each}/task/{each}/children").read_text().split())
    return found


def begin(registry, plugin_id):
    begun = threading.Event()
    future = registry.submit_plugin(plugin_id, {"seconds": 20}, progress=lambda *_: begun.set())
    assert begun.wait(20)
    return future


def test_no_warden_holds_anything_through_which_another_or_its_workers_speak(registry):
    held = {key: set().union(*map(sockets, with_children(pid))) for key, pid in wardens(registry).items()}
    assert held[True] & held[False] == set()
    assert os.geteuid() != 0 or all(held.values())
    for plugin_id in PLUGINS:
        assert set(registry.execute_plugin(plugin_id, {}).values[1]) <= {0, 1, 2, 3, 4}


@pytest.mark.parametrize("namespaces", [True, False])
def test_the_death_of_one_ends_its_calls_alone(registry, namespaces):
    dying, living = PLUGINS if namespaces else reversed(PLUGINS)
    worker = registry.execute_plugin(living, {}).values[0]
    future = begin(registry, dying)
    os.kill(wardens(registry)[namespaces], signal.SIGKILL)
    with pytest.raises(WorkerCrashedError, match=r"died with the warden|ended by SIGKILL"):
        future.result(20)
    assert registry.execute_plugin(living, {}).values[0] == worker
    assert registry.execute_plugin(dying, {}).values[1]
    assert len(wardens(registry)) == 2
    assert len(workers(registry)) == 2


def test_both_may_die_in_the_middle_of_calls(registry):
    futures = [begin(registry, plugin_id) for plugin_id in PLUGINS]
    for pid in wardens(registry).values():
        os.kill(pid, signal.SIGKILL)
    for future in futures:
        with pytest.raises(WorkerCrashedError):
            future.result(20)
    assert all(registry.execute_plugin(plugin_id, {}).values for plugin_id in PLUGINS)


def test_one_that_dies_while_it_starts_is_told_in_one_error(nothing_left, tmp_path):
    """Killed before it reads, while it reads, while it imports: whatever the moment, nothing else comes of it."""
    before, files = children(), len(os.listdir("/proc/self/fd"))
    outcomes = []
    for moment in range(6):
        stop = threading.Event()

        def kill(stop=stop, moment=moment):
            while not stop.is_set():
                new = children() - before
                if new:
                    stop.wait(moment * 0.02)
                    for pid in new:
                        with suppress(ProcessLookupError):
                            os.kill(pid, signal.SIGKILL)
                    return

        killer = threading.Thread(target=kill)
        killer.start()
        runtime = tmp_path / str(moment)
        runtime.mkdir()
        try:
            WardenClient(preload=("numpy",), runtime=runtime).close()
            outcomes.append("started")
        except SandboxUnavailableError as error:
            outcomes.append(f"{error.protection}: {error}")
        finally:
            stop.set()
            killer.join()
    refused = "process: the warden process did not start: exit status -9; run `platform-base doctor`"
    assert outcomes[0] == refused
    assert set(outcomes) <= {"started", refused}
    assert eventually(lambda: children() == before)
    assert len(os.listdir("/proc/self/fd")) == files
