"""The contract of a reader: one file format, from a file and a selector to values."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Protocol

from platform_base.plugins.documents.spelling import did_you_mean
from platform_base.series.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFile:
    """A file that is read, wherever its bytes lie.

    Attributes:
        name: What messages call it; its ending says what the format is.
        open: Returns a new stream of its bytes that can seek.
    """

    name: str
    open: Callable[[], BinaryIO]

    @classmethod
    def on_disk(cls, path: Path) -> SeriesFile:
        """Take a file of the file system."""
        return cls(name=str(path), open=lambda: path.open("rb"))

    @classmethod
    def in_memory(cls, name: str, content: bytes) -> SeriesFile:
        """Take bytes that came under a name."""
        return cls(name=name, open=lambda: io.BytesIO(content))

    @property
    def suffix(self) -> str:
        """The ending of its name, lower case, with the point."""
        return PurePosixPath(self.name).suffix.lower()

    @property
    def last_name(self) -> str:
        """Its name without directories."""
        return PurePosixPath(self.name).name

    def read(self) -> bytes:
        """Return all of it."""
        with self.open() as stream:
            return stream.read()

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Everything in a file that could be an input.

    Attributes:
        columns: Arrays of numbers by name, ``(n,)`` or ``(n, channels)``.
        left_out: Why other columns are not among them, by name.
        remark: What the reader wants people to know, such as a sampling rate; may be empty.
    """

    columns: dict[str, Any]
    left_out: dict[str, str] = field(default_factory=dict)
    remark: str = ""


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

    def read(self, path: SeriesFile, selector: str) -> Selection:
        """Read values from a file.

        Args:
            path: The file.
            selector: What to take, as written after the colon; empty: the only thing there is.

        Raises:
            InputError: The file is not of this format, or has no such part.
            MissingExtraError: The format needs a package that is not installed.
            OSError: The file cannot be opened.
        """
        ...

    def read_all(self, path: SeriesFile) -> Contents:
        """Read every column of a file, so that people can choose.

        Args:
            path: The file.

        Raises:
            InputError: As `read`.
            MissingExtraError: As `read`.
            OSError: As `read`.
        """
        ...


def unknown_part(path: SeriesFile, kind: str, name: str, known: list[str]) -> InputError:
    """Make the error for a column, key or field that is not there; it lists those that are."""
    listed = ", ".join(repr(each) for each in known[:40]) + (", ..." if len(known) > 40 else "")
    hint = did_you_mean(name, known)
    remedy = hint if hint.startswith("did") else f"for example {path.last_name}:{known[0]}" if known else ""
    text = f"{path}: expected one of the {kind}s {listed or '(there are none)'}; got {name!r}"
    return InputError(f"{text}; {remedy}" if remedy else text)


def part_needed(path: SeriesFile, kind: str, known: list[str]) -> InputError:
    """Make the error for a file with several parts of which none was chosen."""
    listed = ", ".join(repr(each) for each in known[:40]) + (", ..." if len(known) > 40 else "")
    return InputError(
        f"{path}: expected a {kind} to be chosen, got none; "
        f"the {kind}s are {listed}; write for example {path.last_name}:{known[-1]}"
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


def find_column(path: SeriesFile, name: str, known: list[str], *, kind: str = "column") -> int:
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


class NamesApart:
    """Names of which each is given once: two columns of a file may have the same one.

    Example:
        >>> names = NamesApart()
        >>> [names.take(name) for name in ("x", "x (2)", "x", "x")]
        ['x', 'x (2)', 'x (3)', 'x (4)']
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._last: dict[str, int] = {}

    def take(self, name: str) -> str:
        """Return a name that is not taken yet, and take it."""
        number, free = self._last.get(name, 1), name
        while free in self._taken:
            number += 1
            free = f"{name} ({number})"
        self._taken.add(free)
        self._last[name] = number
        return free
