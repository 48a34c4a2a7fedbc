"""What others wrote and the wheel carries: the files that were reviewed, with their licences."""

from __future__ import annotations

import hashlib
import tomllib
from importlib.resources import files

VENDOR = files("platform_base.web").joinpath("static/vendor")


def test_each_file_is_the_one_that_was_taken_over() -> None:
    listed = tomllib.loads(VENDOR.joinpath("vendored.toml").read_text(encoding="utf-8"))
    for name, entry in listed.items():
        folder = VENDOR.joinpath(name)
        assert {each.name for each in folder.iterdir()} == set(entry["sha256"])
        assert "LICENSE" in entry["sha256"]
        for file, digest in entry["sha256"].items():
            assert hashlib.sha256(folder.joinpath(file).read_bytes()).hexdigest() == digest, file
    assert {each.name for each in VENDOR.iterdir() if each.is_dir()} == set(listed)
