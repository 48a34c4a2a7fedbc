"""The same page in the other language: a link in the side bar, and for search engines in the head.

The Portuguese site lies in the folder ``pt-BR`` of the English one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from site_map import ROOTS

if TYPE_CHECKING:
    from sphinx.application import Sphinx

NAMES = {"en": "English", "pt_BR": "Português"}
FOLDERS = {"en": "", "pt_BR": "pt-BR/"}


def add_languages(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Give the templates ``languages``: name, code, address relative to this page, and whether it is this one."""
    here = app.config.language
    up = "../" * (pagename.count("/") + FOLDERS[here].count("/"))
    context["languages"] = [
        {
            "name": NAMES[language],
            "code": language.replace("_", "-"),
            "address": f"{up}{FOLDERS[language]}{ROOTS[language] if pagename == ROOTS[here] else pagename}.html",
            "here": language == here,
        }
        for language in ROOTS
    ]


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("html-page-context", add_languages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
