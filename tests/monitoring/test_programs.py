"""Programs that let themselves be looked at: real ones, dead ones, and what is none."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading

import pytest

from platform_base.cli.main import call as command
from platform_base.monitoring.beacon import beacon_directory
from platform_base.monitoring.programs import look_around
from platform_base.plugins.registry import PluginRegistry
from tests.conftest import OPEN_IMPORTS, SAMPLES, eventually

HOLDER = """
import sys
from tests.conftest import OPEN_IMPORTS, SAMPLES
from platform_base.plugins.registry import PluginRegistry
registry = PluginRegistry({**OPEN_IMPORTS, "live_view": True})
registry.discover_plugins(SAMPLES)
registry.execute_plugin("behaviours", {"do": "process"})
print("ready", flush=True)
sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    """A state directory whose path alone is longer than the address of a socket may be."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / ("long" * 30)))


@pytest.fixture
def holder():
    process = subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.communicate()


def make(**given):
    registry = PluginRegistry({**OPEN_IMPORTS, "live_view": True, **given})
    registry.discover_plugins(SAMPLES)
    return registry


def test_nobody(capsys):
    assert look_around() == []
    assert command(["top", "--once"]) == 0
    assert "live_view: true" in capsys.readouterr().out


def test_what_a_registry_tells(nothing_left):
    with make(workers={"max": 1}) as registry:
        sleeper = registry.submit_plugin("behaviours", {"do": "sleep", "seconds": 60}, timeout=50.0)
        assert eventually(lambda: [row["state"] for row in look_around()[0]["workers"]] == ["busy"])
        waiter = registry.submit_plugin("behaviours", {"do": "process"})
        assert eventually(lambda: look_around()[0]["waiting"] == {"behaviours": 1})
        (program,) = look_around()
        (own,) = registry.list_workers()
        (row,) = program["workers"]
        assert program["pid"] == os.getpid()
        assert (row["pid"], row["run_id"], row["digest"]) == (own["pid"], own["run_id"], own["digest"])
        assert row["limits"]["call_seconds"] == 50.0
        sleeper.cancel()
        waiter.result()
    assert look_around() == []
    assert list(beacon_directory().iterdir()) == []


def test_another_program(holder, capsys):
    (program,) = look_around()
    assert program["pid"] == holder.pid
    assert [row["state"] for row in program["workers"]] == ["idle"]
    assert command(["top", "--json"]) == 0
    (shown,) = json.loads(capsys.readouterr().out)["programs"]
    assert shown["workers"][0]["pid"] == program["workers"][0]["pid"]
    assert command(["top", "--once"]) == 0
    text = capsys.readouterr().out
    assert f"process {holder.pid}: -c" in text
    assert "behaviours 1.0.0" in text


def test_two_registries_of_one_program(nothing_left):
    with make() as one, make():
        one.execute_plugin("behaviours", {"do": "process"})
        assert sorted(len(program["workers"]) for program in look_around()) == [0, 1]


def test_the_dead_are_cleared_away(holder):
    holder.kill()
    holder.wait()
    assert len(list(beacon_directory().iterdir())) == 1
    assert look_around() == []
    assert list(beacon_directory().iterdir()) == []


def test_only_the_owner_may_look(holder):
    (path,) = beacon_directory().iterdir()
    assert stat.S_IMODE(beacon_directory().stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_no_registry(nothing_left):
    beacon_directory().mkdir(parents=True, mode=0o700)
    (beacon_directory() / "note.txt").write_text("not a socket")
    (beacon_directory() / "1-file.sock").write_text("a file")
    directory = os.open(beacon_directory(), os.O_PATH)
    with socket.socket(socket.AF_UNIX) as listener:
        # It accepts and never answers, and process ids are no higher than 2**22.
        listener.bind(f"/proc/self/fd/{directory}/9999999-dead.sock")
        listener.listen()
        assert look_around() == []
    os.close(directory)
    assert sorted(path.name for path in beacon_directory().iterdir()) == ["note.txt"]


def stranger(name, kind=socket.SOCK_STREAM):
    directory = os.open(beacon_directory(), os.O_PATH)
    listener = socket.socket(socket.AF_UNIX, kind)
    listener.bind(f"/proc/self/fd/{directory}/{name}")
    os.close(directory)
    return listener


def say_until_nobody_listens(listener, what):
    asker, _ = listener.accept()
    with asker:
        try:
            while asker.send(what):
                pass
        except OSError:
            return


@pytest.mark.parametrize("what", [b"", b'{"pid": 1, "program": "\xff"}', b"[" * 100_000, b'{"x": ' + b"[" * 100_000])
def test_what_is_no_answer_keeps_nobody_from_being_seen(nothing_left, what):
    with make() as registry:
        registry.execute_plugin("behaviours", {"do": "process"})
        (beacon_directory() / "0-loop.sock").symlink_to("0-loop.sock")
        with stranger("0-datagrams.sock", socket.SOCK_DGRAM), stranger(f"{os.getpid()}-0.sock") as listener:
            listener.listen()

            def answer():
                asker, _ = listener.accept()
                with asker:
                    asker.sendall(what)

            answering = threading.Thread(target=answer)
            answering.start()
            assert [len(program["workers"]) for program in look_around()] == [1]
            answering.join()
        assert not (beacon_directory() / "0-loop.sock").is_symlink()
        (beacon_directory() / f"{os.getpid()}-0.sock").unlink()


def test_somebody_who_never_comes_to_an_end_is_left(nothing_left):
    beacon_directory().mkdir(parents=True, mode=0o700)
    with stranger(f"{os.getpid()}-0.sock") as listener:
        listener.listen()
        talking = threading.Thread(target=say_until_nobody_listens, args=(listener, b" "))
        talking.start()
        assert look_around() == []
        talking.join()


def test_somebody_who_never_reads_does_not_stop_the_others(nothing_left):
    with make() as registry:
        registry.execute_plugin("behaviours", {"do": "process"})
        (path,) = beacon_directory().iterdir()
        directory = os.open(beacon_directory(), os.O_PATH)
        with socket.socket(socket.AF_UNIX) as silent:
            silent.connect(f"/proc/self/fd/{directory}/{path.name}")
            assert len(look_around()) == 1
        os.close(directory)


def test_where_no_socket_can_be_made(monkeypatch, caplog, tmp_path, nothing_left):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with make() as registry:
        assert registry.execute_plugin("behaviours", {"do": "length", "series": [1]}).values == 1
    assert "no live view" in caplog.text


def test_off_unless_runs_are_remembered(tmp_path, nothing_left):
    with make(live_view=None):
        assert look_around() == []
    with make(live_view=None, history={"enabled": True, "path": str(tmp_path / "h" / "runs.db")}):
        assert len(look_around()) == 1
    with make(live_view=False, history={"enabled": True, "path": str(tmp_path / "h" / "runs.db")}):
        assert look_around() == []


def test_the_table_goes_on_until_it_is_interrupted(holder, tmp_path):
    output = tmp_path / "shown"
    with output.open("w") as file:
        top = subprocess.Popen(
            [sys.executable, "-m", "platform_base.cli.main", "top", "--interval", "0.1"],
            stdout=file,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "COLUMNS": "150", "FORCE_COLOR": "1"},
        )
    try:
        assert eventually(lambda: output.read_text().count("behaviours 1.0.0") >= 3, seconds=30)
    finally:
        top.send_signal(signal.SIGINT)
        _, said = top.communicate(timeout=30)
    assert (top.returncode, said) == (130, "interrupted\n")
