"""Columns of numbers in text: CSV and its relatives.

The delimiter is the one of tab, semicolon, comma and white space that cuts the first lines into the same
number of fields. The first row holds names when none of its cells is a number. Where the delimiter is not a
comma, a comma may stand for the decimal point in a column that has no points. Empty cells and the words in
`MISSING` become NaN. Blank lines and lines that begin with ``#`` are left out.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from platform_base.series.base import Contents, NamesApart, Selection, SeriesFile, find_column, part_needed, split_names
from platform_base.series.errors import InputError

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "?"})
_DELIMITERS = ("\t", ";", ",")
_SPACE = " "
_SAMPLE = 50
_LARGE = 1 << 20
"""Characters from which on cells are not cut one by one."""
_DECIMAL_COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+|\d+)([eE][+-]?\d+)?")


class DelimitedReader:
    """Reads CSV, TSV and tables divided by white space."""

    suffixes: tuple[str, ...] = (".csv", ".tsv", ".txt", ".dat")

    def read(self, path: SeriesFile, selector: str) -> Selection:
        """Read one column, or several as channels; see `base.Reader`."""
        table = _read_table(path)
        columns = _choose(path, selector, table)
        channels = [table.column(path, index) for index in columns]
        chosen = ", ".join(repr(table.names[index]) for index in columns)
        return Selection(
            values=channels[0] if len(channels) == 1 else np.column_stack(channels),
            name=f"column{'s' * (len(columns) > 1)} {chosen}",
        )

    def read_all(self, path: SeriesFile) -> Contents:
        """Read every column of numbers; see `base.Reader`."""
        table = _read_table(path)
        contents, names = Contents(columns={}), NamesApart()
        for index, name in enumerate(table.names):
            free = names.take(name)
            try:
                contents.columns[free] = table.column(path, index)
            except InputError as error:
                contents.left_out[free] = str(error)
        return contents


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """Cells as text, and whole columns where NumPy has parsed them.

    Attributes:
        names: Of the columns.
        rows: Line numbers and cells; the first ones only where `parsed` holds the columns of numbers.
        delimiter: What divides the cells.
        parsed: Columns by position.
    """

    names: list[str]
    rows: list[tuple[int, list[str]]]
    delimiter: str
    parsed: dict[int, NDArray[np.float64]] = field(default_factory=dict)

    def numeric(self) -> list[int]:
        """Return the columns that look like numbers in the first rows."""
        return [
            index
            for index in range(len(self.names))
            if all(_is_number(row[index]) or row[index].casefold() in MISSING for _, row in self.rows[:_SAMPLE])
        ]

    def column(self, path: SeriesFile, index: int) -> NDArray[np.float64]:
        """Return a column of numbers; raises `InputError` at the first cell that is none."""
        if index in self.parsed:
            return self.parsed[index]
        return _parse_column(path, self.names[index], index, self.rows, self.delimiter != ",")


def _read_table(path: SeriesFile) -> _Table:
    text = _decode(path)
    if len(text) > _LARGE and (table := _parse_at_once(path, text)) is not None:
        return table
    return _cut(path, _data_lines(path, text))


def _cut(path: SeriesFile, lines: list[tuple[int, str]]) -> _Table:
    if not lines:
        raise InputError(f"{path}: expected rows of numbers, got an empty file")
    delimiter = _find_delimiter([text for _, text in lines[:_SAMPLE]])
    names, rows = _take_names(list(_split(path, lines, delimiter)))
    if not rows:
        raise InputError(f"{path}: expected rows of numbers below the names, got names only")
    return _Table(names=names, rows=rows, delimiter=delimiter)


def _parse_at_once(path: SeriesFile, text: str) -> _Table | None:
    """Let NumPy parse a large table: a cell as a Python object takes ten times the memory of its number.

    Returns:
        None where it is not as plain as NumPy's parser wants it: comments, quotes, rows of unequal lengths, words for
        missing numbers. Then the cells are cut one by one.
    """
    head = text[: _LARGE // 8].splitlines()[:-1]
    if len(head) < _SAMPLE or "#" in text or '"' in text or "\r" in text.replace("\r\n", ""):
        return None
    table = _cut(path, _data_lines(path, "\n".join(head)))
    lines = text.count("\n") + (not text.endswith("\n"))
    width = len(table.names)
    if table.delimiter != _SPACE and text.count(table.delimiter) != lines * (width - 1):
        return None
    numeric = table.numeric()
    if not numeric:
        return None
    try:
        numbers = np.loadtxt(
            io.StringIO(text),
            delimiter=None if table.delimiter == _SPACE else table.delimiter,
            skiprows=table.rows[0][0] - 1,
            usecols=numeric if table.delimiter != _SPACE else None,
            comments=None,
            ndmin=2,
        )
    except ValueError:
        return None
    if table.delimiter == _SPACE:
        return replace(table, parsed={index: numbers[:, index] for index in range(width)})
    return replace(table, parsed={index: numbers[:, place] for place, index in enumerate(numeric)})


def _decode(path: SeriesFile) -> str:
    content = path.read()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    else:
        encoding = "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        # What spreadsheets in western Europe and Brazil write when asked for "CSV".
        return content.decode("cp1252", errors="replace")


def _data_lines(path: SeriesFile, text: str) -> list[tuple[int, str]]:
    if "\0" in text:
        raise InputError(f"{path}: expected text, got a binary file; name it after its format, such as .npy")
    numbered = enumerate(text.splitlines(), start=1)
    return [(number, line) for number, line in numbered if line.strip() and not line.lstrip().startswith("#")]


def _find_delimiter(sample: Sequence[str]) -> str:
    for delimiter in _DELIMITERS:
        widths = _count_cells(sample, delimiter)
        if len(widths) == 1 and widths.pop() > 1:
            return delimiter
    widths = {len(line.split()) for line in sample}
    if len(widths) == 1 and widths.pop() > 1 and not any(mark in line for line in sample for mark in _DELIMITERS[1:]):
        return _SPACE
    # One column, or rows of unequal lengths: the error then names the first line that differs.
    return max(_DELIMITERS, key=lambda mark: sum(mark in line for line in sample))


def _count_cells(sample: Sequence[str], delimiter: str) -> set[int]:
    """Return the numbers of cells that lines are cut into; none where a cell is longer than the csv module takes."""
    try:
        return {len(row) for row in csv.reader(sample, delimiter=delimiter)}
    except csv.Error:
        return set()


def _split(path: SeriesFile, lines: list[tuple[int, str]], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    if delimiter == _SPACE:
        cells: Iterator[list[str]] = (text.split() for _, text in lines)
    else:
        cells = _read_cells(path, lines, delimiter)
    width = 0
    for (number, _), row in zip(lines, cells, strict=False):
        width = width or len(row)
        if len(row) != width:
            raise InputError(
                f"{path}:{number}: expected {width} cells as in the first row, got {len(row)}; "
                f"the delimiter was taken to be {delimiter!r}"
            )
        yield number, [cell.strip() for cell in row]


def _read_cells(path: SeriesFile, lines: list[tuple[int, str]], delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader([text for _, text in lines], delimiter=delimiter, skipinitialspace=True)
    try:
        yield from reader
    except csv.Error as error:
        number = lines[reader.line_num - 1][0]
        raise InputError(f"{path}:{number}: expected cells that the csv module reads, got: {error}") from error


def _take_names(rows: list[tuple[int, list[str]]]) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Part the names from the rows; without names, the columns are called 0, 1, 2, ..."""
    first = rows[0][1]
    if any(_is_number(cell) for cell in first) or all(cell.casefold() in MISSING for cell in first):
        return [str(index) for index in range(len(first))], rows
    return first, rows[1:]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return _DECIMAL_COMMA.fullmatch(cell) is not None
    return cell.casefold() not in MISSING


def _choose(path: SeriesFile, selector: str, table: _Table) -> list[int]:
    if selector:
        return [find_column(path, name, table.names) for name in split_names(selector, table.names)]
    numeric = table.numeric()
    if len(numeric) == 1:
        return numeric
    raise part_needed(path, "column", table.names)


def _parse_column(
    path: SeriesFile, name: str, index: int, rows: list[tuple[int, list[str]]], decimal_comma: bool
) -> NDArray[np.float64]:
    cells = ["nan" if row[index].casefold() in MISSING else row[index] for _, row in rows]
    if decimal_comma and all(cell == "nan" or _DECIMAL_COMMA.fullmatch(cell) for cell in cells):
        cells = [cell.replace(",", ".") for cell in cells]
    try:
        return np.array([float(cell) for cell in cells], dtype=np.float64)
    except ValueError:
        for (number, _), cell in zip(rows, cells, strict=True):
            if not _converts(cell):
                raise InputError(
                    f"{path}:{number}: column {name!r}: expected a number, got {cell!r}; "
                    "choose another column, or clean the file"
                ) from None
        raise


def _converts(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
