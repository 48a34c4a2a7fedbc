"""Fuzzing of the codec: any value of the wire comes back exactly, any bytes give a value or a `DecodeError`."""

from __future__ import annotations

import datetime as dt
from typing import Any

import hypothesis.extra.numpy as numpy_strategies
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import msgpack

from platform_base.plugins._wire.codec import DecodeError, Limits, decode, encode
from platform_base.plugins._wire.values import outline
from platform_base.plugins._wire.values.kinds import BY_CODE, NESTED

QUICK = settings(deadline=None, database=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
TIGHT = Limits(max_items=20_000, max_body_bytes=100_000, max_array_bytes=2**20, max_keys=100)
ARENA = bytes(range(256)) * 256

zones = st.none() | st.timedeltas(dt.timedelta(hours=-23), dt.timedelta(hours=23)).map(dt.timezone)
any_text = st.text(st.characters(codec=None, exclude_categories=()))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**63) - 2, 2**64 + 1),
    st.floats(),
    st.complex_numbers(),
    any_text,
    st.binary(),
    st.dates(),
    st.times(timezones=zones),
    st.datetimes(timezones=zones),
    st.timedeltas(),
)
keys = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | any_text | st.binary(),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=3,
)
dtypes = st.one_of(
    numpy_strategies.scalar_dtypes(),
    numpy_strategies.byte_string_dtypes(),
    numpy_strategies.unicode_string_dtypes(),
    numpy_strategies.array_dtypes(allow_subarrays=True),
    numpy_strategies.nested_dtypes(max_leaves=4),
)


def untitled(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Titles are not sent; two dtypes that differ in titles are different."""
    if dtype.subdtype:
        return np.dtype((untitled(dtype.subdtype[0]), dtype.subdtype[1]))
    if dtype.names is None:
        return dtype
    fields = [dtype.fields[name] for name in dtype.names]
    formats, offsets = [untitled(field[0]) for field in fields], [field[1] for field in fields]
    return np.dtype({"names": dtype.names, "formats": formats, "offsets": offsets, "itemsize": dtype.itemsize})


arrays = numpy_strategies.arrays(
    dtypes.filter(lambda dtype: not dtype.hasobject and not dtype.subdtype).map(untitled),
    numpy_strategies.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6),
)
long_lists = st.lists(scalars, min_size=1, max_size=2).map(lambda items: items * 40)
values = st.recursive(
    scalars | arrays | long_lists,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.lists(inner, max_size=5).map(tuple),
        st.dictionaries(keys, inner, max_size=5),
    ),
    max_leaves=12,
)
extensions = st.builds(
    msgpack.Ext,
    st.sampled_from(sorted(BY_CODE)) | st.integers(-128, 127),
    st.binary(max_size=80),
)


def body_and_arena(value: object) -> tuple[bytes, bytearray]:
    encoded = encode(value, root="value")
    arena = bytearray(encoded.size)
    encoded.write_into(memoryview(arena))
    return encoded.body, arena


def assert_same(left: Any, right: Any) -> None:
    assert type(left) is type(right)
    if isinstance(left, dict):
        assert len(left) == len(right)
        for pair, other in zip(left.items(), right.items(), strict=True):
            assert_same(list(pair), list(other))
    elif isinstance(left, list | tuple):
        assert len(left) == len(right)
        for item, other in zip(left, right, strict=True):
            assert_same(item, other)
    elif isinstance(left, np.ndarray):
        assert left.dtype == right.dtype
        assert left.shape == right.shape
        if not left.dtype.names:
            assert left.tobytes() == right.tobytes()
        else:
            for name in left.dtype.names:
                assert_same(left[name], right[name])
    else:
        assert repr(left) == repr(right)
        if isinstance(left, dt.datetime | dt.time):
            assert left.utcoffset() == right.utcoffset()


def decoded_or_refused(body: bytes, data: memoryview | None) -> None:
    try:
        value = decode(body, data, limits=TIGHT)
    except DecodeError:
        return
    assert len(repr(value)) >= 0  # whoever logs it must survive that too


@given(values)
@QUICK
def test_any_value_comes_back(value: object) -> None:
    body, arena = body_and_arena(value)
    assert_same(decode(body, memoryview(arena)), value)


@given(arrays, st.data())
@QUICK
def test_any_view_comes_back(array: np.ndarray[Any, Any], data: st.DataObject) -> None:
    view = array
    if array.ndim:
        view = array[data.draw(numpy_strategies.basic_indices(array.shape, allow_newaxis=True, allow_ellipsis=True))]
    view = np.tile(view, 50) if data.draw(st.booleans()) else view
    if not isinstance(view, np.ndarray):
        return
    view = data.draw(st.sampled_from([view, view.T, np.broadcast_to(view, (2, *view.shape))]))
    body, arena = body_and_arena([view])
    (received,) = decode(body, memoryview(arena), readonly=True)
    assert_same(received, np.ascontiguousarray(view).reshape(view.shape))
    assert not received.flags.writeable


@given(st.binary(max_size=200))
@QUICK
def test_random_bytes(body: bytes) -> None:
    decoded_or_refused(body, memoryview(ARENA))


@given(
    st.recursive(scalars.filter(lambda value: type(value) in (int, str, bytes)) | extensions, st.lists, max_leaves=8)
)
@QUICK
def test_random_extensions(value: object) -> None:
    try:
        body = msgpack.encode(value)
    except (OverflowError, UnicodeEncodeError):
        return
    decoded_or_refused(body, memoryview(ARENA))


descriptions = st.recursive(
    st.integers() | st.booleans() | st.floats() | st.binary(max_size=16) | st.none(),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=5,
)
spellings = st.sampled_from(["<f8", "|b1", "<U3", "|V0", "<M8[s]", "|O", "<f8,<f8", "|u1", "<c32"])
numbers = st.integers(-3, 70) | st.sampled_from([2**31, 2**32, 2**62, 2**63, -(2**63)])
described_dtypes = st.recursive(
    spellings | descriptions,
    lambda inner: st.one_of(
        st.tuples(st.just("array"), inner, st.lists(numbers, max_size=3)),
        st.integers(0, 3).flatmap(
            lambda count: st.tuples(
                st.just("fields"),
                st.lists(st.text(max_size=2), min_size=count, max_size=count),
                st.lists(inner, min_size=count, max_size=count),
                st.lists(numbers, min_size=count, max_size=count),
                numbers,
            )
        ),
    ),
    max_leaves=4,
)


def speakable(value: Any) -> bool:
    try:
        msgpack.encode(value)
    except (OverflowError, UnicodeEncodeError, TypeError):
        return False
    return True


@given(
    st.sampled_from(sorted(NESTED)),
    st.tuples(
        described_dtypes,
        st.lists(numbers, max_size=4) | descriptions,
        st.booleans() | descriptions,
        st.binary(max_size=64) | numbers.map(lambda number: number * 64) | descriptions,
    ).filter(speakable),
)
@QUICK
def test_random_descriptions(code: int, description: object) -> None:
    body = msgpack.encode(msgpack.Ext(code, msgpack.encode(description)))
    decoded_or_refused(body, memoryview(ARENA))
    decoded_or_refused(body, None)


@given(values, st.data())
@QUICK
def test_mutated_messages(value: object, data: st.DataObject) -> None:
    body, arena = body_and_arena(value)
    mutant = bytearray(body)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(mutant) - 1))
        change = data.draw(st.sampled_from(["set", "insert", "delete", "flip"]))
        if change == "insert":
            mutant.insert(at, data.draw(st.integers(0, 255)))
        elif change == "delete" and len(mutant) > 1:
            del mutant[at]
        else:
            mutant[at] ^= data.draw(st.sampled_from([1, 2, 4, 8, 16, 32, 64, 128, 255]))
    decoded_or_refused(bytes(mutant), memoryview(arena))


@given(values)
@QUICK
def test_the_walk_agrees_with_msgpack_on_honest_bodies(value: object) -> None:
    body, _ = body_and_arena([value] * 70)  # enough containers for the walk to be taken
    outline.check(body, NESTED, Limits())


@given(values, st.data())
@QUICK
def test_a_body_that_is_cut_is_refused(value: object, data: st.DataObject) -> None:
    body, arena = body_and_arena(value)
    with pytest.raises(DecodeError):
        decode(body[: data.draw(st.integers(0, len(body) - 1))], memoryview(arena))


def test_mutated_tables() -> None:
    pa = pytest.importorskip("pyarrow")
    pl = pytest.importorskip("polars")
    pd = pytest.importorskip("pandas")
    frame = pl.DataFrame({"a": [1, 2], "t": ["x", None], "c": pl.Series(["a", "b"], dtype=pl.Categorical)})
    nested = pa.table({"l": [[1], [2, 3]], "s": [{"x": 1.5, "y": b"z"}, None], "n": pa.nulls(2)})
    panda = pd.DataFrame(
        {"s": ["a", None], "c": pd.Categorical(["u", "v"]), "z": pd.date_range("2020", periods=2, tz="UTC")}
    )
    enum = pl.DataFrame({"e": pl.Series(["b", "a"], dtype=pl.Enum(["a", "b"]))})
    random = np.random.default_rng(20261122)
    refused = 0
    for value in (frame, nested, panda, enum):
        body, arena = body_and_arena(value)
        for _ in range(400):
            data, text = bytearray(arena), bytearray(body)
            for _ in range(random.integers(1, 4)):
                target = data if data and random.random() < 0.8 else text
                target[random.integers(len(target))] ^= 1 << random.integers(8)
            try:
                decode(bytes(text), memoryview(data), limits=TIGHT)
            except DecodeError:
                refused += 1
    assert refused > 100
