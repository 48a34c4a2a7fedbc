"""The verb `bench`, on a plugin whose costs are known."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]

CODE = """
import numpy as np

from platform_base.core.models import ProcessingResult


class Quadratic:
    def execute(self, inputs):
        series = np.asarray(inputs["series"], dtype=float)
        if len(series) > inputs["params"]["most"]:
            raise ValueError("too long")
        table = np.subtract.outer(series, series)  # n * n * 8 bytes
        return ProcessingResult(values=float(np.sqrt(np.abs(table)).sum()))

    def validate_inputs(self, inputs):
        return len(inputs["series"]) >= inputs["params"]["least"]

    def get_manifest(self):
        return {}
"""
MANIFEST = {
    "plugin_id": "quadratic",
    "version": "1.0.0",
    "entry_point": "quadratic.Quadratic",
    "configuration": {
        "least": {"type": "integer", "default": 1},
        "most": {"type": "integer", "default": 1_000_000},
    },
    "self_test": [
        {
            "name": "two points",
            "inputs": {"series": {"value": [0, 4]}},
            "expected": {"values": {"value": 4.0}},
        }
    ],
}


@pytest.fixture
def quadratic(tmp_path: Path) -> Path:
    directory = tmp_path / "own" / "quadratic"
    directory.mkdir(parents=True)
    (directory / "manifest.json").write_text(json.dumps(MANIFEST))
    (directory / "quadratic.py").write_text(CODE)
    (tmp_path / "own.yaml").write_text("security: {max_cpu_percent: 100}\n")
    return directory.parent


@pytest.fixture
def bench(command: Command, quadratic: Path) -> Command:
    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return command("bench", "quadratic", "--plugins", quadratic, "--config", "own.yaml", *words)

    return run


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_growth_of_a_known_plugin(bench: Command, tmp_path: Path) -> None:
    document = answer(bench("--max-size", "1024", "--min-size", "64", "--plot", "b.png", "--json"))
    assert set(document) == {
        "plugin", "version", "digest", "steps", "ended", "growth", "limits", "inputs", "parameters", "compared", "files"
    }  # fmt: skip
    assert document["inputs"] == "self-test 'two points'"
    assert document["ended"] == "the largest size: --max-size"
    assert [step["size"] for step in document["steps"]] == [64, 128, 256, 512, 1024]
    assert all(step["calls"] >= 5 for step in document["steps"])
    assert document["growth"]["memory"]["low"] <= 2.05
    assert document["growth"]["memory"]["exponent"] == pytest.approx(2.0, abs=0.25)
    peaks = [step["peak_bytes"] for step in document["steps"]]
    # Three tables of 1024 x 1024 doubles are alive at once: the differences, their absolute values, and the roots.
    assert peaks[-1] - peaks[0] == pytest.approx(3 * 8 * 1024**2, rel=0.15)
    assert document["limits"]["max_memory_mb"] * 2**20 >= 1.5 * peaks[-1]
    assert document["limits"]["fault"] == ""
    assert document["growth"]["cpu"]["exponent"] > 1
    assert (tmp_path / "b.png").read_bytes().startswith(b"\x89PNG")


def test_it_says_why_it_ended(bench: Command, quadratic: Path) -> None:
    text = bench("-p", "most=400", "-i", "series=generator:sine,period=30,noise=0.1")
    assert text.returncode == 0, text.stderr
    assert "512 samples: plugin 'quadratic' raised ValueError: too long" in text.stdout
    assert "not known: fewer than four sizes" in text.stdout
    assert "permissions" in text.stdout


def test_the_smallest_sizes_may_be_refused_but_not_all(bench: Command) -> None:
    words = ["--min-size", "16", "--max-size", "128", "-p", "least=50", "-i", "series=json:[1,2,3]"]
    document = answer(bench(*words, "--json"))
    assert [step["size"] for step in document["steps"]] == [64, 128]
    done = bench("--min-size", "4", "--max-size", "32", "-p", "least=50", "-i", "series=json:[1,2,3]")
    assert done.returncode == 2
    assert "refused its inputs" in done.stderr


def test_limits_that_are_not_enough_are_named(bench: Command, quadratic: Path) -> None:
    """The manifest asks for more than it turns out to need: under the suggested settings it would not be loaded."""
    manifest = quadratic / "quadratic" / "manifest.json"
    manifest.write_text(json.dumps({**MANIFEST, "permissions": {"memory_mb": 500}}))
    done = bench("--max-size", "512", "--budget", "2")
    assert done.returncode == 0, done.stderr
    assert "NOT enough: plugin 'quadratic' asks for more than it is given" in done.stdout
    assert "it asks for 500 MB" in done.stdout


def test_two_versions_in_turns(bench: Command, quadratic: Path) -> None:
    other = quadratic / "other"
    other.mkdir()
    (other / "manifest.json").write_text(json.dumps({**MANIFEST, "version": "1.1.0"}))
    (other / "quadratic.py").write_text(CODE)
    document = answer(bench("--max-size", "512", "--compare", "1.0.0", "--json"))
    assert (document["version"], document["compared"]["version"]) == ("1.1.0", "1.0.0")
    assert [each["size"] for each in document["compared"]["ratios"]] == [step["size"] for step in document["steps"]]
    assert all(each["wall_ratio"] > 0 for each in document["compared"]["ratios"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-i", "series=json:3"], "expected a series of numbers"),
        (["-i", "series=generator:saw"], "name"),
        (["-i", "series=generator:sine,period=x"], "expected numbers after ="),
        (["-i", "series=generator:sine,perod=3"], "perod"),
        (["--fixed", "other"], "expected an input, one of series"),
        (["--min-size", "9", "--max-size", "8"], "not to be the larger one"),
        (["--plot", "b.txt"], ".png"),
        (["--compare", "9.9.9"], "1.0.0"),
    ],
)
def test_wrong_words(quadratic: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    from platform_base.cli.main import call

    assert call(["bench", "quadratic", "--plugins", str(quadratic), *words]) == 2
    assert said in capsys.readouterr().err
