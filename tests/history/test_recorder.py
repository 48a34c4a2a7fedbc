"""Writing behind the caller's back, and what happens when that is not possible."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import threading
from functools import partial

import pytest

from platform_base.history.history import History
from platform_base.history.recorder import Recorder
from tests.conftest import eventually
from tests.history.runs import run


@pytest.fixture
def path(tmp_path):
    return tmp_path / "history" / "runs.db"


@pytest.fixture
def recorder(path, nothing_left):
    made = Recorder(path, max_rows=100_000, max_bytes=1 << 30)
    yield made
    made.close()


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_it_is_written_soon(recorder, path):
    recorder.note(lambda: [run(0)])
    assert eventually(lambda: History(path).runs() == [run(0)])


def test_flushed(recorder, path):
    for number in range(3000):
        recorder.note(lambda number=number: [run(number)])
    recorder.flush()
    assert len(History(path).runs(limit=None)) == 3000


def test_closing_writes_the_rest(path, nothing_left):
    recorder = Recorder(path, max_rows=10, max_bytes=1 << 30)
    recorder.note(lambda: [run(0)])
    recorder.close()
    recorder.close()
    assert History(path).runs() == [run(0)]


def test_without_a_note_there_is_no_file(path, nothing_left):
    recorder = Recorder(path, max_rows=10, max_bytes=1 << 30)
    recorder.flush()
    recorder.close()
    assert not path.parent.exists()


def test_many_threads(recorder, path):
    def one(run_id):
        return [run(run_id=run_id)]

    def note(which):
        for number in range(200):
            recorder.note(partial(one, f"{which:012x}{number:020x}"))

    threads = [threading.Thread(target=note, args=(which,)) for which in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.flush()
    assert len({each.run_id for each in History(path).runs(limit=None)}) == 1600


def test_a_full_queue_loses_and_counts(recorder, path, caplog):
    begun, go_on = threading.Event(), threading.Event()

    def hold():
        begun.set()
        go_on.wait()
        return [run(0)]

    recorder.note(hold)
    assert begun.wait(10)
    for number in range(1, 10_101):
        recorder.note(lambda number=number: [run(number)])
    assert recorder.lost == 100
    go_on.set()
    recorder.flush()
    assert len(History(path).runs(limit=None)) == 10_001
    (said,) = warnings(caplog)
    assert "the disk is slower than the calls" in said


def test_a_broken_file_is_said_once(recorder, path, caplog):
    path.parent.mkdir()
    path.write_text("no database\n" * 1000)
    for number in range(3):
        recorder.note(lambda number=number: [run(number)])
        recorder.flush()
    assert recorder.lost == 3
    (said,) = warnings(caplog)
    assert f"the history {path} cannot be written: file is not a database" in said


def test_it_goes_on_when_the_file_is_well_again(recorder, path, caplog):
    caplog.set_level(logging.INFO)
    path.parent.mkdir()
    path.write_text("no database\n" * 1000)
    recorder.note(lambda: [run(0)])
    recorder.flush()
    path.unlink()
    recorder.note(lambda: [run(1)])
    recorder.flush()
    assert History(path).runs() == [run(1)]
    assert "written again; 1 entries were lost" in caplog.text


def test_a_file_that_was_deleted_is_made_again(recorder, path):
    recorder.note(lambda: [run(0)])
    recorder.flush()
    for each in path.parent.iterdir():
        each.unlink()
    recorder.note(lambda: [run(1)])
    recorder.flush()
    assert History(path).runs() == [run(1)]


def test_a_directory_that_cannot_be(tmp_path, caplog, nothing_left):
    (tmp_path / "file").write_text("")
    recorder = Recorder(tmp_path / "file" / "runs.db", max_rows=10, max_bytes=1 << 30)
    recorder.note(lambda: [run(0)])
    recorder.flush()
    recorder.close()
    (said,) = warnings(caplog)
    assert "cannot be written" in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_is_read_only(path, caplog, nothing_left):
    path.parent.mkdir(mode=0o500)
    recorder = Recorder(path, max_rows=10, max_bytes=1 << 30)
    recorder.note(lambda: [run(0)])
    recorder.close()
    (said,) = warnings(caplog)
    assert "Permission denied" in said


def test_somebody_holds_the_file(recorder, path, caplog):
    recorder.note(lambda: [run(0)])
    recorder.flush()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    recorder.note(lambda: [run(1)])
    assert eventually(lambda: recorder.lost == 1, seconds=20)
    holder.execute("ROLLBACK")
    holder.close()
    recorder.note(lambda: [run(2)])
    recorder.flush()
    assert History(path).runs() == [run(2), run(0)]
    (said,) = warnings(caplog)
    assert "locked" in said


FULL = """
import logging, resource, sys
from pathlib import Path
from tests.history.runs import run
from platform_base.history.recorder import Recorder
logging.basicConfig(level=logging.WARNING, format="%(message)s")
recorder = Recorder(Path(sys.argv[1]), max_rows=100_000, max_bytes=1 << 30)
recorder.note(lambda: [run(0)])
recorder.flush()
# A file that may not grow further is what a full disk is to SQLite: a write that fails half way.
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
for number in range(1, 50):
    recorder.note(lambda: [run(number, error="x" * 10_000)])
    recorder.flush()
print(recorder.lost > 0)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
recorder.note(lambda: [run(99)])
recorder.close()
"""


def test_a_full_disk(path):
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
    assert done.stderr.count("cannot be written") == 1
    history = History(path)
    assert history.runs()[0] == run(99)
    assert history.run(run(0).run_id) == run(0)


ENDS = """
import os, sys
from pathlib import Path
from tests.history.runs import run
from platform_base.history.recorder import Recorder
recorder = Recorder(Path(sys.argv[1]), max_rows=100, max_bytes=1 << 30)
recorder.note(lambda: [run(0)])
"""


def test_a_program_that_just_ends(path):
    """Nobody has closed anything."""
    subprocess.run([sys.executable, "-c", ENDS, str(path)], timeout=60, check=True)
    assert History(path).runs() == [run(0)]
