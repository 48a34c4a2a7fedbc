"""A plugin's README as HTML. It is a stranger's text: no HTML of his, no picture from elsewhere, no script."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup, escape

MAX_BYTES = 256 * 1024


def render_readme(text: str) -> Markup:
    """Turn Markdown into HTML.

    Pictures become their words in brackets; links of other kinds than http, https and mailto stay text, as markdown-it
    decides; headings begin two levels below the page's own.
    """
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")
    parser.add_render_rule("image", _name_image)
    parser.add_render_rule("heading_open", _lower_heading)
    parser.add_render_rule("heading_close", _lower_heading)
    parser.add_render_rule("link_open", _open_link)
    parser.add_render_rule("table_open", _open_table)
    return Markup(parser.render(text))  # noqa: S704  markdown-it escapes, its own HTML is switched off


def _name_image(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: MutableMapping[str, Any]
) -> str:
    return str(escape(f"[{tokens[index].content}]"))


def _lower_heading(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: MutableMapping[str, Any]
) -> str:
    level = min(6, int(tokens[index].tag[1:]) + 2)
    return f"<h{level}>" if tokens[index].nesting == 1 else f"</h{level}>\n"


def _open_link(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: MutableMapping[str, Any]
) -> str:
    target = str(tokens[index].attrGet("href") or "")
    if not target.startswith(("http://", "https://", "mailto:", "#")):
        # A path inside the plugin's directory leads nowhere here.
        tokens[index].attrs.pop("href", None)
    tokens[index].attrSet("rel", "noopener noreferrer nofollow")
    return renderer.renderToken(tokens, index, options, env)


def _open_table(
    _renderer: RendererHTML,
    _tokens: Sequence[Token],
    _index: int,
    _options: OptionsDict,
    _env: MutableMapping[str, Any],
) -> str:
    return '<table class="prose-table">\n'
