"""Which files make a release, and the number that stands for them."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platform_base.plugins._catalog import digest
from platform_base.plugins._catalog.digest import compute_digest, is_ignored, list_files
from platform_base.plugins.errors import ManifestError

#: A busy machine is no fault of the code.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def fill(directory: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return directory


def fault_of(directory: Path) -> str:
    with pytest.raises(ManifestError) as caught:
        list_files(directory)
    return "\n".join(str(problem) for problem in caught.value.problems)


def test_names_are_sorted_and_relative(tmp_path: Path) -> None:
    fill(tmp_path, {"b.py": b"", "a/z.py": b"", "a.py": b"", "a/b/c.txt": b"", "ção.md": b""})

    assert list_files(tmp_path) == ("a.py", "a/b/c.txt", "a/z.py", "b.py", "ção.md")


def test_digest_is_what_the_documentation_says(tmp_path: Path) -> None:
    fill(tmp_path, {"b.py": b"two", "a/x.py": b"one"})
    expected = hashlib.sha256()
    for name, content in ((b"a/x.py", b"one"), (b"b.py", b"two")):
        expected.update(len(name).to_bytes(8, "big") + name + hashlib.sha256(content).digest())

    assert compute_digest(tmp_path) == f"sha256:{expected.hexdigest()}"


def test_digest_depends_on_names_and_contents_only(tmp_path: Path) -> None:
    files = {"a.py": b"x", "d/b.py": b"y"}
    first, second = fill(tmp_path / "first", files), fill(tmp_path / "second", files)
    (second / "a.py").chmod(0o755)
    os.utime(second / "a.py", (1, 1))
    fill(second, {"__pycache__/a.pyc": b"z", "a.py~": b"", ".git/config": b""})

    assert compute_digest(first) == compute_digest(second)


@pytest.mark.parametrize(
    "change",
    [{"a.py": b"X"}, {"c.py": b""}, {"a.p": b"yx"}, {"d/b.py": b"yy"}],
)
def test_every_change_changes_the_digest(tmp_path: Path, change: dict[str, bytes]) -> None:
    directory = fill(tmp_path, {"a.py": b"x", "d/b.py": b"y"})
    before = compute_digest(directory)
    fill(directory, change)

    assert compute_digest(directory) != before


def test_moving_bytes_between_name_and_content_changes_the_digest(tmp_path: Path) -> None:
    one = fill(tmp_path / "1", {"ab": b"c"})
    two = fill(tmp_path / "2", {"a": b"bc"})
    three = fill(tmp_path / "3", {"a": b"", "b": b"c"})

    assert len({compute_digest(each) for each in (one, two, three)}) == 3


@pytest.mark.parametrize(
    "name",
    [
        "__pycache__",
        "a.pyc",
        ".a.py.swp",
        ".a.py.swx",
        "4913",
        "a.py~",
        ".#a.py",
        "#a.py#",
        ".git",
        ".pytest_cache",
        ".venv",
    ],
)
def test_ignored(name: str) -> None:
    assert is_ignored(name)


@pytest.mark.parametrize("name", ["a.py", "49130", ".hidden", "data.npz", "pycache", "a.py.orig", "#a", ".gitignore"])
def test_not_ignored(name: str) -> None:
    assert not is_ignored(name)


def test_ignored_links_do_not_matter(tmp_path: Path) -> None:
    fill(tmp_path, {"a.py": b""})
    (tmp_path / ".#a.py").symlink_to("somebody@host.1234")

    assert list_files(tmp_path) == ("a.py",)


@pytest.mark.parametrize("target", ["a.py", "/etc/passwd", "..", "missing"])
def test_links_are_refused(tmp_path: Path, target: str) -> None:
    fill(tmp_path, {"a.py": b""})
    (tmp_path / "link").symlink_to(target)

    fault = fault_of(tmp_path)
    assert f"{tmp_path}/link" in fault
    assert "got a symbolic link" in fault


def test_every_bad_entry_is_reported(tmp_path: Path) -> None:
    fill(tmp_path, {"a.py": b"", "d/a.py": b""})
    (tmp_path / "d/link").symlink_to("a.py")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / os.fsdecode(b"latin-\xe7")).write_bytes(b"")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(tmp_path, os.O_RDONLY)
        try:
            server.bind(f"/proc/self/fd/{here}/socket")  # the path itself may be longer than a socket's name
        finally:
            os.close(here)
        fault = fault_of(tmp_path)

    assert fault.count("got no regular file") == 2
    assert fault.count("got a symbolic link") == 1
    assert "latin-\\udce7" in fault
    assert "no UTF-8" in fault


def test_directory_that_became_a_link_is_not_followed(tmp_path: Path) -> None:
    plugin = fill(tmp_path / "plugin", {"d/a.py": b"mine"})
    fill(tmp_path / "secret", {"a.py": b"secret"})
    files = list_files(plugin)
    (plugin / "d").rename(tmp_path / "moved")
    (plugin / "d").symlink_to(tmp_path / "secret")

    with pytest.raises(ManifestError, match=r"Not a directory|symbolic link"):
        compute_digest(plugin, files)


def test_number_of_files_is_bounded(tmp_path: Path) -> None:
    for number in range(digest.MAX_FILES + 1):
        os.close(os.open(tmp_path / f"{number}.txt", os.O_CREAT | os.O_WRONLY))

    assert "more than 10000 files" in fault_of(tmp_path)


def test_size_is_bounded(tmp_path: Path) -> None:
    with (tmp_path / "large.bin").open("wb") as file:
        file.truncate(digest.MAX_BYTES + 1)  # sparse

    assert "more than 256 MiB in all" in fault_of(tmp_path)


def test_depth_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "/".join("d" * 40)).mkdir(parents=True)

    assert "more than 32 levels" in fault_of(tmp_path)


def test_directory_that_is_missing(tmp_path: Path) -> None:
    assert "No such file or directory" in fault_of(tmp_path / "missing")


NAMES = st.from_regex(r"[a-z]{1,3}(/[a-z]{1,3}){0,2}\.py", fullmatch=True)


@UNHURRIED
@given(st.dictionaries(NAMES, st.binary(max_size=20), min_size=1, max_size=5))
def test_digest_does_not_depend_on_the_order_of_creation(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    base = tmp_path_factory.mktemp("order")
    forwards = fill(base / "1", files)
    backwards = fill(base / "2", dict(reversed(files.items())))

    assert compute_digest(forwards) == compute_digest(backwards)
    assert list_files(forwards) == tuple(sorted(files))
