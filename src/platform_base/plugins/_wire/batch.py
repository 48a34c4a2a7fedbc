"""Many values of one form, said once: the inputs of a batch, and its results.

A list of dictionaries with the same names travels as one *column* for each name, and a column of arrays that are alike
as one array: a thousand series of a kilobyte are described, checked and copied in one step instead of a thousand. What
arrives is what `codec` would have brought. A column is a list of its form and its content::

    ["each", [value, ...]]                 anything
    ["same", bytes]                        one small value for every item, encoded by itself
    ["rows", [name, ...], [column, ...]]   dictionaries with the same names in the same order
    ["stack", array]                       arrays of one shape, along a first axis of their own
    ["ragged", array, lengths]             one-dimensional arrays of any length, one behind the other
    ["scalars", array]                     NumPy numbers of one type

The receiver believes nothing: the array behind a column passes every check of an array, lengths must fill it exactly,
and the values that a column stands for are counted against the limits before one of them is made.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise, repeat
from typing import Any

import numpy as np
from msgspec import msgpack

from platform_base.plugins._wire.codec import Encoded, decode, encode_by
from platform_base.plugins._wire.values.arrays import INLINE_BYTES, write_pieces
from platform_base.plugins._wire.values.base import DecodeError, Lender, Limits, Reader, Writer
from platform_base.plugins._wire.values.dtypes import MAX_DIMENSIONS
from platform_base.plugins._wire.values.kinds import BY_CODE
from platform_base.plugins._wire.values.remedies import Refusal

_LIMITS = Limits()
_LONGEST_SAME = 1024
"""What is said once is made anew for every item, so it must be small, bytes."""

_EACH = b"\x92" + msgpack.encode("each")
"""The beginning of a column of anything: an array of two, the name first."""

_SCALAR_KINDS = frozenset("biufc")
_TEXT_ONLY = frozenset({str})
_shape_of = operator.attrgetter("shape")
_dtype_of = operator.attrgetter("dtype")


def encode_batch(items: Sequence[Any], *, root: str, limits: Limits = _LIMITS, lender: Lender | None = None) -> Encoded:
    """Turn a list of at least one value into bytes; raises as `codec.encode`."""
    return encode_by(_write, items, root=root, limits=limits, lender=lender)


def join(bodies: Sequence[bytes]) -> Encoded:
    """Return what stands for a list of values of which each was encoded by itself, without any block."""
    return Encoded(body=b"".join((_EACH, _array_head(len(bodies)), *bodies)), blocks=(), size=0)


def _array_head(count: int) -> bytes:
    """How msgpack begins an array: every body is a value, so their row behind this is one too."""
    return b"\xdc" + count.to_bytes(2, "big") if count < 1 << 16 else b"\xdd" + count.to_bytes(4, "big")


def encode_table(columns: Mapping[str, Sequence[Any]], *, root: str, limits: Limits = _LIMITS) -> Encoded:
    """Turn dictionaries of which there are only the columns, of one length, into bytes; raises as `codec.encode`."""
    return encode_by(_write_table, columns, root=root, limits=limits)


def _write_table(writer: Writer, columns: Mapping[str, Sequence[Any]]) -> list[Any]:
    return _write_rows(writer, tuple(columns), columns.values())


def _write(writer: Writer, items: Sequence[Any]) -> list[Any]:
    kinds = set(map(type, items))
    kind = kinds.pop() if len(kinds) == 1 else None
    written = None
    if kind is dict:
        written = _write_same(writer, items) or _write_dicts(writer, items)
    elif kind is np.ndarray:
        written = _write_arrays(writer, items)
    elif kind is not None and issubclass(kind, np.generic):
        written = _write_scalars(writer, items)
    return written or ["each", writer.value(list(items))]


def _write_same(writer: Writer, items: Sequence[Any]) -> list[Any] | None:
    """Say one value for all: only where it is the very same one, for equal ones need not be alike (1 and True)."""
    first = items[0]
    if not all(map(operator.is_, items, repeat(first))):
        return None
    size, blocks, lent = writer.size, len(writer.blocks), len(writer.lent)
    raw = msgpack.encode(writer.value(first))
    small = len(raw) <= _LONGEST_SAME and len(raw) * len(items) <= writer.limits.max_items
    if small and size == writer.size and lent == len(writer.lent):
        return ["same", raw]
    writer.size = size
    del writer.blocks[blocks:], writer.lent[lent:]
    return None


def _write_dicts(writer: Writer, items: Sequence[dict[Any, Any]]) -> list[Any] | None:
    forms = set(map(tuple, items))
    names = forms.pop()
    if forms or writer.careful or not _TEXT_ONLY.issuperset(map(type, names)):
        return None
    if len(items) * (1 + len(names)) > writer.limits.max_items:
        return None
    return _write_rows(writer, names, (list(map(operator.itemgetter(name), items)) for name in names))


def _write_rows(writer: Writer, names: Sequence[str], columns: Iterable[Sequence[Any]]) -> list[Any]:
    writer.enter()
    written = []
    for name, column in zip(names, columns, strict=True):
        try:
            written.append(_write(writer, column))
        except Refusal as error:
            raise error.within(name) from None
    writer.depth -= 1
    return ["rows", list(names), written]


def _write_arrays(writer: Writer, items: Sequence[np.ndarray[Any, Any]]) -> list[Any] | None:
    shapes = set(map(_shape_of, items))
    shape = items[0].shape
    if not 0 < len(shape) < MAX_DIMENSIONS or len(set(map(_dtype_of, items))) > 1:
        return None
    if len(shapes) == 1:
        return ["stack", write_pieces(items, (len(items), *shape), writer)]
    if any(len(other) != 1 for other in shapes):
        return None
    lengths = np.fromiter(map(len, items), np.int64, len(items))
    return ["ragged", write_pieces(items, (int(lengths.sum()),), writer), writer.value(lengths)]


def _write_scalars(writer: Writer, items: Sequence[np.generic[Any]]) -> list[Any] | None:
    dtypes = set(map(_dtype_of, items))
    dtype = dtypes.pop()
    if dtypes or dtype.kind not in _SCALAR_KINDS:
        return None
    return ["scalars", writer.value(np.array(items, dtype))]


def decode_batch(
    body: bytes,
    data: memoryview | None,
    count: int,
    *,
    limits: Limits = _LIMITS,
    readonly: bool = False,
    lent: Sequence[memoryview] = (),
) -> list[Any]:
    """Return the list that `encode_batch` was given, believing nothing; see `codec.decode`.

    Args:
        body: What `encode_batch` made.
        data: The arena, if there is one; large arrays become views of it.
        count: How many values there must be.
        limits: What is accepted.
        readonly: Make every NumPy array read-only.
        lent: Further arenas, each filled by one array.

    Raises:
        DecodeError: The bytes are no such list, or one beyond the limits. Nothing else is raised.
    """
    column = decode(body, data, limits=limits, readonly=readonly, lent=lent)
    return _Expansion(count, limits=limits, readonly=readonly).expand(column)


def decode_table(
    body: bytes, data: memoryview | None, count: int, names: Sequence[str], *, limits: Limits = _LIMITS
) -> tuple[list[Any], ...] | list[Any]:
    """Return a list for each name if the values are dictionaries of just these names, else the list of the values.

    Raises:
        DecodeError: As `decode_batch`.
    """
    column = decode(body, data, limits=limits)
    expansion = _Expansion(count, limits=limits, readonly=False)
    match column:
        # Each is known to be text before it is compared: an array would answer with an array.
        case ["rows", list() as found, list() as inner] if _TEXT_ONLY.issuperset(map(type, found)) and found == list(
            names
        ):
            return tuple(expansion.columns(found, inner))
    return expansion.expand(column)


class _Expansion:
    """Makes the values of columns, of which each has `count`, as long as there are not too many."""

    def __init__(self, count: int, *, limits: Limits, readonly: bool) -> None:
        self._count = count
        self._limits = limits
        self._readonly = readonly
        self._left = limits.max_items

    def expand(self, column: Any) -> list[Any]:
        """Return the values of a column; raises `DecodeError`."""
        match column:
            case ["each", list() as values] if len(values) == self._count:
                return values
            case ["same", bytes() as raw]:
                return self._same(raw)
            case ["rows", list() as names, list() as inner]:
                return self._rows(names, self.columns(names, inner))
            case ["stack", np.ndarray() as array] if array.ndim > 1 and len(array) == self._count:
                return self._own(list(array), array)
            case ["ragged", np.ndarray() as array, np.ndarray() as lengths] if array.ndim == 1:
                return self._own(self._cut(array, lengths), array)
            case ["scalars", np.ndarray() as array] if array.shape == (self._count,):
                if array.dtype.kind in _SCALAR_KINDS:
                    return list(array)
        raise DecodeError(f"batch: expected a column of {self._count} values")

    def columns(self, names: list[Any], inner: list[Any]) -> list[list[Any]]:
        """Return the values of each column of dictionaries; raises `DecodeError`."""
        if not all(type(name) is str for name in names) or len(set(names)) != len(names) or len(names) != len(inner):
            raise DecodeError("batch: expected one column for each name")
        self._spend(self._count * (1 + len(names)))
        return [self.expand(column) for column in inner]

    def _spend(self, count: int) -> None:
        """Take note of values that are about to be made."""
        self._left -= count
        if self._left < 0:
            raise DecodeError(f"batch: expected at most {self._limits.max_items} values, got more; send arrays")

    def _same(self, raw: bytes) -> list[Any]:
        # A byte is an item at most.
        self._spend(self._count * len(raw))
        values = [decode(raw, None, limits=self._limits, readonly=self._readonly)] if self._count else []
        reader = Reader(BY_CODE, None, limits=self._limits, readonly=self._readonly)
        return values + [reader.value(raw) for _ in range(self._count - 1)]

    def _rows(self, names: list[str], columns: list[list[Any]]) -> list[Any]:
        # The two forms that nearly all batches have, in half the time of the general one.
        if len(names) == 1:
            (name,) = names
            return [{name: value} for value in columns[0]]
        if len(names) == 2:
            one, other = names
            return [{one: value, other: another} for value, another in zip(*columns, strict=True)]
        if not names:
            return [{} for _ in range(self._count)]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    def _cut(self, array: np.ndarray[Any, Any], lengths: np.ndarray[Any, Any]) -> list[Any]:
        fits = lengths.dtype == np.int64 and lengths.shape == (self._count,)
        # Each is bounded before they are added: the sum of a million lengths cannot overflow then.
        if not fits or (lengths < 0).any() or (lengths > array.size).any() or lengths.sum() != array.size:
            raise DecodeError(f"batch: expected {self._count} lengths of {array.size} elements together")
        ends = [0, *np.cumsum(lengths).tolist()]
        return [array[begin:end] for begin, end in pairwise(ends)]

    def _own(self, views: list[Any], whole: np.ndarray[Any, Any]) -> list[Any]:
        """Give small arrays memory of their own: whoever keeps one result shall not keep those of the whole batch."""
        if self._readonly or whole.nbytes <= INLINE_BYTES or whole.nbytes > self._count * INLINE_BYTES:
            return views
        return [view.copy() for view in views]
