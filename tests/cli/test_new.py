"""`platform-base new --kind`: plugins that are green at once, of three kinds that differ."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage, signal, stats
from tests.cli.conftest import Command
from tests.conftest import REPOSITORY

from platform_base.plugins.manifest_schema import manifest_schema
from platform_base.plugins.testing import check_plugin

KINDS = ("series", "pair", "filter")
TEMPLATES = REPOSITORY / "src" / "platform_base" / "cli" / "templates"


def make(command: Command, *words: str) -> dict[str, Any]:
    done = command("new", "my_plugin", *words, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def kind_words(kind: str | None) -> list[str]:
    return ["--kind", kind] if kind else []


@pytest.mark.parametrize("kind", [None, *KINDS])
def test_a_new_plugin_is_green_at_once(command: Command, tmp_path: Path, kind: str | None, nothing_left: None) -> None:
    made = make(command, *kind_words(kind))
    assert made["kind"] == kind
    assert {
        "README.md", "manifest.json", "manifest.schema.json", "my_plugin.py",
        "tests/test_my_plugin.py", "examples/my_plugin_example.py",
    } <= set(made["files"])  # fmt: skip
    place = tmp_path / "plugins" / "my_plugin"
    text = "".join(path.read_text() for path in place.rglob("*") if path.is_file())
    assert "plugin_template" not in text
    assert "PluginTemplate" not in text
    assert json.loads((place / "manifest.schema.json").read_text()) == manifest_schema()
    report = check_plugin(place)
    report.require()
    assert report["produces"].state == "passed"


@pytest.mark.parametrize("kind", [None, *KINDS])
def test_its_own_tests_pass_in_its_folder(command: Command, tmp_path: Path, kind: str | None) -> None:
    make(command, *kind_words(kind))
    place = tmp_path / "plugins" / "my_plugin"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not property"],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if kind is not None:
        example = place / "examples" / "my_plugin_example.py"
        done = subprocess.run([sys.executable, example], capture_output=True, text=True, check=False, timeout=100)
        assert done.returncode == 0, done.stderr
        assert done.stdout


def test_the_commands_that_it_shows_work(command: Command, tmp_path: Path) -> None:
    shown = command("new", "my_plugin", "--kind", "pair").stdout
    lines = [line.partition(". ")[2] for line in shown.splitlines() if ". platform-base " in line]
    assert [line.split()[1] for line in lines] == ["test", "run", "validate"]
    for line in lines[1:]:
        done = command(*line.split()[1:])
        assert done.returncode == 0, done.stderr


def test_somebodys_copy_of_the_template_is_not_taken_for_it(command: Command, tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "plugins" / "template", tmp_path / "plugins" / "changed")
    (tmp_path / "plugins" / "changed" / "mine.txt").write_text("changed")
    assert "mine.txt" not in make(command)["files"]


@pytest.mark.parametrize(
    ("words", "said"),
    [(["x", "--kind", "matrix"], "matrix"), (["Band-Power", "--kind", "filter"], "for example band_power")],
)
def test_what_is_refused(command: Command, tmp_path: Path, words: list[str], said: str) -> None:
    done = command("new", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


class TestSelfTestData:
    """What the self-tests of the templates expect was computed by others."""

    @staticmethod
    def columns(kind: str, file: str) -> Any:
        return np.genfromtxt(TEMPLATES / kind / "data" / file, delimiter=",", names=True)

    def test_series(self) -> None:
        data = self.columns("series", "self_test.csv")
        np.testing.assert_allclose(data["zscore"], stats.zscore(data["series"]), rtol=1e-12)
        centered = data["series"] - np.median(data["series"])
        np.testing.assert_allclose(data["by_quantiles"], centered / stats.iqr(data["series"]), rtol=1e-12, atol=1e-15)

    def test_pair(self) -> None:
        data, expected = self.columns("pair", "self_test.csv"), self.columns("pair", "correlations.csv")
        for lag, correlation in zip(expected["lag"].astype(int), expected["correlation"], strict=True):
            both = [
                (data["reference"][i], data["target"][i + lag]) for i in range(len(data)) if 0 <= i + lag < len(data)
            ]
            assert correlation == pytest.approx(np.corrcoef(np.array(both).T)[0, 1], rel=1e-12)

    def test_filter(self) -> None:
        data = self.columns("filter", "self_test.csv")
        taps = signal.firwin(31, 5.0, window="hamming", fs=100.0)
        expected = ndimage.convolve1d(data["series"], taps, mode="nearest")
        np.testing.assert_allclose(data["filtered"], expected, rtol=1e-12, atol=1e-15)
