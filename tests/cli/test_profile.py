"""The verbs `profile` and `memory`, and what they write."""

from __future__ import annotations

import html.parser
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from platform_base.cli.errors import OutputError
from platform_base.cli.profiles.speedscope import make_speedscope
from platform_base.plugins.profiling.time_profile import Callee, TimeProfile

Command = Callable[..., "subprocess.CompletedProcess[str]"]

HOSTILE = """
import numpy as np

from platform_base.core.models import ProcessingResult


def work(count):
    return sum(number * len(str(number)) for number in range(count))


COUNT = 4_000
NAME = "</title></style><script>alert(1)</script>\\"'><img src=x onerror=alert(1)>"
named = type(work)(work.__code__.replace(co_name=NAME, co_qualname=NAME), globals())


class Scaler:
    def execute(self, inputs):
        kept = np.ones(500_000)  # <b onclick="x">kept</b>
        return ProcessingResult(values=float(named(COUNT) + kept[0]))

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {}
"""


def line_of(text: str) -> int:
    return 1 + next(at for at, line in enumerate(HOSTILE.splitlines()) if text in line)


@pytest.fixture
def hostile(scaler: Path) -> Path:
    """A plugin whose names want to become part of a page."""
    (scaler / "scaler" / "scaler.py").write_text(HOSTILE)
    return scaler


class Reader(html.parser.HTMLParser):
    """Collects tags and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.opened = 0
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.opened += tag == "details"

    def handle_endtag(self, tag: str) -> None:
        self.opened -= tag == "details"


def read_safe_page(path: Path) -> Reader:
    text = path.read_text()
    page = Reader(text)
    assert {"script", "img", "b", "iframe", "link"}.isdisjoint(page.tags)
    assert not {name for name in page.attributes if name.startswith("on") or name in ("src", "href")}
    assert page.tags.count("title") == 1 + page.tags.count("g")
    assert page.tags.count("style") == 1
    assert page.opened == 0
    assert "default-src 'none'" in text
    return page


def test_profile_writes_a_page_and_a_file_for_the_viewer(command: Command, hostile: Path, tmp_path: Path) -> None:
    words = ["profile", "scaler", "--plugins", hostile, "--calls", "20"]
    done = command(*words, "--html", "p.html", "--speedscope", "p.json")
    assert done.returncode == 0, done.stderr
    assert "after one that was not measured" in done.stdout
    assert f"Scaler.execute  scaler.py:{line_of('def execute')}" in done.stdout
    read_safe_page(tmp_path / "p.html")
    document = json.loads((tmp_path / "p.json").read_text())
    frames, (profile,) = document["shared"]["frames"], document["profiles"]
    assert profile["type"] == "sampled"
    assert len(profile["samples"]) == len(profile["weights"]) > 0
    assert {at for sample in profile["samples"] for at in sample} == set(range(len(frames)))
    assert sum(profile["weights"]) == pytest.approx(profile["endValue"])
    assert command(*words, "--html", "p.html").returncode == 2
    assert "--force" in command(*words, "--html", "p.html").stderr


def test_profile_in_json(command: Command, hostile: Path) -> None:
    done = command("profile", "scaler", "--plugins", hostile, "--calls", "20", "--json")
    document: dict[str, Any] = json.loads(done.stdout)
    assert set(document) == {
        "plugin", "version", "digest", "seconds", "calls", "samples", "functions", "tree", "files"
    }  # fmt: skip
    assert document["calls"] == 20
    first = document["tree"][0]
    assert (first["depth"], first["name"]) == (0, "Scaler.execute")
    assert first["file"] == str(hostile / "scaler" / "scaler.py")
    assert sum(each["own_seconds"] for each in document["functions"]) == pytest.approx(first["seconds"])


def test_memory(command: Command, hostile: Path, tmp_path: Path) -> None:
    done = command("memory", "scaler", "--plugins", hostile, "--html", "m.html")
    assert done.returncode == 0, done.stderr
    assert f"scaler.py:{line_of('kept = ')}" in done.stdout
    assert "kept = np.ones(500_000)" in done.stdout
    assert "3.8" in done.stdout.partition("source")[2]  # MiB: 4,000,000 bytes
    page = read_safe_page(tmp_path / "m.html")
    assert {"svg", "polyline", "table", "details"} <= set(page.tags)
    document = json.loads(command("memory", "scaler", "--plugins", hostile, "--json").stdout)
    line = document["lines"][0]
    assert (line["file"], line["line"]) == (str(hostile / "scaler" / "scaler.py"), line_of("kept = "))
    assert 4_000_000 <= line["bytes"] < 4_010_000
    assert document["peak_bytes"] >= 4_000_000
    assert len(document["curve"]["seconds"]) == len(document["curve"]["bytes"])


def test_lines_of_other_files_are_not_read(tmp_path: Path) -> None:
    from platform_base.cli.profiles.source_lines import SourceLines

    (tmp_path / "plugin").mkdir()
    (tmp_path / "secret.py").write_text("password = 1\n")
    (tmp_path / "plugin" / "own.py").write_text("first\n  second\n")
    (tmp_path / "plugin" / "link.py").symlink_to(tmp_path / "secret.py")
    source = SourceLines(str(tmp_path / "plugin"))
    assert source.find(f"{tmp_path}/plugin/own.py", 2) == "second"
    for file in ("plugin/../secret.py", "plugin/link.py", "secret.py"):
        assert source.find(f"{tmp_path}/{file}", 1) == ""
    assert source.find(f"{tmp_path}/plugin/own.py", 0) == source.find(f"{tmp_path}/plugin/own.py", 3) == ""


def test_the_flames_are_as_wide_as_the_time(command: Command, hostile: Path, tmp_path: Path) -> None:
    import re

    command("profile", "scaler", "--plugins", hostile, "--calls", "20", "--html", "p.html")
    boxes = re.findall(r'<rect x="([\d.]+)" y="(\d+)" width="([\d.]+)"', (tmp_path / "p.html").read_text())
    left, top, width = np.array(boxes, dtype=float).T
    assert width[top == 0].sum() == pytest.approx(1200, abs=2)
    assert (left + width <= 1200.5).all()


def test_a_timeline_of_too_many_frames_is_not_written() -> None:
    stack = (Callee(name="f", file="f.py", line=1),) * 1000
    profile = TimeProfile(
        plugin_id="p", version="1.0.0", digest="sha256:0", directory="/d", seconds=1.0, calls=1, samples=20_001,
        roots=(), timeline=((stack, 0.1),) * 20_001, values=None, metadata={},
    )  # fmt: skip
    with pytest.raises(OutputError, match="larger --interval"):
        make_speedscope(profile)
