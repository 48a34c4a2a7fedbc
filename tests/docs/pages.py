"""The repository's documents taken apart: fenced blocks, commands, links, headings, table rows.

What may stand behind the language of a fence:

- ``title="path"``: the block is the content of that file;
- ``no-run="reason"``: the block is checked for its syntax only;
- ``output`` (of ``text``): what the block before it prints, with ``...`` for what differs from run to run.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>```+)(?P<info>[^`]*)$")
_LINK = re.compile(r"(?<!`)!?\[[^\]]*\]\(([^()\s]+(?:\([^()\s]*\))?)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$")
_ROW = re.compile(r"^\| *`([^`]+)` *\|(.*)\|$")

PAGES = ("README.md", "README.pt-BR.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block.

    Attributes:
        language: The first word behind the fence.
        options: The others, such as ``{"title": "plugins/a/a.py"}``; those without a value are empty text.
        text: The content.
        line: Number of the first line of the content, from 1.
    """

    language: str
    options: dict[str, str] = field(default_factory=dict)
    text: str
    line: int


def find_pages(root: Path) -> list[Path]:
    """Return every document below a repository's root, relative to it."""
    listed = [Path(name) for name in PAGES]
    found = sorted(path.relative_to(root) for folder in ("docs", "plugins") for path in (root / folder).rglob("*.md"))
    return listed + found


def read_blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in order.

    Raises:
        ValueError: A fence is never closed, or what stands behind it cannot be read.
    """
    blocks: list[Block] = []
    opened: tuple[str, str, str, int] | None = None
    content: list[str] = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        match = _FENCE.match(line)
        if opened is None:
            if match:
                opened = (match["indent"], match["ticks"], match["info"].strip(), number + 1)
                content = []
        elif match and not match["info"].strip() and len(match["ticks"]) >= len(opened[1]):
            blocks.append(_make_block(opened[2], content, opened[3]))
            opened = None
        else:
            content.append(line.removeprefix(opened[0]))
    if opened is not None:
        raise ValueError(f"{page}:{opened[3] - 1}: this fence is never closed")
    return blocks


def _make_block(info: str, content: list[str], line: int) -> Block:
    words = shlex.split(info)
    options = {name: value for name, _, value in (word.partition("=") for word in words[1:])}
    text = "".join(f"{row}\n" for row in content)
    return Block(language=words[0] if words else "", options=options, text=text, line=line)


def find_commands(block: Block, program: str) -> Iterator[list[str]]:
    """Yield the words of each command of a shell block that runs `program`, without the program's name."""
    text = block.text.replace("\\\n", " ")
    for line in text.splitlines():
        if block.language == "console":
            if not line.startswith("$ "):
                continue
            line = line[2:]
        words = shlex.split(line, comments=True)
        if program in words[:1]:
            end = next((at for at, word in enumerate(words) if word in ("|", ">", "&&", ";")), len(words))
            yield words[1:end]


def read_prose(page: Path) -> list[str]:
    """Return the lines of a page that stand outside its fenced blocks."""
    lines: list[str] = []
    ticks = ""
    for line in page.read_text(encoding="utf-8").splitlines():
        match = _FENCE.match(line)
        if ticks:
            if match and not match["info"].strip() and len(match["ticks"]) >= len(ticks):
                ticks = ""
        elif match:
            ticks = match["ticks"]
        else:
            lines.append(line)
    return lines


def find_links(page: Path) -> list[str]:
    """Return the targets of the links and images of a page."""
    return [target for line in read_prose(page) for target in _LINK.findall(re.sub(r"`[^`]*`", "", line))]


def find_anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    anchors: set[str] = set()
    for line in read_prose(page):
        match = _HEADING.match(line)
        if match:
            kept = re.sub(r"[^\w\- ]", "", match[1].lower())
            anchors.add(kept.replace(" ", "-"))
    return anchors


def read_table(page: Path, heading: str) -> dict[str, list[str]]:
    """Return the rows of the tables under a heading: first cell, without its backticks, to the other cells.

    Raises:
        ValueError: The page has no such heading, or a first cell comes twice.
    """
    rows: dict[str, list[str]] = {}
    inside = found = False
    for line in read_prose(page):
        match = _HEADING.match(line)
        if match:
            inside = match[1].strip("`") == heading
            found = found or inside
        row = _ROW.match(line) if inside else None
        if row:
            if row[1] in rows:
                raise ValueError(f"{page}: {row[1]} stands twice under {heading}")
            rows[row[1]] = [cell.strip() for cell in re.split(r"(?<!\\)\|", row[2])]
    if not found:
        raise ValueError(f"{page}: there is no heading {heading!r}")
    return rows
