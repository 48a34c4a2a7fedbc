"""Values to bytes and back: no I/O, no descriptors, nothing that runs code.

A value becomes a *body* (msgpack; everything that msgpack cannot say exactly is an extension, see `values`)
and a layout of *blocks*, the large arrays, which the sender copies into one shared-memory arena::

    encode ──► body  {"series": ext(dtype "<f8", shape [100000], offset 0), "rate": 2.0}
               arena [ block at 0 | block at a multiple of 64 | ... ]
    decode ◄── arrays are views of the arena, nothing is copied

Exact types only: a subclass, an Enum or a named tuple would arrive as something else, so it is refused with
its path. Of dict keys that occur twice in a body the last wins.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import MsgspecError, msgpack

from platform_base.plugins._wire.values import outline
from platform_base.plugins._wire.values.base import Block, DecodeError, Home, Lender, Limits, Pieces, Reader, Writer
from platform_base.plugins._wire.values.kinds import BY_CODE, BY_NAME, BY_TYPE, NESTED
from platform_base.plugins._wire.values.remedies import Refusal
from platform_base.plugins.errors import EncodingError

__all__ = ["Block", "DecodeError", "Encoded", "Limits", "decode", "encode"]

_LIMITS = Limits()
_say = msgpack.Encoder().encode
_LONG_BODY = 2**20  # bytes; from here on it is worth looking for long text that could go to the arena


class Encoded(msgspec.Struct, frozen=True, kw_only=True):
    """A value, ready to be sent.

    Attributes:
        body: The value without its large arrays, msgpack.
        blocks: The large arrays by rising offset, not yet copied.
        size: Bytes that the arena must have; 0 if it is not needed.
        lent: What the lender returned for arrays that are not copied, in the order of their numbers.
        stayed: Some arrays are not copied because they lie in the arena already.
    """

    body: bytes
    blocks: tuple[Block | Pieces, ...]
    size: int
    lent: tuple[Any, ...] = ()
    stayed: bool = False

    def write_into(self, buffer: memoryview) -> None:
        """Copy every block to its place; gaps between blocks are left as they are.

        Args:
            buffer: The arena, writable, at least `size` bytes.

        Raises:
            ValueError: The buffer is too small or read-only.
        """
        if len(buffer) < self.size:
            raise ValueError(f"arena: expected {self.size} bytes, got {len(buffer)}")
        for block in self.blocks:
            block.write_into(buffer)


def encode(
    value: object,
    *,
    root: str,
    limits: Limits = _LIMITS,
    lender: Lender | None = None,
    home: Home | None = None,
) -> Encoded:
    """Turn a value into bytes.

    Args:
        value: None, bool, int, float, complex, str, bytes, list, tuple, dict, the types of `datetime`,
            NumPy scalars and arrays (masked ones too) of any dtype but object, pandas, polars and Arrow
            tables.
        root: What the value is called in messages, such as ``"inputs"``; empty if it is a dict whose keys are
            names of their own.
        limits: What may be sent.
        lender: Finds arrays that need no copy.
        home: The arena that the blocks will be written to, if it is known: what lies there already is not copied.

    Raises:
        EncodingError: Something in it cannot be sent; the message has path, type and remedy.
    """
    return encode_by(Writer.value, value, root=root, limits=limits, lender=lender, home=home)


def encode_by(
    write: Callable[[Writer, Any], Any],
    value: Any,
    *,
    root: str,
    limits: Limits = _LIMITS,
    lender: Lender | None = None,
    home: Home | None = None,
) -> Encoded:
    """As `encode`, for a value that `write` turns into what msgpack shall say."""
    try:
        encoded = _encode(write, value, careful=False, limits=limits, lender=lender, home=home)
        if encoded is None:
            encoded = _encode(write, value, careful=True, limits=limits, lender=lender, home=home)
        assert encoded is not None
        outline.check(encoded.body, NESTED, limits)
    except Refusal as error:
        path = error.path(root)
        raise EncodingError(f"{path}: {error.reason}", path=path) from None
    except UnicodeEncodeError as error:
        raise EncodingError(f"{root}: a field name of a dtype is no Unicode text: {error}", path=root) from error
    except DecodeError as error:
        raise EncodingError(f"{root}: too much to be sent outside arrays: {error}", path=root) from error
    return encoded


def _encode(
    write: Callable[[Writer, Any], Any],
    value: Any,
    *,
    careful: bool,
    limits: Limits,
    lender: Lender | None,
    home: Home | None,
) -> Encoded | None:
    writer = Writer(BY_TYPE, BY_NAME, careful=careful, limits=limits, lender=lender, home=home)
    try:
        body = _say(write(writer, value))
    except (OverflowError, UnicodeEncodeError):  # msgpack has 64-bit integers and valid UTF-8 only
        if careful:
            raise
        return None
    if len(body) > _LONG_BODY and not careful:
        return None
    return Encoded(
        body=body, blocks=tuple(writer.blocks), size=writer.size, lent=tuple(writer.lent), stayed=writer.stayed
    )


def decode(
    body: bytes,
    data: memoryview | None,
    *,
    limits: Limits = _LIMITS,
    readonly: bool = False,
    lent: Sequence[memoryview] = (),
) -> Any:
    """Turn bytes into a value, believing none of them.

    The bytes of `data` are trusted not to change any more: map what a worker may still write only after
    sealing or copying it.

    Args:
        body: What `encode` made.
        data: The arena, if there is one; arrays become views of it, read-only ones if it is read-only.
        limits: What is accepted.
        readonly: Make every NumPy array read-only, the inline ones too.
        lent: Further arenas, each filled by one array.

    Raises:
        DecodeError: The bytes are no value, or one beyond the limits. Nothing else is raised.
    """
    outline.check(body, NESTED, limits)
    reader = Reader(BY_CODE, data, limits=limits, readonly=readonly, lent=lent)
    try:
        return reader.value(body)
    except DecodeError:
        raise
    except (MsgspecError, ValueError, TypeError, ArithmeticError, RecursionError, struct.error) as error:
        raise DecodeError(f"body: {error}") from error
