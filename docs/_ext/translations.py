"""The Portuguese texts: one catalogue of messages for each translated page, in ``docs/locale/pt_BR``.

English pages are the source; `make translations` brings the catalogues up to date with them. What is generated, names
a file or holds nothing but code is no message.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from docutils import nodes
from sphinx.transforms import SphinxTransform

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
LOCALE = HERE.parent / "locale" / "pt_BR"
_HEADER = "# Portuguese (Brazil). The messages are those of the English page; see CONTRIBUTING.md."
_MARK = re.compile(r"<!-- [\w .-]+: (?P<edge>begin|end) -->")
_CODE = re.compile(r"`[^`]*`|https?://\S+")
_ENGLISH_ONLY = "Esta página só existe em inglês."


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A message of a translated page whose Portuguese text is missing, doubtful or no longer needed."""

    page: str
    reason: str
    message: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.page}: {self.reason}: {self.message!r}"


def translated_pages() -> dict[str, Path]:
    """Return the pages that have a catalogue, by name without suffix."""
    return {str(path.relative_to(LOCALE).with_suffix("")): path for path in sorted(LOCALE.rglob("*.po"))}


def needs_translation(message: str) -> bool:
    """Say whether there is a word outside code in it."""
    return bool(re.search(r"[^\W\d_]{2,}", _CODE.sub("", message)))


def extract(directory: Path) -> None:
    """Have Sphinx write the messages of all English pages below a directory.

    Raises:
        subprocess.CalledProcessError: A page has a fault.
    """
    trees = directory / "trees"
    words = ["-m", "sphinx", "-q", "-W", "-b", "gettext", "-c", "docs", "-d", str(trees), ".", str(directory)]
    subprocess.run([sys.executable, *words], cwd=REPOSITORY, check=True)


def read_messages(template: Path) -> Catalog:
    """Read what `extract` wrote for a page, without what needs no translation."""
    with template.open("rb") as file:
        catalog = read_po(file)
    for message in [each for each in catalog if not (each.id and needs_translation(str(each.id)))]:
        if message.id:
            catalog.delete(message.id)
    return catalog


def read_catalog(path: Path) -> Catalog:
    """Read the Portuguese texts of a page."""
    with path.open("rb") as file:
        return read_po(file, locale="pt_BR")


def find_gaps(templates: Path) -> Iterator[Gap]:
    """Compare every catalogue with the English page, as `extract` wrote it below `templates`."""
    for page, path in translated_pages().items():
        template = templates / f"{page}.pot"
        if not template.exists():
            yield Gap(page=page, reason="there is no such English page", message=path.name)
            continue
        wanted = {str(each.id) for each in read_messages(template) if each.id}
        catalog = read_catalog(path)
        held = {str(each.id): each for each in catalog if each.id}
        for message in sorted(wanted):
            if message not in held or not held[message].string:
                yield Gap(page=page, reason="not translated", message=message)
            elif held[message].fuzzy:
                yield Gap(page=page, reason="the English text has changed", message=message)
        for message in sorted({*held, *map(str, catalog.obsolete)} - wanted):
            yield Gap(page=page, reason="no longer in the English page", message=message)


def update(templates: Path, pages: list[str]) -> None:
    """Bring the catalogues of `pages`, and of all that are translated, in line with the English pages."""
    for page in sorted({*pages, *translated_pages()}):
        path = LOCALE / f"{page}.po"
        catalog = read_catalog(path) if path.exists() else Catalog(locale="pt_BR")
        catalog.update(read_messages(templates / f"{page}.pot"), update_header_comment=False)
        catalog.obsolete.clear()
        write_catalog(path, catalog)


def write_catalog(path: Path, catalog: Catalog) -> None:
    """Write a catalogue with nothing in it that changes by itself."""
    path.parent.mkdir(parents=True, exist_ok=True)
    catalog.header_comment = _HEADER
    with path.open("wb") as file:
        file.write(f'{_HEADER}\nmsgid ""\nmsgstr ""\n'.encode())
        file.write(b'"Language: pt_BR\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n\n')
        write_po(file, catalog, width=0, omit_header=True, no_location=True)


class LeaveOut(SphinxTransform):
    """Generated tables and the names of files stay as they are in every language."""

    default_priority = 5  # before Sphinx puts translations in their place, at 20

    def apply(self, **kwargs: Any) -> None:
        """Mark everything between ``<!-- name: begin -->`` and ``<!-- name: end -->``, and every caption."""
        inside = False
        for node in self.document.findall():
            if isinstance(node, nodes.raw) and (mark := _MARK.fullmatch(node.astext().strip())):
                inside = mark["edge"] == "begin"
            elif isinstance(node, nodes.TextElement) and (inside or isinstance(node, nodes.caption)):
                node["translatable"] = False


def compile_catalogs(app: Sphinx, config: Any) -> None:
    """Compile the catalogues beside the other products, not into the source."""
    target = Path(app.doctreedir, "locale")
    for page, path in translated_pages().items():
        compiled = target / "pt_BR" / "LC_MESSAGES" / f"{page}.mo"
        compiled.parent.mkdir(parents=True, exist_ok=True)
        with compiled.open("wb") as file:
            write_mo(file, read_catalog(path))
    config.locale_dirs = [str(target)]


def tell_english(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Say at the top of a page of the Portuguese site that it has no translation."""
    if app.config.language == "en" or doctree is None:
        return
    if pagename not in translated_pages() and pagename not in app.config.written_in_portuguese:
        context["body"] = f'<p class="english-only">{_ENGLISH_ONLY}</p>{context["body"]}'


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.add_config_value("written_in_portuguese", [], "env")
    app.add_transform(LeaveOut)
    app.connect("config-inited", compile_catalogs)
    app.connect("html-page-context", tell_english)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def main(arguments: list[str]) -> int:
    """Update the catalogues, and those of the pages named, and print what is missing."""
    with tempfile.TemporaryDirectory() as directory:
        extract(Path(directory))
        update(Path(directory), arguments)
        gaps = list(find_gaps(Path(directory)))
    print("\n".join(map(str, gaps)) or "every message of every translated page has a translation")
    return min(len(gaps), 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
