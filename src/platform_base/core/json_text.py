"""Any value as JSON, a piece at a time: millions of numbers are never one text, nor one step of the interpreter."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from platform_base.core.plain import plain, spell_key

_AT_ONCE = 4096
"""Python's encoder in C lets no other thread run while it writes what it was given at once: here some milliseconds."""
_STEP = "  "
_SCALARS = frozenset({float, int, str, bool, type(None)})

_write = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def to_json(document: Any) -> str:
    """Write anything that a result may hold as JSON; see `plain`."""
    return "".join(json_pieces(document))


def json_pieces(document: Any) -> Iterator[str]:
    """Write what `plain` makes of a document as JSON, indented by two; the pieces together are the text."""
    return _pieces(document, "\n")


def _pieces(value: Any, margin: str) -> Iterator[str]:
    """Write one value; `margin` is a line's end and what its last line is indented by."""
    if isinstance(value, Mapping):
        yield from _mapping(value, margin)
    elif isinstance(value, list | tuple):
        blocks = (value[start : start + _AT_ONCE] for start in range(0, len(value), _AT_ONCE))
        yield from _list(blocks, margin)
    elif _is_array(value):
        yield from _list(_blocks(value), margin)
    else:
        flat = plain(value)
        if isinstance(flat, dict | list):
            yield from _pieces(flat, margin)
        else:
            yield _write(flat)


def _mapping(value: Mapping[Any, Any], margin: str) -> Iterator[str]:
    entries = {spell_key(key): item for key, item in value.items()}
    if not entries:
        yield "{}"
        return
    opening = "{"
    for key, item in entries.items():
        yield f"{opening}{margin}{_STEP}{_write(key)}: "
        yield from _pieces(item, margin + _STEP)
        opening = ","
    yield f"{margin}}}"


def _list(blocks: Iterator[Any], margin: str) -> Iterator[str]:
    """Write the items of some blocks as one list."""
    inner = margin + _STEP
    encode, encode_row = _flat_encoder(inner), _flat_encoder(inner + _STEP)
    opening = "["
    for block in blocks:
        if _is_flat(block):
            yield f"{opening}{inner}{encode([plain(item) for item in block])[1:-1]}"
            opening = ","
            continue
        for item in block:
            if _is_flat(item) and item:
                row = encode_row([plain(each) for each in item])[1:-1]
                yield f"{opening}{inner}[{inner}{_STEP}{row}{inner}]"
            else:
                yield f"{opening}{inner}"
                yield from _pieces(item, inner)
            opening = ","
    yield "[]" if opening == "[" else f"{margin}]"


def _flat_encoder(margin: str) -> Callable[[Any], str]:
    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(f",{margin}", ": ")).encode


def _is_flat(block: Any) -> bool:
    return type(block) in (list, tuple) and len(block) <= _AT_ONCE and _SCALARS.issuperset(map(type, block))


def _is_array(value: Any) -> bool:
    """Whether `value` is an array that can be taken apart; subclasses may give other things than their elements."""
    import numpy as np

    return type(value) in (np.ndarray, np.ma.MaskedArray) and value.ndim > 0


def _blocks(array: Any) -> Iterator[Any]:
    """Yield the elements of an array as lists of them or of rows; rows that are long remain arrays."""
    row = array[0].size if len(array) and array.ndim > 1 else 1
    step = max(1, _AT_ONCE // max(1, row))
    for start in range(0, len(array), step):
        part = array[start : start + step]
        yield part if row > _AT_ONCE else part.tolist() if part.dtype.kind in "bfiu" else plain(part)
