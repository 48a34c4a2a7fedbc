"""Results as files: everything as ``.npz`` or ``.json``, the values alone as ``.csv`` or ``.npy``."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

import msgspec
import numpy as np

from platform_base.core.json_text import json_pieces, to_json
from platform_base.core.models import ProcessingResult

_METADATA = "metadata."
_NUMBERS_AT_ONCE = 10_000
"""The csv module lets no other thread run while it writes what it was given at once."""
_PIECES_AT_ONCE = 64
_LONGEST_NAME = 60
"""In characters; with four bytes each and what stands around it, a file may still be called so."""


class UnsuitableFormatError(ValueError):
    """A result does not fit the format that was asked for."""


def describe_result(result: ProcessingResult) -> dict[str, Any]:
    """Return a result as a mapping with the keys values, metadata, execution."""
    execution = msgspec.structs.asdict(result.execution) if result.execution is not None else None
    return {"values": result.values, "metadata": result.metadata, "execution": execution}


def _write_npz(result: ProcessingResult, stream: IO[bytes]) -> None:
    apart = {name: item for name, item in result.metadata.items() if _is_plain_array(item) and _names_a_member(name)}
    arrays = {f"{_METADATA}{name}": item for name, item in apart.items()}
    rest: Mapping[str, Any] = {
        **describe_result(result),
        "metadata": {name: item for name, item in result.metadata.items() if name not in apart},
    }
    if _is_plain_array(result.values) or isinstance(result.values, int | float | complex):
        arrays["values"] = np.asarray(result.values)
        rest = {**rest, "values": "see the array 'values'"}
    np.savez(stream, **arrays, json=np.array(to_json(rest)))


def _names_a_member(name: str) -> bool:
    """Whether a name may stand in an archive, which others unpack into files: the plugin has chosen it."""
    return name.isprintable() and not {"/", "\\"} & set(name) and len(name) <= _LONGEST_NAME


def _write_npy(result: ProcessingResult, stream: IO[bytes]) -> None:
    np.save(stream, _numbers(result), allow_pickle=False)


def _write_json(result: ProcessingResult, stream: IO[bytes]) -> None:
    waiting: list[str] = []
    for piece in json_pieces(describe_result(result)):
        waiting.append(piece)
        if len(waiting) == _PIECES_AT_ONCE:
            stream.write("".join(waiting).encode())
            waiting.clear()
    stream.write("".join(waiting).encode() + b"\n")


def _write_csv(result: ProcessingResult, stream: IO[bytes]) -> None:
    values = _numbers(result)
    if values.ndim > 2:
        raise UnsuitableFormatError(f"expected at most two axes for CSV, got {values.ndim}; write .npz instead")
    rows = values.reshape(-1, 1) if values.ndim < 2 else values
    names = ["value"] if values.ndim < 2 else [f"channel_{index}" for index in range(rows.shape[1])]
    with _text(stream) as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names)
        step = max(1, _NUMBERS_AT_ONCE // max(1, rows.shape[1]))
        for start in range(0, len(rows), step):
            writer.writerows(rows[start : start + step].tolist())


@contextlib.contextmanager
def _text(stream: IO[bytes]) -> Iterator[IO[str]]:
    wrapper = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    yield wrapper
    wrapper.detach()


def _numbers(result: ProcessingResult) -> np.ndarray[Any, Any]:
    values = result.values
    if isinstance(values, np.ndarray) or np.isscalar(values) or isinstance(values, list | tuple):
        try:
            array = np.asarray(values)
        except ValueError:
            array = np.empty(0, dtype=object)
        if array.dtype.kind in "biufcMm" and not array.dtype.names:
            return array
    raise UnsuitableFormatError(
        f"expected values that are numbers, got {type(values).__name__}; write .json or .npz instead"
    )


def _is_plain_array(value: Any) -> bool:
    return (
        isinstance(value, np.ndarray | np.generic)
        and not isinstance(value, np.ma.MaskedArray)
        and not value.dtype.hasobject
    )


RESULT_WRITERS: Mapping[str, Callable[[ProcessingResult, IO[bytes]], None]] = {
    ".npz": _write_npz,
    ".npy": _write_npy,
    ".json": _write_json,
    ".csv": _write_csv,
}
"""How a result is written, by the ending of a file's name."""
