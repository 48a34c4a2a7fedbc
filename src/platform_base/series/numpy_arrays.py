"""Arrays that NumPy saved: NPY and NPZ, never with pickled objects."""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from platform_base.series.base import (
    Contents,
    Selection,
    SeriesFile,
    find_column,
    part_needed,
    split_names,
    unknown_part,
)
from platform_base.series.errors import InputError

_MAX_COLUMNS = 256
"""A matrix with more columns is one thing; nobody chooses from so many."""


class NpyReader:
    """Reads ``.npy``; the selector names fields of a structured array or columns of a two-dimensional one."""

    suffixes: tuple[str, ...] = (".npy",)

    def read(self, path: SeriesFile, selector: str) -> Selection:
        """Read the array, or some of its columns; see `base.Reader`."""
        return Selection(
            values=_columns(path, self._load(path), selector), name=f"column {selector}" if selector else ""
        )

    def read_all(self, path: SeriesFile) -> Contents:
        """Read the array, and each column or field of it; see `base.Reader`."""
        array = self._load(path)
        contents = Contents(columns={})
        if array.dtype.names:
            parts = {name: array[name] for name in array.dtype.names}
        elif array.ndim == 2 and array.shape[1] <= _MAX_COLUMNS:
            parts = {str(index): array[:, index] for index in range(array.shape[1])}
        else:
            parts = {"values": array}
        for name, part in parts.items():
            _sort_in(path, contents, name, part)
        return contents

    def _load(self, path: SeriesFile) -> NDArray[Any]:
        with path.open() as stream:
            array = _load(path, stream)
            if isinstance(array, np.ndarray):
                return array
        raise InputError(f"{path}: expected one array, got an archive; rename it to .npz")


class NpzReader:
    """Reads ``.npz``; the selector names the array."""

    suffixes: tuple[str, ...] = (".npz",)

    def read(self, path: SeriesFile, selector: str) -> Selection:
        """Read one array of the archive; see `base.Reader`."""
        with self._open(path) as archive:
            names = list(archive.files)
            if not selector and len(names) != 1:
                raise (
                    part_needed(path, "array", names)
                    if names
                    else InputError(f"{path}: expected an array, got an empty archive")
                )
            name = selector or names[0]
            if name not in names:
                raise unknown_part(path, "array", name, names)
            return Selection(values=_member(path, archive, name), name=f"array {name!r}")

    def read_all(self, path: SeriesFile) -> Contents:
        """Read every array of the archive; see `base.Reader`."""
        contents = Contents(columns={})
        with self._open(path) as archive:
            for name in archive.files:
                try:
                    _sort_in(path, contents, name, _member(path, archive, name))
                except InputError as error:
                    contents.left_out[name] = str(error)
        return contents

    @contextlib.contextmanager
    def _open(self, path: SeriesFile) -> Iterator[Any]:
        with path.open() as stream:
            archive = _load(path, stream)
            if isinstance(archive, np.ndarray):
                raise InputError(f"{path}: expected an archive of arrays, got one array; rename it to .npy")
            with archive:
                yield archive


def _load(path: SeriesFile, stream: BinaryIO) -> Any:
    try:
        return np.load(stream, allow_pickle=False)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise _unreadable(path, error) from error


def _member(path: SeriesFile, archive: Any, name: str) -> Any:
    try:
        return archive[name]
    except (ValueError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise _unreadable(path, error) from error


def _sort_in(path: SeriesFile, contents: Contents, name: str, array: Any) -> None:
    if isinstance(array, np.ndarray) and array.dtype.kind in "biuf" and array.ndim in (1, 2) and array.size:
        contents.columns[name] = array
        return
    got = f"an array of {array.dtype} and shape {array.shape}" if isinstance(array, np.ndarray) else "another file"
    contents.left_out[name] = f"{path}: {name!r}: expected a series of numbers, got {got}"


def _unreadable(path: SeriesFile, error: Exception) -> InputError:
    if "allow_pickle" in str(error):
        return InputError(
            f"{path}: expected an array of numbers that NumPy saved, got Python objects or another format; "
            "save it with numpy.save(path, numpy.asarray(values, dtype=float))"
        )
    return InputError(f"{path}: expected a file that numpy.save wrote, got a damaged one: {error}")


def _columns(path: SeriesFile, array: NDArray[Any], selector: str) -> NDArray[Any]:
    if not selector:
        return array
    if array.dtype.names:
        names = list(array.dtype.names)
        chosen = [array[names[find_column(path, name, names, kind="field")]] for name in split_names(selector, names)]
    elif array.ndim == 2:
        names = [str(index) for index in range(array.shape[1])]
        chosen = [array[:, find_column(path, name, names)] for name in split_names(selector, names)]
    else:
        raise InputError(
            f"{path}: expected columns to choose from, got an array of shape {array.shape}; leave out ':{selector}'"
        )
    return chosen[0] if len(chosen) == 1 else np.column_stack(chosen)
