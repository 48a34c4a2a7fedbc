"""Columns of numbers in text: CSV and its relatives.

The delimiter is the one of tab, semicolon, comma and white space that cuts the first lines into the same
number of fields. The first row holds names when none of its cells is a number. Where the delimiter is not a
comma, a comma may stand for the decimal point in a column that has no points. Empty cells and the words in
`MISSING` become NaN. Blank lines and lines that begin with ``#`` are left out.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from platform_base.series.base import Contents, Selection, SeriesFile, find_column, name_apart, part_needed, split_names
from platform_base.series.errors import InputError

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "?"})
_DELIMITERS = ("\t", ";", ",")
_SPACE = " "
_SAMPLE = 50
_DECIMAL_COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+|\d+)([eE][+-]?\d+)?")


class DelimitedReader:
    """Reads CSV, TSV and tables divided by white space."""

    suffixes: tuple[str, ...] = (".csv", ".tsv", ".txt", ".dat")

    def read(self, path: SeriesFile, selector: str) -> Selection:
        """Read one column, or several as channels; see `base.Reader`."""
        names, rows, delimiter = _table(path)
        columns = _choose(path, selector, names, rows)
        channels = [_parse_column(path, names[index], index, rows, delimiter != ",") for index in columns]
        chosen = ", ".join(repr(names[index]) for index in columns)
        return Selection(
            values=channels[0] if len(channels) == 1 else np.column_stack(channels),
            name=f"column{'s' * (len(columns) > 1)} {chosen}",
        )

    def read_all(self, path: SeriesFile) -> Contents:
        """Read every column of numbers; see `base.Reader`."""
        names, rows, delimiter = _table(path)
        contents = Contents(columns={})
        for index, name in enumerate(names):
            free = name_apart(name, {*contents.columns, *contents.left_out})
            try:
                contents.columns[free] = _parse_column(path, name, index, rows, delimiter != ",")
            except InputError as error:
                contents.left_out[free] = str(error)
        return contents


def _table(path: SeriesFile) -> tuple[list[str], list[tuple[int, list[str]]], str]:
    """Return the names of the columns, the rows with their line numbers, and the delimiter."""
    lines = _data_lines(path, _decode(path))
    if not lines:
        raise InputError(f"{path}: expected rows of numbers, got an empty file")
    delimiter = _find_delimiter([text for _, text in lines[:_SAMPLE]])
    names, rows = _take_names(list(_split(path, lines, delimiter)))
    if not rows:
        raise InputError(f"{path}: expected rows of numbers below the names, got names only")
    return names, rows, delimiter


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
        widths = {len(row) for row in csv.reader(sample, delimiter=delimiter)}
        if len(widths) == 1 and widths.pop() > 1:
            return delimiter
    widths = {len(line.split()) for line in sample}
    if len(widths) == 1 and widths.pop() > 1 and not any(mark in line for line in sample for mark in _DELIMITERS[1:]):
        return _SPACE
    # One column, or rows of unequal lengths: the error then names the first line that differs.
    return max(_DELIMITERS, key=lambda mark: sum(mark in line for line in sample))


def _split(path: SeriesFile, lines: list[tuple[int, str]], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    texts = [text for _, text in lines]
    if delimiter == _SPACE:
        cells: Iterator[list[str]] = (text.split() for text in texts)
    else:
        cells = csv.reader(texts, delimiter=delimiter, skipinitialspace=True)
    width = 0
    for (number, _), row in zip(lines, cells, strict=False):
        width = width or len(row)
        if len(row) != width:
            raise InputError(
                f"{path}:{number}: expected {width} cells as in the first row, got {len(row)}; "
                f"the delimiter was taken to be {delimiter!r}"
            )
        yield number, [cell.strip() for cell in row]


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


def _choose(path: SeriesFile, selector: str, names: list[str], rows: list[tuple[int, list[str]]]) -> list[int]:
    if selector:
        return [find_column(path, name, names) for name in split_names(selector, names)]
    numeric = [
        index
        for index in range(len(names))
        if all(_is_number(row[index]) or row[index].casefold() in MISSING for _, row in rows[:_SAMPLE])
    ]
    if len(numeric) == 1:
        return numeric
    raise part_needed(path, "column", names)


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
