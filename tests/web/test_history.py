"""What the history remembers stands in the page, and two runs can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from starlette.testclient import TestClient

from platform_base.plugins.registry import PluginRegistry
from platform_base.web.application import make_application
from tests.web.conftest import BASE, TOKEN, Reader


@contextmanager
def page(settings) -> Iterator[Reader]:
    """The page of a registry of its own."""
    with (
        PluginRegistry(settings) as registry,
        TestClient(make_application(registry, token=TOKEN), base_url=BASE, follow_redirects=False) as client,
    ):
        yield Reader(client)


FIELDS = {"p.factor": "2", "s.series": "example:0"}


def run_id_of(reader, run: str) -> str:
    return re.search(r"<code class=\"digest\">([0-9a-f]{32})</code>", reader.get(run).text)[1]


def test_the_list_has_each_run_once_with_its_cause(reader) -> None:
    run = reader.run("hostile", **FIELDS)
    failed = reader.run("hostile", **FIELDS, **{"p.act": "raise"})
    text = reader.get("/runs?plugin=hostile").text
    assert text.count(f'href="{run}"') == text.count(f'href="{failed}"') == 1
    assert text.count(f'value="{run_id_of(reader, run)}"') == 1
    assert "exception ValueError" in text
    assert "file_reader" not in text


def test_a_run_of_before_is_shown_from_the_history(reader, registry, tmp_path) -> None:
    name = run_id_of(reader, reader.run("hostile", **FIELDS, **{"p.act": "raise"}))
    with page({"history": {"enabled": True, "path": str(registry.history.path)}}) as other:
        assert f'href="/history/{name}"' in other.get("/runs").text
        text = other.get(f"/history/{name}").text
    assert "PluginFailedError" in text
    assert "&lt;img src=x" in text
    assert "<img src" not in text
    assert "ndarray 8 float64, sha256" in text


def test_two_runs_side_by_side(reader) -> None:
    names = [run_id_of(reader, reader.run("hostile", **{**FIELDS, "p.factor": factor})) for factor in ("2", "3")]
    text = reader.get(f"/compare?run={names[0]}&run={names[1]}").text
    changed = re.findall(r'class="differs"><th scope="row" role="rowheader">(.*?)</th>', text)
    assert changed == ["factor"]
    assert "panel-lines" in text
    series = reader.get(f"/compare/{names[0]}/{names[1]}/series?trace=0.values:0&trace=1.values:0&width=100").json()
    assert series["ys"][0][4] * 3 == series["ys"][1][4] * 2 > 0


@pytest.mark.parametrize(("query", "status"), [("", 422), ("?run=a", 422), ("?run=00&run=zz", 404)])
def test_a_comparison_of_nothing_is_refused(reader, query: str, status: int) -> None:
    assert reader.get(f"/compare{query}").status_code == status


def test_without_a_history_the_page_shows_its_own_runs() -> None:
    with page({}) as other:
        assert other.get("/runs").status_code == 200
        assert 'name="run"' not in other.get("/runs").text
        assert other.get("/history/00").status_code == 404


def test_a_broken_history_is_said_and_hides_nothing(tmp_path) -> None:
    path = tmp_path / "runs.db"
    path.write_bytes(b"this is no database" * 100)
    with page({"history": {"enabled": True, "path": str(path)}}) as other:
        assert other.get("/").status_code == 200
        assert "expected a history file" in other.get("/runs").text
