"""`platform-base test` as a process: text, JSON, JUnit XML, exit statuses."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Command

SELF_TEST = [
    {
        "name": "twice",
        "inputs": {"series": {"value": [1.0, 2.0]}},
        "expected": {"values": {"value": [2.0, 4.0]}},
    }
]


@pytest.fixture
def tested(scaler: Path) -> Path:
    """The plugin's directory, with a self-test; it has no answer to an empty series, and takes texts for numbers."""
    manifest = scaler / "scaler" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "self_test": SELF_TEST}))
    return scaler / "scaler"


def change(directory: Path, before: str, after: str) -> None:
    file = directory / "scaler.py"
    code = file.read_text()
    assert before in code
    file.write_text(code.replace(before, after))


def document(command: Command, status: int, *words: str | Path) -> dict[str, Any]:
    done = command("test", *words, "--json")
    assert (done.returncode, done.stderr) == (status, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_property_that_holds(command: Command, tested: Path) -> None:
    found = document(command, 0, tested, "--only", "self_tests", "--only", "nan")
    assert found["passed"]
    assert [each["name"] for each in found["properties"]] == ["self_tests", "nan"]
    done = command("test", tested, "--only", "nan", "--all")
    assert done.returncode == 0
    assert "passed   nan" in done.stdout
    assert "- twice: series with a NaN: a value" in done.stdout
    assert "scaler 1.2.0 is all right" in done.stdout


def test_a_property_that_does_not_hold(command: Command, tested: Path, tmp_path: Path) -> None:
    change(tested, "series.max()", "series[series.size // 2]")
    done = command("test", tested, "--only", "empty", "--junit", "report.xml")
    assert done.returncode == 1
    assert "failed   empty" in done.stdout
    assert "! twice: series empty: IndexError: index 0 is out of bounds" in done.stdout
    assert "scaler 1.2.0 is NOT all right: " in done.stdout
    suite = ET.parse(tmp_path / "report.xml").getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    failure = suite.find("testcase[@name='empty']/failure")
    assert failure is not None
    assert "IndexError" in (failure.text or "")
    found = document(command, 1, tested, "--only", "empty")
    assert found["properties"][0]["findings"][0]["fault"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["own/scaler", "--only", "nann"], "did you mean 'nan'?"),
        (["own"], "own: expected a directory with manifest.json, got one without; plugins are in own/scaler"),
        (["nowhere"], "nowhere: expected a plugin's directory, got nothing"),
        (["own/scaler", "--only", "loads", "--junit", "no/such/file.xml"], "no/such/file.xml: cannot be written"),
    ],
)
def test_wrong_questions(command: Command, tested: Path, words: list[str], said: str) -> None:
    done = command("test", *words)
    assert done.returncode == 2
    assert said in done.stderr
