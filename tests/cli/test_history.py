"""The verbs that read the history, as processes, after runs that ended in every way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.test_commands import answer
from tests.conftest import eventually

from platform_base.cli.main import call as call_command


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Carry out a command line in this process, with a history of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)

    def run(*words):
        capsys.readouterr()
        status = call_command([str(word) for word in words])
        said = capsys.readouterr()
        return subprocess.CompletedProcess(words, status, said.out, said.err)

    return run


@pytest.fixture
def call(command, scaler):
    """Call the plugin `scaler` and return the run id."""

    def run(*words, status=0):
        done = command("run", "scaler", "--plugins", scaler, "--input", "series=json:[1,2,3]", "--json", *words)
        assert done.returncode == status, done.stdout + done.stderr
        document = json.loads(done.stdout)
        return document["error"]["run_id"] if status else document["execution"]["run_id"]

    return run


def test_runs(command, call):
    good, bad, wrong = call(), call("--param", "mode=fail", status=1), call("--param", "count=99", status=2)
    document = answer(command("runs", "--json"))
    assert [(run["run_id"], run["outcome"]) for run in document["runs"]] == [
        (wrong, "refused"),
        (bad, "failure"),
        (good, "success"),
    ]
    assert Path(document["history"]).name == "runs.db"
    text = command("runs").stdout
    assert all(run_id[:16] in text for run_id in (good, bad, wrong))
    assert "exception ValueError" in text

    def listed(*words):
        return [run["run_id"] for run in answer(command("runs", "--json", *words))["runs"]]

    assert listed("--outcome", "failure") == [bad]
    assert listed("--cause", "ParameterError") == [wrong]
    assert listed("--plugin", "other") == []
    assert listed("--limit", "1") == [wrong]
    assert listed("--since", "1h") == [wrong, bad, good]
    assert listed("--since", "2999-01-01") == []
    assert command("runs", "--plugin", "other").stdout.startswith("no such runs in ")


def test_nothing_of_a_plugin_that_is_not_remembered_names_the_nearest(command, call):
    call()
    for words in (("runs", "--plugin", "scalar"), ("stats", "scalar"), ("logs", "scalar")):
        assert command(*words).stdout.rstrip().endswith("runs.db; did you mean 'scaler'?"), words
    assert command("logs", "scaler").stdout.rstrip().endswith("runs.db")


def test_show_answers_the_operators_question(command, call):
    run_id = call("--param", "mode=fail", status=1)
    shown = answer(command("runs", "show", run_id[:14], "--json"))
    run = shown["run"]
    assert (run["plugin_id"], run["version"], run["cause"]) == ("scaler", "1.2.0", "exception ValueError")
    assert run["peak_memory_bytes"] > 10 << 20
    assert run["parameters"]["mode"] == "fail"
    assert run["inputs"][0]["shape"] == [3]
    assert (shown["kept"], shown["earlier_attempts"], shown["lines"]) == (False, [], [])
    text = command("runs", "show").stdout
    for part in (run_id, "scaler 1.2.0", run["digest"], "failure: exception ValueError", "no \\x1b[2J luck", "replay"):
        assert part in text
    assert "scaler.py" in text
    assert "\x1b" not in text


def test_show_says_how_to_run_it_again(command, call, tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "plugins.yaml").write_text("replay: on_failure\n")
    run_id = call("--param", "mode=fail", status=1)
    assert f"platform-base replay {run_id}" in command("runs", "show", run_id).stdout
    assert answer(command("runs", "show", run_id, "--json"))["kept"] is True


def test_the_error_leads_to_the_run(command, call, scaler):
    words = ("run", "scaler", "--plugins", scaler, "--input", "series=json:[1]", "--param", "mode=fail")
    done = command(*words)
    (run,) = answer(command("runs", "--json"))["runs"]
    assert f"platform-base runs show {run['run_id']}" in done.stderr


def test_compare(command, call):
    ids = [call(), call("--param", "factor=3"), call("--input", "extra=json:[1]")]
    comparison = answer(command("runs", "compare", ids[0], ids[1], "--json"))["comparison"]
    verdicts = {row["fact"]: row["verdict"] for row in comparison}
    assert verdicts["digest"] == verdicts["parameter mode"] == verdicts["input series"] == "same"
    assert verdicts["parameter factor"] == "DIFFERENT"
    assert verdicts["time"].endswith(" x")
    assert verdicts["protections"] == "same"
    comparison = answer(command("runs", "compare", ids[0], ids[2], "--json"))["comparison"]
    assert {row["fact"]: row["verdict"] for row in comparison}["input extra"] == "DIFFERENT"
    text = command("runs", "compare", ids[0], ids[1]).stdout
    assert "DIFFERENT" in text
    assert ids[0][:16] in text


def test_stats(command, call):
    call()
    call("--param", "mode=fail", status=1)
    (summary,) = answer(command("stats", "scaler", "--json"))["plugins"]
    assert (summary["count"], summary["success_count"], summary["causes"]) == (2, 1, {"exception ValueError": 1})
    text = command("stats", "--since", "1d").stdout
    assert "50.0 %" in text
    assert "exception ValueError" in text
    assert command("stats", "nobody").stdout.startswith("no such runs")


PRINTS = """
from platform_base.core.models import ProcessingResult


class Printer:
    def execute(self, inputs):
        print("looking at", inputs["text"])
        if inputs["text"] == "nothing":
            raise LookupError("there is nothing")
        return ProcessingResult(values=1)

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {}
"""


@pytest.fixture
def printer(command, tmp_path):
    directory = tmp_path / "printer"
    directory.mkdir()
    (directory / "manifest.json").write_text(
        '{"plugin_id": "printer", "version": "1.0.0", "entry_point": "printer.Printer"}'
    )
    (directory / "printer.py").write_text(PRINTS)

    def run(text):
        command("run", "printer", "--plugins", directory, "--input", f"text=json:{json.dumps(text)}")
        return answer(command("runs", "--json", "--limit", "1"))["runs"][0]["run_id"]

    return run


def test_logs(command, printer):
    one, other = printer("one"), printer("nothing")
    lines = answer(command("logs", "--json"))["lines"]
    assert [(line["run_id"], line["text"]) for line in lines] == [
        (one, "looking at one"),
        (other, "looking at nothing"),
    ]
    text = command("logs", "printer", "-n", "1").stdout
    assert text.endswith(f"{other[:16]} printer | looking at nothing\n")
    assert command("logs", "--run", one).stdout == "looking at one\n"
    text = command("logs", "--run", other[:15]).stdout
    assert text.startswith("looking at nothing\nPluginFailedError: ")
    assert text.endswith("LookupError: there is nothing\n")
    assert answer(command("logs", "--run", other, "--json"))["cause"] == "exception LookupError"
    assert "looking at nothing" in command("runs", "show", other).stdout
    assert command("logs", "nobody").stdout.startswith("no such lines")


def test_logs_are_followed(command, printer, tmp_path):
    printer("before")
    output = tmp_path / "followed"
    with output.open("w") as file:
        follower = subprocess.Popen(
            [sys.executable, "-m", "platform_base.cli.main", "logs", "--follow", "--json"],
            cwd=tmp_path,
            stdout=file,
            stderr=subprocess.PIPE,
        )
    try:
        assert eventually(lambda: "before" in output.read_text(), seconds=30)
        run_id = printer("after")
        assert eventually(lambda: "after" in output.read_text(), seconds=30)
    finally:
        follower.send_signal(signal.SIGINT)
        follower.communicate(timeout=30)
    assert follower.returncode == 130
    assert [json.loads(line)["text"] for line in output.read_text().splitlines()] == [
        "looking at before",
        "looking at after",
    ]
    assert json.loads(output.read_text().splitlines()[1])["run_id"] == run_id


def test_not_remembered(command, call, tmp_path):
    call("--no-history")
    assert answer(command("runs", "--json"))["runs"] == []
    settings = tmp_path / "off.yaml"
    settings.write_text("history: false\n")
    call("--config", str(settings))
    assert answer(command("runs", "--json"))["runs"] == []
    settings.write_text(f"history:\n  enabled: true\n  path: {tmp_path}/own/runs.db\n")
    settings.chmod(0o600)
    run_id = call("--config", str(settings))
    assert answer(command("runs", "--json"))["runs"] == []
    (run,) = answer(command("runs", "--json", "--config", settings))["runs"]
    assert run["run_id"] == run_id
    call("--config", str(settings), "--no-history")
    assert len(answer(command("runs", "--json", "--config", settings))["runs"]) == 1


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["runs", "--outcome", "died"], 2, "expected one of success, failure, cancelled, refused, got 'died'"),
        (["runs", "--since", "soon"], 2, "expected so long ago"),
        (["runs", "show", "abc"], 2, "expected the name of a run"),
        (["runs", "show"], 2, "no run is remembered"),
        (["runs", "compare", "a", "b"], 2, "expected the name of a run"),
        (["logs", "x", "--run", "abc"], 2, "expected it alone"),
        (["logs", "--run", "abc"], 2, "expected the name of a run"),
    ],
)
def test_wrong_questions(command, words, status, said):
    done = command(*words)
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr
    assert said in answer(command(*words, "--json"), status=status)["error"]["message"]


def test_a_file_that_is_broken(command, call, tmp_path):
    call()
    file = Path(answer(command("runs", "--json"))["history"])
    for each in file.parent.iterdir():
        each.unlink()
    file.write_text("no database\n" * 1000)
    for words in (["runs"], ["stats"], ["logs"], ["runs", "show", "abc"]):
        done = command(*words)
        assert done.returncode == 1
        assert f"{file}: expected a history file, got file is not a database" in done.stderr
    call()


def test_the_help_has_examples(command):
    for words in (["runs"], ["stats"], ["logs"]):
        assert "platform-base" in command(*words, "--help").stdout.partition("Examples")[2]


def test_the_history_is_the_users_alone(command, call):
    call()
    file = Path(answer(command("runs", "--json"))["history"])
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert file.stat().st_uid == os.geteuid()
