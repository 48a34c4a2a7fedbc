"""Results written to files: everything as ``.npz`` or ``.json``, the values alone as ``.csv`` or ``.npy``."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np

from platform_base.cli.errors import OutputError
from platform_base.cli.render import to_json
from platform_base.core.models import ProcessingResult

_METADATA = "metadata."


def check_output(path: Path, suffixes: tuple[str, ...], *, force: bool) -> None:
    """Make sure, before any work is done, that a file can be written.

    Raises:
        OutputError: The name ends in none of `suffixes`, the directory is missing or may not be written, or
            the file exists and `force` is not given.
    """
    if path.suffix.lower() not in suffixes:
        raise OutputError(
            f"{path}: expected a name that ends in {', '.join(suffixes)}, got {path.suffix or 'no ending'!r}"
        )
    if path.is_dir():
        raise OutputError(f"{path}: expected a file, got a directory")
    if path.exists() and not force:
        raise OutputError(f"{path}: expected no such file, got an existing one; overwrite it with --force")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: expected the directory {path.parent}, got nothing; make it first")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path}: expected a directory that may be written, got {path.parent}")


def replace_file(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file completely or not at all.

    Args:
        path: The file.
        write: Writes the content to the open file that it is given.

    Raises:
        OutputError: The system refuses, for example because the disk is full.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with partial.open("xb") as stream:
            write(stream)
        partial.replace(path)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
        if isinstance(error, OSError):
            raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
        raise


def write_result(path: Path, result: ProcessingResult) -> None:
    """Write a result in the format that the file's name asks for.

    Raises:
        OutputError: The result does not fit the format, or the file cannot be written.
    """
    writer = RESULT_WRITERS[path.suffix.lower()]
    replace_file(path, lambda stream: writer(path, result, stream))


def describe_result(result: ProcessingResult) -> dict[str, Any]:
    """Return a result as a mapping with the keys values, metadata, execution."""
    execution = msgspec.structs.asdict(result.execution) if result.execution is not None else None
    return {"values": result.values, "metadata": result.metadata, "execution": execution}


def _write_npz(path: Path, result: ProcessingResult, stream: IO[bytes]) -> None:
    arrays = {f"{_METADATA}{name}": item for name, item in result.metadata.items() if _is_plain_array(item)}
    rest: Mapping[str, Any] = {
        **describe_result(result),
        "metadata": {name: item for name, item in result.metadata.items() if not _is_plain_array(item)},
    }
    if _is_plain_array(result.values) or isinstance(result.values, int | float | complex):
        arrays["values"] = np.asarray(result.values)
        rest = {**rest, "values": "see the array 'values'"}
    np.savez(stream, **arrays, json=np.array(to_json(rest)))


def _write_npy(path: Path, result: ProcessingResult, stream: IO[bytes]) -> None:
    np.save(stream, _numbers(path, result), allow_pickle=False)


def _write_json(path: Path, result: ProcessingResult, stream: IO[bytes]) -> None:
    stream.write(to_json(describe_result(result)).encode() + b"\n")


def _write_csv(path: Path, result: ProcessingResult, stream: IO[bytes]) -> None:
    values = _numbers(path, result)
    if values.ndim > 2:
        raise OutputError(f"{path}: expected at most two axes for CSV, got {values.ndim}; write .npz instead")
    rows = values.reshape(-1, 1) if values.ndim < 2 else values
    names = ["value"] if values.ndim < 2 else [f"channel_{index}" for index in range(rows.shape[1])]
    with _text(stream) as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows.tolist())


@contextlib.contextmanager
def _text(stream: IO[bytes]) -> Iterator[IO[str]]:
    wrapper = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    yield wrapper
    wrapper.detach()


def _numbers(path: Path, result: ProcessingResult) -> np.ndarray[Any, Any]:
    values = result.values
    if isinstance(values, np.ndarray) or np.isscalar(values) or isinstance(values, list | tuple):
        try:
            array = np.asarray(values)
        except ValueError:
            array = np.empty(0, dtype=object)
        if array.dtype.kind in "biufcMm" and not array.dtype.names:
            return array
    raise OutputError(
        f"{path}: expected values that are numbers, got {type(values).__name__}; write .json or .npz instead"
    )


def _is_plain_array(value: Any) -> bool:
    return (
        isinstance(value, np.ndarray | np.generic)
        and not isinstance(value, np.ma.MaskedArray)
        and not value.dtype.hasobject
    )


RESULT_WRITERS: Mapping[str, Callable[[Path, ProcessingResult, IO[bytes]], None]] = {
    ".npz": _write_npz,
    ".npy": _write_npy,
    ".json": _write_json,
    ".csv": _write_csv,
}
"""How a result is written, by the ending of the file's name."""
