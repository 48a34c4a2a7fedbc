"""Clearing away what a plugin left, whatever it is."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from platform_base.plugins._sandbox.scratch import empty, is_overfull, make_scratch, wipe


def nest(top: Path, depth: int) -> None:
    """Make directories inside each other, deeper than any path may be long."""
    here = os.open(top, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)


def test_a_tree_deeper_than_any_path(tmp_path):
    top = tmp_path / "top"
    top.mkdir()
    nest(top, 3000)
    wipe(top)
    assert not top.exists()


def test_odd_names_and_closed_directories(tmp_path):
    top = tmp_path / "top"
    top.mkdir()
    for name in (b"line\nbreak", b"\xff\xfe", b"-rf", b"x" * 255, b"..."):
        Path(os.fsdecode(os.path.join(os.fsencode(top), name))).write_bytes(b"x")
    closed = top / "closed"
    closed.mkdir()
    (closed / "inside").write_text("x")
    (closed / "deeper").mkdir()
    closed.chmod(0)
    wipe(top)
    assert not top.exists()


def test_links_are_removed_and_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    top = tmp_path / "top"
    top.mkdir()
    (top / "link").symlink_to(outside)
    os.mkfifo(top / "pipe")
    wipe(top)
    assert (outside / "precious").read_text() == "x"


def test_a_tree_that_is_gone_is_fine(tmp_path):
    wipe(tmp_path / "nothing")


def test_two_at_the_same_tree(tmp_path):
    """As when a warden is killed: one removes the whole, the other one of its branches."""
    for number in range(20):
        top = tmp_path / str(number)
        branch = top / "branch"
        branch.mkdir(parents=True)
        nest(branch, 40)
        for name in range(20):
            (branch / f"file {name}").write_text("x")
        failures = []

        def remove(tree, failures=failures):
            try:
                wipe(tree)
            except OSError as error:
                failures.append(error)

        threads = [threading.Thread(target=remove, args=(tree,)) for tree in (top, branch, top)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert not top.exists()


def test_only_the_contents(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    empty(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_scratch_is_for_one_user(tmp_path):
    make_scratch(tmp_path / "scratch", uid=None)
    assert (tmp_path / "scratch").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("fill", "overfull"),
    [
        (lambda top: (top / "small").write_bytes(b"x" * 100), False),
        (lambda top: (top / "large").write_bytes(b"x" * 100_000), True),
        (lambda top: [(top / str(number)).touch() for number in range(20)], True),
        (lambda top: (top / "link").symlink_to("/"), True),
        (lambda top: nest(top, 5), False),
    ],
)
def test_what_is_too_much(tmp_path, fill, overfull):
    fill(tmp_path)
    assert is_overfull(tmp_path, max_bytes=50_000, max_entries=10) is overfull
