"""Conformance over the table of values: every kind has samples here, and each sample arrives as it was."""

from __future__ import annotations

import datetime as dt
import decimal
import struct
import subprocess
import sys
import zoneinfo
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from msgspec import msgpack

from platform_base.plugins._wire.codec import DecodeError, Limits, decode, encode
from platform_base.plugins._wire.values.kinds import BY_CODE, BY_NAME, BY_TYPE, KINDS
from platform_base.plugins.errors import EncodingError

pa = pytest.importorskip("pyarrow")
pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")

CODES = {kind.name: code for code, kind in BY_CODE.items()}
LONG = 3000


def received(value: object, **options: Any) -> Any:
    encoded = encode(value, root="inputs")
    arena = bytearray(encoded.size)
    encoded.write_into(memoryview(arena))
    return decode(encoded.body, memoryview(arena), **options)


def equal_arrays(left: Any, right: Any) -> bool:
    return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()


def equal_masked(left: Any, right: Any) -> bool:
    return equal_arrays(left.data, right.data) and np.array_equal(left.mask, right.mask)


def equal_series(left: Any, right: Any) -> bool:
    pd.testing.assert_series_equal(left, right, check_freq=True)
    return left.index.identical(right.index) and left.attrs == right.attrs and left.dtype == right.dtype


def equal_frames(left: Any, right: Any) -> bool:
    pd.testing.assert_frame_equal(left, right, check_freq=True)
    return (
        left.index.identical(right.index)
        and left.columns.identical(right.columns)
        and left.attrs == right.attrs
        and list(left.dtypes) == list(right.dtypes)
    )


def equal_polars(left: Any, right: Any) -> bool:
    return left.equals(right) and left.to_frame().schema == right.to_frame().schema


def equal_polars_frames(left: Any, right: Any) -> bool:
    return left.equals(right) and left.schema == right.schema


def equal_arrow(left: Any, right: Any) -> bool:
    return left.equals(right) and left.schema.equals(right.schema, check_metadata=True)


ZONE = zoneinfo.ZoneInfo("America/Sao_Paulo")
SERIES = [
    pd.Series([1.5, None], name="x"),
    pd.Series(np.arange(LONG), index=np.arange(LONG)[::-1] * 0.5),
    pd.Series([True, False], index=["a", "b"]),
    pd.Series(["a", None]),
    pd.Series(["a", None] * LONG),
    pd.Series(["a", None], dtype="string"),
    pd.Series(["a", pd.NA], dtype="string[python]"),
    pd.Series([1, None], dtype="Int64"),
    pd.Series([1, None] * LONG, dtype="UInt8"),
    pd.Series([True, None], dtype="boolean"),
    pd.Series([1.5, None], dtype="Float32"),
    pd.Series(["b", "a", None], dtype=pd.CategoricalDtype(["b", "a"], ordered=True)),
    pd.Series(np.arange(LONG) * 1.5).astype("category"),
    pd.Series(pd.date_range("2020", periods=4), name=("two", 1)),
    pd.Series(pd.date_range("2020", periods=4, tz=ZONE)),
    pd.Series(pd.date_range("2020", periods=4, tz="UTC"), index=pd.date_range("2020", periods=4, tz="+01:00")),
    pd.Series(pd.to_timedelta([1, None], unit="s")),
    pd.Series([1, None], dtype="int64[pyarrow]"),
    pd.Series([[1], None], dtype=pd.ArrowDtype(pa.list_(pa.int8()))),
    pd.Series([1, "a", [2], None, 1.5], dtype=object),
    pd.Series([], dtype="f4"),
    pd.Series([1.0, 2.0, 3.0], index=pd.date_range("2020", periods=3, freq="MS", name="month")),
    pd.Series([1, 2], index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", None])),
    pd.Series(range(5), index=pd.RangeIndex(10, 0, -2, name="r")),
]
WITH_ATTRS = pd.DataFrame({"a": [1, 2], "b": ["x", None], 3: [1.5, 2.5]}, index=[0.5, 1.5])
WITH_ATTRS.attrs = {"unit": "m", "rate": (1, 2)}
FRAMES = [
    WITH_ATTRS,
    pd.DataFrame(np.arange(6000.0).reshape(3000, 2), columns=["x", "x"]),
    pd.DataFrame(
        np.arange(6.0).reshape(2, 3), index=list("ab"), columns=pd.MultiIndex.from_product([["q"], [1, 2, 3]])
    ),
    pd.DataFrame(),
    pd.DataFrame(index=[1, 2]),
    pd.DataFrame(columns=["a", "b"]),
    pd.DataFrame({f"c{i}": np.arange(LONG, dtype=f"f{4 + 4 * (i % 2)}") for i in range(400)}),
    pd.DataFrame(np.ones((2, 500)), columns=[f"column {i} with a name that is rather long" for i in range(500)]),
    pd.DataFrame({"when": pd.date_range("2020", periods=LONG, tz=ZONE), "c": pd.Categorical(["u", "v"] * (LONG // 2))}),
]
ARROW = [
    pa.table({"a": [1, None], "t": ["x", "y"], "m": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64()))}),
    pa.table({"a": pa.chunked_array([[1, 2], [], [3]])}).replace_schema_metadata({"origin": "test"}),
    pa.table(
        {
            "d": pa.array(["a", "b", "a"]).dictionary_encode(),
            "n": pa.nulls(3),
            "x": pa.array([1, 2, 3], pa.date32()),
        }
    ),
    pa.table({"s": [{"a": 1, "b": [1.5]}], "when": pa.array([5], pa.timestamp("us", "Europe/Berlin"))}),
    pa.table({"e": pa.array([], pa.decimal128(10, 2))}),
    pa.table({}),
]
POLARS = pl.DataFrame(
    {
        "a": [1, 2],
        "t": ["x", None],
        "c": pl.Series(["a", "b"], dtype=pl.Categorical),
        "e": pl.Series(["b", "a"], dtype=pl.Enum(["a", "b"])),
        "time": [dt.time(1), None],
        "when": pl.Series([dt.datetime(2020, 1, 1)] * 2).dt.replace_time_zone("Europe/Berlin"),
        "took": [dt.timedelta(1), None],
        "l": [[1], [2, 3]],
        "w": pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int8, 2)),
        "s": [{"x": 1, "y": "a"}, None],
        "raw": [b"x", None],
        "n": [None, None],
        "d": [decimal.Decimal("1.50"), None],
        "^a$": [True, None],
    }
)

SAMPLES: dict[str, tuple[Callable[[Any, Any], bool], list[Any]]] = {
    "integer": (int.__eq__, [2**64, -(2**900)]),
    "text": (str.__eq__, ["", "é\ud800"]),
    "long text": (lambda left, right: left == right, [["é" * 2_000_000]]),
    "bytes": (lambda left, right: left == right, [b"", [b"\xff" * 2_000_000]]),
    "complex": (complex.__eq__, [1 + 2j]),
    "NumPy scalar": (equal_arrays, [np.float32(1.5), np.datetime64("2020-01-01T00:00:07", "7s")]),
    "NumPy text": (np.str_.__eq__, [np.str_("a\0")]),
    "NumPy bytes": (np.bytes_.__eq__, [np.bytes_(b"a\0")]),
    "list": (list.__eq__, [[], [1.5] * 100, [7] * LONG]),
    "tuple": (tuple.__eq__, [(), (1, (2,)), (1.5,) * LONG]),
    "dict": (dict.__eq__, [{}, {1: 2, (3, "a"): None}]),
    "date": (dt.date.__eq__, [dt.date(2020, 2, 29)]),
    "time": (dt.time.__eq__, [dt.time(1, 2, 3, 4)]),
    "datetime": (dt.datetime.__eq__, [dt.datetime(2020, 2, 29, tzinfo=dt.UTC)]),
    "timedelta": (dt.timedelta.__eq__, [dt.timedelta(-1, 5)]),
    "array": (equal_arrays, [np.arange(LONG), np.zeros((2, 0), ">c8")]),
    "memory-mapped array": (equal_arrays, []),  # needs a file: test_codec
    "masked array": (equal_masked, [np.ma.masked_array(np.arange(LONG), np.arange(LONG) % 2)]),
    "masked": (lambda left, right: left is right, [np.ma.masked]),
    "Arrow table": (equal_arrow, ARROW),
    "Arrow record batch": (
        equal_arrow,
        [ARROW[0].to_batches()[0], pa.RecordBatch.from_pylist([], ARROW[0].schema)],
    ),
    "polars frame": (
        equal_polars_frames,
        [POLARS, POLARS.clear(), pl.DataFrame(), pl.DataFrame({"a": range(LONG), "t": ["x"] * LONG})],
    ),
    "polars series": (equal_polars, [POLARS[name] for name in POLARS.columns]),
    "pandas series": (equal_series, SERIES),
    "pandas frame": (equal_frames, FRAMES),
}
CASES = [
    pytest.param(equal, sample, id=f"{name}-{position}")
    for name, (equal, samples) in SAMPLES.items()
    for position, sample in enumerate(samples)
]


def test_every_kind_has_samples_and_its_own_code() -> None:
    assert {kind.name for kind in KINDS} == set(SAMPLES)
    codes = [kind.code for kind in KINDS if kind.code is not None]
    assert len(codes) == len(set(codes))
    assert all(0 < code < 128 for code in codes)
    assert all((kind.code is None) == (kind.read is None) for kind in KINDS)
    assert len(BY_TYPE) == sum(len(kind.types) for kind in KINDS)
    assert len(BY_NAME) == sum(len(kind.foreign) for kind in KINDS)


@pytest.mark.parametrize("readonly", [False, True])
@pytest.mark.parametrize(("equal", "value"), CASES)
def test_samples_arrive_as_they_were(equal: Callable[[Any, Any], bool], value: Any, readonly: bool) -> None:
    answer = received({"before": np.arange(999), "it": [value], "after": np.arange(999)}, readonly=readonly)
    assert type(answer["it"][0]) is type(value)
    assert equal(answer["it"][0], value)
    assert np.array_equal(answer["before"], answer["after"])


@pytest.mark.parametrize(
    ("value", "path", "reason"),
    [
        (
            pd.DataFrame({"a": [1], "p": pd.period_range("2020", periods=1)}),
            '["p"]',
            "dtype period[D] cannot be sent",
        ),
        (pd.DataFrame({"a": [1], "i": pd.interval_range(0, 1)}), '["i"]', "dtype interval"),
        (pd.DataFrame({"o": [None, object()]}), '["o"][1]', "object cannot be sent"),
        (
            pd.DataFrame({"o": ["a", pd.Timestamp("2020")]}, dtype=object),
            '["o"][1]',
            "send value.to_pydatetime()",
        ),
        (pd.DataFrame({("a", 1): [{1}]}), "[('a', 1)][0]", "set cannot be sent"),
        (pd.DataFrame([1], index=pd.period_range("2020", periods=1)), '["index"]', "dtype period[D]"),
        (pd.DataFrame([[1]], columns=pd.interval_range(0, 1)), '["columns"]["index"]', "dtype interval"),
        (pd.Series(pd.arrays.SparseArray([0, 1])), "", "dtype Sparse"),
        (pd.Index([1]), "", "send value.to_numpy()"),
        (pd.Timestamp("2020"), "", "send value.to_pydatetime()"),
        (pd.NaT, "", "send numpy.datetime64('NaT', 'ns')"),
        (pd.NA, "", "send None"),
        (pl.DataFrame({"a": [1], "o": [object()]}), '["o"]', "a polars column of Object cannot be sent"),
        (
            pl.DataFrame({"i": pl.Series([1], dtype=pl.Int128)}),
            '["i"]',
            "a polars column of Int128 cannot be sent",
        ),
        (pl.Series("o", [object()], dtype=pl.Object), '["o"]', "a polars column of Object cannot be sent"),
        (pl.LazyFrame({"a": [1]}), "", "send value.collect()"),
        (pa.table({"v": pa.array(["a"], pa.string_view())}), '["v"]', "type string_view cannot be sent"),
        (pa.table({"l": pa.array([[None]], pa.list_(pa.null()))}), '["l"]', "nothing inside another type"),
        (pa.table({"r": pa.RunEndEncodedArray.from_arrays([5], [1])}), '["r"]', "type run_end_encoded"),
        (pa.table({"b": pa.array([b""], pa.binary(0))}), '["b"]', "elements without width"),
        (pa.table({"u": pa.array([b"x" * 16], pa.uuid())}), '["u"]', "extension type"),
        (pa.table({"s": pa.array([{}], pa.struct([]))}), '["s"]', "structs without fields"),
        (pa.array([1]), "", "pyarrow.lib.Int64Array cannot be sent"),
    ],
)
def test_tables_that_cannot_be_sent_name_the_column(value: object, path: str, reason: str) -> None:
    with pytest.raises(EncodingError) as caught:
        encode({"t": value}, root="inputs")
    assert caught.value.path == f'inputs["t"]{path}'
    assert reason in str(caught.value)


# --- hostile tables ----------------------------------------------------------------------------------------


def stream(table: Any, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def read_stream(raw: bytes, name: str = "Arrow table", **options: Any) -> Any:
    body = msgpack.encode(msgpack.Ext(CODES[name], msgpack.encode([0, len(raw)])))
    return decode(body, memoryview(raw), **options)


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
@pytest.mark.parametrize("batch", ["records", "dictionary"])
def test_compressed_streams_are_refused(compression: str, batch: str) -> None:
    table = pa.table({"a": pa.array(["x" * 5000] * 3)})
    if batch == "dictionary":
        table = pa.table({"a": table["a"].combine_chunks().dictionary_encode()})
    with pytest.raises(DecodeError, match="without compression"):
        read_stream(stream(table, compression=compression))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pa.table({"n": pa.nulls(2**20 + 1)}), "at most 8 rows per byte"),
        (
            pa.table({"r": pa.RunEndEncodedArray.from_arrays(pa.array([2**30], pa.int32()), [1])}),
            "run_end_encoded",
        ),
        (pa.table({"v": pa.array(["a"], pa.string_view())}), "string_view"),
        (pa.table({"u": pa.array([b"x" * 16], pa.uuid())}), "extension type"),
        (pa.table({"b": pa.array([b""], pa.binary(0))}), "without width"),
        (
            pa.table(
                {"a": [1]},
                schema=pa.schema([pa.field("a", pa.int64(), metadata={"ARROW:extension:name": "x"})]),
            ),
            "extension type",
        ),
    ],
)
def test_streams_that_could_expand_or_run_code_are_refused(table: Any, message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        read_stream(stream(table))


@pytest.mark.parametrize("rows", [2**40, 2**62, -1])
def test_lengths_that_nothing_backs(rows: int) -> None:
    for column in (pa.nulls(1000), pa.array([True] * 1000), pa.array([7] * 1000)):
        raw = stream(pa.table({"n": column}))
        assert raw.count(struct.pack("<q", 1000)) >= 2, "the batch and its column each say so"
        with pytest.raises(DecodeError):
            read_stream(raw.replace(struct.pack("<q", 1000), struct.pack("<q", rows)))


def test_broken_streams() -> None:
    raw = stream(pa.table({"a": ["x", "yy"], "b": [1, 2]}))
    length = struct.unpack_from("<i", raw, 4)[0]
    cases = {
        "empty": b"",
        "no marker": raw[4:],
        "cut in the schema": raw[:40],
        "cut in the batch": raw[:-40],
        "twice the schema": raw[: 8 + length] * 2,
        "length below zero": raw[:4] + struct.pack("<i", -8) + raw[8:],
        "length beyond": raw[:4] + struct.pack("<i", 2**31 - 1) + raw[8:],
        "root beyond": raw[:8] + struct.pack("<I", 2**32 - 1) + raw[12:],
        "text": b"\xff\xff\xff\xff\x10\x00\x00\x00" + b"not an Arrow stream at all, is it?",
    }
    for name, broken in cases.items():
        with pytest.raises(DecodeError):
            pytest.fail(f"{name}: {read_stream(broken)}")


def test_offsets_outside_the_text_are_found() -> None:
    raw = bytearray(stream(pa.table({"a": ["x", "yy", "zzz"]})))
    offsets = raw.rindex(struct.pack("<4i", 0, 1, 3, 6))
    for values in ((0, 1, 3, 10**6), (0, 5, 3, 6), (-5, 1, 3, 6)):
        struct.pack_into("<4i", raw, offsets, *values)
        with pytest.raises(DecodeError):
            read_stream(bytes(raw))


@pytest.mark.parametrize("name", ["Arrow table", "polars frame", "Arrow record batch"])
def test_names_that_are_no_text_are_refused(name: str) -> None:
    for table in (pa.table({"namename": [1]}), pa.table({"s": [{"namename": 1}]})):
        with pytest.raises(DecodeError):
            read_stream(stream(table).replace(b"namename", b"name\xff\xfe\x00\xc0"), name)


def test_streams_of_another_shape_than_announced() -> None:
    two = pa.table({"a": [1, 2], "b": [3, 4]})
    chunks = pa.table({"a": pa.chunked_array([[1], [2]])})
    for table, name in ((two, "polars series"), (chunks, "Arrow record batch")):
        with pytest.raises(DecodeError, match="expected one"):
            read_stream(stream(table), name)


def test_tables_can_be_forbidden() -> None:
    with pytest.raises(DecodeError, match="not allowed by the limits of this call"):
        read_stream(stream(ARROW[0]), limits=Limits(allow_tables=False))


@pytest.mark.parametrize(
    "described",
    [
        [None, ["range", 0, 2, 1, None], ["numbers", 5], {}],
        [None, ["range", 0, 2**63, 1, None], ["objects", [1, 2]], {}],
        [None, ["range", 0, 2, 0, None], ["objects", [1, 2]], {}],
        [None, ["range", 0, 3, 1, None], ["objects", [1, 2]], {}],
        [[], ["range", 0, 2, 1, None], ["objects", [1, 2]], {}],
        [None, ["range", 0, 2, 1, []], ["objects", [1, 2]], {}],
        [None, ["levels", [1], [], []], ["objects", []], {}],
        [None, ["levels", [["plain", ["objects", ["a"]], None, None]], [[5]], [None]], ["objects", [1]], {}],
        [None, ["plain", ["objects", [1, 2]], None, "nonsense"], ["objects", [1, 2]], {}],
        [None, ["plain", ["objects", [1, 2]], None, "D"], ["objects", [1, 2]], {}],
        [None, ["plain", ["text", "nan", [1, "a"]], None, None], ["objects", [1, 2]], {}],
        [None, ["range", 0, 1, 1, None], ["category", 5, ["objects", []], False], {}],
        [None, ["range", 0, 1, 1, None], ["text", "NA", [1.5]], {}],
        [None, ["range", 0, 1, 1, None], ["unknown", 1], {}],
        [None, ["range", 0, 1, 1, None], ["objects", [1]], {}, 1],
        [None, ["range", 0, 1, 1, None], ["objects", [1]]],
        {},
    ],
    ids=str,
)
def test_hostile_series(described: Any) -> None:
    body = msgpack.encode(msgpack.Ext(CODES["pandas series"], msgpack.encode(described)))
    with pytest.raises(DecodeError):
        decode(body, memoryview(bytearray(64)))


@pytest.mark.parametrize(
    "zone",
    ["dateutil//etc/passwd", "/etc/passwd", "../../../etc/passwd", "No/Such_Zone", "", "tzlocal()", "a\0b"],
)
def test_time_zones_are_names_and_no_paths(zone: str) -> None:
    instants = msgpack.Ext(CODES["array"], msgpack.encode(["<M8[ns]", [1], False, bytes(8)]))
    described = [None, ["range", 0, 1, 1, None], ["zoned", instants, zone], {}]
    body = msgpack.encode(msgpack.Ext(CODES["pandas series"], msgpack.encode(described)))
    with pytest.raises(DecodeError):
        decode(body, None)


@pytest.mark.parametrize("codes", [[2], [-2], [2**31 - 1]], ids=str)
def test_codes_of_no_category(codes: list[int]) -> None:
    raw = np.array(codes, np.int32).tobytes()
    array = msgpack.Ext(CODES["array"], msgpack.encode(["<i4", [1], False, raw]))
    described = [None, ["range", 0, 1, 1, None], ["category", array, ["objects", ["a", "b"]], False], {}]
    body = msgpack.encode(msgpack.Ext(CODES["pandas series"], msgpack.encode(described)))
    with pytest.raises(DecodeError):
        decode(body, None)


def test_a_reader_without_the_library_says_so() -> None:
    script = (
        "import sys\n"
        "sys.modules.update(pandas=None, polars=None)\n"
        "from msgspec import msgpack\n"
        "from platform_base.plugins._wire.codec import DecodeError, decode\n"
        "for code in map(int, sys.argv[1:]):\n"
        "    try: decode(msgpack.encode(msgpack.Ext(code, msgpack.encode([0, 0]))), None)\n"
        "    except DecodeError as error: print(error)\n"
    )
    codes = [str(CODES[name]) for name in ("pandas series", "pandas frame")]
    answer = subprocess.run([sys.executable, "-c", script, *codes], capture_output=True, text=True, check=True)
    assert answer.stdout.count("it is one of pandas, which is not installed here") == 2
