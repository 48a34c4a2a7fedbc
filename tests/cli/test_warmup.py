"""`platform-base warmup`: the self-tests of plugins, each in a fresh worker, twice."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import MANIFEST, Command


def add_self_tests(directory: Path, expected: list[float]) -> None:
    test = {"name": "twice", "inputs": {"series": {"value": [1.0, 2.0]}}, "expected": {"values": {"value": expected}}}
    (directory / "manifest.json").write_text(json.dumps({**MANIFEST, "self_test": [test]}))


def test_every_self_test_is_carried_out_twice(command: Command, scaler: Path) -> None:
    add_self_tests(scaler / "scaler", [2.0, 4.0])
    done = command("warmup", "--plugins", str(scaler), "--json")
    assert done.returncode == 0, done.stderr
    (call,) = json.loads(done.stdout)["calls"]
    assert (call["plugin"], call["self_test"], call["detail"]) == ("scaler", "twice", "")
    assert call["first_s"] > 0
    assert call["warm_s"] > 0


def test_a_failed_self_test_is_a_failure(command: Command, scaler: Path) -> None:
    add_self_tests(scaler / "scaler", [2.0, 5.0])
    done = command("warmup", "scaler", "--plugins", str(scaler))
    assert done.returncode == 1
    assert "twice" in done.stdout


def test_a_plugin_without_self_tests_is_said_to_have_none(command: Command, scaler: Path) -> None:
    done = command("warmup", "scaler", "--plugins", str(scaler))
    assert done.returncode == 0, done.stderr
    assert "has no self-test" in done.stdout


def test_an_unknown_plugin_is_named(command: Command, scaler: Path) -> None:
    done = command("warmup", "scalar", "--plugins", str(scaler))
    assert done.returncode != 0
    assert "did you mean 'scaler'" in done.stderr
