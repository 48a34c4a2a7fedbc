"""The verb `pack`."""

from __future__ import annotations

import hashlib
import json
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]

SECRET = "q9Xb2LsT7wZr4KpV8nYc"


@pytest.fixture
def plugin(scaler: Path) -> Path:
    return scaler / "scaler"


def test_pack_lists_checks_and_writes(command: Command, plugin: Path, tmp_path: Path) -> None:
    done = command("pack", plugin)
    assert (done.returncode, done.stderr) == (0, "")
    archive = tmp_path / "scaler-1.2.0.pbplugin"
    assert hashlib.sha256(archive.read_bytes()).hexdigest() in done.stdout
    size = f"{(plugin / 'scaler.py').stat().st_size:,}"
    assert f"{size}  scaler.py" in done.stdout
    assert "loads in a confined process; it has no self-test" in done.stdout
    with zipfile.ZipFile(archive) as packed:
        assert packed.namelist() == ["scaler/manifest.json", "scaler/scaler.py"]
    assert command("pack", plugin).returncode == 2
    assert command("pack", plugin, "--force").returncode == 0


def test_pack_in_json(command: Command, plugin: Path, tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    document = json.loads(command("pack", plugin, "--out", "dist", "--json").stdout)
    assert set(document) == {
        "packed", "archive", "bytes", "sha256", "plugin", "version", "digest", "self_tests", "files", "secrets"
    }  # fmt: skip
    content = (tmp_path / document["archive"]).read_bytes()
    assert document["archive"] == "dist/scaler-1.2.0.pbplugin"
    assert (document["bytes"], document["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert [each["name"] for each in document["files"]] == ["manifest.json", "scaler.py"]
    again = json.loads(command("pack", plugin, "--dry-run", "--json").stdout)
    assert (again["packed"], again["sha256"], again["digest"]) == (False, None, document["digest"])
    assert not (tmp_path / "scaler-1.2.0.pbplugin").exists()


def test_secrets_are_refused_one_file_at_a_time(command: Command, plugin: Path, tmp_path: Path) -> None:
    (plugin / "conf.py").write_text(f"# first line\nAPI_KEY = '{SECRET}'\n")
    (plugin / ".env").write_text("\n")
    done = command("pack", plugin)
    assert done.returncode == 1
    assert "conf.py:2  a value called api_key: q9Xb... (20 characters)" in done.stdout
    assert "--allow-secret .env --allow-secret conf.py" in done.stdout
    assert SECRET not in done.stdout + done.stderr
    assert command("pack", plugin, "--allow-secret", ".env").returncode == 1
    document = json.loads(command("pack", plugin, "--allow-secret", ".env", "--json").stdout)
    assert [(each["file"], each["line"], each["allowed"]) for each in document["secrets"]] == [
        (".env", 0, True),
        ("conf.py", 2, False),
    ]
    assert list(tmp_path.glob("*.pbplugin")) == []
    done = command("pack", plugin, "--allow-secret", ".env", "--allow-secret", "conf.py")
    assert done.returncode == 0
    assert "in spite of what looks like secrets" in done.stdout
    wrong = command("pack", plugin, "--allow-secret", "conf.pi")
    assert wrong.returncode == 2
    assert "as it is listed" in wrong.stderr


def test_what_does_not_work_is_not_packed(command: Command, plugin: Path, tmp_path: Path) -> None:
    (plugin / "scaler.py").write_text("class Other:\n    pass\n")
    done = command("pack", plugin)
    assert done.returncode == 1
    assert "Scaler does not exist" in done.stderr
    assert list(tmp_path.glob("*.pbplugin")) == []
    (plugin / "link").symlink_to("/etc/passwd")
    done = command("pack", plugin, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["problems"][0]["got"] == "a symbolic link"


def test_places_for_an_archive(command: Command, plugin: Path, tmp_path: Path) -> None:
    for out, said in (
        (plugin / "x.pbplugin", "outside of the plugin"),
        ("x.zip", ".pbplugin"),
        ("no/x.pbplugin", "make it first"),
    ):
        done = command("pack", plugin, "--out", out)
        assert done.returncode == 2
        assert said in done.stderr
    assert "got nothing" in command("pack", "nowhere").stderr
