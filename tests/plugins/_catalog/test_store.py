"""Copies of releases: exact, atomic, shared by processes, never half made."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from platform_base.plugins._catalog.digest import compute_digest
from platform_base.plugins._catalog.discovery import read_release
from platform_base.plugins._catalog.release import Release
from platform_base.plugins._catalog.store import ReleaseStore
from platform_base.plugins.errors import PluginLoadError


@pytest.fixture
def release(tmp_path: Path) -> Release:
    return make_release(tmp_path / "plugins" / "my_plugin")


@pytest.fixture
def store(tmp_path: Path) -> ReleaseStore:
    return ReleaseStore(tmp_path / "cache" / "releases")


def make_release(directory: Path, code: str = "class Plugin: ...\n") -> Release:
    (directory / "data" / "deep").mkdir(parents=True, exist_ok=True)
    manifest = {"plugin_id": "p", "version": "1.0.0", "entry_point": "plugin.Plugin"}
    (directory / "manifest.json").write_text(json.dumps(manifest))
    (directory / "plugin.py").write_text(code)
    (directory / "data" / "deep" / "table.bin").write_bytes(bytes(3_000_000))
    (directory / "__pycache__").mkdir(exist_ok=True)
    (directory / "__pycache__" / "plugin.pyc").write_bytes(b"")
    return read_release(directory)


def everything(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def test_copy_is_exact_and_in_its_place(store: ReleaseStore, release: Release) -> None:
    copy = store.snapshot(release)

    assert copy == store.root / release.digest.removeprefix("sha256:") / "my_plugin"
    assert everything(copy) == ["data", "data/deep", "data/deep/table.bin", "manifest.json", "plugin.py"]
    assert compute_digest(copy) == release.digest
    assert [path.name for path in store.root.iterdir()] == [copy.parent.name]


def test_modes_and_times_are_constant(store: ReleaseStore, release: Release) -> None:
    (release.directory / "plugin.py").chmod(0o4777)
    before = os.umask(0o077)
    try:
        copy = store.snapshot(release)
    finally:
        os.umask(before)

    paths = [copy, *copy.rglob("*")]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in paths}
    assert {mode for name, mode in modes.items() if (copy / name).is_file()} == {0o644}
    assert {modes["my_plugin"], modes["data"], modes["deep"]} == {0o755}
    assert {path.stat().st_mtime for path in paths} == {315_532_800}
    assert stat.S_IMODE(store.root.stat().st_mode) == 0o700
    assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o755


def test_copy_is_reused(store: ReleaseStore, release: Release) -> None:
    inode = (store.snapshot(release) / "plugin.py").stat().st_ino
    (release.directory / "plugin.py").unlink()  # nothing is read from there any more

    assert (store.snapshot(release) / "plugin.py").stat().st_ino == inode


def test_same_files_under_another_name(store: ReleaseStore, release: Release, tmp_path: Path) -> None:
    other = make_release(tmp_path / "other_name")

    assert other.digest == release.digest
    assert store.snapshot(release).parent == store.snapshot(other).parent
    assert store.snapshot(other).name == "other_name"


@pytest.mark.parametrize("damage", ["missing", "changed", "added", "link"])
def test_damaged_copy_is_replaced(store: ReleaseStore, release: Release, damage: str) -> None:
    copy = store.snapshot(release)
    if damage == "missing":
        (copy / "plugin.py").unlink()
    elif damage == "changed":
        (copy / "plugin.py").write_text("evil")
    elif damage == "added":
        (copy / "numpy.py").write_text("evil")
    else:
        (copy / "link").symlink_to("/etc")

    assert compute_digest(store.snapshot(release)) == release.digest
    assert [path.name for path in store.root.iterdir()] == [copy.parent.name]


@pytest.mark.parametrize("change", ["edit", "add", "remove", "link", "gone"])
def test_release_that_changed_on_disk_is_refused(
    store: ReleaseStore, release: Release, tmp_path: Path, change: str
) -> None:
    if change == "edit":
        (release.directory / "plugin.py").write_text("class Plugin: pass\n")
    elif change == "add":
        (release.directory / "more.py").write_text("")
    elif change == "remove":
        (release.directory / "plugin.py").unlink()
    elif change == "link":
        (release.directory / "link").symlink_to("/etc/passwd")
    else:
        release.directory.rename(tmp_path / "away")

    with pytest.raises(PluginLoadError, match="changed on disk since it was discovered; call discover_plugins again"):
        store.snapshot(release)
    assert everything(store.root) == []


def test_full_disk_leaves_nothing(store: ReleaseStore, release: Release) -> None:
    program = """
import resource, signal, sys
from pathlib import Path
from platform_base.plugins._catalog.discovery import read_release
from platform_base.plugins._catalog.store import ReleaseStore
from platform_base.plugins.errors import PluginLoadError
release = read_release(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    ReleaseStore(Path(sys.argv[2])).snapshot(release)
except PluginLoadError as error:
    print(error)
"""
    command = [sys.executable, "-c", program, str(release.directory), str(store.root)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)

    assert "File too large" in result.stdout
    assert "PLATFORM_BASE_CACHE_DIR" in result.stdout
    assert everything(store.root) == []
    assert compute_digest(store.snapshot(release)) == release.digest


def test_processes_race_for_the_same_copy(store: ReleaseStore, release: Release) -> None:
    program = """
import sys
from pathlib import Path
from platform_base.plugins._catalog.discovery import read_release
from platform_base.plugins._catalog.store import ReleaseStore
release = read_release(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.read()
print(ReleaseStore(Path(sys.argv[2])).snapshot(release))
"""
    command = [sys.executable, "-c", program, str(release.directory), str(store.root)]
    racers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.close()
        racer.stdin = None
    results = {racer.communicate(timeout=60)[0].strip() for racer in racers}

    assert [racer.returncode for racer in racers] == [0] * 4
    assert results == {str(store.snapshot(release))}
    assert len(list(store.root.iterdir())) == 1
    assert compute_digest(store.snapshot(release)) == release.digest


def test_root_that_cannot_be_made(tmp_path: Path, release: Release) -> None:
    (tmp_path / "file").write_text("")
    store = ReleaseStore.standard({"PLATFORM_BASE_CACHE_DIR": str(tmp_path / "file")})

    with pytest.raises(PluginLoadError, match="set PLATFORM_BASE_CACHE_DIR to a directory"):
        store.snapshot(release)


def test_root_that_is_a_link_is_refused(tmp_path: Path, release: Release) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "root").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(PluginLoadError, match="a link or a file instead of a directory"):
        ReleaseStore(tmp_path / "root").snapshot(release)
    assert everything(tmp_path / "elsewhere") == []


def test_open_root_is_closed(store: ReleaseStore, release: Release) -> None:
    store.root.mkdir(parents=True)
    store.root.chmod(0o777)
    store.snapshot(release)

    assert stat.S_IMODE(store.root.stat().st_mode) == 0o700


def test_standard_place(tmp_path: Path) -> None:
    assert ReleaseStore.standard({"PLATFORM_BASE_CACHE_DIR": str(tmp_path)}).root == tmp_path / "releases"
    assert ReleaseStore.standard({}).root.parts[-2:] == ("platform-base", "releases")


def test_wrong_digest_is_refused(store: ReleaseStore, release: Release) -> None:
    wrong = dataclasses.replace(release, digest="sha256:" + "0" * 64)

    with pytest.raises(PluginLoadError, match="changed on disk"):
        store.snapshot(wrong)
