"""What a stranger's plugin says is text, wherever it stands."""

from __future__ import annotations

import json
import re

import pytest

from platform_base.web.readme import render_readme

FIELDS = {"p.factor": "2", "s.series": "example:0"}


def assert_harmless(text: str) -> None:
    assert "<script>" not in text
    assert "<img src" not in text
    assert "<b>bold" not in text
    assert "<i>first" not in text
    assert "tracker.example" not in text.replace("&lt;img src=&quot;http://tracker.example", "")


@pytest.mark.parametrize("path", ["/", "/plugins/hostile"])
def test_words_of_the_manifest_and_of_the_readme(reader, path: str) -> None:
    text = reader.get(path).text
    assert "&lt;script&gt;" in text
    assert_harmless(text)


@pytest.mark.parametrize("act", ["scale", "raise", "matrix"])
def test_words_of_results_and_errors(reader, act: str) -> None:
    text = reader.get(reader.run("hostile", **FIELDS, **{"p.act": act})).text
    assert "&lt;img src=x" in text
    assert_harmless(text)


def test_a_readme_has_no_pictures_no_scripts_and_no_links_but_those_of_the_web() -> None:
    page = render_readme(
        "# One\n\n![p](http://t.example/a.png) [js](javascript:x) [data](data:text/html,x) [in](../guide.md) "
        "[web](https://example.org/) <b>raw</b>\n\n| a |\n|---|\n| 1 |\n"
    )
    assert "<h3>One</h3>" in page
    assert "[p]" in page
    assert "<img" not in page
    assert 'href="https://example.org/" rel="noopener noreferrer nofollow"' in page
    assert page.count("href=") == 1
    assert "&lt;b&gt;raw" in page
    assert "<td>1</td>" in page


def test_a_readme_that_is_a_way_out_of_the_plugin_is_not_shown(reader, registry, tmp_path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("private words")
    plugin = tmp_path / "plugin"
    plugin.mkdir()
    (plugin / "manifest.json").write_text(
        '{"plugin_id": "linked", "version": "1.0.0", "entry_point": "a.B", "documentation": {"readme": "README.md"}}'
    )
    (plugin / "a.py").write_text("class B: ...\n")
    (plugin / "README.md").symlink_to(secret)
    registry.discover_plugins(plugin)
    answer = reader.get("/plugins/linked")
    assert "private words" not in answer.text


def test_the_name_of_an_upload_is_text(reader) -> None:
    reader.upload("<b>bold.csv", b"x\n1\n2\n")
    text = reader.get("/plugins/hostile").text
    assert "&lt;b&gt;bold.csv" in text
    assert_harmless(text)


def test_names_and_numbers_that_no_picture_expects(reader) -> None:
    run = reader.run("hostile", **FIELDS, **{"p.act": "odd"})
    text = reader.get(run).text
    assert "<h2>panel.extremes</h2>" in text
    assert "half \\ud800" in text
    assert "0x" in text
    assert reader.get(f"{run}/matrix.png?name=panel.extremes").content.startswith(b"\x89PNG")
    assert json.loads(reader.get(f"{run}/download/json").content)["metadata"]["half \\ud800"] == "a\\udfffb"
    assert reader.get(f"{run}/download/npz").content.startswith(b"PK")


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("kind", ["png", "svg"])
def test_numbers_that_cannot_be_drawn_are_no_fault_of_the_page(reader, kind: str) -> None:
    pytest.importorskip("matplotlib")
    answer = reader.get(f"{reader.run('hostile', **FIELDS, **{'p.act': 'odd'})}/download/{kind}")
    assert answer.status_code == 409
    assert "result: expected numbers that Matplotlib can draw, up to 1e+300, got 1e+308" in answer.text


@pytest.mark.parametrize("name", ["a.b", "a,b", "runs.plugin"])
def test_the_name_of_an_input_is_neither_a_word_nor_a_list(reader, name: str) -> None:
    runs = [reader.run("hostile", **FIELDS, **{"n.x1": name, "s.x1": "generated:sine"}) for _ in range(2)]
    answer = reader.client.get(f"{runs[0]}/series", params={"trace": f"input.{name}:0"}, headers=reader.cookies)
    assert answer.status_code == 200
    ids = [re.search(r'<code class="digest">([0-9a-f]{32})</code>', reader.get(run).text)[1] for run in runs]
    assert f' role="rowheader">{name}</th>' in reader.get(f"/compare?run={ids[0]}&run={ids[1]}").text


DIGITS = "1" * 5000


@pytest.mark.parametrize(
    "fields",
    [
        {"s.series": f"example:{DIGITS}"},
        {"s.series": "typed", "t.series": f"[{DIGITS[:400]}]"},
        {"s.series": "typed", "t.series": f"[{DIGITS}]"},
        {"p.levels": "[" * 5000},
        {"p.count": DIGITS},
    ],
)
def test_what_is_too_long_or_too_deep_is_an_error_of_the_form(reader, fields) -> None:
    assert reader.post("/plugins/hostile/run", data={**FIELDS, **fields}).status_code == 422


def test_numbers_of_many_digits_in_addresses(reader) -> None:
    run = reader.run("hostile", **FIELDS)
    assert reader.get(f"{run}/series?trace=values:{DIGITS}").status_code == 404
    assert reader.get(f"/plugins/hostile/source?key=series&s.series=typed&place={DIGITS}").status_code == 200
