"""An HTML page of one file that runs no script and loads nothing; whatever stands on it was escaped on its way in."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence

_STYLE = """
:root { color-scheme: light dark; --ink: #222831; --faint: #6b7280; --line: #e3e6ea; --paper: #fff; --bar: #0072b2; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaed; --faint: #9aa0a6; --line: #33383f; --paper: #16191d; --bar: #56b4e9; }
}
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper);
       margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0 0 .2rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1.2rem; margin: .8rem 0; }
dt { color: var(--faint); } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; font-weight: 600; color: var(--faint); }
td, th { padding: .2rem .9rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.number { text-align: right; width: 1%; font-variant-numeric: tabular-nums; white-space: nowrap; }
code, .tree { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
.tree details, .tree .leaf { margin-left: 1.1rem; } .tree .leaf { padding-left: 1rem; }
.tree summary { cursor: pointer; } .place { color: var(--faint); }
svg { width: 100%; height: auto; display: block; } svg text { font: 12px ui-monospace, monospace; fill: #16191d; }
svg .axis { fill: var(--faint); }
"""


def escape(text: object) -> str:
    """Return text that stands for itself between tags and in attributes."""
    return html.escape(str(text), quote=True)


def make_page(title: str, facts: Mapping[str, object], parts: Iterable[tuple[str, str]]) -> str:
    """Return a page.

    Args:
        title: Its heading, not yet escaped.
        facts: Names and values, not yet escaped.
        parts: Headings, not yet escaped, and HTML.
    """
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    body = "".join(f"<section><h2>{escape(heading)}</h2>{content}</section>\n" for heading, content in parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{escape(title)}</h1><dl>{listed}</dl>\n{body}</body></html>\n"
    )


def make_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[int]) -> str:
    """Return a table of text that is escaped here; the columns `numbers` stand to the right."""
    head = "".join(
        f'<th class="number">{escape(heading)}</th>' if at in numbers else f"<th>{escape(heading)}</th>"
        for at, heading in enumerate(headings)
    )
    body = "".join(f"<tr>{''.join(_cell(cell, at in numbers) for at, cell in enumerate(row))}</tr>\n" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: object, number: bool) -> str:
    return f'<td class="number">{escape(value)}</td>' if number else f"<td><code>{escape(value)}</code></td>"
