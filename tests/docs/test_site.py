"""The site builds without a warning, works offline and in both languages; what is generated is what the code says."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from tests.conftest import REPOSITORY

from platform_base.plugins.errors import PluginError

from docs._ext.translations import extract, find_gaps, needs_translation, translated_pages
from docs.generate.__main__ import PAGES, render
from docs.generate.blocks import REFERENCE, UnknownBlockError, fill
from docs.generate.command_line import place
from docs.generate.error_classes import remedy

ENGLISH, PORTUGUESE = "en", "pt_BR"
#: Pages that are translated. This list may grow, never shrink.
TRANSLATED = {
    "docs/plugins/README",
    "docs/plugins/concepts/defence-in-depth",
    "docs/plugins/concepts/isolation",
    "docs/plugins/concepts/kernels",
    "docs/plugins/concepts/releases",
    "docs/plugins/concepts/wire",
    "docs/plugins/guides/bench",
    "docs/plugins/guides/cache",
    "docs/plugins/guides/demo",
    "docs/plugins/guides/doctor",
    "docs/plugins/guides/edit-distances",
    "docs/plugins/guides/elastic-distances",
    "docs/plugins/guides/embedding",
    "docs/plugins/guides/environments",
    "docs/plugins/guides/filters",
    "docs/plugins/guides/first-plugin",
    "docs/plugins/guides/history",
    "docs/plugins/guides/hot-reload",
    "docs/plugins/guides/list",
    "docs/plugins/guides/monitoring",
    "docs/plugins/guides/new",
    "docs/plugins/guides/notebook",
    "docs/plugins/guides/operating",
    "docs/plugins/guides/pack",
    "docs/plugins/guides/profile",
    "docs/plugins/guides/replay",
    "docs/plugins/guides/run",
    "docs/plugins/guides/schema",
    "docs/plugins/guides/switching",
    "docs/plugins/guides/test",
    "docs/plugins/guides/tutorial",
    "docs/plugins/guides/validate",
    "docs/plugins/guides/warmup",
    "docs/plugins/guides/watch",
    "docs/plugins/guides/web",
    "docs/plugins/reference/command-line",
    "docs/plugins/reference/errors",
    "docs/plugins/reference/manifest",
    "docs/plugins/reference/registry",
    "docs/plugins/reference/settings",
    "docs/plugins/reference/testing",
    "docs/plugins/troubleshooting",
}


class Addresses(HTMLParser):
    """What a page fetches by itself, and where its links lead."""

    def __init__(self, page):
        super().__init__()
        self.fetched, self.linked, self.language, self.text = [], [], None, []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag == "html":
            self.language = values.get("lang")
        if tag in ("script", "img", "iframe", "source") and values.get("src"):
            self.fetched.append(values["src"])
        if tag == "link" and values.get("rel") in ("stylesheet", "icon", "preload"):
            self.fetched.append(values["href"])
        if tag == "a" and values.get("href"):
            self.linked.append(values["href"])

    def handle_data(self, data):
        self.text.append(data)


def build(target, language):
    words = ["-m", "sphinx", "-q", "-W", "--keep-going", "-c", "docs", "-b", "html", "-D", f"language={language}"]
    trees = target.with_name(f"trees-{language}")
    ended = subprocess.run(
        [sys.executable, *words, "-d", str(trees), ".", str(target)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.timeout(300)
def test_the_site_builds_without_a_warning_and_works_offline_in_both_languages(tmp_path):
    site = tmp_path / "site"
    build(site, ENGLISH)
    build(site / "pt-BR", PORTUGUESE)
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 80
    for page in pages:
        read = Addresses(page)
        if page.name == "index.html":
            assert all((page.parent / each).is_file() for each in read.linked), page
            continue
        assert read.language == ("pt-BR" if "pt-BR" in page.relative_to(site).parts else "en"), page
        for address in read.fetched:
            assert not re.match(r"(https?:)?//", address), f"{page}: fetches {address}"
            assert (page.parent / address.partition("?")[0].partition("#")[0]).is_file(), f"{page}: {address}"
        for address in read.linked:
            path = address.partition("#")[0].partition("?")[0]
            if path and not re.match(r"[a-z]+:", path):
                assert (page.parent / path).is_file(), f"{page}: {address}"
    for sheet in site.rglob("*.css"):
        fetched = re.findall(r"url\(['\"]?([^'\")]+)", sheet.read_text(encoding="utf-8"))
        assert not [each for each in fetched if re.match(r"(https?:)?//", each)], sheet
    assert "Sobre" not in Addresses(site / "README.html").text
    for page in TRANSLATED:
        assert "só existe em inglês" not in " ".join(Addresses(site / "pt-BR" / f"{page}.html").text), page


@pytest.mark.timeout(300)
def test_every_message_of_every_translated_page_has_a_translation(tmp_path):
    assert set(translated_pages()) >= TRANSLATED
    extract(tmp_path)
    gaps = list(map(str, find_gaps(tmp_path)))
    assert not gaps, "run `make translations`, then complete docs/locale:\n" + "\n".join(gaps)


@pytest.mark.parametrize(
    ("message", "wanted"),
    [("Replay", True), ("`--json`", False), ("`a` or `b`", True), ("1.5", False), ("[a](b.md)", True), ("", False)],
)
def test_what_needs_a_translation(message, wanted):
    assert needs_translation(message) is wanted


@pytest.mark.parametrize("page", PAGES)
def test_generated_tables_are_what_the_code_says(page):
    assert (REFERENCE / page).read_text(encoding="utf-8") == render(page), "run `make reference`"


def test_a_block_without_a_place_is_named():
    with pytest.raises(UnknownBlockError, match=r"(?s)p\.md: no place for 'options run'.*<!-- options run: begin -->"):
        fill("# A page\n", {"options run": "..."}, "p.md")
    with pytest.raises(UnknownBlockError, match=r"p\.md: nobody makes the block 'old'"):
        fill("<!-- old: begin -->\n<!-- old: end -->\n", {}, "p.md")


def test_a_new_verb_gets_its_table_where_its_section_is():
    text = "# The command line\n\n## `doctor`: what\n\nText.\n\nJSON: `healthy`.\n\n## Other\n"
    placed = place(text)
    assert "Text.\n\n<!-- options doctor: begin -->\n<!-- options doctor: end -->\n\nJSON:" in placed
    assert place(placed) == placed


def test_an_error_without_a_remedy_is_refused():
    class SilentError(PluginError):
        """It says nothing."""

    with pytest.raises(ValueError, match="SilentError"):
        remedy(SilentError)
