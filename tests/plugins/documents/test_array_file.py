"""Array files of somebody else: what NumPy wrote is read, what pretends is refused before it costs memory."""

from __future__ import annotations

import contextlib
import io
import os
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from platform_base.plugins.documents.array_file import MAX_BYTES, ArrayFileError, read_array

ARRAYS = [
    np.arange(6.0).reshape(2, 3),
    np.asfortranarray(np.arange(6, dtype="i2").reshape(2, 3)),
    np.array(3.5),
    np.array([], dtype="f4"),
    np.array(["a", "bc"]),
    np.array([(1, 2.0)], dtype=[("n", "i4"), ("x", ">f8")]),
    np.array(["2020-01-01"], "M8[D]"),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda each: str(each.dtype))
def test_what_numpy_wrote_is_read(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    np.savez_compressed(tmp_path / "a.npz", first=array, second=np.zeros(1))
    for found in (read_array(tmp_path / "a.npy"), read_array(tmp_path / "a.npz", "first")):
        np.testing.assert_array_equal(found, array)
        assert found.dtype == array.dtype
        assert not found.flags.writeable


def test_csv_with_and_without_names(tmp_path):
    (tmp_path / "named.csv").write_text("time,level\r\n0,1.5\r\n1,nan\r\n2,-2e3\r\n")
    (tmp_path / "plain.csv").write_text("1\n2\n")
    np.testing.assert_array_equal(read_array(tmp_path / "named.csv", "level"), [1.5, np.nan, -2e3])
    np.testing.assert_array_equal(read_array(tmp_path / "plain.csv"), [1.0, 2.0])


def npy(header):
    text = header.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1 << 40,)}"), "expected what numpy.save"),
        ("a.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776,)}"), "0 bytes follow"),
        ("a.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}") + bytes(8), "bytes follow"),
        ("a.npy", npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}") + b"cos\nsystem\n", "Python objects"),
        ("a.npy", b"not an array", "expected what numpy.save writes"),
        ("a.npy", b"", "expected what numpy.save writes"),
        ("a.npz", b"PK\x03\x04 nothing", "expected what numpy.savez writes"),
        ("a.csv", b"", "an empty file"),
        ("a.csv", b"a,b\n1,2\n", "expected one column"),
        ("a.csv", b"a\nx\n", "expected 1 fields with a number"),
        ("a.csv", b"a\n1,2\n", "expected 1 fields with a number"),
        ("a.csv", b"\xff\xfe", "UTF-8"),
        ("a.txt", b"1", "ends in .npy, .npz or .csv"),
        ("absent.npy", None, "No such file"),
    ],
)
def test_what_pretends_is_refused(tmp_path, name, content, reason):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ArrayFileError, match=reason):
        read_array(tmp_path / name)


def test_a_packed_flood_is_cut_off(tmp_path):
    with zipfile.ZipFile(tmp_path / "flood.npz", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.npy", "w") as f:
        for _ in range(4 * MAX_BYTES >> 20):
            f.write(bytes(1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(ArrayFileError, match="once it is unpacked"):
            read_array(tmp_path / "flood.npz")
        assert tracemalloc.get_traced_memory()[1] < 3 * MAX_BYTES
    finally:
        tracemalloc.stop()


def test_links_and_parts_that_are_not_there(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros(1), y=np.zeros(1))
    (tmp_path / "link.npz").symlink_to(tmp_path / "a.npz")
    with pytest.raises(ArrayFileError, match="symbolic link"):
        read_array(tmp_path / "link.npz")
    for part in (None, "z"):
        with pytest.raises(ArrayFileError, match='expected one array of "x", "y"'):
            read_array(tmp_path / "a.npz", part)
    np.save(tmp_path / "a.npy", np.zeros(1))
    with pytest.raises(ArrayFileError, match="remove the part"):
        read_array(tmp_path / "a.npy", "x")


def test_a_large_file_and_a_pipe_are_not_waited_for(tmp_path):
    with (tmp_path / "large.npy").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    os.mkfifo(tmp_path / "pipe.npy")
    with pytest.raises(ArrayFileError, match="more than"):
        read_array(tmp_path / "large.npy")
    with pytest.raises(ArrayFileError, match="no regular file"):
        read_array(tmp_path / "pipe.npy")


@pytest.mark.parametrize("name", ["x", "it's", "a\\b", "tab\t", "é", "\u2713", "\U0001f600"])
def test_any_name_of_a_field_is_read_as_it_was_saved(tmp_path, name):
    with (tmp_path / "a.npy").open("wb") as file:
        version = (1, 0) if max(name) < "\x7f" else (3, 0)
        np.lib.format.write_array(file, np.array([(1.5,), (2.5,)], dtype=[(name, "f8")]), version=version)
    array = read_array(tmp_path / "a.npy")
    assert array.dtype.names == (name,)
    assert_array_equal(array[name], [1.5, 2.5])


def test_a_later_version_of_the_format_is_an_error(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(2))
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content[:6] + b"\x04" + content[7:])
    with pytest.raises(ArrayFileError, match=r"got something else: version 4\.0 of the format"):
        read_array(tmp_path / "a.npy")


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
@pytest.mark.parametrize("escape", [rb"\8", rb"\q", rb"\N{DASH}", rb"\777"])
def test_an_escape_that_python_warns_of_is_an_error(tmp_path, escape, version):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.zeros(2, dtype=[("long name ", "f8")]), version=version)
    (tmp_path / "a.npy").write_bytes(stream.getvalue().replace(b"long name "[: len(escape)], escape, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ArrayFileError, match="an escape in the header"):
            read_array(tmp_path / "a.npy")


@pytest.mark.filterwarnings("error")
def test_any_bytes_give_an_array_or_this_error(tmp_path):
    stream = io.BytesIO()
    np.save(stream, np.arange(4.0))
    whole = stream.getvalue()
    random = np.random.RandomState(0)
    for _ in range(300):
        damaged = bytearray(whole)
        for place in random.randint(0, len(whole), 3):
            damaged[place] = random.randint(0, 256)
        (tmp_path / "a.npy").write_bytes(damaged)
        with contextlib.suppress(ArrayFileError):
            assert read_array(tmp_path / "a.npy").nbytes <= len(whole)
