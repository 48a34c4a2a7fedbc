"""The contract of a reader: one file format, from a path and a selector to values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from platform_base.cli.errors import InputError
from platform_base.plugins.documents.spelling import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What was taken out of a file.

    Attributes:
        values: ``(n,)`` or ``(n, channels)`` array; JSON may give any value.
        name: What was taken, such as ``column 'co2'``; empty for the whole file.
        remark: What the reader wants people to know, such as a sampling rate; may be empty.
    """

    values: Any
    name: str = ""
    remark: str = ""


class Reader(Protocol):
    """Reads one file format."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Endings of the names of such files, lower case, with the point."""
        ...

    def read(self, path: Path, selector: str) -> Selection:
        """Read values from a file.

        Args:
            path: An existing file.
            selector: What to take, as written after the colon; empty: the only thing there is.

        Raises:
            InputError: The file is not of this format, or has no such part.
            MissingExtraError: The format needs a package that is not installed.
        """
        ...


def unknown_part(path: Path, kind: str, name: str, known: list[str]) -> InputError:
    """Make the error for a column, key or field that is not there; it lists those that are."""
    listed = ", ".join(repr(each) for each in known[:40]) + (", ..." if len(known) > 40 else "")
    hint = did_you_mean(name, known)
    remedy = hint if hint.startswith("did") else f"for example {path.name}:{known[0]}" if known else ""
    text = f"{path}: expected one of the {kind}s {listed or '(there are none)'}; got {name!r}"
    return InputError(f"{text}; {remedy}" if remedy else text)


def part_needed(path: Path, kind: str, known: list[str]) -> InputError:
    """Make the error for a file with several parts of which none was chosen."""
    listed = ", ".join(repr(each) for each in known[:40]) + (", ..." if len(known) > 40 else "")
    return InputError(
        f"{path}: expected a {kind} to be chosen, got none; "
        f"the {kind}s are {listed}; write for example {path.name}:{known[-1]}"
    )


def split_names(selector: str, known: list[str]) -> list[str]:
    """Take a selector apart at its commas, unless the whole of it is a name.

    Example:
        >>> split_names("x,y", ["x", "y"])
        ['x', 'y']
        >>> split_names("x,y", ["x,y", "z"])
        ['x,y']
    """
    return [selector] if selector in known else [name.strip() for name in selector.split(",")]


def find_column(path: Path, name: str, known: list[str], *, kind: str = "column") -> int:
    """Return the position of a column given by name, or by number from 0 (negative from the end).

    Raises:
        InputError: There is none.
    """
    if name in known:
        return known.index(name)
    try:
        number = int(name)
    except ValueError:
        raise unknown_part(path, kind, name, known) from None
    if -len(known) <= number < len(known):
        return number % len(known)
    raise unknown_part(path, kind, name, known)
