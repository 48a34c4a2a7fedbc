"""Which plugin, which version, why did it die, what did it use: asked of the history after real deaths."""

from __future__ import annotations

import asyncio
import concurrent.futures
import hashlib
import logging
import os
import platform
import shutil
import sqlite3
import subprocess
import sys

import numpy as np
import pandas
import pytest
from tests.conftest import OPEN_IMPORTS, SAMPLES, eventually

from platform_base.history.history import History
from platform_base.plugins.errors import ParameterError, PluginError, PluginNotFoundError
from platform_base.plugins.registry import PluginRegistry

MB = 1 << 20


@pytest.fixture
def path(tmp_path):
    return tmp_path / "history" / "runs.db"


@pytest.fixture
def registry(path, nothing_left):
    with make(path) as made:
        yield made


def make(path, **given):
    registry = PluginRegistry({**OPEN_IMPORTS, "history": {"enabled": True, "path": str(path)}, **given})
    registry.discover_plugins(SAMPLES)
    return registry


def fail(registry, inputs, params=None, timeout=None):
    with pytest.raises(PluginError) as caught:
        registry.execute_plugin("behaviours", inputs, params, timeout=timeout)
    return caught.value, registry.history.run(caught.value.run_id)


def test_a_success(registry):
    series = np.arange(6.0).reshape(3, 2)
    result = registry.execute_plugin("behaviours", {"do": "scale", "series": series}, {"factor": 3.0}, timeout=9.0)
    execution = result.execution
    run = registry.history.run(execution.run_id)
    assert (run.plugin_id, run.version, run.digest) == ("behaviours", "1.0.0", execution.digest)
    assert (run.outcome, run.cause, run.error_type, run.error) == ("success", "", "", "")
    assert (run.queue_seconds, run.wall_seconds) == (execution.queue_seconds, execution.wall_seconds)
    assert (run.cpu_seconds, run.peak_memory_bytes) == (execution.cpu_seconds, execution.peak_memory_bytes)
    assert run.parameters == {"factor": 3.0, "label": None}
    assert run.protections == execution.protections
    assert run.limits == {"memory_bytes": 512 * MB, "cpu_percent": 50.0, "call_seconds": 9.0}
    assert (run.host, run.pid, run.engine) == (platform.node(), os.getpid(), "local")
    facts = {fact.name: fact for fact in run.inputs}
    assert set(facts) == {"do", "series"}
    assert (facts["series"].type, facts["series"].shape, facts["series"].dtype) == ("ndarray", (3, 2), "float64")
    assert facts["series"].sha256 == hashlib.sha256(series.tobytes()).hexdigest()
    assert facts["series"].size_bytes == 48


@pytest.mark.parametrize(
    ("inputs", "cause", "error_type"),
    [
        ({"do": "raise_error"}, "exception ValueError", "PluginFailedError"),
        ({"do": "crash"}, "signal SIGSEGV", "WorkerCrashedError"),
        ({"do": "exit_at_once"}, "exit status 7", "WorkerCrashedError"),
        ({"do": "garbage"}, "broken protocol", "WireError"),
        ({"do": "allocate", "bytes": 1 << 40}, "limit max_memory_mb", "MemoryLimitError"),
        ({"do": "hang"}, "deadline", "PluginTimeoutError"),
        ({"refuse": True}, "InvalidInputsError", "InvalidInputsError"),
        ({"do": "return_unsendable"}, "EncodingError", "EncodingError"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_way_to_die(registry, inputs, cause, error_type):
    error, run = fail(registry, inputs, timeout=0.5)
    assert (run.outcome, run.cause, run.error_type) == ("failure", cause, error_type)
    assert run.error == str(error)
    assert (run.plugin_id, run.version) == ("behaviours", "1.0.0")
    assert run.digest == registry.list_plugins()[0]["digest"]
    assert run.protections
    assert error.execution.run_id == run.run_id
    assert error.execution.peak_memory_bytes == run.peak_memory_bytes > 10 * MB
    assert run.wall_seconds > 0


def test_the_traceback_is_remembered(registry):
    _, run = fail(registry, {"do": "raise_error"})
    assert "behaviours.py" in run.traceback
    assert run.traceback.rstrip().endswith("with a second line")


def test_what_the_dead_have_used(registry, tmp_path):
    """Of this call alone, although the worker has lived through another one."""
    registry.execute_plugin("behaviours", {"do": "spin", "cpu_seconds": 0.4})
    registry.execute_plugin("behaviours", {"do": "allocate", "bytes": 150 * MB})
    _, spinner = fail(registry, {"do": "hang"}, timeout=0.4)
    assert 0.05 < spinner.cpu_seconds < 0.4
    assert 0.4 <= spinner.wall_seconds < 5
    assert spinner.peak_memory_bytes < 120 * MB

    directory = tmp_path / "glutton"
    shutil.copytree(SAMPLES / "behaviours", directory)
    for name in ("behaviours.py", "manifest.json"):
        text = (directory / name).read_text().replace("1.0.0", "1.1.0")
        gluttony = "    def crash(self, inputs):\n        kept = np.ones(25 << 20)"
        (directory / name).write_text(text.replace("    def crash(self, inputs):", gluttony))
    registry.discover_plugins(directory)
    registry.load_plugin("behaviours", "1.1.0")
    _, glutton = fail(registry, {"do": "crash"})
    assert glutton.version == "1.1.0"
    assert 200 * MB < glutton.peak_memory_bytes < 300 * MB


def test_calls_that_were_not_begun(registry, path):
    with pytest.raises(ParameterError) as caught:
        registry.execute_plugin("behaviours", {}, {"unknown": 1})
    run = registry.history.run(caught.value.run_id)
    assert (run.outcome, run.cause, run.version) == ("refused", "ParameterError", "1.0.0")
    with pytest.raises(PluginNotFoundError) as caught:
        registry.execute_plugin("nobody", {})
    run = registry.history.run(caught.value.run_id)
    assert (run.outcome, run.plugin_id, run.version) == ("refused", "nobody", "")


def test_a_disabled_plugin(path, nothing_left):
    settings = {"security": OPEN_IMPORTS["security"], "history": {"enabled": True, "path": str(path)}}
    with PluginRegistry({**settings, "crash_loop": {"early_deaths": 1}}) as registry:
        registry.discover_plugins(SAMPLES)
        fail(registry, {"do": "crash"})
        _, run = fail(registry, {"do": "process"})
        assert (run.outcome, run.cause) == ("refused", "PluginDisabledError")
        assert "SIGSEGV" in run.error


def test_a_full_queue(path, nothing_left):
    with make(path, workers={"max": 1, "max_waiting": 0}) as registry:
        sleeper = registry.submit_plugin("behaviours", {"do": "sleep", "seconds": 60})
        assert eventually(lambda: any(row["state"] == "busy" for row in registry.list_workers()))
        _, run = fail(registry, {"do": "process"})
        assert (run.outcome, run.cause, run.wall_seconds > 0) == ("refused", "full queue", True)
        sleeper.cancel()


def test_a_plugin_that_does_not_load(registry, tmp_path):
    directory = tmp_path / "broken"
    shutil.copytree(SAMPLES / "behaviours", directory)
    manifest = (directory / "manifest.json").read_text()
    (directory / "manifest.json").write_text(manifest.replace('"plugin_id": "behaviours"', '"plugin_id": "broken"'))
    (directory / "behaviours.py").write_text("import ctypes\n\nctypes.string_at(0)\n")
    registry.discover_plugins(directory)
    with pytest.raises(PluginError) as caught:
        registry.execute_plugin("broken", {})
    run = registry.history.run(caught.value.run_id)
    assert (run.outcome, run.cause, run.error_type) == ("failure", "signal SIGSEGV while loading", "PluginLoadError")
    assert run.version == "1.0.0"


def test_a_cancelled_call(registry):
    call = registry.submit_plugin("behaviours", {"do": "sleep", "seconds": 60})
    assert eventually(lambda: any(row["run_id"] for row in registry.list_workers()))
    (row,) = registry.list_workers()
    call.cancel()
    with pytest.raises(concurrent.futures.CancelledError):
        call.result()
    assert eventually(lambda: registry.history.runs())
    run = registry.history.run(row["run_id"])
    assert (run.outcome, run.cause) == ("cancelled", "cancelled")
    assert run.wall_seconds >= row["call_seconds"]


def test_calls_from_an_event_loop(registry):
    async def both():
        large = np.ones(1 << 18)
        result = await registry.aexecute_plugin("behaviours", {"do": "scale", "series": large})
        task = asyncio.create_task(registry.aexecute_plugin("behaviours", {"do": "sleep", "seconds": 60}))
        while not any(row["run_id"] for row in registry.list_workers()):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return result.execution.run_id

    run_id = asyncio.run(both())
    cancelled, done = registry.history.runs()
    assert (done.run_id, done.outcome, done.inputs[1].size_bytes) == (run_id, "success", 2 * MB)
    assert cancelled.outcome == "cancelled"


def test_every_item_of_a_map(registry):
    items = [{"do": "process", "number": number} for number in range(40)]
    results = list(registry.map_plugin("behaviours", items))
    found = {run.run_id: run for run in registry.history.runs()}
    assert set(found) == {result.execution.run_id for result in results}
    assert len({run.inputs[1].sha256 for run in found.values()}) == 40


def test_an_item_that_kills_is_remembered_twice(path, nothing_left):
    with make(path, workers={"max": 1}) as registry:
        with pytest.raises(PluginError) as caught:
            list(registry.map_plugin("behaviours", [{"do": "exit_at_once"}]))
        attempts = registry.history.attempts(caught.value.run_id)
        assert [(each.attempt, each.cause) for each in attempts] == [(1, "exit status 7"), (2, "exit status 7")]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (np.arange(4.0), np.arange(4.0)[::-1][::-1], True),
        (np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(2, 3)), True),
        (np.arange(4.0), np.nextafter(np.arange(4.0), 9), False),
        ([1.0, 2.0], [1.0, 2.0], True),
        ([1.0, 2.0], [1.0, 3.0], False),
        ({"a": np.ones(100_000)}, {"a": np.ones(100_000)}, True),
        ({"a": np.ones(100_000)}, {"a": np.zeros(100_000)}, False),
        (pandas.DataFrame({"x": [1, 2]}), pandas.DataFrame({"x": [1, 2]}), True),
        (pandas.DataFrame({"x": [1, 2]}), pandas.DataFrame({"x": [1, 3]}), False),
        (np.array([], dtype="m8[s]"), np.array([], dtype="m8[s]"), True),
        (np.array(["2024-01-01"], dtype="M8[D]"), np.array(["2024-01-02"], dtype="M8[D]"), False),
        (True, True, True),
    ],
)
def test_whether_two_runs_had_the_same_inputs(registry, one, other, same):
    ids = [
        registry.execute_plugin("behaviours", {"do": "echo", "value": value}).execution.run_id for value in (one, other)
    ]
    digests = [registry.history.run(run_id).inputs[1].sha256 for run_id in ids]
    assert all(len(digest) == 64 for digest in digests)
    assert (digests[0] == digests[1]) == same


def test_without_digests(path, nothing_left):
    with make(path, history={"enabled": True, "path": str(path), "digest_inputs": False}) as registry:
        result = registry.execute_plugin("behaviours", {"do": "echo", "value": np.ones(3)})
        assert [fact.sha256 for fact in registry.history.run(result.execution.run_id).inputs] == ["", ""]


def test_inputs_are_not_kept_alive(path, nothing_left):
    with make(path) as registry:
        shared = registry.share(np.ones(1 << 20))
        registry.execute_plugin("behaviours", {"do": "length", "series": shared})
        before = sys.getrefcount(shared)
        registry.history.runs()
        assert sys.getrefcount(shared) == before


def test_off_unless_the_settings_say_so(tmp_path, nothing_left):
    with PluginRegistry({**OPEN_IMPORTS, "history": {"path": str(tmp_path / "h" / "runs.db")}}) as registry:
        registry.discover_plugins(SAMPLES)
        registry.execute_plugin("behaviours", {"do": "process"})
        assert registry.history.runs() == []
    assert not (tmp_path / "h").exists()


def test_one_word_suffices(nothing_left):
    with PluginRegistry({**OPEN_IMPORTS, "history": True}) as registry:
        registry.discover_plugins(SAMPLES)
        result = registry.execute_plugin("behaviours", {"do": "process"})
        assert registry.history.run(result.execution.run_id).outcome == "success"
        assert registry.history.path == History().path


def test_a_broken_file_fails_no_call(path, caplog, nothing_left):
    path.parent.mkdir()
    path.write_text("no database\n" * 1000)
    with make(path) as registry:
        for _ in range(3):
            assert registry.execute_plugin("behaviours", {"do": "length", "series": [1]}).values == 1
        with pytest.raises(PluginError, match="expected a history file, got file is not a database"):
            registry.history.runs()
    said = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.name for record in said] == ["platform_base.history"]


CALLER = """
import sys
from tests.plugins.test_run_notes import make
from pathlib import Path
with make(Path(sys.argv[1]), workers={"max": 1}) as registry:
    sys.stdin.readline()
    for number in range(10):
        registry.execute_plugin("behaviours", {"do": "length", "series": [number]})
"""


def test_eight_programs_at_once(path):
    callers = [
        subprocess.Popen([sys.executable, "-c", CALLER, str(path)], stdin=subprocess.PIPE, text=True) for _ in range(8)
    ]
    for caller in callers:
        caller.stdin.write("go\n")
        caller.stdin.flush()
    assert [caller.communicate()[0] or caller.returncode for caller in callers] == [0] * 8
    found = History(path).runs(limit=None)
    assert len(found) == 80
    assert len({run.pid for run in found}) == 8
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


class TestLines:
    def test_each_call_has_its_own(self, registry):
        ids = [
            registry.execute_plugin("behaviours", {"do": "print_lines", "text": text}).execution.run_id
            for text in ("first\x1b[2J", "second")
        ]
        one, other = ([line.text for line in registry.history.lines(run_id)] for run_id in ids)
        assert set(one) == {"first\\x1b[2J", "on standard error", "written past Python"}
        assert set(other) == {"second", "on standard error", "written past Python"}

    def test_what_the_dead_have_printed(self, registry, tmp_path):
        directory = tmp_path / "talkative"
        shutil.copytree(SAMPLES / "behaviours", directory)
        for name in ("behaviours.py", "manifest.json"):
            text = (directory / name).read_text().replace('"behaviours"', '"talkative"')
            talk = "    def crash(self, inputs):\n        print('last words')"
            (directory / name).write_text(text.replace("    def crash(self, inputs):", talk))
        registry.discover_plugins(directory)
        with pytest.raises(PluginError) as caught:
            registry.execute_plugin("talkative", {"do": "crash"})
        assert [line.text for line in registry.history.lines(caught.value.run_id)] == ["last words"]

    def test_the_last_of_many_are_kept(self, path, nothing_left):
        with make(path, history={"enabled": True, "path": str(path), "max_lines": 5}) as registry:
            text = "\n".join(f"line {number}" for number in range(100))
            result = registry.execute_plugin("behaviours", {"do": "print_lines", "text": text})
            kept = [line.text for line in registry.history.lines(result.execution.run_id)]
        assert kept[0] == "(98 lines before are not kept: history.max_lines)"
        assert len(kept) == 5

    def test_lines_come_while_the_call_runs(self, registry):
        future = registry.submit_plugin(
            "behaviours", {"do": "print_and_wait", "text": "one\ntwo\nno whole line"}, timeout=300
        )
        assert eventually(lambda: len(registry.history.latest_lines()) == 2, seconds=60)
        assert registry.history.runs() == []
        future.cancel()
        assert eventually(lambda: len(registry.history.runs()) == 1, seconds=60)
        (ended,) = registry.history.runs()
        # What was no whole line comes when the call has ended, and nothing comes twice.
        assert [line.text for line in registry.history.lines(ended.run_id)] == ["one", "two", "no whole line"]

    def test_lines_come_while_a_call_of_an_event_loop_runs(self, registry):
        async def check():
            task = asyncio.create_task(
                registry.aexecute_plugin(
                    "behaviours", {"do": "print_and_wait", "text": "one\nno whole line"}, timeout=300
                )
            )
            while not await asyncio.to_thread(registry.history.latest_lines):
                assert not task.done()
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(check())
        (ended,) = registry.history.runs()
        assert [line.text for line in registry.history.lines(ended.run_id)] == ["one", "no whole line"]

    def test_none_are_kept(self, path, nothing_left):
        with make(path, history={"enabled": True, "path": str(path), "max_lines": 0}) as registry:
            result = registry.execute_plugin("behaviours", {"do": "print_lines", "text": "x"})
            assert registry.history.lines(result.execution.run_id) == []

    def test_log_records_name_their_call(self, registry, caplog):
        caplog.set_level(logging.DEBUG, "platform_base")
        result = registry.execute_plugin("behaviours", {"do": "print_lines", "text": "x"})
        error, _ = fail(registry, {"do": "raise_error"})
        named = {(record.name, record.levelname, getattr(record, "run_id", None)) for record in caplog.records}
        assert ("platform_base.plugins.output", "INFO", result.execution.run_id) in named
        assert ("platform_base.plugins", "DEBUG", result.execution.run_id) in named
        assert ("platform_base.plugins", "ERROR", error.run_id) in named
