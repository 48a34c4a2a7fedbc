"""Hostile documents and directories: found out before any code runs."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from platform_base.plugins._catalog.discovery import discover
from platform_base.plugins.errors import PluginLoadError
from platform_base.plugins.registry import PluginRegistry
from tests.escape.test_loading import HONEST, MANIFEST


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A plugin that is fine, to be spoilt."""
    place = tmp_path / "plugins" / "candidate"
    place.mkdir(parents=True)
    (place / "manifest.json").write_text(json.dumps(MANIFEST))
    (place / "candidate.py").write_text(HONEST)
    return place


def problems_of(directory: Path) -> str:
    """Return what discovery says about the directory, which must be no release."""
    found = list(discover(directory.parent))
    assert found, "nothing was said about it"
    assert all(release is None for release, _ in found), "it was taken for a plugin"
    text = "\n".join(str(problem) for _, problems in found for problem in problems)
    assert text
    assert len(text) < 50_000
    assert not {chr(number) for number in (*range(9), *range(11, 32), 127)} & set(text)
    return text


ENTRY_POINTS = (
    "../../os.system",
    "/etc/passwd.Plugin",
    "..os.Plugin",
    "candidate",
    "candidate.",
    ".Candidate",
    "candidate..Candidate",
    "os.system",
    "platform_base.plugins.registry.PluginRegistry",
    "candidate.Candidate\n",
    "candidate.Candidate;import os",
    "candidate:Candidate",
    "candidate.__class__",
    "candidate/../x.Y",
    "\x00.X",
    "",
    "cand\u0456date.Candidate",
    "a" * 10_000 + ".X",
    "candidate.\u202eX",
)


@pytest.mark.parametrize("entry_point", ENTRY_POINTS, ids=lambda text: ascii(text[:24]))
def test_entry_points_lead_nowhere_else(directory: Path, entry_point: str) -> None:
    (directory / "manifest.json").write_text(json.dumps({**MANIFEST, "entry_point": entry_point}))
    ((release, problems),) = discover(directory.parent)
    if release is None:
        assert any("entry_point" in str(problem) for problem in problems)
        return
    # What passes is an identifier in a file of this very directory; whether the class is there is seen in the worker.
    assert (directory / f"{release.manifest.module_name}.py").exists()
    assert release.manifest.class_name.isidentifier()
    assert release.manifest.class_name.isascii()


IDS = (
    "../x",
    "a/b",
    "a\\b",
    "a\0b",
    "a\nb",
    "a\x1b[2J",
    "",
    " ",
    ".",
    "..",
    "a b",
    "-rf",
    "x" * 10_000,
    "caf\u00e9",
    unicodedata.normalize("NFD", "caf\u00e9"),
    "\u0430dvanced",
    "a\u202eb",
    "\ud800",
    "CON",
    "a:b",
    "~",
    "$HOME",
    "a%2fb",
)


@pytest.mark.parametrize("plugin_id", IDS, ids=lambda text: ascii(text[:24]))
def test_plugin_ids_are_plain_or_refused(directory: Path, plugin_id: str) -> None:
    (directory / "manifest.json").write_text(json.dumps({**MANIFEST, "plugin_id": plugin_id}))
    ((release, problems),) = discover(directory.parent)
    if release is None:
        assert problems
        assert all(len(str(problem)) < 20_000 for problem in problems)
        return
    assert release.plugin_id.isascii()
    assert release.plugin_id.replace("_", "").replace("-", "").replace(".", "").isalnum()
    assert release.plugin_id not in (".", "..")


def _nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


DOCUMENTS: dict[str, bytes] = {
    "empty": b"",
    "not JSON": b"\xff\xfe",
    "list": b"[]",
    "null": b"null",
    "number": b"1",
    "NaN": b'{"a": NaN}',
    "Infinity": json.dumps(MANIFEST)
    .replace('"configuration": {}', '"configuration": {"a": {"type": "float", "default": Infinity}}')
    .encode(),
    "duplicate keys": json.dumps(MANIFEST)[:-1].encode() + b', "plugin_id": "other"}',
    "nested": _nested(100_000),
    "nested lists": b"[" * 100_000 + b"]" * 100_000,
    "UTF-16": json.dumps(MANIFEST).encode("utf-16"),
    "latin-1": json.dumps({**MANIFEST, "description": "caf\u00e9"}, ensure_ascii=False).encode("latin-1"),
    "lone surrogate": json.dumps({**MANIFEST, "version": "\ud800"}).encode(),
    "huge": b'{"description": "' + b"x" * (32 << 20) + b'"}',
    "huge number": json.dumps(MANIFEST)[:-1].encode()
    + b', "configuration": {"a": {"type": "integer", "default": '
    + b"9" * 100_000
    + b"}}}",
    "many keys": ("{" + ", ".join(f'"k{number}": 1' for number in range(20_000)) + "}").encode(),
    "unknown permission": json.dumps({**MANIFEST, "permissions": {"everything": True}}).encode(),
    "permission of all files": json.dumps({**MANIFEST, "permissions": {"filesystem": {"write": ["../.."]}}}).encode(),
    "permission of all hosts": json.dumps({**MANIFEST, "permissions": {"network": {"tcp": ["*:*"]}}}).encode(),
    "negative memory": json.dumps({**MANIFEST, "permissions": {"memory_mb": -1}}).encode(),
    "version with a newline": json.dumps({**MANIFEST, "version": "1.0.0\n"}).encode(),
    "version that is none": json.dumps({**MANIFEST, "version": "latest"}).encode(),
    "core version of the future": json.dumps({**MANIFEST, "core_min_version": "x"}).encode(),
    "requirement by address": json.dumps({**MANIFEST, "requires": ["numpy @ file:///etc/passwd", ";;"]}).encode(),
    "control characters": json.dumps({**MANIFEST, "plugin_id": "\x1b[2J"}).encode(),
}


@pytest.mark.parametrize("what", DOCUMENTS)
def test_documents_that_are_no_manifest_are_refused(directory: Path, what: str) -> None:
    (directory / "manifest.json").write_bytes(DOCUMENTS[what])
    problems_of(directory)


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "/dev/zero", "/proc/self/environ", "candidate.py", "manifest.json", "missing"]
)
def test_a_manifest_that_is_a_link_is_refused(directory: Path, target: str) -> None:
    (directory / "manifest.json").unlink()
    (directory / "manifest.json").symlink_to(target)
    assert "root:" not in problems_of(directory)


def test_a_manifest_that_is_a_pipe_does_not_hold_up_the_host(directory: Path) -> None:
    (directory / "manifest.json").unlink()
    os.mkfifo(directory / "manifest.json")
    problems_of(directory)


def test_a_manifest_that_is_a_directory_is_refused(directory: Path) -> None:
    (directory / "manifest.json").unlink()
    (directory / "manifest.json").mkdir()
    problems_of(directory)


@pytest.mark.parametrize("target", ["/etc/passwd", "/etc", "/", "..", "/dev/zero"])
def test_links_out_of_a_plugin_are_refused(directory: Path, target: str) -> None:
    (directory / "data").symlink_to(target)
    assert "link" in problems_of(directory)


def test_pipes_and_sockets_in_a_plugin_are_refused(directory: Path) -> None:
    os.mkfifo(directory / "pipe")
    assert "regular" in problems_of(directory)


def test_a_plugin_of_too_many_files_is_refused(directory: Path) -> None:
    for number in range(10_001):
        os.close(os.open(directory / f"f{number}", os.O_WRONLY | os.O_CREAT))
    assert "more than 10000 files" in problems_of(directory)


def test_a_plugin_of_too_many_levels_is_refused(directory: Path) -> None:
    (directory / "/".join(["d"] * 40)).mkdir(parents=True)
    assert "levels" in problems_of(directory)


def test_a_plugin_of_too_many_bytes_is_refused(directory: Path) -> None:
    with open(directory / "large", "wb") as file:
        file.truncate(300 << 20)
    assert "MiB" in problems_of(directory)


def test_a_name_that_is_no_text_is_refused(directory: Path) -> None:
    with open(os.fsencode(directory) + b"/\xff\xfe", "wb"):
        pass
    assert "UTF-8" in problems_of(directory)


def test_a_link_to_a_plugin_directory_adds_no_second_plugin(directory: Path) -> None:
    (directory.parent / "again").symlink_to(directory)
    assert len([release for release, _ in discover(directory.parent) if release]) == 1


def test_directories_that_contain_themselves_end(directory: Path) -> None:
    loop = directory.parent / "loop"
    loop.mkdir()
    (loop / "again").symlink_to(directory.parent)
    assert len([release for release, _ in discover(directory.parent) if release]) == 1


@pytest.mark.parametrize("change", ["edit", "add", "delete", "link", "replace directory"])
def test_what_changed_after_it_was_read_is_not_loaded(directory: Path, nothing_left: None, change: str) -> None:
    """The worker imports the bytes whose digest the host took, or nothing."""
    with PluginRegistry({"security": {"allowed_modules": None, "blocked_modules": []}}) as registry:
        registry.discover_plugins(directory.parent)
        _change(directory, change)
        with pytest.raises(PluginLoadError, match="changed on disk"):
            registry.load_plugin("candidate")


def _change(directory: Path, change: str) -> None:
    source = directory / "candidate.py"
    actions: dict[str, Any] = {
        "edit": lambda: source.write_text("raise RuntimeError('another one')"),
        "add": lambda: (directory / "numpy.py").write_text("raise RuntimeError('another one')"),
        "delete": lambda: source.unlink(),
        "link": lambda: (source.unlink(), source.symlink_to("/etc/passwd")),
        "replace directory": lambda: (directory.rename(directory.with_name("old")), directory.symlink_to("/etc")),
    }
    actions[change]()


def test_one_broken_plugin_hides_no_other(directory: Path) -> None:
    other = directory.parent / "other"
    other.mkdir()
    (other / "manifest.json").write_bytes(b"\xff")
    found = [release for release, _ in discover(directory.parent) if release]
    assert [release.plugin_id for release in found] == ["candidate"]


def test_two_plugins_of_one_id_and_version_are_told(directory: Path, nothing_left: None) -> None:
    """The second one cannot take the first one's place."""
    other = directory.parent / "second"
    other.mkdir()
    (other / "manifest.json").write_text(json.dumps(MANIFEST))
    (other / "candidate.py").write_text(HONEST + "\n# another one\n")
    with PluginRegistry({"security": {"allowed_modules": None, "blocked_modules": []}}) as registry:
        registry.discover_plugins(directory.parent)
        assert registry.problems
        assert registry.list_plugins()[0]["directory"] == str(directory)
