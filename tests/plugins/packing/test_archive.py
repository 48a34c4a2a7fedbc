"""Archives: the bytes that the format prescribes, the same wherever they are made, and nothing that does harm."""

from __future__ import annotations

import io
import json
import os
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from platform_base.plugins.errors import ManifestError
from platform_base.plugins.packing.archive import Parcel
from platform_base.plugins.registry import PluginRegistry

MANIFEST = json.dumps({"plugin_id": "packed", "version": "1.0.0", "entry_point": "packed.Packed"})
CODE = """
from .inner.constant import FACTOR

from platform_base.core.models import ProcessingResult


class Packed:
    def execute(self, inputs):
        return ProcessingResult(values=inputs["number"] * FACTOR)

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {}
"""
FILES = {
    "manifest.json": MANIFEST.encode(),
    "packed.py": CODE.encode(),
    "inner/constant.py": b"FACTOR = 3\n",
    "inner/empty.txt": b"",
    "notes/\u00e9t\u00e9.bin": bytes(range(256)),
}


def write(directory: Path, names: list[str] | None = None) -> Path:
    for name in names or list(FILES):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FILES[name])
    return directory


def pack(directory: Path) -> bytes:
    stream = io.BytesIO()
    Parcel(directory).write(stream)
    return stream.getvalue()


def zip_by_hand(top: str, files: dict[str, bytes]) -> bytes:
    """The archive as APPNOTE.TXT 6.3 describes it, sections 4.3.7, 4.3.12 and 4.3.16."""
    local, central = b"", b""
    for name in sorted(files):
        content, encoded = files[name], f"{top}/{name}".encode()
        flags = 0 if encoded.isascii() else 0x800
        # version 2.0, stored, 00:00:00 on 1980-01-01, checksum, both sizes, name, no extra field
        fixed = struct.pack(
            "<HHHHHIIIHH", 20, flags, 0, 0, 0x21, zlib.crc32(content), *[len(content)] * 2, len(encoded), 0
        )
        attributes = struct.pack("<HHHII", 0, 0, 0, 0o100644 << 16, len(local))
        central += b"PK\x01\x02" + struct.pack("<BB", 20, 3) + fixed + attributes + encoded
        local += b"PK\x03\x04" + fixed + encoded + content
    end = struct.pack("<HHHHIIH", 0, 0, len(files), len(files), len(central), len(local), 0)
    return local + central + b"PK\x05\x06" + end


def test_the_bytes_are_those_of_the_format(tmp_path: Path) -> None:
    assert pack(write(tmp_path / "packed")) == zip_by_hand("packed", FILES)


def test_times_modes_order_umask_and_caches_do_not_count(tmp_path: Path) -> None:
    first = pack(write(tmp_path / "one" / "packed"))
    before = os.umask(0o077)
    try:
        other = write(tmp_path / "two" / "packed", list(reversed(FILES)))
    finally:
        os.umask(before)
    for number, path in enumerate(sorted(other.rglob("*"))):
        path.chmod(0o700)
        os.utime(path, (number, number))
    for name in ("__pycache__/packed.cpython-311.pyc", ".git/config", ".venv/pyvenv.cfg", "packed.py~"):
        (other / name).parent.mkdir(exist_ok=True)
        (other / name).write_text("anything")
    assert pack(other) == first
    if os.geteuid() == 0:
        for path in other.rglob("*"):
            os.chown(path, 65534, 65534)
        assert pack(other) == first


def test_unpacked_it_is_the_same_release_and_runs(tmp_path: Path, nothing_left: None) -> None:
    source = write(tmp_path / "source" / "packed")
    with zipfile.ZipFile(io.BytesIO(pack(source))) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "unpacked")
    assert {
        str(path.relative_to(tmp_path / "unpacked" / "packed")) for path in (tmp_path / "unpacked").rglob("*.*")
    } == set(FILES)
    digests = []
    for place in (source.parent, tmp_path / "unpacked"):
        with PluginRegistry() as registry:
            registry.discover_plugins(place)
            digests.append(registry.list_plugins()[0]["digest"])
            assert registry.execute_plugin("packed", {"number": 14}).values == 42
    assert digests == [Parcel(source).digest] * 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a\\b.py", "backslash"),
        ("line\nend.py", "control character"),
        ("c:x.py", "colon"),
        (" first.py", "blank"),
        ("last. /x.py", "blank"),
        ("dots./x.py", "dot"),
        ("PACKED.py", "another spelling of"),
        ("notes/e\u0301t\u00e9.bin", "another spelling of"),
    ],
)
def test_names_that_mean_something_else_elsewhere(tmp_path: Path, name: str, said: str) -> None:
    directory = write(tmp_path / "packed")
    (directory / name).parent.mkdir(exist_ok=True)
    (directory / name).write_text("")
    with pytest.raises(ManifestError, match=said) as caught:
        Parcel(directory)
    assert "rename it" in str(caught.value)
    assert str(caught.value).isprintable()


def test_links_devices_and_pipes_are_refused(tmp_path: Path) -> None:
    directory = write(tmp_path / "packed")
    (directory / "outside").symlink_to("/etc/passwd")
    with pytest.raises(ManifestError, match="symbolic link"):
        Parcel(directory)
    (directory / "outside").unlink()
    os.mkfifo(directory / "pipe")
    with pytest.raises(ManifestError, match="no regular file"):
        Parcel(directory)


def test_what_changes_after_it_was_looked_at_is_not_packed(tmp_path: Path) -> None:
    directory = write(tmp_path / "packed")
    parcel = Parcel(directory)
    (directory / "inner" / "constant.py").write_text("FACTOR = 4\n")
    with pytest.raises(ManifestError, match="the files that were checked"):
        parcel.write(io.BytesIO())
