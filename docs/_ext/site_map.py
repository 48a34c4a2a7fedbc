"""What stands in the site's menu: the pages stay plain Markdown, their order stands here.

A page that is new in a folder appears by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from platform_base.cli.main import app as command_line

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOTS = {"en": "README", "pt_BR": "README.pt-BR"}
_GUIDES = "docs/plugins/guides/"
_MENU = (
    ({"en": "Tutorial", "pt_BR": "Tutorial"}, (f"{_GUIDES}tutorial", f"{_GUIDES}first-plugin")),
    ({"en": "How to, verb by verb", "pt_BR": "Como fazer, verbo por verbo"}, ("verbs",)),
    ({"en": "How to", "pt_BR": "Como fazer"}, (f"{_GUIDES}*", "docs/plugins/troubleshooting")),
    ({"en": "Concepts", "pt_BR": "Conceitos"}, ("docs/plugins/concepts/*",)),
    ({"en": "Reference", "pt_BR": "Referência"}, ("docs/plugins/reference/*",)),
    ({"en": "Bundled plugins", "pt_BR": "Plugins incluídos"}, ("plugins/README", "plugins/*/README")),
    (
        {"en": "Project", "pt_BR": "Projeto"},
        ("docs/plugins/README", "ARCHITECTURE", "SECURITY", "CONTRIBUTING", "CHANGELOG", "docs/adr/*", "examples/*"),
    ),
)
_LANGUAGE_LINK = re.compile(r"^\[[^\]]+\]\(README[^)]*\)\n+", re.MULTILINE)
_REDIRECT = """\
<!doctype html>
<meta charset="utf-8">
<title>platform_base</title>
<meta http-equiv="refresh" content="0; url={0}">
<a href="{0}">platform_base</a>
"""


def choose_root(app: Sphinx, config: Any) -> None:
    """Each language begins with its own README, and leaves out the other one."""
    config.root_doc = ROOTS[config.language]
    others = [f"{root}.md" for language, root in ROOTS.items() if language != config.language]
    config.exclude_patterns = [*config.exclude_patterns, *others]


def read_root_again(app: Sphinx, env: Any, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """The menu, on the first page, changes when a page comes or goes."""
    return [app.config.root_doc] if added or removed else []


def add_menu(app: Sphinx, docname: str, source: list[str]) -> None:
    """Append the menu to the first page, and leave out its link to the other language, which the side bar has."""
    if docname != app.config.root_doc:
        return
    source[0] = _LANGUAGE_LINK.sub("", source[0], count=1)
    left = app.env.found_docs - {docname}
    for captions, patterns in _MENU:
        entries = [page for pattern in patterns for page in _select(pattern, left)]
        left -= set(entries)
        lines = ["", "```{toctree}", ":hidden:", f":caption: {captions[app.config.language]}", ""]
        source[0] += "\n".join([*lines, *(f"/{page}" for page in entries), "```", ""])


def _select(pattern: str, pages: set[str]) -> Iterator[str]:
    """Yield the pages that a line of the menu stands for; ``verbs``: the guides that are named after a verb."""
    if pattern == "verbs":
        for verb in typer.main.get_command(command_line).commands:  # type: ignore[attr-defined]
            yield from pages & {f"{_GUIDES}{verb}"}
    else:
        yield from sorted(page for page in pages if fnmatchcase(page, pattern))


def write_entrance(app: Sphinx, exception: Exception | None) -> None:
    """Whoever opens the folder gets the first page."""
    if exception is None and app.builder.format == "html":
        page = app.builder.get_target_uri(app.config.root_doc)
        Path(app.outdir, "index.html").write_text(_REDIRECT.format(page), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("config-inited", choose_root)
    app.connect("env-get-outdated", read_root_again)
    app.connect("source-read", add_menu)
    app.connect("build-finished", write_entrance)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
