"""The cache stays small, and nobody loses what they use; with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from tests.plugins._catalog.test_store import make_release

from platform_base.plugins._catalog.digest import compute_digest
from platform_base.plugins._catalog.retention import find_pieces, prune
from platform_base.plugins._catalog.store import ReleaseStore
from platform_base.plugins._sandbox.scratch import wipe

DAY_S = 86400.0


@pytest.fixture
def cache(tmp_path):
    yield tmp_path / "cache"
    wipe(tmp_path / "cache")  # pytest itself could not, if a test that fails leaves it as a worker may


def fill(cache, tmp_path, name, *, days, kilobytes=4):
    """Put a release with kernels into the cache, last used some days ago; return its digest."""
    release = make_release(tmp_path / name, f"# {name}\n")
    store = ReleaseStore(cache / "releases")
    shelf = store.snapshot(release).parent
    store.close()
    kernels = cache / "kernels" / shelf.name
    kernels.mkdir(parents=True)
    (kernels / "kernel.nbc").write_bytes(bytes(kilobytes << 10))
    for path in (shelf, kernels):
        os.utime(path, (time.time() - days * DAY_S,) * 2)
    return release.digest


def left(cache):
    return {piece.digest for piece in find_pieces(cache)}


def run(cache, **given):
    return prune(cache, **{"keep": set(), "max_age_s": None, "max_bytes": None, "wipe": wipe, **given})


def test_what_is_old_goes_with_its_kernels(cache, tmp_path):
    old, kept, fresh = (fill(cache, tmp_path, name, days=days) for name, days in (("o", 40), ("k", 40), ("f", 1)))
    found = run(cache, max_age_s=30 * DAY_S, keep={kept})
    assert [(piece.digest, reason) for piece, reason in found.removed] == [(old, "not used for 40.0 days")]
    assert left(cache) == {kept, fresh}
    for shelf in ("kernels", "in-use"):
        names = {f"sha256:{path.name}" for path in (cache / shelf).iterdir()}
        assert names == {kept, fresh}


def test_what_was_used_least_recently_goes_until_the_rest_is_small_enough(cache, tmp_path):
    digests = [fill(cache, tmp_path, f"r{days}", days=days, kilobytes=100) for days in (5, 3, 1)]
    sizes = {piece.digest: piece.size for piece in find_pieces(cache)}
    assert all(size >= 100 << 10 for size in sizes.values())
    found = run(cache, max_bytes=sum(sizes.values()) - 1)
    assert [piece.digest for piece, _ in found.removed] == digests[:1]
    assert left(cache) == set(digests[1:])
    run(cache, max_bytes=0)
    assert left(cache) == set()


def test_a_dry_run_deletes_nothing(cache, tmp_path):
    digest = fill(cache, tmp_path, "a", days=40)
    found = run(cache, max_age_s=DAY_S, dry_run=True)
    assert [piece.digest for piece, _ in found.removed] == [digest]
    assert left(cache) == {digest}


def test_what_crashed_processes_left(cache, tmp_path):
    fill(cache, tmp_path, "a", days=0)
    abandoned, busy = cache / "releases" / ".partial-abandoned", cache / "releases" / ".partial-busy"
    for path in (abandoned, busy):
        path.mkdir()
    os.utime(abandoned, (0, 0))
    run(cache)
    assert (abandoned.exists(), busy.exists()) == (False, True)


def test_no_worker_can_leave_what_keeps_the_cache_from_being_pruned(cache, tmp_path):
    """Names too long to be spelled, deeper than Python may call itself; directories without rights; circles."""
    digest = fill(cache, tmp_path, "a", days=40)
    kernels = cache / "kernels" / digest.removeprefix("sha256:")
    place = os.open(kernels, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("n" * 8, dir_fd=place)
        inner = os.open("n" * 8, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    os.close(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=place))
    os.close(place)
    (kernels / "listed").mkdir()
    (kernels / "listed" / "file").write_bytes(b"x")
    for mode, name in ((0o400, "listed"), (0o300, "hidden"), (0, "closed")):
        (kernels / name).mkdir(exist_ok=True)
        (kernels / name).chmod(mode)
    (kernels / "circle").symlink_to(".")
    os.utime(kernels, (time.time() - 40 * DAY_S,) * 2)
    assert [piece.digest for piece, _ in run(cache, max_age_s=30 * DAY_S).removed] == [digest]
    assert left(cache) == set()
    assert list((cache / "kernels").iterdir()) == []


def test_a_cache_that_is_not_there(cache):
    assert run(cache, max_age_s=0.0, max_bytes=0).removed == ()


HOLDER = """
import sys
from pathlib import Path
from platform_base.plugins._catalog.discovery import read_release
from platform_base.plugins._catalog.store import ReleaseStore

store = ReleaseStore(Path(sys.argv[1]))
store.snapshot(read_release(sys.argv[2]))
print("held", flush=True)
sys.stdin.read()
"""


def test_what_another_process_uses_stays_until_it_ends_however_it_ends(cache, tmp_path):
    digest = fill(cache, tmp_path, "a", days=40)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(cache / "releases"), str(tmp_path / "a")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "held\n"
    for dry_run in (True, False):
        found = run(cache, max_age_s=0.0, max_bytes=0, dry_run=dry_run)
        assert [piece.digest for piece in found.in_use] == [digest]
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    run(cache, max_age_s=0.0)
    assert left(cache) == set()


def test_pruning_while_others_take_and_give_back(cache, tmp_path):
    """Whoever holds a claim finds every file, however often others prune; neither waits for the other."""
    releases = [make_release(tmp_path / name, f"# {name}\n") for name in "abc"]
    failed, stop = [], threading.Event()

    def use(number):
        for turn in range(60):
            release = releases[(number + turn) % 3]
            store = ReleaseStore(cache / "releases")
            try:
                copy = store.snapshot(release)
                if any(compute_digest(copy) != release.digest for _ in range(3)):
                    failed.append("changed")
            except BaseException as error:
                failed.append(repr(error))
            store.close()

    def clear():
        while not stop.is_set():
            try:
                run(cache, max_age_s=0.0)
            except BaseException as error:
                failed.append(repr(error))

    users = [threading.Thread(target=use, args=(number,)) for number in range(3)]
    cleaner = threading.Thread(target=clear)
    for thread in [cleaner, *users]:
        thread.start()
    for thread in users:
        thread.join()
    stop.set()
    cleaner.join()
    assert failed == []
    run(cache, max_age_s=0.0)
    assert left(cache) == set()
    assert list((cache / "in-use").iterdir()) == []


def test_a_store_finds_a_copy_by_its_digest(cache, tmp_path):
    digest = fill(cache, tmp_path, "a", days=1)
    store = ReleaseStore(cache / "releases")
    found = store.find(digest)
    assert compute_digest(found) == digest
    assert store.find("sha256:" + "0" * 64) is None
    next(found.glob("*.py")).write_text("changed\n")
    assert store.find(digest) is None
    store.close()
