"""Two catalogues of the same keys, and every word that a page asks for is in them."""

from __future__ import annotations

import html
import re
import string
from importlib.resources import files

import pytest

from platform_base.web.languages import choose_language, load_languages
from platform_base.web.sources import GENERATED

WEB = files("platform_base.web")


def sources(*folders: str) -> str:
    """Return the text of every template or program in some folders."""
    return "".join(
        page.read_text(encoding="utf-8")
        for folder in folders
        for page in WEB.joinpath(folder).iterdir()
        if page.name.endswith((".html", ".py"))
    )


def asked() -> set[str]:
    """Keys that templates and programs write out."""
    found = re.findall(r'\bt\(\s*"([a-z_]+\.[a-z0-9_]+)"', sources("templates"))
    return {*found, *re.findall(r'say\("([a-z_]+\.[a-z0-9_]+)"', sources("pages"))}


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_the_catalogues_have_the_same_keys_with_the_same_values_in_them() -> None:
    languages = load_languages()
    english, portuguese = languages["en"].words, languages["pt"].words
    assert set(english) == set(portuguese)
    for key, text in english.items():
        assert text
        assert portuguese[key]
        assert fields(text) == fields(portuguese[key]), key


def test_every_word_that_is_asked_for_is_there() -> None:
    words = load_languages()["en"].words
    assert len(asked()) > 80
    assert asked() <= set(words)


def test_every_word_that_is_there_is_asked_for() -> None:
    words = set(load_languages()["en"].words)
    written = sources("templates", "pages") + "".join(
        WEB.joinpath(name).read_text(encoding="utf-8") for name in ("panels.py", "comparison.py")
    )
    composed = {f"form.{name}" for name in GENERATED} | {key for key in words if key.startswith("state.")}
    for key in words - asked() - composed:
        # Others are put together from a section and a name that stands somewhere in quotes.
        assert f'"{key}"' in written or f'"{key.partition(".")[2]}"' in written, key


@pytest.mark.parametrize(
    ("chosen", "accepted", "expected"),
    [
        (None, "", "en"),
        (None, "pt-BR,pt;q=0.9,en;q=0.8", "pt"),
        (None, "de;q=1.0, en;q=0.4, pt;q=0.6", "pt"),
        (None, "pt;q=0, en", "en"),
        ("en", "pt", "en"),
        ("xx", "pt", "pt"),
        (None, "pt;q=nonsense, *", "en"),
    ],
)
def test_the_language_follows_the_reader(chosen: str | None, accepted: str, expected: str) -> None:
    assert choose_language(chosen, accepted, load_languages()) == expected


def test_a_page_in_portuguese_says_so_and_remembers(reader) -> None:
    answer = reader.get("/?lang=pt")
    assert '<html lang="pt-BR">' in answer.text
    assert "Pico de memória" in answer.text
    assert "platform_base_language=pt" in answer.headers["set-cookie"]
    assert "Peak memory" in reader.get("/", **{"Accept-Language": "en"}).text
    assert "Pico de memória" in reader.get("/", **{"Accept-Language": "pt-BR"}).text


@pytest.mark.parametrize("path", ["/plugins/dtw_align", "/runs", "/workers", "/nowhere"])
def test_every_page_is_there_in_both_languages(reader, path: str) -> None:
    for code in ("en", "pt"):
        assert reader.get(f"{path}?lang={code}").status_code in (200, 404)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/plugins/hostile/run?keep=1", "/plugins/hostile?lang=pt"),
        ("/uploads?plugin=hostile", "/plugins/hostile?lang=pt"),
        ("/uploads/0/remove?plugin=hostile", "/?lang=pt"),
        ("/runs/0/cancel", "/?lang=pt"),
    ],
)
def test_the_other_language_of_what_a_form_was_answered_with_can_be_followed(reader, path: str, expected: str) -> None:
    text = reader.post(path, data={"p.factor": "none"}, **{"Accept-Language": "en"}).text
    link = html.unescape(re.search(r'<a href="([^"]*)" lang="pt"', text)[1])
    assert link == expected
    assert '<html lang="pt-BR">' in reader.get(link).text


def test_the_other_language_keeps_what_an_address_asks_for(reader) -> None:
    text = reader.get("/runs?plugin=hostile&lang=en").text
    assert html.unescape(re.search(r'<a href="([^"]*)" lang="pt"', text)[1]) == "/runs?lang=pt&plugin=hostile"
