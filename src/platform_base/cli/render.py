"""How answers look: tables and text for people, JSON for programs, errors for both."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from platform_base.core.json_text import to_json
from platform_base.core.plain import plain, shorten, visible

__all__ = [
    "describe_error",
    "describe_problems",
    "make_table",
    "plain",
    "print_error",
    "print_facts",
    "print_heading",
    "print_json",
    "print_table",
    "shorten",
    "to_json",
    "visible",
]

if TYPE_CHECKING:
    from rich.table import Table

_PROBLEM_KEYS = ("file", "line", "key", "expected", "got", "hint")


def make_table(headings: Sequence[str], rows: Sequence[Sequence[object]], *, fixed: Sequence[int] = (0,)) -> Table:
    """Make a table of plain text.

    Args:
        headings: One per column.
        rows: Cells, shown with their control characters made visible.
        fixed: Columns that are never wrapped, so that they can be searched for and copied.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for index, heading in enumerate(headings):
        table.add_column(Text(heading), no_wrap=index in fixed, overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    return table


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]], *, fixed: Sequence[int] = (0,)) -> None:
    """Print a table to standard output; what a pipe receives is not folded to the width of a screen."""
    from rich.console import Console

    is_terminal = sys.stdout.isatty()
    console = Console(markup=False, emoji=False, highlight=False, width=None if is_terminal else 200)
    with console.capture() as capture:
        console.print(make_table(headings, rows, fixed=fixed))
    # Rich fills every line with blanks and puts empty ones around: a nuisance in pipes and when copied.
    print("\n".join(line.rstrip() for line in capture.get().strip("\n").splitlines() if line.strip()))


def print_facts(facts: Mapping[str, object]) -> None:
    """Print names and values in two columns."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        first, *rest = visible(value).split("\n")
        print(f"{name:<{width}}  {first}".rstrip())
        for line in rest:
            print(f"{'':<{width}}  {line}".rstrip())


def print_heading(text: str) -> None:
    """Print a line that begins a part of the answer."""
    print(f"\n{visible(text)}")


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document to standard output."""
    print(to_json(document))


def describe_problems(problems: Sequence[Any]) -> list[dict[str, Any]]:
    """Return problems as JSON objects with the keys file, line, key, expected, got, hint."""
    return [{key: getattr(problem, key) for key in _PROBLEM_KEYS} for problem in problems]


def describe_error(error: BaseException) -> dict[str, Any]:
    """Return an error as a JSON object: always ``type`` and ``message``, and its facts where it has any."""
    described: dict[str, Any] = {"type": type(error).__name__, "message": str(error)}
    for name in (
        "plugin_id", "version", "remote_type", "remote_message", "remote_traceback", "timeout_s", "limit",
        "rule", "signal", "exit_status", "protection", "missing", "conflicting", "path", "extra", "run_id", "run",
    ):  # fmt: skip
        if (fact := getattr(error, name, None)) not in (None, "", ()):
            described[name] = plain(fact)
    if problems := getattr(error, "problems", ()):
        described["problems"] = describe_problems(problems)
    if notes := getattr(error, "__notes__", ()):
        described["notes"] = list(notes)
    return described


def print_error(error: BaseException, *, as_json: bool) -> None:
    """Print an error: as JSON to standard output, or as text to standard error."""
    if as_json:
        print_json({"error": describe_error(error)})
        return
    print(f"error: {visible(error)}", file=sys.stderr)
    if getattr(error, "remote_traceback", ""):
        print("note: the plugin's traceback is shown with: platform-base --verbose ...", file=sys.stderr)
    for note in getattr(error, "__notes__", ()):
        print(f"note: {visible(note)}", file=sys.stderr)
