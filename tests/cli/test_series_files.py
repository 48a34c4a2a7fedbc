from __future__ import annotations

import json
import re
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from platform_base.cli.errors import InputError, MissingExtraError
from platform_base.cli.series.source import load_input, split_source
from platform_base.series.readers import READERS

TABLE = "week,co2,flux\n2001-01-06,370.5,1\n2001-01-13,,2\n2001-01-20,371.25,3\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "air.csv"
    path.write_text(TABLE)
    return path


def write(path: Path, text: str, encoding: str = "utf-8") -> str:
    path.write_bytes(text.encode(encoding))
    return str(path)


def test_every_format_has_its_own_endings() -> None:
    suffixes = [suffix for reader in READERS for suffix in reader.suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in suffixes)


# -- columns of text ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("selector", ["co2", "1", "-2"])
def test_a_column_by_name_and_by_number(table: Path, selector: str) -> None:
    loaded = load_input(f"{table}:{selector}")
    assert_array_equal(loaded.values, [370.5, np.nan, 371.25])
    assert loaded.values.dtype == np.float64
    assert loaded.missing == 1
    assert loaded.origin == f"{table} column 'co2'"


def test_several_columns_are_channels(table: Path) -> None:
    assert_array_equal(load_input(f"{table}:flux,co2").values, [[1, 370.5], [2, np.nan], [3, 371.25]])


def test_the_only_numeric_column_needs_no_name(tmp_path: Path) -> None:
    assert_array_equal(load_input(write(tmp_path / "a.csv", "day,x\nmon,1\ntue,2\n")).values, [1.0, 2.0])


def test_without_a_name_several_numeric_columns_are_listed(table: Path) -> None:
    with pytest.raises(InputError, match=r"the columns are 'week', 'co2', 'flux'; write for example air\.csv:flux"):
        load_input(str(table))


def test_an_unknown_column_lists_the_known_and_names_the_nearest(table: Path) -> None:
    with pytest.raises(InputError, match=r"the columns 'week', 'co2', 'flux'; got 'fluks'; did you mean 'flux'"):
        load_input(f"{table}:fluks")


@pytest.mark.parametrize("selector", ["3", "-4"])
def test_a_number_beyond_the_columns(table: Path, selector: str) -> None:
    with pytest.raises(InputError, match="expected one of the columns"):
        load_input(f"{table}:{selector}")


def test_a_cell_that_is_no_number_is_named_with_its_line(table: Path) -> None:
    with pytest.raises(InputError, match=r"air\.csv:2: column 'week': expected a number, got '2001-01-06'"):
        load_input(f"{table}:week")


def test_rows_of_unequal_length(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.csv:3: expected 2 cells as in the first row, got 3"):
        load_input(write(tmp_path / "a.csv", "1,2\n3,4\n5,6,7\n") + ":0")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", " "])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    text = "\n".join(delimiter.join(row) for row in (["t", "v"], ["0", "1.5"], ["1", "-2e3"]))
    assert_array_equal(load_input(write(tmp_path / "a.txt", text) + ":v").values, [1.5, -2000.0])


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_decimal_comma(tmp_path: Path, delimiter: str) -> None:
    text = f"tempo{delimiter}tensão\n0{delimiter}1,5\n1{delimiter}-2,25e1\n2{delimiter}\n"
    loaded = load_input(write(tmp_path / "a.csv", text) + ":tensão")
    assert_array_equal(loaded.values, [1.5, -22.5, np.nan])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_what_spreadsheets_write(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path / "a.csv", "tensão;x\r\n1,5;1\r\n2,5;2\r\n", encoding)
    assert_array_equal(load_input(f"{path}:tensão").values, [1.5, 2.5])


def test_rows_without_names_are_numbered(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "1,2\n3,4\n")
    assert_array_equal(load_input(f"{path}:1").values, [2.0, 4.0])
    assert_array_equal(load_input(f"{path}:0,1").values, [[1, 2], [3, 4]])


def test_comments_blank_lines_and_words_for_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "# made today\n\nx\n1\nNA\n\n# end\nnan\nNone\n")
    assert_array_equal(load_input(path).values, [1, np.nan, np.nan, np.nan])
    assert load_input(path).missing == 3


@pytest.mark.parametrize(("text", "said"), [("", "an empty file"), ("a,b\n", "names only"), ("\0\1\2", "binary")])
def test_files_without_numbers(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load_input(write(tmp_path / "a.csv", text))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(
    rows=st.lists(st.tuples(*[st.floats(allow_infinity=False)] * 2), min_size=1, max_size=20),
    delimiter=st.sampled_from([",", ";", "\t", " "]),
)
def test_what_was_written_is_read(tmp_path: Path, rows: list[tuple[float, float]], delimiter: str) -> None:
    text = "".join(f"{delimiter.join(map(repr, row))}\n" for row in [("a", "b"), *rows]).replace("'", "")
    path = write(tmp_path / "any.csv", text)
    assert_array_equal(load_input(f"{path}:a,b").values, np.array(rows))


# -- NumPy --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f8", "f4", "i2", ">f8", "bool"])
def test_npy(tmp_path: Path, dtype: str) -> None:
    array = np.array([0, 1, 1], dtype=dtype)
    np.save(tmp_path / "a.npy", array)
    values = load_input(str(tmp_path / "a.npy")).values
    assert_array_equal(values, array)
    assert values.dtype == array.dtype


def test_columns_and_fields_of_npy(tmp_path: Path) -> None:
    np.save(tmp_path / "two.npy", np.arange(6.0).reshape(3, 2))
    np.save(tmp_path / "fields.npy", np.array([(1.0, 2), (3.0, 4)], dtype=[("x", "f8"), ("y", "i4")]))
    assert_array_equal(load_input(f"{tmp_path / 'two.npy'}:1").values, [1, 3, 5])
    assert_array_equal(load_input(f"{tmp_path / 'fields.npy'}:y").values, [2, 4])
    with pytest.raises(InputError, match="the fields 'x', 'y'; got 'z'"):
        load_input(f"{tmp_path / 'fields.npy'}:z")


def test_columns_of_one_axis(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(3))
    with pytest.raises(InputError, match="leave out ':1'"):
        load_input(f"{tmp_path / 'a.npy'}:1")


def test_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", up=np.array([1.0]), down=np.array([2.0]))
    np.savez(tmp_path / "one.npz", only=np.array([3.0]))
    assert_array_equal(load_input(f"{tmp_path / 'a.npz'}:down").values, [2.0])
    assert_array_equal(load_input(str(tmp_path / "one.npz")).values, [3.0])
    with pytest.raises(InputError, match="the arrays are 'up', 'down'"):
        load_input(str(tmp_path / "a.npz"))
    with pytest.raises(InputError, match="did you mean 'down'"):
        load_input(f"{tmp_path / 'a.npz'}:dwn")


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "a.npz", a=np.array([{"a": 1}], dtype=object))
    for name in ("a.npy", "a.npz"):
        with pytest.raises(InputError, match="expected an array of numbers"):
            load_input(str(tmp_path / name))


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00", b"PK\x03\x04 no archive", b"text"])
@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_damaged_numpy_files(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match="expected"):
        load_input(str(tmp_path / name))


# -- JSON ---------------------------------------------------------------------------------------------------------


def test_a_way_into_json(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", json.dumps({"runs": [{"x": [1, 2]}, {"x": [[1, 2.5], [3, None]]}], "n": "s"}))
    assert load_input(f"{path}:runs.0.x").values.dtype == np.int64
    assert_array_equal(load_input(f"{path}:runs.1.x").values, [[1, 2.5], [3, np.nan]])
    assert load_input(f"{path}:n").values == "s"
    with pytest.raises(InputError, match=r"the keys 'runs', 'n'; got 'run'; did you mean 'runs'"):
        load_input(f"{path}:run")
    with pytest.raises(InputError, match=r"below '5' of 'runs\.5', got a list of 2"):
        load_input(f"{path}:runs.5")


@pytest.mark.parametrize(
    ("literal", "value"),
    [("3", 3), ('"a"', "a"), ("true", True), ("[]", []), ('["a", 1]', ["a", 1]), ("[[1], [1, 2]]", [[1], [1, 2]])],
)
def test_literals_that_are_no_series(literal: str, value: object) -> None:
    assert load_input(f"json:{literal}").values == value


def test_a_literal_series() -> None:
    loaded = load_input("json:[1, null, 2.5]")
    assert_array_equal(loaded.values, [1, np.nan, 2.5])
    assert (loaded.missing, loaded.origin) == (1, "literal")


def test_integers_beyond_64_bits_stay_exact() -> None:
    assert load_input(f"json:[1, {2**70}]").values == [1, 2**70]


def test_truth_values_are_no_numbers() -> None:
    assert load_input("json:[true, false]").values == [True, False]


@pytest.mark.parametrize("text", ["[1,", "", "[" * 100_000])
def test_no_json(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="expected JSON"):
        load_input(f"json:{text}")
    with pytest.raises(InputError, match="expected JSON"):
        load_input(write(tmp_path / "a.json", text))


# -- sound --------------------------------------------------------------------------------------------------------


def record(path: Path, content: bytes, *, channels: int, width: int) -> str:
    with wave.open(str(path), "wb") as recording:
        recording.setnchannels(channels)
        recording.setsampwidth(width)
        recording.setframerate(8000)
        recording.writeframes(content)
    return str(path)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_every_width_of_pcm(tmp_path: Path, width: int) -> None:
    full = 2 ** (8 * width - 1)
    numbers = [-full, -1, 0, 1, full // 2, full - 1]
    raw = b"".join(
        (n + 128).to_bytes(1, "little") if width == 1 else n.to_bytes(width, "little", signed=True) for n in numbers
    )
    loaded = load_input(record(tmp_path / "a.wav", raw, channels=1, width=width))
    assert_array_equal(loaded.values, np.array(numbers) / full)
    assert loaded.remark == "8000 samples per second"


def test_channels_of_sound(tmp_path: Path) -> None:
    raw = np.array([[1, -1], [2, -2], [3, -3]], dtype="<i2")
    path = record(tmp_path / "a.wav", raw.tobytes(), channels=2, width=2)
    assert_array_equal(load_input(path).values, raw / 2**15)
    for selector in ("1", "right", "-1"):
        assert_array_equal(load_input(f"{path}:{selector}").values, raw[:, 1] / 2**15)
    with pytest.raises(InputError, match="the channels 'left', 'right'; got 'centre'"):
        load_input(f"{path}:centre")


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x03\0\x01\0" + b"\0" * 40])
def test_sound_that_is_no_pcm(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(InputError, match="expected PCM sound"):
        load_input(str(tmp_path / "a.wav"))


# -- tables -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.parquet", "a.feather"])
def test_arrow_tables(tmp_path: Path, name: str) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import feather, parquet

    table = pa.table({"n": pa.array([1, None, 3]), "x": pa.array([0.5, 1.5, 2.5]), "s": ["a", "b", "c"]})
    path = str(tmp_path / name)
    (parquet.write_table if name.endswith("parquet") else feather.write_feather)(table, path)
    assert_array_equal(load_input(f"{path}:n").values, [1, np.nan, 3])
    assert_array_equal(load_input(f"{path}:x,n").values, [[0.5, 1], [1.5, np.nan], [2.5, 3]])
    with pytest.raises(InputError, match="column 's': expected numbers, got string"):
        load_input(f"{path}:s")
    with pytest.raises(InputError, match="the columns are 'n', 'x', 's'"):
        load_input(path)


@pytest.mark.parametrize("name", ["a.parquet", "a.feather"])
def test_damaged_tables(tmp_path: Path, name: str) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / name).write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match=r"expected a (Parquet|Feather) file"):
        load_input(str(tmp_path / name))


def test_without_the_extra_the_command_that_installs_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "a.parquet").write_bytes(b"")
    with pytest.raises(MissingExtraError, match=r'pip install "platform-base\[io\]"'):
        load_input(str(tmp_path / "a.parquet"))


# -- which file ---------------------------------------------------------------------------------------------------


def test_a_colon_in_a_file_name(tmp_path: Path) -> None:
    (tmp_path / "12:30.csv").write_text("a:b\n1\n")
    assert split_source(f"{tmp_path}/12:30.csv:a:b") == (tmp_path / "12:30.csv", "a:b")
    assert_array_equal(load_input(f"{tmp_path}/12:30.csv:a:b").values, [1.0])


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "signal.csv").write_text("1\n")
    with pytest.raises(InputError, match=r"expected a file, got nothing; did you mean .*signal\.csv"):
        load_input(f"{tmp_path}/sginal.csv:x")


def test_a_mistyped_directory_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "examples" / "data").mkdir(parents=True)
    (tmp_path / "examples" / "data" / "signal.csv").write_text("1\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"got nothing; did you mean 'examples/data/signal\.csv'\?"):
        load_input("example/data/signal.csv:x")
    with pytest.raises(InputError, match="got nothing; the current directory is"):
        load_input("example/data/other.csv:x")
    with pytest.raises(InputError, match="got nothing; the current directory is"):
        load_input("elsewhere/data/signal.csv:x")


@pytest.mark.parametrize("text", ["[1,2,3]", '{"a": 1}'])
def test_a_value_without_its_mark(text: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"got nothing; numbers are written json:{text}")):
        load_input(text)


def test_a_directory_and_an_unknown_ending(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_text("1\n")
    with pytest.raises(InputError, match="got a directory"):
        load_input(str(tmp_path))
    with pytest.raises(InputError, match=r"ends in one of \.csv.*got '\.xyz'"):
        load_input(str(tmp_path / "a.xyz"))
