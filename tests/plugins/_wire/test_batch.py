"""Batches: what was put in comes out, whatever its form, and a hostile one is refused before anything is made of it."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from msgspec import msgpack

from platform_base.plugins._wire.batch import decode_batch, decode_table, encode_batch, encode_table
from platform_base.plugins._wire.codec import encode
from platform_base.plugins._wire.values.base import DecodeError, Limits
from platform_base.plugins.errors import EncodingError


def arena(encoded):
    buffer = bytearray(encoded.size)
    encoded.write_into(memoryview(buffer))
    return memoryview(buffer)


def transport(items, *, readonly=False):
    encoded = encode_batch(items, root="items")
    buffer = arena(encoded)
    return decode_batch(encoded.body, buffer.toreadonly() if readonly else buffer, len(items), readonly=readonly)


def assert_alike(left, right):
    """Equal in value and exact type; NaN is like NaN."""
    assert type(left) is type(right)
    if isinstance(left, np.ndarray):
        assert (left.dtype, left.shape) == (right.dtype, right.shape)
        np.testing.assert_array_equal(left, right)
    elif isinstance(left, dict):
        assert list(left) == list(right)
        for key in left:
            assert_alike(left[key], right[key])
    elif isinstance(left, list | tuple):
        assert len(left) == len(right)
        for one, other in zip(left, right, strict=True):
            assert_alike(one, other)
    else:
        assert left == right or (math.isnan(left) and math.isnan(right))


def form(items):
    """The form of each column, by name."""
    described = msgpack.decode(encode_batch(items, root="items").body, ext_hook=lambda code, data: None)
    if described[0] != "rows":
        return described[0]
    return {name: column[0] for name, column in zip(*described[1:], strict=True)}


RECORD = np.dtype({"names": ["t", "v"], "formats": ["<M8[s]", ">f4"], "offsets": [4, 16], "itemsize": 24})
SHARED = {"window": 5, "name": "x"}
BATCHES = {
    "series of one length": ([{"series": np.arange(128.0) + n} for n in range(50)], {"series": "stack"}),
    "series of any length": ([{"series": np.arange(float(n))} for n in range(50)], {"series": "ragged"}),
    "empty series": ([{"series": np.zeros(0)} for _ in range(3)], {"series": "stack"}),
    "matrices": ([{"m": np.full((3, 4), n, ">i2")} for n in range(200)], {"m": "stack"}),
    "strided": ([{"m": np.arange(600.0).reshape(20, 30).T[::2, ::-3]} for _ in range(4)], {"m": "stack"}),
    "column-major": ([{"m": np.asfortranarray(np.arange(600.0).reshape(20, 30))} for _ in range(4)], {"m": "stack"}),
    "records": ([{"r": np.zeros(9, RECORD)} for _ in range(40)], {"r": "stack"}),
    "truth values": ([{"b": np.array([True, False, True])} for _ in range(1000)], {"b": "stack"}),
    "text": ([{"t": np.array(["a", "bé\U0001f600"])} for _ in range(300)], {"t": "stack"}),
    "instants": ([{"t": np.array(["2026-01-02", "NaT"], "M8[ns]")} for _ in range(300)], {"t": "stack"}),
    "dtypes that differ": ([{"a": np.zeros(300, kind)} for kind in ("<f8", ">f8", "<f4")], {"a": "each"}),
    "dimensions that differ": ([{"a": np.zeros(9)}, {"a": np.zeros((9, 9))}], {"a": "each"}),
    "without a dimension": ([{"a": np.array(n)} for n in range(5)], {"a": "each"}),
    "as many dimensions as there may be": ([{"a": np.zeros((1,) * 32)} for _ in range(3)], {"a": "each"}),
    "masked": ([{"a": np.ma.masked_invalid([1.0, np.nan])} for _ in range(3)], {"a": "each"}),
    "NumPy numbers": ([{"x": np.float64(n)} for n in (1.0, np.nan, 3.0)], {"x": "scalars"}),
    "NumPy instants": ([{"x": np.datetime64(n, "s")} for n in range(3)], {"x": "each"}),
    "parameters": ([{"n": n, "params": SHARED} for n in range(100)], {"n": "each", "params": "same"}),
    "equal, but not alike": ([{"p": {"a": value}} for value in (1, True, 1.0)], {"p": "rows"}),
    "dictionaries in dictionaries": ([{"d": {"x": n, "y": {"z": None}}} for n in range(9)], {"d": "rows"}),
    "nothing in them": ([{"d": {}} for _ in range(9)], {"d": "rows"}),
    "one large thing for all": ([{"d": {"a": np.arange(900.0)}}] * 2, {"d": "rows"}),
    "numbers and text": ([{"a": n, "b": str(n), "c": n / 3} for n in range(70)], dict.fromkeys("abc", "each")),
    "names that differ": ([{"a": 1}, {"b": 1}], "each"),
    "names in another order": ([{"a": 1, "b": 2}, {"b": 1, "a": 2}], "each"),
    "names that are no text": ([{1: np.zeros(3)}] * 2, "same"),
    "one and another": ([{"a": 1}, None, [1, 2], "text"], "each"),
    "none at all": ([None] * 5, "each"),
    "integers beyond 64 bits": ([{"n": 2**70 + n} for n in range(3)], "each"),
    "names without Unicode": ([{"\udc80": n} for n in range(3)], "each"),
}


@pytest.mark.parametrize("name", BATCHES)
def test_what_is_sent_arrives(name):
    items, expected = BATCHES[name]
    assert form(items) == expected
    for readonly in (False, True):
        assert_alike(transport(items, readonly=readonly), items)


def test_columns_arrive_as_columns_or_as_rows():
    columns = {"values": [np.arange(300.0) * n for n in range(9)], "metadata": [{"n": n} for n in range(9)]}
    encoded = encode_table(columns, root="")
    assert_alike(list(decode_table(encoded.body, arena(encoded), 9, ("values", "metadata"))), list(columns.values()))
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    assert_alike(decode_table(encoded.body, arena(encoded), 9, ("values", "others")), rows)
    mixed = [{"values": 1, "metadata": {}}, ["raised", "ValueError", "", "", ""]]
    encoded = encode_batch(mixed, root="")
    assert decode_table(encoded.body, None, 2, ("values", "metadata")) == mixed


def test_a_small_array_owns_its_memory_and_can_be_written():
    for length in (10, 100, 256):
        for array in transport([np.full(length, float(n)) for n in range(100)]):
            array += 1
            owner = array if array.base is None else array.base
            assert getattr(owner, "nbytes", len(owner)) <= max(array.nbytes, 2048)


def test_a_large_array_is_a_view():
    encoded = encode_batch([np.zeros(1000)] * 3, root="")
    buffer = arena(encoded)
    for array in decode_batch(encoded.body, buffer, 3):
        assert np.shares_memory(array, np.frombuffer(buffer, np.uint8))


def test_what_is_read_only_stays_so():
    for array in transport([np.arange(n % 7 * 100.0 + 1) for n in range(20)], readonly=True):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True


def test_what_cannot_be_sent_is_named():
    with pytest.raises(EncodingError, match=r'"series".*object'):
        encode_batch([{"series": np.array([None])}] * 2, root="inputs")
    with pytest.raises(EncodingError, match="set cannot be sent"):
        encode_batch([{"series": 1}, {"series": {1}}], root="inputs")
    endless = []
    endless.append(endless)
    with pytest.raises(EncodingError, match="nested deeper"):
        encode_batch([{"a": endless}, {"a": 1}], root="inputs")


def test_more_values_than_a_message_may_hold_are_not_sent_as_columns():
    few = Limits(max_items=200)
    items = [dict.fromkeys("abcdefghij") for _ in range(30)]
    with pytest.raises(EncodingError, match="too much to be sent"):
        encode_batch(items, root="inputs", limits=few)


def hostile(column, count, blocks=(), limits=None):
    """Decode a column that no encoder made; arrays in it are given as themselves."""
    encoded = encode(column, root="")
    return decode_batch(encoded.body, arena(encoded), count, limits=limits or Limits())


FLAT = np.arange(10.0)
HOSTILE = [
    (None, 2),
    ([], 2),
    (["each", [1]], 2),
    (["each", {"a": 1}], 1),
    (["other", [1, 2]], 2),
    (["stack", FLAT], 10),
    (["stack", FLAT.reshape(2, 5)], 5),
    (["stack", np.array(1.0)], 1),
    (["ragged", FLAT, np.array([5, 4])], 2),
    (["ragged", FLAT, np.array([5, 5])], 3),
    (["ragged", FLAT, np.array([11, -1])], 2),
    (["ragged", FLAT, np.array([2**63 - 1, 2**63 - 1, 12])], 3),
    (["ragged", FLAT, np.array([5, 5], np.int32)], 2),
    (["ragged", FLAT, [5, 5]], 2),
    (["ragged", FLAT.reshape(2, 5), np.array([5, 5])], 2),
    (["scalars", FLAT], 2),
    (["scalars", np.array(["a", "b"])], 2),
    (["rows", ["a"], []], 2),
    (["rows", ["a", "a"], [["each", [1, 2]], ["each", [1, 2]]]], 2),
    (["rows", [1], [["each", [1, 2]]]], 2),
    (["rows", ["a"], [["each", [1]]]], 2),
    (["same", "text"], 2),
    (["same", b""], 2),
    (["same", b"\xc1"], 2),
    (["same", b"\x01\x01"], 2),
]


@pytest.mark.parametrize(("column", "count"), HOSTILE)
def test_a_column_that_is_none_is_refused(column, count):
    with pytest.raises(DecodeError):
        hostile(column, count)


@pytest.mark.parametrize("inner", [None, True, 7, -1, 1.5, "ab", b"ab", {"a": 1}, FLAT, [], [None, None]])
@pytest.mark.parametrize("names", [["a", "b"], [np.arange(3), "b"], np.arange(2), [["a"], "b"], "ab", None])
def test_a_table_whose_columns_are_none_is_refused(names, inner):
    encoded = encode(["rows", names, inner], root="")
    with pytest.raises(DecodeError):
        decode_table(encoded.body, arena(encoded), 2, ("a", "b"))


def test_values_that_cost_their_sender_nothing_are_counted():
    """A few bytes must not become a million dictionaries."""
    nothing = ["rows", [], []]
    names = [str(number) for number in range(900)]
    with pytest.raises(DecodeError, match="at most 1000000 values"):
        hostile(["rows", names, [nothing] * 900], 1200)
    with pytest.raises(DecodeError, match="at most 1000000 values"):
        hostile(["same", msgpack.encode([None] * 1000)], 1200)
    block = msgpack.Ext(32, msgpack.encode(("<f8", (300,), False, 0)))
    with pytest.raises(DecodeError):
        hostile(["same", msgpack.encode(block)], 2)


def test_truth_values_of_a_batch_are_made_sound():
    encoded = encode_batch([np.array([True] * 30)] * 100, root="")
    buffer = arena(encoded)
    np.frombuffer(buffer, np.uint8)[:] = 7
    for array in decode_batch(encoded.body, buffer, 100):
        assert int(array.sum()) == 30


def test_no_cut_and_no_changed_byte_brings_anything_but_a_refusal():
    items = [{"s": np.arange(n + 0.0), "p": SHARED, "x": np.float32(n)} for n in range(6)]
    encoded = encode_batch(items, root="")
    buffer = arena(encoded)
    for end in range(len(encoded.body)):
        with pytest.raises(DecodeError):
            decode_batch(encoded.body[:end], buffer, 6)
    for place, byte in itertools.product(range(len(encoded.body)), (0x00, 0x7F, 0x91, 0xC0, 0xDD, 0xFF)):
        changed = bytearray(encoded.body)
        changed[place] = byte
        try:
            values = decode_batch(bytes(changed), buffer, 6)
        except DecodeError:
            continue
        assert len(values) == 6
