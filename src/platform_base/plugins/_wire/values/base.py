"""What every family of values builds on: limits, the row of the table, the walks of writing and reading."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, Protocol

import msgspec
import numpy as np

from platform_base.plugins._wire.values.remedies import Refusal, refusal

ALIGNMENT = 64
"""Every block starts at a multiple of this, bytes: one cache line, and what Arrow and AVX-512 like best."""

_CHEAP = frozenset({NoneType, bool, float, int, str, bytes})
_CAREFUL = frozenset({NoneType, bool, float})


class DecodeError(ValueError):
    """Bytes that are no value, or one beyond the limits; the host makes a `WireError` of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one message may hold. Both sides check, so that an honest sender hears of it first.

    Attributes:
        max_depth: Lists, tuples and dicts inside each other.
        max_items: Separate objects outside arrays. One costs its reader 250 bytes at most, so this bounds the
            memory that a body can ask for; lists of plain numbers travel as arrays and cost what they weigh.
        max_body_bytes: Encoded size without the blocks, bytes.
        max_array_bytes: Size of one array, bytes.
        max_list_bytes: Size of one list of numbers as it travels, bytes; in memory it is five times as large.
        max_keys: Dict keys that are not text, in one message. Python does not randomise the hashes of
            numbers, so that a chosen set of them makes the building of a dict quadratic.
        max_lent: Arenas that go along besides the one for everything that is copied.
        allow_tables: Whether Arrow streams are read; they are parsed by a large C++ library.
    """

    max_depth: int = 64
    max_items: int = 1_000_000
    max_body_bytes: int = 64 * 2**20
    max_array_bytes: int = 2**40
    max_list_bytes: int = 2**40
    max_keys: int = 65_536
    max_lent: int = 32
    allow_tables: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One row of the table of values: what crosses, under which code, and how.

    Attributes:
        name: What people call it.
        types: The exact types that it takes; subclasses are not meant.
        write: Makes something that msgpack can say; raises `Refusal`.
        code: Extension code, or ``None`` for what msgpack says by itself.
        read: From the payload of the extension back to the value; raises `DecodeError` or a `ValueError`.
        nested: Whether the payload is msgpack again, which is then checked like the body around it.
        foreign: Types of libraries that are never imported for this: ``"pandas.DataFrame"``.
    """

    name: str
    types: tuple[type, ...] = ()
    write: Callable[[Any, Writer], Any]
    code: int | None = None
    read: Callable[[memoryview, Reader], Any] | None = None
    nested: bool = False
    foreign: tuple[str, ...] = ()


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of the arena.

    Attributes:
        offset: Where it starts, bytes, a multiple of 64.
        source: The array whose elements belong there, of any strides.
        fortran: Whether the elements are laid out in column-major order.
    """

    offset: int
    source: np.ndarray[Any, Any]
    fortran: bool

    @property
    def sources(self) -> Sequence[np.ndarray[Any, Any]]:
        """The one array; `Pieces` have several."""
        return (self.source,)

    def write_into(self, buffer: memoryview) -> None:
        """Copy the elements to their place in the arena."""
        source = self.source
        order: Any = "F" if self.fortran else "C"
        np.copyto(np.ndarray(source.shape, source.dtype, buffer, self.offset, order=order), source)


class Pieces(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of the arena that holds several arrays, one behind the other along their first axis.

    Attributes:
        offset: Where it starts, bytes, a multiple of 64.
        sources: At least one array; all of one dtype, and of one shape but for the first length.
        length: What their first lengths add up to.
    """

    offset: int
    sources: Sequence[np.ndarray[Any, Any]]
    length: int

    def write_into(self, buffer: memoryview) -> None:
        """Copy the elements to their place in the arena."""
        first = self.sources[0]
        place: Any = np.ndarray((self.length, *first.shape[1:]), first.dtype, buffer, self.offset)
        np.concatenate(self.sources, out=place, casting="no")


class Lender(Protocol):
    """Knows which arrays lie in memory that can be lent instead of being copied."""

    def find(self, array: np.ndarray[Any, Any]) -> Any | None:
        """Return what stands for the memory that `array` fills, or None."""
        ...


class Home(Protocol):
    """The arena that a value is going to travel in, where arrays of it may lie already.

    Attributes:
        end: Nothing else may be put before this offset, bytes.
    """

    end: int

    def find(self, array: np.ndarray[Any, Any]) -> int | None:
        """Return the offset at which the elements of a contiguous array lie, or None: they lie elsewhere."""
        ...


class Writer:
    """One walk over a value on its way out: hands each part to its kind and lays out the arena."""

    __slots__ = (
        "_by_type",
        "_foreign",
        "_home",
        "_lender",
        "blocks",
        "careful",
        "depth",
        "lent",
        "limits",
        "plain",
        "size",
        "stayed",
    )

    def __init__(
        self,
        by_type: Mapping[type, Kind],
        foreign: Mapping[str, Kind],
        *,
        careful: bool,
        limits: Limits,
        lender: Lender | None = None,
        home: Home | None = None,
    ) -> None:
        """Begin.

        Args:
            by_type: Kinds by exact type.
            foreign: Kinds by ``"package.Type"``.
            careful: Look at each number and text by itself (64-bit range, lone surrogates, length).
                Without it msgpack is trusted to raise on the first two, which spares a walk.
            limits: What may be sent.
            lender: Finds arrays that need no copy.
            home: Finds arrays that are where they belong.
        """
        self._by_type = by_type
        self._foreign = foreign
        self._lender = lender
        self._home = home
        self.stayed = False
        self.lent: list[Any] = []
        self.careful = careful
        self.limits = limits
        self.plain: frozenset[type] = _CAREFUL if careful else _CHEAP
        self.blocks: list[Block | Pieces] = []
        self.size = 0
        self.depth = 0

    def value(self, value: object) -> Any:
        """Return what msgpack shall say for `value`; raises `Refusal` for what cannot be sent."""
        kind_of = type(value)
        if kind_of in self.plain:
            return value
        kind = self._by_type.get(kind_of) or self._foreign_kind(kind_of)
        if kind is None:
            raise refusal(value)
        return kind.write(value, self)

    def enter(self) -> None:
        """Go one container deeper; a container that holds itself ends here too."""
        self.depth += 1
        if self.depth > self.limits.max_depth:
            raise Refusal(
                f"nested deeper than {self.limits.max_depth} levels, or contains itself; send a flatter structure"
            )

    def place(self, source: np.ndarray[Any, Any], *, fortran: bool = False) -> int:
        """Reserve a block for `source` and return its offset."""
        offset = self._reserve(source.nbytes)
        self.blocks.append(Block(offset=offset, source=source, fortran=fortran))
        return offset

    def place_pieces(self, sources: Sequence[np.ndarray[Any, Any]], *, length: int, size: int) -> int:
        """Reserve a block of `size` bytes for several arrays, see `Pieces`, and return its offset."""
        offset = self._reserve(size)
        self.blocks.append(Pieces(offset=offset, sources=sources, length=length))
        return offset

    def stay(self, source: np.ndarray[Any, Any]) -> int | None:
        """Return the offset of an array that lies in its arena already; blocks rise, so that is not always of use."""
        offset = self._home.find(source) if self._home is not None else None
        if offset is None or offset % ALIGNMENT or offset < self.size:
            return None
        self.size = offset + source.nbytes
        self.stayed = True
        return offset

    def _reserve(self, size: int) -> int:
        if self._home is not None:
            self.size = max(self.size, self._home.end)
        offset = -(-self.size // ALIGNMENT) * ALIGNMENT
        self.size = offset + size
        return offset

    def lend(self, source: np.ndarray[Any, Any]) -> int | None:
        """Return the number of the arena that `source` fills, if it need not be copied."""
        if self._lender is None or len(self.lent) >= self.limits.max_lent:
            return None
        found = self._lender.find(source)
        if found is None:
            return None
        if found not in self.lent:
            self.lent.append(found)
        return self.lent.index(found)

    def _foreign_kind(self, kind_of: type) -> Kind | None:
        package = str(kind_of.__module__).partition(".")[0]
        kind = self._foreign.get(f"{package}.{kind_of.__qualname__}")
        # a class may call itself anything: only the very class that the library exports is meant
        if kind is None or getattr(sys.modules.get(package), kind_of.__qualname__, None) is not kind_of:
            return None
        return kind


class Reader:
    """One walk over a body on its way in: hands each extension to its kind and guards the arena.

    Blocks must be claimed in rising order and never twice. An honest writer lays them out that way; a hostile
    one is kept from having the same bytes turned into objects over and over.
    """

    __slots__ = ("_by_code", "_claimed", "_keys", "data", "lent", "limits", "readonly")

    def __init__(
        self,
        by_code: Mapping[int, Kind],
        data: memoryview | None,
        *,
        limits: Limits,
        readonly: bool,
        lent: Sequence[memoryview] = (),
    ) -> None:
        self._by_code = by_code
        self.lent = lent
        self._claimed = 0
        self._keys = 0
        self.data = memoryview(b"") if data is None else data.cast("B")
        self.limits = limits
        self.readonly = readonly

    def value(self, body: bytes | memoryview) -> Any:
        """Decode one msgpack value and the extensions in it."""
        return msgspec.msgpack.decode(body, ext_hook=self._extension)

    def claim(self, offset: int, size: int) -> memoryview:
        """Take a block of the arena.

        Args:
            offset: Where it starts, bytes.
            size: Its length, bytes.

        Returns:
            The whole arena, now known to hold ``offset + size`` bytes.

        Raises:
            DecodeError: Misaligned, outside the arena, or not behind the block before.
        """
        available = len(self.data)
        if offset % ALIGNMENT or offset < self._claimed or size < 0 or offset + size > available:
            raise DecodeError(
                f"block: expected an aligned offset from {self._claimed} on, ending by {available} bytes, "
                f"got {size} bytes at {offset}"
            )
        self._claimed = offset + size
        return self.data

    def count_keys(self, count: int) -> None:
        """Take note of dict keys that are not text; raises `DecodeError` beyond the limit."""
        self._keys += count
        if self._keys > self.limits.max_keys:
            raise DecodeError(f"dict: expected at most {self.limits.max_keys} keys that are not text, got {self._keys}")

    def _extension(self, code: int, payload: memoryview) -> Any:
        kind = self._by_code.get(code)
        if kind is None or kind.read is None:
            raise DecodeError(f"extension: expected a known code, got {code}")
        return kind.read(payload, self)
