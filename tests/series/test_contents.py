"""Every column of a file, from bytes in memory: what an upload is made of."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from platform_base.series.base import Contents, SeriesFile
from platform_base.series.errors import InputError
from platform_base.series.readers import reader_for


def read(name: str, content: bytes) -> Contents:
    file = SeriesFile.in_memory(name, content)
    return reader_for(file).read_all(file)


def saved(save: Callable[..., object], *arrays: object, **named: object) -> bytes:
    stream = io.BytesIO()
    save(stream, *arrays, **named)
    return stream.getvalue()


def test_columns_of_text_and_the_reason_why_one_is_left_out() -> None:
    contents = read("air.csv", b"week,co2,flux\n2001-01-06,370.5,1\n2001-01-13,,2\n")
    assert list(contents.columns) == ["co2", "flux"]
    assert_array_equal(contents.columns["co2"], [370.5, np.nan])
    assert "air.csv:2: column 'week': expected a number, got '2001-01-06'" in contents.left_out["week"]


def test_columns_of_one_name_stay_apart() -> None:
    contents = read("a.csv", b"x,x,x\n1,2,3\n")
    assert {name: column.tolist() for name, column in contents.columns.items()} == {
        "x": [1.0], "x (2)": [2.0], "x (3)": [3.0]
    }  # fmt: skip


def test_the_columns_of_a_matrix_the_fields_of_a_structure_and_a_plain_array() -> None:
    matrix = read("m.npy", saved(np.save, np.array([[1.0, 2.0], [3.0, 4.0]])))
    assert matrix.columns["1"].tolist() == [2.0, 4.0]
    fields = read("s.npy", saved(np.save, np.array([(1, "a")], dtype=[("x", "f8"), ("name", "U3")])))
    assert (list(fields.columns), list(fields.left_out)) == (["x"], ["name"])
    assert read("v.npy", saved(np.save, np.arange(3))).columns["values"].tolist() == [0, 1, 2]


def test_the_arrays_of_an_archive_with_their_channels() -> None:
    contents = read("a.npz", saved(np.savez, one=np.zeros((4, 2)), cube=np.zeros((2, 2, 2)), word=np.array("x")))
    assert contents.columns["one"].shape == (4, 2)
    assert set(contents.left_out) == {"cube", "word"}


def test_the_lists_of_a_document() -> None:
    contents = read("a.json", b'{"x": [1, null], "label": "day", "pairs": [[1, 2], [3, 4]]}')
    assert_array_equal(contents.columns["x"], [1.0, np.nan])
    assert contents.columns["pairs"].shape == (2, 2)
    assert list(contents.left_out) == ["label"]
    assert read("b.json", b"[1, 2]").columns["values"].tolist() == [1, 2]


def test_the_channels_of_sound() -> None:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(np.array([[16384, -16384], [0, 8192]], dtype="<i2").tobytes())
    contents = read("a.wav", stream.getvalue())
    assert contents.remark == "8000 samples per second"
    assert {name: column.tolist() for name, column in contents.columns.items()} == {
        "left": [0.5, 0.0], "right": [-0.5, 0.25]
    }  # fmt: skip


def test_the_columns_of_a_parquet_table() -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = arrow.table({"x": [1, None, 3], "day": ["mon", "tue", "wed"]})
    contents = read("a.parquet", saved(lambda stream: parquet.write_table(table, stream)))
    assert_array_equal(contents.columns["x"], [1.0, np.nan, 3.0])
    assert "expected numbers, got string" in contents.left_out["day"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xlsx", b"PK", "ends in one of .csv"),
        ("a.npy", b"\x93NUMPY\x01\x00", "a.npy: expected a file that numpy.save wrote"),
        ("a.npz", b"PK\x03\x04damaged", "a.npz: expected a file that numpy.save wrote"),
        ("a.json", b"{", "a.json:1: expected JSON"),
        ("a.wav", b"RIFF", "a.wav: expected PCM sound"),
        ("a.csv", b"", "a.csv: expected rows of numbers, got an empty file"),
    ],
)
def test_a_damaged_file_is_a_clear_error(name: str, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(name, content)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [",", ";", "\t", " "])
def test_a_large_table_is_read_as_a_small_one_is(mark: str, end: str) -> None:
    rows = [f"{index}{mark}{index / 8!r}" for index in range(100_000)]
    contents = read("a.txt", end.join([f"t{mark}x", *rows, ""]).encode())
    assert_array_equal(contents.columns["t"], np.arange(100_000))
    assert_array_equal(contents.columns["x"], np.arange(100_000) / 8)


def test_days_beside_a_large_column_are_left_out_with_the_line() -> None:
    rows = [f"2001-01-06,{index}.5" for index in range(80_000)]
    contents = read("a.csv", "\n".join(["day,x", *rows]).encode())
    assert len(contents.columns["x"]) == 80_000
    assert "a.csv:2: column 'day'" in contents.left_out["day"]


@pytest.mark.parametrize(
    ("last", "value"),
    [("1,", np.nan), ("1,na", np.nan), ('1,"2.5"', 2.5), ("# the end", 7.25)],
)
def test_what_is_not_plain_in_a_large_table_is_understood_all_the_same(last: str, value: float) -> None:
    rows = ["3,7.25"] * 180_000
    contents = read("a.csv", "\n".join(["t,x", *rows, last]).encode())
    assert_array_equal(contents.columns["x"][-1], value)


def test_a_short_row_in_a_large_table_is_an_error_with_its_line() -> None:
    with pytest.raises(InputError, match=r"a\.csv:200002: expected 2 cells as in the first row, got 1"):
        read("a.csv", "\n".join(["t,x", *["3,7.25"] * 200_000, "3"]).encode())


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_line_longer_than_a_cell_may_be(delimiter: str) -> None:
    count = 20_000
    names = delimiter.join(f"sensor {number}" for number in range(count))
    values = delimiter.join(map(str, range(count)))
    columns = read("wide.csv", f"{names}\n{values}\n".encode()).columns
    assert len(columns) == count
    assert columns["sensor 19999"].tolist() == [19999]


def test_a_cell_that_is_too_long_is_an_error_with_its_line() -> None:
    with pytest.raises(InputError, match=r"a\.csv:3: expected cells that the csv module reads, got: field larger"):
        read("a.csv", b"x,y\n1,2\n" + b"1" * 200_000 + b",2\n")
