"""The verb `watch`, as a process that somebody saves files for."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import children

SELF_TEST = [{"name": "twice", "inputs": {"series": {"value": [1, 2]}}, "expected": {"values": {"value": [2, 4]}}}]


@pytest.fixture
def plugin(scaler: Path) -> Path:
    """The directory of a plugin with a self-test."""
    directory = scaler / "scaler"
    manifest = json.loads((directory / "manifest.json").read_text())
    (directory / "manifest.json").write_text(json.dumps({**manifest, "self_test": SELF_TEST}))
    return directory


@contextmanager
def watching(directory: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "platform_base.cli.main", "watch", str(directory), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=directory.parent,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def next_event(process: subprocess.Popen[str]) -> dict[str, Any]:
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return json.loads(line)


def save(file: Path, text: str) -> None:
    """Write a file as editors do: beside its place, then into it."""
    beside = file.with_name(f".{file.name}.swp")
    beside.write_text(text)
    beside.rename(file)


def test_every_save_gets_a_verdict(plugin: Path) -> None:
    code, manifest = (plugin / "scaler.py").read_text(), (plugin / "manifest.json").read_text()
    before = children()
    with watching(plugin, "--json") as process:
        begun = next_event(process)
        assert begun["event"] == "watching"
        assert begun["plugins"] == ["scaler"]
        first = next_event(process)
        assert (first["event"], first["self_tests"], first["milliseconds"]) == ("live", 1, None)

        saved = time.time()
        save(plugin / "scaler.py", code + "\n# edited\n")
        live = next_event(process)
        assert (live["event"], live["version"], live["serving"]) == ("live", "1.2.0", "1.2.0")
        assert live["digest"] != first["digest"]
        # Not what was written beside it and renamed.
        assert (first["files"], live["files"]) == ([], ["scaler.py"])
        # From the change of the file, which is not before it was saved, to the verdict, which was read already.
        assert 0 < live["milliseconds"] <= (time.time() - saved) * 1e3 + 20

        save(plugin / "scaler.py", code.replace('params["factor"]', "oops"))
        refused = next_event(process)
        assert (refused["event"], refused["serving"]) == ("refused", "1.2.0")
        assert refused["error"]["type"] == "SelfTestError"
        number = 1 + code.splitlines().index(
            '        return ProcessingResult(values=series * params["factor"], metadata=metadata)'
        )
        assert f'File "{plugin}/scaler.py", line {number}' in refused["error"]["remote_traceback"]
        assert "NameError" in refused["error"]["message"]

        save(plugin / "scaler.py", code + "\n# edited\n")
        again = next_event(process)
        assert (again["event"], again["digest"]) == ("live", live["digest"])

        save(plugin / "scaler.py", "def broken(:\n")
        refused = next_event(process)
        assert f'File "{plugin}/scaler.py", line 1' in refused["error"]["remote_traceback"]
        assert "import_guard" not in refused["error"]["remote_traceback"]

        save(plugin / "manifest.json", '{\n "plugin_id": "scaler",\n "vresion": "1.0.0"\n}')
        refused = next_event(process)
        assert (refused["event"], refused["plugin"], refused["serving"]) == ("refused", "scaler", "1.2.0")
        assert {problem["line"] for problem in refused["problems"]} >= {3}

        (plugin / "scaler.py").write_text(code)
        next_event(process)
        save(plugin / "manifest.json", manifest.replace("1.2.0", "1.3.0"))
        refused = next_event(process)
        assert "get_manifest" in refused["error"]["message"]
        save(plugin / "scaler.py", code.replace("1.2.0", "1.3.0"))
        live = next_event(process)
        assert (live["event"], live["version"], live["serving"]) == ("live", "1.3.0", "1.3.0")

        process.send_signal(signal.SIGINT)
        # Not `communicate`: it does not see what `readline` has read ahead.
        rest, said = process.stdout.read(), process.stderr.read()
        process.wait(60)
        assert (process.returncode, rest, said) == (130, "", "interrupted\n")
    assert children() == before


def test_a_verdict_says_which_files_changed_and_what_is_asked_for_now(plugin: Path) -> None:
    manifest = json.loads((plugin / "manifest.json").read_text())
    asking = {**manifest, "permissions": {"threads": 1, "memory_mb": 64}}
    save(plugin / "manifest.json", json.dumps(asking))
    with watching(plugin, "--json") as process:
        next_event(process)
        assert next_event(process)["permissions_added"] == []
        more = {"threads": 1, "memory_mb": 128}
        save(plugin / "manifest.json", json.dumps({**asking, "permissions": more}))
        live = next_event(process)
        assert (live["event"], live["files"]) == ("live", ["manifest.json"])
        assert live["permissions_added"] == ["memory_mb: 128 instead of 64"]
        assert live["permissions_removed"] == []
        # What is refused is compared with what goes on serving.
        save(plugin / "manifest.json", json.dumps({**asking, "permissions": {**more, "gpu": True}}))
        refused = next_event(process)
        assert (refused["event"], refused["permissions_added"]) == ("refused", ["gpu"])


def test_the_differences_stand_below_the_verdict(plugin: Path) -> None:
    manifest = json.loads((plugin / "manifest.json").read_text())
    save(plugin / "manifest.json", json.dumps({**manifest, "permissions": {"threads": 2}}))
    with watching(plugin, "--once") as process:
        assert process.stdout.readline().startswith("watching ")
        assert "live" in process.stdout.readline()
        save(plugin / "manifest.json", json.dumps({**manifest, "permissions": {"threads": 1}}))
        rest = process.stdout.read()
        process.wait(60)
    assert rest.splitlines()[1:] == [
        "          changed: manifest.json",
        "          - permission  threads: 1 instead of 2",
    ]


def test_what_is_broken_at_the_start_is_tried_again(plugin: Path) -> None:
    code = (plugin / "scaler.py").read_text()
    save(plugin / "scaler.py", "raise ValueError('\x1b[31mred')\n")
    with watching(plugin, "--once") as process:
        assert process.stdout.readline().startswith("watching ")
        refused = process.stdout.readline()
        assert "refused" in refused
        assert "nothing serves yet" in refused
        save(plugin / "scaler.py", code)
        # Not `communicate`: it does not see what `readline` has read ahead.
        rest, said = process.stdout.read(), process.stderr.read()
        process.wait(60)
    assert (process.returncode, said) == (0, "")
    assert "\x1b" not in rest
    assert "\\x1b[31mred" in rest
    last = rest.splitlines()[-2]
    assert rest.splitlines()[-1] == "          changed: scaler.py"
    assert "scaler 1.2.0" in last
    assert "1 self-test passed" in last
    assert last.endswith(" ms")


def test_once_ends_with_the_verdict(plugin: Path) -> None:
    with watching(plugin, "--once", "--json") as process:
        next_event(process)
        next_event(process)
        save(plugin / "scaler.py", "class Other:\n    pass\n")
        refused = next_event(process)
        assert "Scaler" in refused["error"]["message"]
        assert process.wait(60) == 1


def test_a_new_neighbour_and_one_that_goes(plugin: Path) -> None:
    with watching(plugin.parent, "--json") as process:
        next_event(process)
        next_event(process)
        other = plugin.parent / "other"
        other.mkdir()
        code = (plugin / "scaler.py").read_text()
        save(other / "scaler.py", code.replace('"scaler", "version": "1.2.0"', '"other", "version": "0.1.0"'))
        manifest = {"plugin_id": "other", "version": "0.1.0", "entry_point": "scaler.Scaler"}
        save(other / "manifest.json", json.dumps(manifest))
        live = next_event(process)
        assert (live["event"], live["plugin"], live["directory"]) == ("live", "other", str(other))
        (other / "manifest.json").unlink()
        removed = next_event(process)
        assert (removed["event"], removed["plugin"]) == ("removed", "other")


def test_it_must_be_a_directory(command: Any, plugin: Path) -> None:
    done = command("watch", plugin / "scaler.py")
    assert done.returncode == 2
    assert "expected a directory with a plugin, got a file" in done.stderr
