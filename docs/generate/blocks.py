"""Pages whose tables are made from the code, between two comments that a reader does not see."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

REFERENCE = Path(__file__).resolve().parents[1] / "plugins" / "reference"
_BLOCK = re.compile(r"<!-- (?P<name>[\w. -]+): begin -->\n.*?<!-- (?P=name): end -->", re.DOTALL)


class UnknownBlockError(Exception):
    """A page and the generator do not name the same blocks."""


def fill(text: str, blocks: Mapping[str, str], page: str) -> str:
    """Return a page with every block filled in.

    Args:
        text: The page.
        blocks: What stands in each block, by name.
        page: Its name, for messages.

    Raises:
        UnknownBlockError: The page has a block that nobody makes, or lacks one that is made.
    """
    found = [match["name"] for match in _BLOCK.finditer(text)]
    unknown, missing = sorted(set(found) - set(blocks)), sorted(set(blocks) - set(found))
    if unknown:
        raise UnknownBlockError(f"{page}: nobody makes the block {unknown[0]!r}; expected one of {sorted(blocks)}")
    if missing:
        lines = f"<!-- {missing[0]}: begin -->\n<!-- {missing[0]}: end -->"
        raise UnknownBlockError(
            f"{page}: no place for {missing[0]!r}; write these two lines where it belongs:\n{lines}"
        )
    return _BLOCK.sub(lambda match: _block(match["name"], blocks[match["name"]]), text)


def _block(name: str, content: str) -> str:
    return f"<!-- {name}: begin -->\n\n{content}\n\n<!-- {name}: end -->"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(_row(line) for line in lines).replace("| --- ", "|---").replace("---|", "---|")


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def anchor(heading: str) -> str:
    """Return the anchor that code hosts and the site give to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
