"""How answers look: tables and text for people, JSON for programs, errors for both."""

from __future__ import annotations

import base64
import datetime
import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

_PROBLEM_KEYS = ("file", "line", "key", "expected", "got", "hint")
_MAX_CELL = 60


def visible(text: object) -> str:
    """Return text whose control characters show instead of steering the terminal; line ends stay.

    Example:
        >>> visible("red \\x1b[31m")
        'red \\\\x1b[31m'
    """
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode("ascii")
        for char in str(text).replace("\t", "    ")
    )


def shorten(text: object, max_length: int = _MAX_CELL) -> str:
    """Return text on one line of at most `max_length` characters."""
    line = " ".join(visible(text).split())
    return line if len(line) <= max_length else f"{line[: max_length - 3]}..."


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


def to_json(document: Any) -> str:
    """Write anything that a result may hold as JSON; see `plain`."""
    return json.dumps(plain(document), ensure_ascii=False, indent=2, allow_nan=False)


def plain(value: Any) -> Any:
    """Turn a value into what JSON knows.

    NaN and infinity become null, complex numbers ``{"real", "imag"}``, bytes base64 text, dates ISO 8601
    text, durations seconds, arrays nested lists, masked elements null, tables columns by name, and anything
    else its text.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, complex):
        return {"real": plain(value.real), "imag": plain(value.imag)}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    return _plain_array(value)


def _plain_array(value: Any) -> Any:
    import numpy as np

    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind in "mM":
            return value.astype(str).tolist()
        if value.dtype.kind == "f":
            value = value.astype(np.float64)  # longdouble would come out as a NumPy scalar again
        return plain(value.tolist())
    return _plain_table(value)


def _plain_table(value: Any) -> Any:
    """Turn tables of libraries that are installed or not, and are not imported here, into columns by name."""
    library, kind = type(value).__module__.partition(".")[0], type(value).__name__
    if library == "pandas" and kind == "DataFrame":
        return plain(value.to_dict(orient="list"))
    if library == "polars" and kind == "DataFrame":
        return plain(value.to_dict(as_series=False))
    if library in ("pandas", "polars") and kind == "Series":
        return plain(value.to_list())
    if library == "pyarrow" and hasattr(value, "to_pydict"):
        return plain(value.to_pydict())
    return visible(value)


def describe_problems(problems: Sequence[Any]) -> list[dict[str, Any]]:
    """Return problems as JSON objects with the keys file, line, key, expected, got, hint."""
    return [{key: getattr(problem, key) for key in _PROBLEM_KEYS} for problem in problems]


def describe_error(error: BaseException) -> dict[str, Any]:
    """Return an error as a JSON object: always ``type`` and ``message``, and its facts where it has any."""
    described: dict[str, Any] = {"type": type(error).__name__, "message": str(error)}
    for name in (
        "plugin_id", "version", "remote_type", "remote_message", "remote_traceback", "timeout_s", "limit",
        "rule", "signal", "exit_status", "protection", "missing", "conflicting", "path", "extra",
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
