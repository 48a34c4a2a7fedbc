"""The command as a process: exit statuses, text, JSON, files."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]

REPOSITORY = Path(__file__).parents[2]
VERBS = ("list", "info", "run", "validate", "new", "doctor", "schema", "demo", "web")


def answer(done: subprocess.CompletedProcess[str], status: int = 0) -> dict[str, Any]:
    """The JSON document that a command printed, alone on standard output."""
    assert done.returncode == status, done.stderr
    assert done.stderr == ""
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_help_names_every_verb_and_loads_little(command: Command) -> None:
    done = command("--help")
    assert done.returncode == 0
    assert all(f"  {verb} " in done.stdout for verb in VERBS)
    loaded = subprocess.run(
        [sys.executable, "-c", "import platform_base.cli.main, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    heavy = {"numpy", "pydantic", "matplotlib", "rich.console", "yaml", "platform_base.plugins.registry"}
    assert heavy.isdisjoint(loaded)


def test_version(command: Command) -> None:
    import importlib.metadata

    assert command("--version").stdout == f"platform-base {importlib.metadata.version('platform-base')}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lst"], "lst"),
        (["run", "p", "--inptu", "a=b"], "--inptu"),
        (["run"], "ID"),
        (["run", "p", "--timeout", "soon"], "--timeout"),
        (["info", "a", "b"], "b"),
    ],
)
def test_wrong_words(command: Command, words: list[str], said: str) -> None:
    done = command(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert "see: platform-base" in done.stderr
    described = answer(command(*words, "--json"), status=2)["error"]
    assert described["type"] == "UsageError"
    assert said in described["message"]


def test_no_words_show_the_help(command: Command) -> None:
    done = command()
    assert done.returncode == 2
    assert "Commands:" in done.stdout + done.stderr


# -- list and info ------------------------------------------------------------------------------------------------


def test_list(command: Command, scaler: Path) -> None:
    (scaler / "broken").mkdir()
    (scaler / "broken" / "manifest.json").write_text('{\n "plugin_id": "x",\n "vresion": "1.0.0"\n}')
    done = command("list", "--plugins", scaler)
    assert done.returncode == 0
    assert "scaler" in done.stdout
    assert "1.2.0" in done.stdout
    assert "\\x1b[31m" in done.stdout
    assert "manifest.json:3 vresion: expected a known key, got 'vresion'; did you mean 'version'?" in done.stdout
    document = answer(command("list", "--plugins", scaler, "--json"))
    assert [(each["id"], each["version"], each["state"]) for each in document["plugins"]] == [
        ("scaler", "1.2.0", "ready")
    ]
    assert set(document["problems"][0]) == {"file", "line", "key", "expected", "got", "hint"}


def test_list_can_load(command: Command, scaler: Path) -> None:
    bad = scaler / "bad"
    bad.mkdir()
    (bad / "manifest.json").write_text('{"plugin_id": "bad", "version": "1.0.0", "entry_point": "bad.Bad"}')
    (bad / "bad.py").write_text("class Bad(:\n")
    document = answer(command("list", "--load", "--plugins", scaler, "--json"))
    assert {each["id"]: each["state"] for each in document["plugins"]} == {"bad": "failed", "scaler": "loaded"}
    assert any("bad.py" in problem["got"] for problem in document["problems"])


def test_list_shows_an_incompatible_plugin(command: Command, scaler: Path) -> None:
    path = scaler / "scaler" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "core_min_version": "99.0.0"}))
    document = answer(command("list", "--plugins", scaler, "--json"))
    assert [each["state"] for each in document["plugins"]] == ["incompatible"]


def test_list_of_nothing(command: Command, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    assert "no plugins found" in command("list", "--plugins", tmp_path / "none").stdout


def test_info(command: Command, scaler: Path, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("plugins: {scaler: {max_memory_mb: 77}}\n")
    words = ["info", "scaler", "--plugins", scaler, "--config", "own.yaml"]
    text = command(*words).stdout
    for expected in ("scaler 1.2.0", "float in V", "What to multiply with", "integer >= 1 and <= 9", "sha256:", "77"):
        assert expected in text
    document = answer(command(*words, "--json"))
    assert document["manifest"]["plugin_id"] == "scaler"
    assert document["parameters"]["factor"] == {"required": False, "accepts": "float in V"}
    assert document["settings"]["security"]["max_memory_mb"] == 77
    assert document["settings"]["source"] == "own.yaml"
    assert document["directory"] == str(scaler / "scaler")
    assert document["versions"] == ["1.2.0"]


def test_an_unknown_plugin_names_the_nearest(command: Command, scaler: Path) -> None:
    (scaler / "broken").mkdir()
    (scaler / "broken" / "manifest.json").write_text("{}")
    done = command("info", "scalar", "--plugins", scaler)
    assert done.returncode == 2
    assert "did you mean 'scaler'?" in done.stderr
    assert "platform-base list" in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_that_cannot_be_used(command: Command, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("security:\n  max_memory_md: 5\n")
    done = command("list", "--config", "own.yaml")
    assert done.returncode == 2
    assert "own.yaml:2" in done.stderr
    assert "max_memory_mb" in done.stderr


# -- run ----------------------------------------------------------------------------------------------------------


def test_run_writes_what_was_asked_for(command: Command, scaler: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("t,x\n0,1\n1,2\n2,\n")
    (tmp_path / "p.yaml").write_text("factor: 5\ncount: 3\n")
    done = command(
        "run", "scaler", "--plugins", scaler, "--input", "series=a.csv:x", "--params-file", "p.yaml",
        "--param", "factor=10", "--out", "r.npz", "--plot", "r.png",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for expected in ("scaler 1.2.0", "1 missing", "factor=10.0, count=3", "from 10 to 20", "peak memory", "seccomp"):
        assert expected in done.stdout
    with np.load(tmp_path / "r.npz", allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["values"], [10, 20, np.nan])
        np.testing.assert_array_equal(archive["metadata.twice"], [2, 4, np.nan])
        assert json.loads(str(archive["json"]))["metadata"]["count"] == 3
    assert (tmp_path / "r.png").read_bytes().startswith(b"\x89PNG")


def test_run_in_json(command: Command, scaler: Path, tmp_path: Path) -> None:
    document = answer(
        command("run", "scaler", "--plugins", scaler, "-i", "series=json:[1, 2]", "-o", "r.csv", "--json")
    )
    assert set(document) == {"plugin", "version", "inputs", "result", "metadata", "execution", "files"}
    assert document["inputs"]["series"] == {
        "origin": "literal", "type": "array", "dtype": "int64", "shape": [2], "minimum": 1, "maximum": 2, "missing": 0
    }  # fmt: skip
    assert document["result"]["shape"] == [2]
    assert document["metadata"]["peak"] == {"type": "float", "value": 2.0}
    assert document["execution"]["parameters"]["factor"] == 2.0
    assert "seccomp" in document["execution"]["protections"]
    assert document["files"] == {"out": "r.csv"}
    assert (tmp_path / "r.csv").read_text() == "value\n2.0\n4.0\n"


def test_every_kind_of_parameter_arrives_typed(command: Command, scaler: Path) -> None:
    words = ["-p", "factor=3", "-p", "count=2", "-p", "flag=true", "-p", "weights=[1, 2.5]", "-p", "limit=null"]
    document = answer(command("run", "scaler", "--plugins", scaler, "-i", "series=json:[1]", *words, "--json"))
    assert document["execution"]["parameters"] == {
        "factor": 3.0, "count": 2, "mode": "scale", "flag": True, "weights": [1.0, 2.5], "limit": None
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "status", "kind", "said"),
    [
        (["-p", "mode=fail"], 1, "PluginFailedError", "ValueError: no \\x1b[2J luck"),
        (["-p", "mode=wait", "--timeout", "0.5"], 1, "PluginTimeoutError", "0.5"),
        (["-p", "count=10"], 2, "ParameterError", "integer >= 1 and <= 9"),
        (["-p", "count=ten"], 2, "ParameterError", "got 'ten'"),
        (["-p", "fctor=1"], 2, "ParameterError", "did you mean 'factor'?"),
        (["-p", "count=1", "-p", "count=2"], 2, "UsageError", "got 'count' again"),
        (["--timeout", "0"], 2, "ParameterError", "timeout"),
        (["-i", "series=json:[2]"], 2, "UsageError", "got 'series' again"),
        (["-i", "params=json:{}"], 2, "UsageError", "--param NAME=VALUE"),
        (["-i", "other=none.csv"], 2, "InputError", "none.csv: expected a file"),
        (["--out", "r.xyz"], 2, "OutputError", "ends in .npz"),
        (["--out", "kept.npz"], 2, "OutputError", "--force"),
        (["--plot", "r.bmp"], 2, "OutputError", "ends in .png"),
        (["--out", "r.csv", "-p", "mode=table"], 2, "OutputError", "write .json or .npz"),
    ],
)
def test_run_says_what_is_wrong(
    command: Command, scaler: Path, tmp_path: Path, words: list[str], status: int, kind: str, said: str
) -> None:
    (tmp_path / "kept.npz").write_text("mine")
    before = sorted(tmp_path.iterdir())
    done = command("run", "scaler", "--plugins", scaler, "-i", "series=json:[1]", *words, "--json")
    described = answer(done, status)["error"]
    assert described["type"] == kind
    assert said in described["message"]
    assert (tmp_path / "kept.npz").read_text() == "mine"
    assert sorted(tmp_path.iterdir()) == before


def test_an_error_of_the_plugin_is_one_message(command: Command, scaler: Path) -> None:
    words = ["run", "scaler", "--plugins", scaler, "-i", "series=json:[1]", "-p", "mode=fail"]
    done = command(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert "ValueError: no \\x1b[2J luck" in done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr
    assert "Traceback" in command("--verbose", *words).stderr


def test_refused_inputs(command: Command, scaler: Path) -> None:
    done = command("run", "scaler", "--plugins", scaler, "-i", "serie=json:[1]")
    assert done.returncode == 2
    assert "serie" in done.stderr


def test_force_overwrites(command: Command, scaler: Path, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text("old")
    answer(command("run", "scaler", "--plugins", scaler, "-i", "series=json:[1]", "-o", "r.json", "--force", "--json"))
    assert json.loads((tmp_path / "r.json").read_text())["values"] == [2.0]


def test_ctrl_c_ends_a_call_that_shows_its_progress(scaler: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "platform_base.cli.main", "run", "scaler", "--plugins", str(scaler),
             "-i", "series=json:[1]", "-p", "mode=wait"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=theirs,
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        shown = read_until(ours, b"half of it")
        process.send_signal(signal.SIGINT)
        for chunk in chunks(ours):
            shown += chunk
        out, _ = process.communicate(timeout=60)
    finally:
        os.close(ours)
    assert process.returncode == 130
    assert out == b""
    assert b"interrupted" in shown
    assert b"Traceback" not in shown


def chunks(terminal: int) -> Iterator[bytes]:
    """What comes out of a terminal until the last process that holds it has ended."""
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # EIO: the other side is closed
            return
        if not chunk:
            return
        yield chunk


def read_until(terminal: int, mark: bytes) -> bytes:
    shown = b""
    for chunk in chunks(terminal):
        shown += chunk
        if mark in shown:
            return shown
    raise AssertionError(f"{mark!r} was never shown: {shown!r}")


# -- validate and new ---------------------------------------------------------------------------------------------


def states(document: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["state"] for check in document["checks"]}


def test_a_valid_plugin(command: Command, scaler: Path) -> None:
    document = answer(command("validate", scaler / "scaler", "--json"))
    assert document["valid"]
    assert (document["plugin"], document["version"]) == ("scaler", "1.2.0")
    assert set(states(document).values()) == {"passed"}
    assert command("validate", scaler / "scaler").stdout.endswith("scaler 1.2.0 is valid\n")


def test_every_problem_of_a_manifest_has_its_line(command: Command, tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "manifest.json").write_text(
        '{\n  "plugin_id": "Bad",\n  "version": "1",\n  "entrypoint": "bad.Bad"\n}'
    )
    document = answer(command("validate", "bad", "--json"), status=1)
    assert not document["valid"]
    assert {problem["line"] for problem in document["problems"]} >= {2, 3, 4}
    assert states(document)["loading"] == "skipped"
    done = command("validate", "bad")
    assert done.returncode == 1
    assert "bad/manifest.json:4 entrypoint: " in done.stdout
    assert "did you mean 'entry_point'?" in done.stdout


@pytest.mark.parametrize(
    ("change", "code", "failed", "said"),
    [
        ({"entry_point": "other.Scaler"}, None, "files", "other.py"),
        ({"core_min_version": "99.0.0"}, None, "core version", "99.0.0"),
        ({"requires": ["numpy", "no-such-thing-9"]}, None, "requirements", "no-such-thing-9"),
        ({}, "class Scaler(:\n", "loading", "SyntaxError"),
        ({}, "import pathlib\npathlib.Path('imported').touch()\n", "loading", ""),
        ({"version": "3.0.0"}, None, "loading", "3.0.0"),
    ],
)
def test_what_does_not_load(
    command: Command, scaler: Path, tmp_path: Path, change: dict[str, Any], code: str | None, failed: str, said: str
) -> None:
    manifest = scaler / "scaler" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **change}))
    if code is not None:
        (scaler / "scaler" / "scaler.py").write_text(code)
    document = answer(command("validate", scaler / "scaler", "--json"), status=1)
    assert states(document)[failed] == "failed"
    assert said in next(check["detail"] for check in document["checks"] if check["name"] == failed)
    assert not (tmp_path / "imported").exists()
    assert command("validate", scaler / "scaler").stdout.endswith("is NOT valid\n")


def test_a_missing_document_is_a_warning(command: Command, scaler: Path) -> None:
    manifest = scaler / "scaler" / "manifest.json"
    documents = {"documentation": {"readme": "README.md"}}
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **documents}))
    assert states(answer(command("validate", scaler / "scaler", "--json")))["files"] == "warning"


@pytest.mark.parametrize(
    ("change", "line", "key", "said"),
    [
        ({"entry_point": "scalar.Scaler"}, '"entry_point"', "entry_point", "did you mean 'scaler'?"),
        ({"entry_point": "scaler.Scalar"}, '"entry_point"', "entry_point", "classes defined there: Scaler"),
        ({"requires": ["numpy", "no-such-thing-9"]}, "no-such-thing-9", "requires[1]", "nothing of that name"),
        ({"core_min_version": "99.0.0"}, "99.0.0", "core_min_version", "update platform_base"),
        ({"permissions": {"memory_mb": 9999}}, '"memory_mb"', "permissions.memory_mb", "512 MB"),
        ({"documentation": {"readme": "scaler.pi"}}, '"readme"', "documentation.readme", "did you mean 'scaler.py'?"),
        (
            {"self_test": [{"name": "a", "inputs": {"x": {"file": "x.npy"}}, "expected": {"values": {"value": 1}}}]},
            '"file"', "self_test[0].inputs.x.file", "No such file",
        ),
        (
            {"self_test": [{"name": "a", "parameters": {"faktor": 2}, "expected": {"values": {"value": 1}}}]},
            '"faktor"', "self_test[0].parameters.faktor", "did you mean 'factor'?",
        ),
        (
            {"self_test": [{"name": "a", "inputs": {"series": {"value": [1]}}, "expected": {"values": {"value": 1}}}]},
            '"name": "a"', "self_test[0]", "failed its self-test 'a'",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_beyond_the_manifest_has_its_line_there(
    command: Command, scaler: Path, change: dict[str, Any], line: str, key: str, said: str
) -> None:
    manifest = scaler / "scaler" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **change}, indent=1))
    lines = manifest.read_text().splitlines()
    number = next(at for at, text in enumerate(lines, start=1) if line in text)
    shown = command("validate", "own/scaler").stdout
    place = next(text for text in shown.splitlines() if f" {key}: " in text and "manifest.json:" in text)
    # A list or an object begins on the line before its first element.
    assert f"own/scaler/manifest.json:{number} " in place or f"own/scaler/manifest.json:{number - 1} " in place
    assert said in shown


@pytest.mark.parametrize(("where", "said"), [("own", "plugins are in own/scaler"), ("none", "got nothing")])
def test_a_directory_that_is_no_plugin(command: Command, scaler: Path, where: str, said: str) -> None:
    done = command("validate", where)
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize("verb", ["validate", "test", "pack", "watch"])
@pytest.mark.parametrize("typed", ["scaler", "plugins/scalar", "plugin/scaler"])
def test_a_mistyped_directory_names_the_plugin_that_was_meant(
    command: Command, scaler: Path, tmp_path: Path, verb: str, typed: str
) -> None:
    shutil.copytree(scaler, tmp_path / "plugins")
    done = command(verb, typed)
    assert done.returncode == 2
    assert f"error: {typed}: expected a" in done.stderr
    assert "got nothing; did you mean 'plugins/scaler'?" in done.stderr


@pytest.mark.parametrize("verb", ["run", "profile", "memory", "bench"])
def test_an_input_without_its_option(command: Command, verb: str) -> None:
    done = command(verb, "scaler", "series=json:[1,2]")
    assert done.returncode == 2
    assert "; inputs are given with --input series=json:[1,2], parameters with --param NAME=VALUE; see: " in done.stderr
    assert "inputs are given" not in command(verb, "scaler", "other").stderr


def test_a_new_plugin_validates_and_runs_at_once(command: Command, tmp_path: Path) -> None:
    document = answer(command("new", "meu_plugin", "--json"))
    assert document["directory"] == "plugins/meu_plugin"
    assert {"manifest.json", "meu_plugin.py"} <= set(document["files"])
    everything = "".join(path.read_text() for path in (tmp_path / "plugins").rglob("*") if path.is_file())
    assert "class MeuPlugin(" in everything
    assert "plugin_template" not in everything
    assert "PluginTemplate" not in everything
    assert answer(command("validate", "plugins/meu_plugin", "--json"))["valid"]
    ran = answer(command("run", "meu_plugin", "--plugins", "plugins", "-i", "series=json:[1, 2]", "--json"))
    assert (ran["plugin"], ran["result"]["maximum"]) == ("meu_plugin", 4.0)
    again = command("new", "meu_plugin")
    assert again.returncode == 2
    assert "expected no such directory" in again.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [("Meu-Plugin", "for example meu_plugin"), ("../x", "lower-case letter"), ("class", "keyword"), ("x" * 65, "63")],
)
def test_names_that_are_refused(command: Command, tmp_path: Path, name: str, said: str) -> None:
    done = command("new", name)
    assert done.returncode == 2
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_new_elsewhere(command: Command, tmp_path: Path) -> None:
    done = command("new", "a2", "--directory", "deep/er")
    assert done.returncode == 0
    assert "platform-base validate deep/er/a2" in done.stdout
    assert (tmp_path / "deep" / "er" / "a2" / "a2.py").is_file()


# -- doctor, schema, demo -----------------------------------------------------------------------------------------


def test_doctor(command: Command) -> None:
    document = answer(command("doctor", "--json"))
    assert document["healthy"]
    assert {"name", "available", "purpose", "detail", "reason", "remedy"} == set(document["protections"][0])
    assert {"landlock", "seccomp"} <= set(document["live_check"]["protections"])
    text = command("doctor").stdout
    assert all(each["name"] in text for each in document["protections"])
    assert "live check" in text


def test_doctor_says_when_sandboxing_is_off(command: Command, tmp_path: Path) -> None:
    (tmp_path / "open.yaml").write_text("security: {enable_sandboxing: false}\n")
    assert "OFF" in command("doctor", "--config", "open.yaml").stdout


def test_schema(command: Command) -> None:
    from platform_base.plugins.manifest_schema import manifest_schema

    assert json.loads(command("schema").stdout) == manifest_schema()


def test_demo(command: Command, tmp_path: Path) -> None:
    data = REPOSITORY / "examples" / "data"
    (tmp_path / "quick.yaml").write_text("security: {max_cpu_percent: null}\n")
    words = ["demo", "--config", "quick.yaml", "--out", "pictures", "--data", data]
    document = answer(command(*words, "--json"))
    assert [step["plugin"] for step in document["steps"]] == ["custom_filters", "dtw_align", "twed_distance"]
    assert document["steps"][0]["result"]["shape"] == [732]
    assert document["steps"][1]["result"]["shape"] == [48]
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == ["alignment.png", "filter.png"]
    assert all((tmp_path / file).read_bytes().startswith(b"\x89PNG") for file in document["files"])
    assert document["recording"] == str(data / "elnino.csv")


def test_demo_without_its_data(command: Command, tmp_path: Path) -> None:
    done = command("demo", "--data", tmp_path)
    assert done.returncode == 2
    assert "leave out --data" in done.stderr
