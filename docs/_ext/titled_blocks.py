"""Fences that say which file they are, ``python title="plugins/a/a.py"``, get that path as their caption."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_FENCE = re.compile(r"^(?P<ticks>```+)(?P<info>\w+ [^`\n]*title=[^`\n]*)$", re.MULTILINE)


def caption_titles(app: Sphinx, docname: str, source: list[str]) -> None:
    """Write such a fence as Sphinx's directive of the same meaning."""
    source[0] = _FENCE.sub(_as_directive, source[0])


def _as_directive(match: re.Match[str]) -> str:
    language, *options = shlex.split(match["info"])
    title = next(option.removeprefix("title=") for option in options if option.startswith("title="))
    return f"{match['ticks']}{{code-block}} {language}\n:caption: '`{title}`'\n"


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("source-read", caption_titles)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
