"""Discovery: manifests one and two levels deep, problems beside releases, no plugin code imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from platform_base.plugins._catalog.discovery import discover, read_release
from platform_base.plugins._catalog.places import bundled_directory, standard_places
from platform_base.plugins._catalog.release import Release
from platform_base.plugins.errors import ManifestError, Problem


def make_plugin(directory: Path, plugin_id: str = "p", version: str = "1.0.0", **fields: Any) -> Path:
    directory.mkdir(parents=True)
    manifest = {"plugin_id": plugin_id, "version": version, "entry_point": "plugin.Plugin", **fields}
    (directory / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (directory / "plugin.py").write_text("raise SystemExit('a plugin was imported')\n")
    return directory


def found(path: Path) -> tuple[list[Release], list[Problem]]:
    releases, problems = [], []
    for release, faults in discover(path):
        assert (release is None) == bool(faults)
        if release is not None:
            releases.append(release)
        problems += faults
    return releases, problems


def test_one_and_two_levels_deep(tmp_path: Path) -> None:
    make_plugin(tmp_path / "one", "one")
    make_plugin(tmp_path / "many" / "1.0.0", "many", "1.0.0")
    make_plugin(tmp_path / "many" / "2.0.0", "many", "2.0.0")
    make_plugin(tmp_path / "too" / "deep" / "here", "deep")
    releases, problems = found(tmp_path)

    assert problems == []
    assert [release.key[:2] for release in releases] == [
        ("many", "1.0.0"),
        ("many", "2.0.0"),
        ("one", "1.0.0"),
    ]
    assert releases[2].directory == (tmp_path / "one").resolve()
    assert releases[2].digest.startswith("sha256:")


def test_directory_of_a_plugin_itself(tmp_path: Path) -> None:
    make_plugin(tmp_path / "one")
    make_plugin(tmp_path / "one" / "examples", "inner")

    assert [release.plugin_id for release in found(tmp_path / "one")[0]] == ["p"]
    assert [release.plugin_id for release in found(tmp_path)[0]] == ["p"]


def test_text_path_relative_to_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_plugin(tmp_path / "plugins" / "one")
    monkeypatch.chdir(tmp_path)

    release = next(discover("plugins/"))[0]
    assert release is not None
    assert release.directory == (tmp_path / "plugins" / "one").resolve()


def test_hidden_and_private_directories_are_skipped(tmp_path: Path) -> None:
    for name in (".hidden", "_private", "__pycache__", ".git"):
        make_plugin(tmp_path / name)
    make_plugin(tmp_path / "group" / "_old")

    assert found(tmp_path) == ([], [])


def test_broken_plugins_do_not_hide_others(tmp_path: Path) -> None:
    make_plugin(tmp_path / "a_bad_version", version="one")
    (tmp_path / "b_syntax").mkdir()
    (tmp_path / "b_syntax" / "manifest.json").write_text("{")
    (make_plugin(tmp_path / "c_link") / "link").symlink_to("/etc")
    (tmp_path / "d_directory" / "manifest.json").mkdir(parents=True)
    (tmp_path / "e_dangling").mkdir()
    (tmp_path / "e_dangling" / "manifest.json").symlink_to("missing")
    make_plugin(tmp_path / "f_entry", entry_point="plugni.Plugin")
    make_plugin(tmp_path / "g_good", "good")
    releases, problems = found(tmp_path)

    assert [release.plugin_id for release in releases] == ["good"]
    assert [Path(problem.file).relative_to(tmp_path).parts[0] for problem in problems] == [
        "a_bad_version",
        "b_syntax",
        "c_link",
        "d_directory",
        "e_dangling",
        "f_entry",
    ]
    assert problems[-1].hint == "did you mean 'plugin'?"


@pytest.mark.parametrize(
    ("entry_point", "file"),
    [("m.C", "m.py"), ("m.C", "m/__init__.py"), ("a.b.m.C", "a/b/m.py"), ("m.C", "m.abi3.so")],
)
def test_entry_point_module_is_a_file(tmp_path: Path, entry_point: str, file: str) -> None:
    directory = make_plugin(tmp_path / "p", entry_point=entry_point)
    with pytest.raises(ManifestError, match="a module in this directory"):
        read_release(directory)
    (directory / file).parent.mkdir(parents=True, exist_ok=True)
    (directory / file).write_bytes(b"")

    assert read_release(directory).manifest.entry_point == entry_point


def test_linked_plugin_directories_are_followed_once(tmp_path: Path) -> None:
    make_plugin(tmp_path / "elsewhere" / "mine")
    place = tmp_path / "plugins"
    place.mkdir()
    (place / "a").symlink_to(tmp_path / "elsewhere" / "mine")
    (place / "b").symlink_to(tmp_path / "elsewhere" / "mine")
    (place / "loop").symlink_to(place)
    (place / "self").symlink_to("self")
    releases, problems = found(place)

    assert problems == []
    assert [release.directory for release in releases] == [(tmp_path / "elsewhere" / "mine").resolve()]


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_path_that_is_no_directory_is_an_error_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    if kind == "file":
        path.write_text("")

    with pytest.raises(ManifestError, match="expected a directory with plugins"):
        discover(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_closed_directory_is_a_problem(tmp_path: Path) -> None:
    make_plugin(tmp_path / "open", "open")
    closed = make_plugin(tmp_path / "closed" / "inner").parent
    closed.chmod(0)
    try:
        releases, problems = found(tmp_path)
    finally:
        closed.chmod(0o755)

    assert [release.plugin_id for release in releases] == ["open"]
    assert problems[0].got == "Permission denied"


def test_thousand_plugins(tmp_path: Path) -> None:
    for number in range(1_000):
        make_plugin(tmp_path / f"group{number % 10}" / f"p{number}", f"p{number}")

    releases, problems = found(tmp_path)
    assert problems == []
    assert len({release.key for release in releases}) == 1_000


def test_named_places_come_first_and_are_kept_even_when_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "plugins").mkdir()
    monkeypatch.chdir(tmp_path)
    named = os.pathsep.join([str(tmp_path / "a"), "", str(tmp_path / "missing"), str(tmp_path / "a")])
    places = standard_places({"PLATFORM_BASE_PLUGIN_PATH": named})

    assert places[:3] == [tmp_path / "a", tmp_path / "missing", Path("plugins")]
    assert places[-1] == bundled_directory()
    assert Path("plugins") in standard_places({})


def test_same_place_is_searched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plugins").mkdir()
    monkeypatch.chdir(tmp_path)

    places = standard_places({"PLATFORM_BASE_PLUGIN_PATH": str(tmp_path / "plugins")})
    assert [place.resolve() for place in places].count((tmp_path / "plugins").resolve()) == 1
    assert places[0] == tmp_path / "plugins"


def test_bundled_plugins_are_found() -> None:
    directory = bundled_directory()

    assert directory is not None
    assert (directory / "README.md").is_file()


def test_entry_points_are_found_without_an_import(tmp_path: Path) -> None:
    site = tmp_path / "site"
    make_plugin(site / "their_plugins" / "inner", "theirs")
    (site / "their_plugins" / "__init__.py").write_text("raise SystemExit('a plugin package was imported')\n")
    metadata = site / "theirs-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[platform_base.plugins]\na = their_plugins.inner\nb = their_plugins:attribute\nc = gone.away\n"
    )
    program = (
        "from platform_base.plugins._catalog.places import standard_places\nprint(*standard_places({}), sep='\\n')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(site)}
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=environment,
    )

    places = result.stdout.splitlines()
    assert str(site / "their_plugins" / "inner") in places
    assert str(site / "their_plugins") in places
    assert str(site / "gone" / "away") in places
