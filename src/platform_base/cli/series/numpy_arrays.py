"""Arrays that NumPy saved: NPY and NPZ, never with pickled objects."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from platform_base.cli.errors import InputError
from platform_base.cli.series.base import Selection, find_column, part_needed, split_names, unknown_part


class NpyReader:
    """Reads ``.npy``; the selector names fields of a structured array or columns of a two-dimensional one."""

    suffixes: tuple[str, ...] = (".npy",)

    def read(self, path: Path, selector: str) -> Selection:
        """Read the array, or some of its columns; see `base.Reader`."""
        array = _load(path)
        if not isinstance(array, np.ndarray):
            raise InputError(f"{path}: expected one array, got an archive; rename it to .npz")
        return Selection(values=_columns(path, array, selector), name=f"column {selector}" if selector else "")


class NpzReader:
    """Reads ``.npz``; the selector names the array."""

    suffixes: tuple[str, ...] = (".npz",)

    def read(self, path: Path, selector: str) -> Selection:
        """Read one array of the archive; see `base.Reader`."""
        archive = _load(path)
        if isinstance(archive, np.ndarray):
            raise InputError(f"{path}: expected an archive of arrays, got one array; rename it to .npy")
        with archive:
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
            try:
                return Selection(values=archive[name], name=f"array {name!r}")
            except (ValueError, zipfile.BadZipFile, EOFError) as error:
                raise _unreadable(path, error) from error


def _load(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> InputError:
    if "allow_pickle" in str(error):
        return InputError(
            f"{path}: expected an array of numbers that NumPy saved, got Python objects or another format; "
            "save it with numpy.save(path, numpy.asarray(values, dtype=float))"
        )
    return InputError(f"{path}: expected a file that numpy.save wrote, got a damaged one: {error}")


def _columns(path: Path, array: NDArray[Any], selector: str) -> NDArray[Any]:
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
