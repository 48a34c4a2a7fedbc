"""Which of the paths that changed are files of a release."""

from __future__ import annotations

import threading
from pathlib import Path

from platform_base.plugins._reload.change import changed_files
from platform_base.plugins._reload.watcher import watch_directories


def test_files_of_the_release_by_name_without_caches_and_neighbours(tmp_path: Path) -> None:
    plugin, beside = tmp_path / "plugin", tmp_path / "plugin_two"
    (plugin / "data").mkdir(parents=True)
    paths = [
        plugin,
        plugin / "data",
        plugin / "data" / "a.csv",
        plugin / "code.py",
        plugin / "gone.py",
        plugin / ".code.py.swp",
        plugin / "__pycache__" / "code.pyc",
        beside / "code.py",
    ]
    assert changed_files(paths, plugin) == ("code.py", "data/a.csv", "gone.py")


def test_a_directory_that_was_moved_here_is_named_itself(tmp_path: Path) -> None:
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "database").mkdir()
    paths = [tmp_path / "data" / "deep", tmp_path / "data", tmp_path / "database"]
    assert changed_files(paths, tmp_path) == ("data/deep/", "database/")


def test_what_came_and_went_in_one_burst_is_not_told(tmp_path: Path) -> None:
    stop = threading.Event()
    told = watch_directories((tmp_path,), stop)
    assert next(told) == frozenset()
    (tmp_path / "temporary").write_text("new")
    (tmp_path / "temporary").rename(tmp_path / "file")
    seen: set[Path] = set()
    while tmp_path / "file" not in seen:
        seen |= next(told)
    stop.set()
    assert list(told) == []
    assert seen == {tmp_path / "file"}
