"""Arrays in files that somebody else wrote: NPY, NPZ and CSV, bounded, never unpickled.

NumPy's own reader believes the header: a file of a hundred bytes that announces a terabyte makes it ask for a terabyte.
Here the header must agree with the bytes that are there.
"""

from __future__ import annotations

import csv
import io
import math
import re
import tokenize
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from platform_base.plugins.documents.document import show
from platform_base.plugins.documents.regular_file import read_regular

MAX_BYTES = 16 << 20
_MAX_HEADER = 10_000
_LENGTH_BYTES = {(1, 0): 2, (2, 0): 4, (3, 0): 4}
_ESCAPE = re.compile(rb"\\(?:[\\'nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")


class ArrayFileError(Exception):
    """A file holds no array that can be used; the message says why, without naming the file."""


def read_array(path: Path, part: str | None = None) -> NDArray[Any]:
    """Read one array.

    Args:
        path: An ``.npy``, ``.npz`` or ``.csv`` file of at most 16 MiB, also once it is unpacked.
        part: The array of an NPZ file, or the column of a CSV file; None where there is only one.

    Returns:
        The array as it was saved; from CSV, ``(n,)`` float64.

    Raises:
        ArrayFileError: There is no such file, it is something else, or it has no such part.
    """
    try:
        content = read_regular(path, max_bytes=MAX_BYTES)
    except OSError as error:
        raise ArrayFileError(error.strerror or str(error)) from error
    kind = path.suffix.lower()
    if kind == ".npz":
        return _read_npz(content, part)
    if kind == ".csv":
        return _read_csv(content, part)
    if kind != ".npy":
        raise ArrayFileError(f"expected a name that ends in .npy, .npz or .csv, got {show(path.name)}")
    if part is not None:
        raise ArrayFileError(f"an .npy file holds one array; remove the part {show(part)}")
    return _read_npy(content)


def _read_npy(content: bytes) -> NDArray[Any]:
    try:
        shape, fortran, dtype, start = _read_header(content)
    except (ValueError, SyntaxError, EOFError, RecursionError, tokenize.TokenError) as error:
        raise ArrayFileError(f"expected what numpy.save writes, got something else: {error}") from error
    if dtype.hasobject:
        raise ArrayFileError("it holds Python objects, which are never read; save numbers")
    rest = len(content) - start
    if any(length < 0 for length in shape) or math.prod(shape) * dtype.itemsize != rest:
        raise ArrayFileError(f"its header says {shape} of {dtype}, {rest} bytes follow; save it again")
    flat = np.frombuffer(content, dtype=dtype, offset=start)
    return flat.reshape(shape, order="F" if fortran else "C")


def _read_header(content: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Return shape, order, dtype, and where the elements begin."""
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    if version not in _LENGTH_BYTES:
        raise ValueError(f"version {version[0]}.{version[1]} of the format")
    start = stream.tell() + _LENGTH_BYTES[version]
    length = int.from_bytes(content[stream.tell() : start], "little")
    header = content[start : start + min(length, _MAX_HEADER + 1)]
    # Python would warn whoever reads the file of escapes that it does not know; `repr` writes none of those.
    if b"\\" in _ESCAPE.sub(b"", header):
        raise ValueError("an escape in the header that numpy.save does not write")
    if version == (1, 0):
        found = np.lib.format.read_array_header_1_0(stream, max_header_size=_MAX_HEADER)
    elif version == (2, 0):
        found = np.lib.format.read_array_header_2_0(stream, max_header_size=_MAX_HEADER)
    else:
        # NumPy has no public reader of version 3: it is version 2 with names in UTF-8, which here become escapes.
        plain = header.decode("utf-8").encode("ascii", "backslashreplace")
        as_second = io.BytesIO(len(plain).to_bytes(4, "little") + plain)
        found = np.lib.format.read_array_header_2_0(as_second, max_header_size=_MAX_HEADER)
    return *found, start + length


def _read_npz(content: bytes, part: str | None) -> NDArray[Any]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            with archive.open(members[_choose(list(members), part, "array")]) as member:
                inner = member.read(MAX_BYTES + 1)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise ArrayFileError(f"expected what numpy.savez writes, got something else: {error}") from error
    if len(inner) > MAX_BYTES:
        raise ArrayFileError(f"more than {MAX_BYTES} bytes once it is unpacked")
    return _read_npy(inner)


def _read_csv(content: bytes, part: str | None) -> NDArray[np.float64]:
    try:
        rows = [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ArrayFileError(f"expected UTF-8 text with commas: {error}") from error
    if not rows:
        raise ArrayFileError("expected rows of numbers, got an empty file")
    names = rows[0] if not all(map(_is_number, rows[0])) else [str(index) for index in range(len(rows[0]))]
    column = names.index(_choose(names, part, "column"))
    body = rows[1:] if names is rows[0] else rows
    for number, row in enumerate(body, start=1 + (names is rows[0])):
        if len(row) != len(names) or not _is_number(row[column]):
            raise ArrayFileError(f"row {number}: expected {len(names)} fields with a number in column {names[column]}")
    return np.array([float(row[column]) for row in body], dtype=np.float64)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _choose(names: list[str], part: str | None, kind: str) -> str:
    if part is None and len(names) == 1:
        return names[0]
    if part not in names:
        listed = ", ".join(show(name) for name in names[:20]) or "none"
        got = "no part" if part is None else f"part {show(part)}"
        raise ArrayFileError(f"expected one {kind} of {listed}, got {got}")
    return part
