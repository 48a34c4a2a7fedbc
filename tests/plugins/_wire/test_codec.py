"""Values to bytes and back: exactness, refusals, and hand-made hostile bodies."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import struct
import subprocess
import sys
import uuid
import zoneinfo
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import msgpack

from platform_base.plugins._wire.codec import DecodeError, Limits, decode, encode
from platform_base.plugins._wire.values.base import ALIGNMENT
from platform_base.plugins._wire.values.kinds import BY_CODE
from platform_base.plugins.errors import EncodingError

CODES = {kind.name: code for code, kind in BY_CODE.items()}


def sent(value: object, *, readonly: bool = False) -> Any:
    encoded = encode(value, root="inputs")
    arena = bytearray(encoded.size)
    encoded.write_into(memoryview(arena))
    return decode(encoded.body, memoryview(arena) if encoded.size else None, readonly=readonly)


def array_body(dtype: object, shape: object, place: object = b"", *, fortran: object = False) -> bytes:
    return msgpack.encode(msgpack.Ext(CODES["array"], msgpack.encode([dtype, shape, fortran, place])))


def extension(name: str, payload: object) -> bytes:
    raw = payload if isinstance(payload, bytes) else msgpack.encode(payload)
    return msgpack.encode(msgpack.Ext(CODES[name], raw))


def same_types(left: object, right: object) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, dict) and isinstance(right, dict):
        return all(map(same_types, left, right)) and all(map(same_types, left.values(), right.values()))
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same_types, left, right))
    return True


# --- exactness ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        2**63 - 1,
        2**63,
        2**64,
        -(2**63),
        -(2**63) - 1,
        [10**5000, -(10**40)],
        "\ud800 lone",
        "naïve 🎈",
        ["x" * 100_000, "\ud800" * 5000, b"\x00\xff" * 40_000],
        ["x" * 2_000_000, b"y" * 2_000_000, "\ud800" * 2000],
        complex(-0.0, float("inf")),
        (),
        (1, [2, (3.0, None)], {"a": ()}),
        [True, 1, 1.0, "1", b"1", None],
        [True] * 100,
        {1: "int", "1": "str", None: 0, b"1": 1, 2.5: 2, (1, ("a", None)): 3, 10**30: 4, "\ud801": 5},
        {True: "bool"},
        {"\ud800": 1},
        {"": {}},
        {2**70: "big key", ("\ud800", 2**80): "both in a tuple"},
    ],
)
def test_python_values_arrive_equal_and_of_the_same_types(value: object) -> None:
    received = sent(value)
    assert received == value
    assert same_types(received, value)


@pytest.mark.parametrize("length", [1, 63, 64, 1000])
@pytest.mark.parametrize(
    "item", [1.5, 7, -(2**63), 2**63 - 1, 2**63, 2**64, True, "x", None], ids=lambda item: repr(item)
)
def test_long_lists_keep_the_types_of_their_items(item: object, length: int) -> None:
    value = [item] * length
    assert sent(value) == value
    assert same_types(sent(value), value)
    assert same_types(sent(tuple(value)), tuple(value))


def test_lists_that_mix_numbers_are_not_packed() -> None:
    value = [1, 2.0, True, None] * 100
    assert same_types(sent(value), value)
    assert encode([1.0] * 10_000, root="x").size == 80_000
    assert encode([1.0, 1] * 10_000, root="x").size == 0


def test_floats_keep_their_bits() -> None:
    bits = [0x7FF8000000000001, 0xFFF0000000000000, 0x8000000000000000, 1]
    values = [struct.unpack("<d", struct.pack("<Q", pattern))[0] for pattern in bits]
    for group in (values, values * 20):
        received = sent(group)
        assert [struct.pack("<d", item) for item in received] == [struct.pack("<d", item) for item in group]


def test_negative_zero_and_nan_in_complex() -> None:
    received = sent(complex(float("nan"), -0.0))
    assert received.real != received.real
    assert str(received.imag) == "-0.0"


@pytest.mark.parametrize(
    "value",
    [
        dt.date.min,
        dt.date.max,
        dt.datetime.max,
        dt.datetime(2026, 3, 29, 2, 30, 1, 999_999, fold=1),
        dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=-3, seconds=7, microseconds=1))),
        dt.time(23, 59, 59, 1),
        dt.time(1, fold=1, tzinfo=dt.timezone(dt.timedelta(hours=14))),
        dt.timedelta.min,
        dt.timedelta.max,
        dt.timedelta(microseconds=-1),
    ],
)
def test_dates_and_times(value: Any) -> None:
    received = sent(value)
    assert received == value
    assert type(received) is type(value)
    assert getattr(received, "fold", None) == getattr(value, "fold", None)
    if isinstance(value, dt.datetime | dt.time):
        assert received.utcoffset() == value.utcoffset()


def test_an_aware_datetime_arrives_with_a_fixed_offset() -> None:
    value = dt.datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
    received = sent(value)
    assert received == value
    assert received.tzinfo == dt.timezone(dt.timedelta(hours=2))


STRUCTURED = np.dtype(
    {
        "names": ["flag", "text", "inner"],
        "formats": ["?", ("<U3", (2, 2)), np.dtype([("x", ">f4"), ("when", "M8[ms]")])],
        "offsets": [3, 8, 64],
        "itemsize": 96,
    }
)
DTYPES = [
    *["?", "i1", "<i2", ">i4", "<i8", "u1", "<u2", ">u4", "<u8", "<f2", ">f4", "<f8", np.longdouble],
    *[
        "<c8",
        ">c16",
        np.clongdouble,
        "S5",
        "<U4",
        ">U4",
        "V7",
        "U0",
        "S0",
        "V0",
        "M8",
        "m8",
        "<M8[25s]",
        ">m8[ns]",
    ],
    *["<M8[D]", STRUCTURED, [], [("only", "f8")], [("empty", "U0"), ("wide", "i8", (0,))]],
]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (40, 30), (1, 5, 1)], ids=str)
def test_arrays_of_every_dtype(dtype: Any, shape: tuple[int, ...]) -> None:
    dtype = np.dtype(dtype)
    value = np.zeros(shape, dtype) if dtype.itemsize else np.ndarray(shape, dtype, b"")
    raw = np.random.default_rng(5).integers(0, 2, value.nbytes, np.uint8)
    raw *= np.arange(value.nbytes) % 4 == 1  # truth values of 0 and 1, text within Unicode in either byte order
    if value.nbytes:
        value = np.ndarray(shape, dtype, raw)
    for order in ("C", "F"):
        source = np.asarray(value, order=order)  # type: ignore[call-overload]
        received = sent(source)
        assert type(received) is np.ndarray
        assert received.dtype == source.dtype
        assert received.shape == source.shape
        if dtype.names:  # what lies between fields is not part of the value
            assert np.array_equal(received, source)
        else:
            assert received.tobytes() == source.tobytes()
        assert received.flags.f_contiguous == source.flags.f_contiguous
        assert received.flags.c_contiguous == source.flags.c_contiguous
        assert received.flags.aligned or dtype.names or not source.nbytes
        assert received.flags.writeable
        assert not sent(source, readonly=True).flags.writeable


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[::-1],
        lambda a: a[::3, 1::2],
        lambda a: a[:, ::-1].T,
        lambda a: a[..., None],
        lambda a: np.broadcast_to(a[0], (50, 60)),
        lambda a: np.lib.stride_tricks.sliding_window_view(a[0], 7),
        lambda a: a.astype(np.float32).view(np.int32)[2:5],
        lambda a: a[:0],
    ],
)
def test_views_arrive_as_their_elements(view: Any) -> None:
    whole = np.arange(3000.0).reshape(50, 60)
    whole.flags.writeable = False
    value = view(whole)
    received = sent({"x": [value]})["x"][0]
    assert np.array_equal(received, value)
    assert received.flags.c_contiguous or received.flags.f_contiguous
    assert received.flags.writeable


def test_structured_fields_keep_names_offsets_and_padding() -> None:
    received = sent(np.zeros(500, STRUCTURED)).dtype
    assert received.names == STRUCTURED.names
    assert [received.fields[name][1] for name in received.names] == [3, 8, 64]
    assert received.itemsize == 96


def test_memory_mapped_arrays_arrive_as_plain_ones(tmp_path: Path) -> None:
    value = np.memmap(tmp_path / "data", np.float32, "w+", shape=(300, 5))
    value[:] = np.arange(1500).reshape(300, 5)
    received = sent(value)
    assert type(received) is np.ndarray
    assert np.array_equal(received, value)


NUMPY_SCALARS = [
    *[np.dtype(code).type(1) for code in np.typecodes["AllInteger"]],
    *[np.dtype(code).type(1.5) for code in np.typecodes["AllFloat"]],
    *[
        np.bool_(True),
        np.datetime64("2026-11-22T10:00", "25m"),
        np.datetime64("NaT", "ns"),
        np.timedelta64(-5, "us"),
    ],
    *[
        np.str_("a\0"),
        np.str_("\ud800"),
        np.str_(""),
        np.bytes_(b"a\0\0"),
        np.bytes_(b""),
        np.void(b"\x01\x02"),
    ],
    np.zeros((), STRUCTURED)[()],
]


@pytest.mark.parametrize("value", NUMPY_SCALARS, ids=lambda value: f"{type(value).__name__}-{value.dtype.char}")
def test_numpy_scalars(value: Any) -> None:
    received = sent([value, 1])[0]
    assert received.dtype == value.dtype
    assert type(received) is np.dtype(value.dtype.str).type  # longlong is int64 by another name
    assert received.tobytes() == value.tobytes()
    assert len(received) == len(value) if isinstance(value, str | bytes) else True


@pytest.mark.parametrize("readonly", [False, True])
@pytest.mark.parametrize(
    "value",
    [
        np.ma.masked_array([1.0, 2.0, 3.0], [False, True, False], fill_value=-9.0),
        np.ma.masked_array(np.arange(6000).reshape(2, 3000), np.ma.nomask),
        np.ma.masked_greater(np.arange(9000.0).reshape(3, 3000), 5),
        np.ma.masked_array(np.zeros(2, [("a", "f8"), ("b", "U2")]), [(True, False), (False, True)]),
        np.ma.masked_array(np.array(["2020", "NaT"], "M8[D]"), [True, False]),
        np.ma.masked_array(5, True),
        np.ma.masked_array([1, 2], [0, 1], hard_mask=True),
        np.ma.masked_array([], dtype="f4"),
    ],
    ids=lambda value: f"{value.dtype}{value.shape}",
)
def test_masked_arrays(value: Any, readonly: bool) -> None:
    received = sent({"m": value}, readonly=readonly)["m"]
    assert type(received) is np.ma.MaskedArray
    assert received.dtype == value.dtype
    assert received.shape == value.shape
    assert received.data.tobytes() == value.data.tobytes()
    assert (received.mask is np.ma.nomask) == (value.mask is np.ma.nomask)
    assert np.array_equal(received.mask, value.mask)
    assert np.asarray(received.fill_value).tobytes() == np.asarray(value.fill_value, value.dtype).tobytes()
    assert received.hardmask == value.hardmask
    assert received.flags.writeable is not readonly


def test_the_masked_constant() -> None:
    assert sent([np.ma.masked])[0] is np.ma.masked


# --- the arena ---------------------------------------------------------------------------------------------


def test_large_arrays_are_views_of_the_arena_and_inherit_its_protection() -> None:
    encoded = encode({"a": np.arange(1000.0), "b": np.ones(999, np.int8), "c": np.zeros((50, 60), order="F")}, root="x")
    assert len(encoded.blocks) == 2
    assert [block.offset % ALIGNMENT for block in encoded.blocks] == [0, 0]
    arena = bytearray(encoded.size)
    encoded.write_into(memoryview(arena))
    received = decode(encoded.body, memoryview(arena))
    struct.pack_into("<d", arena, 8, -5.0)
    assert received["a"][1] == -5.0
    assert received["a"].flags.writeable
    assert received["c"].flags.f_contiguous
    fixed = decode(encoded.body, memoryview(arena).toreadonly())
    assert not fixed["a"].flags.writeable
    assert fixed["b"].flags.writeable, "inline arrays are the reader's own"


def test_blocks_name_their_source() -> None:
    source = np.arange(2000.0)[::2]
    encoded = encode({"a": source}, root="x")
    assert encoded.blocks[0].source is source
    assert encoded.size == 8000


def test_an_arena_that_is_too_small_is_refused() -> None:
    encoded = encode(np.zeros(1000), root="x")
    with pytest.raises(ValueError, match="expected 8000 bytes, got 7999"):
        encoded.write_into(memoryview(bytearray(7999)))


def test_nothing_of_the_table_libraries_is_imported_for_other_values() -> None:
    script = (
        "import sys, numpy as np\n"
        "from platform_base.plugins._wire.codec import encode, decode\n"
        "value = {'a': np.zeros(9), 'b': [1.5, 'x', (None,)], 'c': 2**80}\n"
        "decode(encode(value, root='x').body, None)\n"
        "print(sorted({'pandas', 'polars', 'pyarrow', 'pydantic', 'yaml', 'pickle5'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


# --- refusals ----------------------------------------------------------------------------------------------


class Colour(enum.Enum):
    RED = 1


class Count(int):
    pass


class Name(str):
    __slots__ = ()


class Level(enum.IntEnum):
    LOW = 1


class Image(np.ndarray[Any, Any]):
    pass


class Imposter:
    __module__ = "pandas"


Imposter.__qualname__ = "DataFrame"
TOO_LONG = 1 << (8 * 2**20 + 8)
Pair = collections.namedtuple("Pair", "x y")


@dataclasses.dataclass
class Record:
    x: int = 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({1, 2}, "set cannot be sent; send sorted(value), a list"),
        (frozenset(), "frozenset cannot be sent"),
        (Colour.RED, "Colour cannot be sent; send its value or its name"),
        (Level.LOW, "Level cannot be sent; send its value or its name"),
        (Count(3), "Count cannot be sent; send int(value)"),
        (Name("x"), "Name cannot be sent; send str(value)"),
        (collections.OrderedDict(), "collections.OrderedDict cannot be sent; send dict(value)"),
        (collections.defaultdict(int), "collections.defaultdict cannot be sent; send dict(value)"),
        (Pair(1, 2), "Pair cannot be sent; send tuple(value) or value._asdict()"),
        (Record(), "Record cannot be sent; send dataclasses.asdict(value)"),
        (Record, "type cannot be sent; only data"),
        (len, "builtin_function_or_method cannot be sent; only data"),
        ((x for x in "ab"), "generator cannot be sent; send list(value)"),
        (range(3), "range cannot be sent; send numbers"),
        (bytearray(b"x"), "bytearray cannot be sent; send bytes(value)"),
        (memoryview(b"x"), "memoryview cannot be sent; send bytes(value)"),
        (decimal.Decimal(1), "decimal.Decimal cannot be sent; send str(value)"),
        (uuid.UUID(int=1), "uuid.UUID cannot be sent; send str(value)"),
        (Path("x"), "cannot be sent; send str(value)"),
        (object(), "object cannot be sent; send numbers"),
        (Imposter(), "pandas.DataFrame cannot be sent; send numbers"),
        (TOO_LONG, "an integer of 1048578 bytes cannot be sent"),
        (np.array([None]), "an array of dtype object cannot be sent"),
        (np.zeros(2, [("a", "O")]), "cannot be sent; use a numeric"),
        (np.zeros(2).view(Image), "Image cannot be sent; send np.asarray(value)"),
        (
            np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
            "cannot be sent; send np.asarray(value)",
        ),
        ({frozenset(): 1}, "a dict key of type frozenset cannot be sent; use str"),
        ({(1, Colour.RED): 1}, "a dict key of type tuple cannot be sent; use str"),
        (np.zeros(1, [("\ud800", "f8")]), "a field name of a dtype is no Unicode text"),
        (dt.time(1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")), "gives no offset from UTC; send"),
        (type("Stamp", (dt.datetime,), {})(2020, 1, 1), "Stamp cannot be sent"),
    ],
    ids=lambda value: value[:40] if type(value) is str else type(value).__name__,
)
def test_what_cannot_be_sent_is_refused_with_type_and_remedy(value: object, expected: str) -> None:
    with pytest.raises(EncodingError) as caught:
        encode(value, root="inputs")
    assert expected in str(caught.value)
    assert str(caught.value).startswith("inputs: ")
    assert caught.value.path == "inputs"


def test_files_are_refused() -> None:
    with Path("/dev/null").open() as file, pytest.raises(EncodingError, match="TextIOWrapper cannot be sent"):
        encode(file, root="inputs")


@pytest.mark.parametrize(
    ("value", "root", "path"),
    [
        ({"series": [1, 2, 3, {4}]}, "inputs", 'inputs["series"][3]'),
        ({"metadata": {"model": object()}}, "", 'metadata["model"]'),
        ({"values": object()}, "", "values"),
        ({"not a name": object()}, "", '["not a name"]'),
        ([object()], "values", "values[0]"),
        ({"a": ({"b": object()},)}, "metadata", 'metadata["a"][0]["b"]'),
        ({1: [object()]}, "x", "x[1][0]"),
        ({(1, "a"): object()}, "x", "x[(1, 'a')]"),
        ({'"\n': object()}, "x", 'x["\\"\\n"]'),
        ({"k" * 200: object()}, "x", 'x["' + "k" * 76 + "...]"),
        ({"\ud800": object()}, "x", 'x["\\ud800"]'),
        ({"big": 2**70, "deep": [1, [2**70, {3}]]}, "x", 'x["deep"][1][1]'),
    ],
)
def test_the_path_of_a_refused_value(value: object, root: str, path: str) -> None:
    with pytest.raises(EncodingError) as caught:
        encode(value, root=root)
    assert caught.value.path == path
    assert str(caught.value).startswith(f"{path}: ")


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def test_depth_is_limited_and_cycles_end() -> None:
    assert sent(nested(64)) == nested(64)
    wide = [nested(60) for _ in range(100)]
    assert sent(wide) == wide
    cycle: list[Any] = []
    cycle.append(cycle)
    loop: dict[str, Any] = {}
    loop["again"] = (loop,)
    for value in (nested(70), cycle, loop):
        with pytest.raises(EncodingError, match=r"nested deeper than 64 levels, or contains itself"):
            encode({"v": value}, root="inputs")


def test_too_many_separate_objects_are_refused_at_the_sender() -> None:
    with pytest.raises(EncodingError, match=r"inputs: too much .* at most 1000 items"):
        encode([[1.5, "x"]] * 1000, root="inputs", limits=Limits(max_items=1000))
    with pytest.raises(EncodingError, match=r"inputs: too much .* at most 10 bytes"):
        encode(["x"] * 20, root="inputs", limits=Limits(max_body_bytes=10))
    with pytest.raises(EncodingError, match=r"a dict with 21 keys that are not text cannot be sent \(at most 20\)"):
        encode({"d": dict.fromkeys(range(21))}, root="inputs", limits=Limits(max_keys=20))


def test_large_bodies_of_many_shapes_pass_the_walk() -> None:
    value = {
        "records": [{"id": i, "name": f"n{i}", "pair": (i, -i), "x": [1.5, None]} for i in range(3000)],
        "texts": ["é" * (i % 300) for i in range(3000)],
        "raw": [bytes(i % 300) for i in range(3000)],
        "numbers": [0, -1, 200, -200, 70_000, -70_000, 2**40, -(2**40), 0.5, True] * 1000,
        "arrays": [np.arange(i % 400) for i in range(300)],
    }
    received = sent(value)
    arrays, expected = received.pop("arrays"), value.pop("arrays")
    assert received == value
    assert same_types(received, value)
    assert all(map(np.array_equal, arrays, expected))


# --- hostile bodies ----------------------------------------------------------------------------------------

DESCRIPTORS = {
    "bigger": ("<f8", [10**6], b"\0" * 64),
    "bigger_block": ("<f8", [10**6], 0),
    "negative": ("<f8", [-1], b""),
    "negative_pair": ("<f8", [-4, -4], b"\0" * 128),
    "overflow": ("<f8", [2**32, 2**32], b""),
    "overflow_to_zero": ("<f8", [2**61, 8], b""),
    "beside_zero": ("<f8", [0, 2**62], b""),
    "huge_int": ("<f8", [2**64 - 1], b""),
    "object": ("|O", [1], b"\0" * 8),
    "object_word": ("object", [1], b"\0" * 8),
    "object_field": (["fields", ["a"], ["|O"], [0], 8], [1], b"\0" * 8),
    "struct": ("f8,f8", [1], b"\0" * 16),
    "struct_list": ([["a", "<f8"]], [1], b"\0" * 8),
    "void": ("|V2147483648", [1], b""),
    "void_endless": ("V", [1], b""),
    "bool_shape": ("<f8", [True], b"\0" * 8),
    "float_shape": ("<f8", [1.0], b"\0" * 8),
    "text_shape": ("<f8", "1", b"\0" * 8),
    "no_shape": ("<f8", None, b"\0" * 8),
    "no_blob": ("<f8", [100], b""),
    "no_arena": ("<f8", [1], 0),
    "ndim": ("|u1", [1] * 33, b"\0"),
    "ndim_many": ("|u1", [1] * 10_000, b"\0"),
    "dict": ({"names": []}, [1], b"\0" * 8),
    "null": (None, [1], b"\0" * 8),
    "code": ("<f8\nimport os", [1], b"\0" * 8),
    "code_ctypes": ("ctypes.c_double", [1], b"\0" * 8),
    "alias": ("float", [1], b"\0" * 8),
    "itemsize": (["fields", ["a"], ["<f8"], [0], 4], [2], b"\0" * 8),
    "itemsize_huge": (["fields", ["a"], ["<f8"], [0], 2**40], [1], b"\0" * 8),
    "itemsize_negative": (["fields", ["a"], ["<f8"], [0], -8], [1], b"\0" * 8),
    "offset_outside": (["fields", ["a"], ["<f8"], [8], 8], [1], b"\0" * 8),
    "offset_negative": (["fields", ["a"], ["<f8"], [-8], 8], [1], b"\0" * 8),
    "offset_bool": (["fields", ["a", "b"], ["|u1", "|u1"], [0, True], 2], [1], b"\0" * 2),
    "name_twice": (["fields", ["a", "a"], ["|u1", "|u1"], [0, 1], 2], [1], b"\0" * 2),
    "name_number": (["fields", [1], ["|u1"], [0], 1], [1], b"\0"),
    "name_missing": (["fields", ["a"], [], [0], 1], [1], b"\0"),
    "fields_many": (["fields", [str(i) for i in range(2000)], ["|u1"] * 2000, [0] * 2000, 1], [1], b"\0"),
    "subarray_huge": (["array", "<f8", [2**20, 2**20]], [1], b""),
    "subarray_negative": (["array", "<f8", [-1]], [1], b""),
    "subarray_bool": (["array", "<f8", [True]], [1], b"\0" * 8),
    "width_zero_many": ("|V0", [2**40], b""),
    "spelling_empty": ("", [1], b"\0" * 8),
    "spelling_unit": ("<M8[0s]extra", [1], b"\0" * 8),
    "spelling_digits": ("<U99999999999", [1], b""),
    "spelling_unicode": ("<U１", [1], b"\0" * 4),
    "timedelta_overflow": ("<m8[9999999999s]", [1], b"\0" * 8),
    "block_negative": ("<f8", [1], -64),
    "block_misaligned": ("|u1", [1], 1),
    "block_far": ("|u1", [1], 2**63),
    "code_point": ("<U1", [1], b"\xff\xff\xff\x7f"),
    "code_point_swapped": (">U1", [1], b"\x00\x11\x00\x00"),
    "code_point_in_field": (["fields", ["a"], ["<U1"], [0], 4], [1], b"\x00\x00\x11\x00"),
}


@pytest.mark.parametrize("name", DESCRIPTORS)
def test_hostile_array_descriptions(name: str) -> None:
    dtype, shape, place = DESCRIPTORS[name]
    body = array_body(dtype, shape, place)
    with pytest.raises(DecodeError):
        decode(body, None)
    with pytest.raises(DecodeError):
        decode(body, None if name == "no_arena" else memoryview(bytearray(128)))


@pytest.mark.parametrize("depth", [7, 20, 60, 400, 100_000])
def test_dtypes_nested_too_deeply(depth: int) -> None:
    described = b"\xa2u1"
    described = b"\x93\xa5array" * depth + described + b"\x90" * depth
    payload = b"\x94" + described + b"\x90\xc2\xc4\x01\x00"
    with pytest.raises(DecodeError):
        decode(msgpack.encode(msgpack.Ext(CODES["array"], payload)), None)


HOSTILE = {
    "nothing": b"",
    "reserved": b"\xc1",
    "trailing": b"\xc0\xc0",
    "list_of_4_billion": b"\xdd\xff\xff\xff\xff",
    "map_of_4_billion": b"\xdf\xff\xff\xff\xff",
    "bytes_of_4_billion": b"\xc6\xff\xff\xff\xff",
    "text_of_4_billion": b"\xdb\xff\xff\xff\xff",
    "extension_of_4_billion": b"\xc9\xff\xff\xff\xff\x20",
    "bad_utf8": b"\xa2\xff\xff",
    "surrogate_in_utf8": b"\xa3\xed\xa0\x80",
    "unknown_extension": b"\xd4\x7f\x00",
    "negative_extension": b"\xd4\x80\x00",
    "odd_timestamp": b"\xd4\xff\x00",
    "dict_key": b"\x81\x80\xc0",
    "array_as_key": b"\x81" + array_body("|u1", [1], b"\0") + b"\xc0",
    "deep_lists": b"\x91" * 200 + b"\xc0",
    "deeper_lists": b"\x91" * 5_000_000 + b"\xc0",
    "deep_maps": b"\x81\xa1a" * 100_000 + b"\xc0",
    "wide_and_deep": (b"\xdc\x01\x00" + b"\xc0" * 255) * 100 + b"\xc0",
    "pickle": b"\x80\x04\x95\x0c\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94.",
    "json": b'{"op": 7}',
    "tuple_of_no_list": extension("tuple", 5),
    "tuple_cut": extension("tuple", b"\x92\x01"),
    "tuple_trailing": extension("tuple", b"\x90\x90"),
    "mapping_odd": extension("dict", [1, 2, 3]),
    "mapping_of_no_list": extension("dict", {"a": 1}),
    "mapping_list_key": extension("dict", [[], 1]),
    "mapping_datetime_key": extension(
        "dict", [msgpack.Ext(CODES["date"], dt.date(2020, 1, 1).toordinal().to_bytes(4, "little")), 1]
    ),
    "numbers_2d": extension("list", ["<f8", [1, 1], False, b"\0" * 8]),
    "numbers_text": extension("list", ["<U1", [1], False, b"\0" * 4]),
    "integer_too_long": msgpack.encode(msgpack.Ext(CODES["integer"], b"\x01" * (2**20 + 1))),
    "complex_short": extension("complex", b"\0" * 15),
    "date_zero": extension("date", b"\0" * 4),
    "date_far": extension("date", b"\xff" * 4),
    "date_short": extension("date", b"\1"),
    "time_25": extension("time", bytes([25, 0, 0, 0, 0, 0, 0, 0])),
    "time_fold": extension("time", bytes([2, 0, 0, 0, 0, 0, 0, 9])),
    "time_zone": extension("time", bytes(8) + struct.pack("<iiI", 5, 0, 0)),
    "datetime_empty": extension("datetime", b""),
    "timedelta_far": extension("timedelta", struct.pack("<iiI", 2**31 - 1, 2**31 - 1, 0)),
    "scalar_short": extension("NumPy scalar", ["<f8", b"\0"]),
    "scalar_object": extension("NumPy scalar", ["|O", b"\0" * 8]),
    "scalar_text": extension("NumPy scalar", ["<U1", b"\xff" * 4]),
    "long_bytes_outside": extension("bytes", [0, 10]),
    "long_bytes_negative": extension("bytes", [0, -10]),
    "long_text_bool": extension("long text", [False, 0]),
    "masked_short": extension("masked array", [1, 2]),
    "masked_shape": extension(
        "masked array",
        [
            msgpack.Ext(CODES["array"], msgpack.encode(["<f8", [2], False, b"\0" * 16])),
            msgpack.Ext(CODES["array"], msgpack.encode(["|b1", [1], False, b"\0"])),
            msgpack.Ext(CODES["array"], msgpack.encode(["<f8", [], False, b"\0" * 8])),
            False,
        ],
    ),
    "masked_fill": extension(
        "masked array",
        [
            msgpack.Ext(CODES["array"], msgpack.encode(["<f8", [1], False, b"\0" * 8])),
            None,
            msgpack.Ext(CODES["array"], msgpack.encode(["<f4", [], False, b"\0" * 4])),
            False,
        ],
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies(name: str) -> None:
    with pytest.raises(DecodeError):
        decode(HOSTILE[name], None)


def test_extensions_inside_each_other_are_bounded() -> None:
    for depth in (80, 400, 5000):
        value: Any = []
        for _ in range(depth):
            value = msgpack.Ext(CODES["tuple"], msgpack.encode([value]))
        with pytest.raises(DecodeError, match="64 levels"):
            decode(msgpack.encode(value), None)


def test_no_byte_of_the_arena_is_claimed_twice() -> None:
    arena = memoryview(bytearray(4096))
    numbers = msgpack.Ext(CODES["list"], msgpack.encode(["<f8", [512], False, 0]))
    assert len(decode(msgpack.encode([numbers]), arena)[0]) == 512
    with pytest.raises(DecodeError, match="aligned offset from 4096"):
        decode(msgpack.encode([numbers] * 2), arena)
    half = [msgpack.Ext(CODES["array"], msgpack.encode(["|u1", [64], False, at])) for at in (64, 0)]
    with pytest.raises(DecodeError, match="aligned offset from 128"):
        decode(msgpack.encode(half), arena)


@pytest.mark.parametrize(
    ("body", "limits", "message"),
    [
        (b"\xdd\x00\x10\x00\x00" + b"\x90" * 2**20, Limits(max_items=1000), "at most 1000 items"),
        (b"\xdc\x04\x00" + b"\xc0" * 1024, Limits(max_items=1000), "at most 1000 items"),
        (b"\xc4\x04abcd", Limits(max_body_bytes=5), "at most 5 bytes"),
        (b"\xde\xff\xff" + b"\x01\xcb12345678" * 65_535, Limits(), "keys of text"),
        (extension("dict", [1, 0, 2, 0, 3, 0]), Limits(max_keys=2), "at most 2 keys"),
        (array_body("|u1", [100], b"\0" * 100), Limits(max_array_bytes=99), "at most 99 bytes"),
    ],
    ids=["lists", "nones", "body", "numeric keys", "keys", "array"],
)
def test_limits_of_the_reader(body: bytes, limits: Limits, message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        decode(body, None, limits=limits)


def test_hostile_bodies_do_not_make_the_reader_allocate() -> None:
    script = (
        "import resource, sys, numpy\n"
        "from platform_base.plugins._wire.codec import DecodeError, Limits, decode\n"
        "in_use = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (in_use + 2**27, in_use + 2**27))\n"
        "arena = memoryview(bytes(4096))\n"
        "for line in sys.stdin:\n"
        "    try: print('accepted', type(decode(bytes.fromhex(line), arena if len(line) > 10**6 else None)))\n"
        "    except DecodeError: print('refused')\n"
    )
    bodies = [body for body in HOSTILE.values() if body]
    bodies += [array_body(*description) for description in DESCRIPTORS.values()]
    bodies += [b"\xdd\x00\x20\x00\x00" + b"\x90" * 2**21, b"\xdd\x7f\xff\xff\xff" + b"\x80" * 2**20]
    numbers = msgpack.Ext(CODES["list"], msgpack.encode(["<f8", [512], False, 0]))
    bodies += [msgpack.encode([numbers] * 60_000)]
    lines = "\n".join(body.hex() for body in bodies)
    answer = subprocess.run([sys.executable, "-c", script], input=lines, capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == ["refused"] * len(bodies)


@pytest.mark.parametrize("place", [0, b""])
def test_arrays_without_elements_need_no_arena(place: object) -> None:
    received = decode(array_body("<f8", [3, 0], place), None)
    assert received.shape == (3, 0)


def test_an_arena_of_wider_items_is_taken_as_bytes() -> None:
    arena = memoryview(np.arange(1000.0))
    assert np.array_equal(decode(array_body("<f8", [1000], 0), arena), np.arange(1000.0))


def test_of_duplicate_keys_the_last_wins() -> None:
    assert decode(b"\x82\xa1a\x01\xa1a\x02", None) == {"a": 2}


@pytest.mark.parametrize("shape", [(200,), (3, 70, 20)])
def test_truth_values_of_other_bytes_become_true(shape: tuple[int, ...]) -> None:
    raw = np.arange(np.prod(shape), dtype=np.uint8)
    received = decode(array_body("|b1", list(shape), 0), memoryview(raw).cast("B"))
    assert received.view(np.uint8).max() == 1
    assert np.array_equal(received, raw.reshape(shape) != 0)
    assert np.count_nonzero(received) == np.count_nonzero(raw)
    fortran = decode(array_body("|b1", list(shape), 0, fortran=True), memoryview(raw).cast("B"))
    assert np.array_equal(fortran, raw.reshape(shape, order="F") != 0)


def test_truth_values_inside_fields_are_mended_too() -> None:
    inner = ["fields", ["flags", "n"], [["array", "|b1", [3]], "<u2"], [0, 3], 5]
    body = array_body(["fields", ["a", "b"], [inner, "|b1"], [0, 5], 6], [2], bytes([7, 0, 9, 1, 2, 255] * 2))
    received = decode(body, None, readonly=True)
    assert received["a"]["flags"].view(np.uint8).tolist() == [[1, 0, 1]] * 2
    assert received["b"].view(np.uint8).tolist() == [1, 1]
    assert received["a"]["n"].tolist() == [513, 513]
    assert not received.flags.writeable
    assert bool(decode(extension("NumPy scalar", ["|b1", b"\x07"]), None)) is True
