"""What a stranger's plugin says is text, wherever it stands."""

from __future__ import annotations

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
