"""``python -m docs.generate`` writes the generated parts of the reference; `make reference` calls it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from docs.generate.blocks import REFERENCE, fill
from docs.generate.command_line import command_line_blocks, place
from docs.generate.documents import manifest_blocks, settings_blocks
from docs.generate.error_classes import error_blocks

PAGES: Mapping[str, Callable[[], dict[str, str]]] = MappingProxyType(
    {
        "manifest.md": manifest_blocks,
        "settings.md": settings_blocks,
        "errors.md": error_blocks,
        "command-line.md": command_line_blocks,
    }
)


def render(page: str) -> str:
    """Return what a page of the reference should hold."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    return fill(place(text) if page == "command-line.md" else text, PAGES[page](), page)


if __name__ == "__main__":
    for name in PAGES:
        (REFERENCE / name).write_text(render(name), encoding="utf-8")
