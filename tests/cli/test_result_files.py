from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from platform_base.cli.errors import OutputError
from platform_base.cli.result_files import RESULT_WRITERS, check_output, replace_file, write_result
from platform_base.core.models import Execution, ProcessingResult

SUFFIXES = tuple(RESULT_WRITERS)
EXECUTION = Execution(
    plugin_id="p",
    version="1.0.0",
    digest="sha256:00",
    parameters={"a": None},
    wall_seconds=1.0,
    cpu_seconds=0.5,
    peak_memory_bytes=10,
    protections=("seccomp",),
    engine="local",
)


def result(values: Any, **metadata: Any) -> ProcessingResult:
    return ProcessingResult(values=values, metadata=metadata, execution=EXECUTION)


def test_npz_holds_everything(tmp_path: Path) -> None:
    path = tmp_path / "r.npz"
    write_result(path, result(np.arange(3.0), path=np.array([[0, 0], [1, 2]]), note="fine", worst=np.float64("nan")))
    with np.load(path, allow_pickle=False) as archive:
        assert_array_equal(archive["values"], [0, 1, 2])
        assert_array_equal(archive["metadata.path"], [[0, 0], [1, 2]])
        rest = json.loads(str(archive["json"]))
    assert rest["metadata"] == {"note": "fine"}
    assert rest["execution"]["parameters"] == {"a": None}


@pytest.mark.parametrize("name", ["../../../up", "a\\b", "cut\0short", "\ud800", "n" * 70_000, "line\nbreak"])
def test_a_name_that_no_file_should_have_is_none_in_the_archive(tmp_path: Path, name: str) -> None:
    """The plugin has chosen it, and whoever unpacks an archive makes files of its names."""
    path = tmp_path / "r.npz"
    write_result(path, result(np.arange(3.0), **{name: np.arange(2), "fine": np.arange(4)}))
    with np.load(path, allow_pickle=False) as archive:
        assert sorted(archive.files) == ["json", "metadata.fine", "values"]
        (kept,) = json.loads(str(archive["json"]))["metadata"].values()
    assert kept == [0, 1]


def test_npz_of_values_that_are_no_array(tmp_path: Path) -> None:
    write_result(tmp_path / "r.npz", result({"a": [1, "b"]}))
    write_result(tmp_path / "n.npz", result(2.5))
    with np.load(tmp_path / "r.npz", allow_pickle=False) as archive:
        assert json.loads(str(archive["json"]))["values"] == {"a": [1, "b"]}
    with np.load(tmp_path / "n.npz", allow_pickle=False) as archive:
        assert archive["values"] == 2.5


def test_json_holds_everything(tmp_path: Path) -> None:
    write_result(tmp_path / "r.json", result(np.array([1.0, np.nan]), z=1 + 2j, day=np.datetime64("2020-01-02")))
    read = json.loads((tmp_path / "r.json").read_text())
    assert read["values"] == [1.0, None]
    assert read["metadata"] == {"z": {"real": 1.0, "imag": 2.0}, "day": "2020-01-02"}
    assert read["execution"]["protections"] == ["seccomp"]


@pytest.mark.parametrize(
    ("values", "rows"),
    [
        (np.array([0.1, 1 / 3]), [["value"], ["0.1"], [repr(1 / 3)]]),
        (2.5, [["value"], ["2.5"]]),
        (np.array([[1, 2], [3, 4]]), [["channel_0", "channel_1"], ["1", "2"], ["3", "4"]]),
    ],
)
def test_csv_holds_the_values(tmp_path: Path, values: Any, rows: list[list[str]]) -> None:
    write_result(tmp_path / "r.csv", result(values))
    with (tmp_path / "r.csv").open(newline="") as stream:
        assert list(csv.reader(stream)) == rows


def test_npy_holds_the_values(tmp_path: Path) -> None:
    write_result(tmp_path / "r.npy", result([1, 2, 3]))
    assert_array_equal(np.load(tmp_path / "r.npy", allow_pickle=False), [1, 2, 3])


@pytest.mark.parametrize("values", [{"a": 1}, "text", None, [[1], [1, 2]], ["a", "b"]])
@pytest.mark.parametrize("name", ["r.csv", "r.npy"])
def test_values_that_are_no_numbers(tmp_path: Path, name: str, values: Any) -> None:
    with pytest.raises(OutputError, match="expected values that are numbers"):
        write_result(tmp_path / name, result(values))
    assert list(tmp_path.iterdir()) == []


def test_csv_of_three_axes(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="at most two axes"):
        write_result(tmp_path / "r.csv", result(np.zeros((2, 2, 2))))


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text("old")

    def fail(stream: IO[bytes]) -> None:
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space left on device"):
        replace_file(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def open_mask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def test_the_umask_holds(tmp_path: Path, open_mask: None) -> None:
    write_result(tmp_path / "r.json", result(1))
    assert (tmp_path / "r.json").stat().st_mode & 0o777 == 0o640


def test_what_cannot_be_written_is_known_before(tmp_path: Path) -> None:
    (tmp_path / "there.npz").write_text("")
    (tmp_path / "dir.npz").mkdir()
    check_output(tmp_path / "new.npz", SUFFIXES, force=False)
    check_output(tmp_path / "there.npz", SUFFIXES, force=True)
    for name, force, said in [
        ("there.npz", False, "--force"),
        ("dir.npz", True, "got a directory"),
        ("r.xls", False, r"ends in \.npz"),
        ("r", False, "no ending"),
        ("no/r.npz", False, "make it first"),
    ]:
        with pytest.raises(OutputError, match=said):
            check_output(tmp_path / name, SUFFIXES, force=force)
