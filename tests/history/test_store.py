"""The history file: what is written is read, by several processes at once, and it stays as small as it was told to."""

from __future__ import annotations

import datetime
import os
import sqlite3
import stat
import subprocess
import sys

import pytest

from platform_base.history import schema
from platform_base.history.history import History
from platform_base.history.run import Line, Trim
from platform_base.history.schema import UnknownSchemaError
from platform_base.history.store import Store
from platform_base.plugins.errors import HistoryError
from tests.history.runs import BEGAN, run

MB = 1 << 20


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "history" / "runs.db"


def write(path, entries, *, max_rows=1000, max_bytes=64 * MB):
    store = Store(path, max_rows=max_rows, max_bytes=max_bytes)
    try:
        store.add(entries)
    finally:
        store.close()


def lines(count, *, of, size=10):
    return [
        Line(run_id=of.run_id, plugin_id=of.plugin_id, written=of.began, text=f"{number:05} {'x' * size}")
        for number in range(count)
    ]


class TestReadingBack:
    def test_every_fact(self, path):
        write(path, [run()])
        assert History(path).runs() == [run()]

    def test_a_failure(self, path):
        failed = run(
            outcome="failure",
            cause="signal SIGSEGV",
            error_type="WorkerCrashedError",
            error="it crashed",
            traceback="Traceback ...",
            cpu_seconds=None,
            peak_memory_bytes=None,
        )
        write(path, [failed])
        assert History(path).run(failed.run_id) == failed

    def test_the_latest_come_first(self, path):
        write(path, [run(number) for number in range(5)])
        assert [each.run_id for each in History(path).runs(limit=3)] == [run(number).run_id for number in (4, 3, 2)]
        assert len(History(path).runs(limit=None)) == 5

    def test_filters(self, path):
        write(
            path,
            [
                run(0),
                run(1, plugin_id="other"),
                run(2, outcome="failure", cause="deadline", error_type="PluginTimeoutError"),
                run(3, outcome="refused", cause="ParameterError", error_type="ParameterError"),
            ],
        )
        history = History(path)

        def numbers(**given):
            return [round((each.began - BEGAN).total_seconds()) for each in history.runs(**given)]

        assert numbers(plugin_id="other") == [1]
        assert numbers(outcome="failure") == [2]
        assert numbers(cause="deadline") == [2]
        assert numbers(cause="PluginTimeoutError") == [2]
        assert numbers(cause="nothing") == []
        assert numbers(since=BEGAN + datetime.timedelta(seconds=2)) == [3, 2]
        assert numbers(plugin_id="mean", outcome="success") == [0]

    def test_the_beginning_of_a_name_suffices(self, path):
        write(path, [run(0), run(1)])
        history = History(path)
        assert history.run(run(1).run_id[:-1].upper()) == run(1)
        assert history.run(run(0).run_id) == run(0)
        with pytest.raises(HistoryError, match=r"expected one, got 2: .*give more digits"):
            history.run(run(0).run_id[:5])

    @pytest.mark.parametrize("name", ["ffff", "", "no%", "0' OR 1=1 --", "1" * 33])
    def test_a_name_that_nobody_has(self, path, name):
        write(path, [run(0)])
        with pytest.raises(HistoryError, match=f"the latest are: {run(0).run_id}") as caught:
            History(path).run(name)
        assert caught.value.run == name

    def test_a_call_that_was_tried_again(self, path):
        write(path, [run(0, outcome="failure", cause="exit status 7")])
        write(path, [run(0)])
        history = History(path)
        assert [(each.attempt, each.outcome) for each in history.attempts(run(0).run_id)] == [
            (1, "failure"),
            (2, "success"),
        ]
        assert history.run(run(0).run_id).outcome == "success"

    def test_lines(self, path):
        write(path, [*lines(3, of=run(0)), run(0), *lines(2, of=run(1)), run(1)])
        history = History(path)
        assert [line.text[:5] for line in history.lines(run(0).run_id[:31] + "0")] == ["00000", "00001", "00002"]
        numbered = history.latest_lines(limit=3)
        assert [line.run_id for _, line in numbered] == [run(0).run_id, run(1).run_id, run(1).run_id]
        assert history.latest_lines(after=numbered[1][0]) == numbered[2:]
        assert history.latest_lines(plugin_id="other") == []

    def test_only_the_last_lines_of_a_call_stay(self, path):
        trim = Trim(run_id=run(0).run_id, keep=2, text="(more before)")
        write(path, [*lines(2, of=run(0)), trim, *lines(3, of=run(1)), *lines(3, of=run(0)), trim, run(0), run(1)])
        history = History(path)
        first, last = (line.text for line in history.lines(run(0).run_id))
        assert first == "(more before)"
        assert last.startswith("00002")
        assert len(history.lines(run(1).run_id)) == 3

    def test_fewer_lines_than_may_stay_remain_as_they_are(self, path):
        write(path, [*lines(2, of=run(0)), Trim(run_id=run(0).run_id, keep=3, text="(more before)"), run(0)])
        assert [line.text[:5] for line in History(path).lines(run(0).run_id)] == ["00000", "00001"]

    def test_long_text_and_long_parameters_are_cut(self, path):
        write(
            path,
            [run(0, error="e" * 100_000, traceback="t" * 100_000 + "end", parameters={"weights": [1.0] * 10_000})],
        )
        (found,) = History(path).runs()
        assert len(found.error) == 16_000
        assert found.traceback.endswith("end")
        assert found.parameters == {"weights": "<list of 10000>"}

    def test_where_nothing_was_written(self, path):
        history = History(path)
        assert history.runs() == []
        assert history.summary() == []
        assert history.latest_lines() == []
        with pytest.raises(HistoryError, match="the latest are: none"):
            history.run("abc")
        assert not path.exists()


class TestOwner:
    def test_only_the_owner_may_read(self, path):
        os.umask(before := os.umask(0))
        try:
            os.umask(0)
            store = Store(path, max_rows=10, max_bytes=MB)
            store.add([run()])
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
            store.close()
        finally:
            os.umask(before)
        assert modes == {"runs.db": 0o600, "runs.db-wal": 0o600, "runs.db-shm": 0o600}
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    def test_a_file_that_others_could_read_is_closed_to_them(self, path):
        write(path, [run()])
        path.chmod(0o644)
        write(path, [run(1)])
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_no_link_is_followed(self, path, tmp_path):
        path.parent.mkdir(parents=True)
        path.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(OSError, match="symbolic links"):
            write(path, [run()])
        assert not (tmp_path / "elsewhere").exists()

    def test_a_directory_that_others_can_write_to_is_refused(self, path):
        path.parent.mkdir(parents=True)
        path.parent.chmod(0o777)
        with pytest.raises(PermissionError, match="only you can write to"):
            write(path, [run()])
        assert list(path.parent.iterdir()) == []


class TestBounds:
    def test_so_many_rows(self, path):
        for start in range(0, 100, 7):
            write(path, [run(number) for number in range(start, start + 7)], max_rows=20)
            assert len(History(path).runs(limit=None)) <= 20
        assert History(path).runs()[0] == run(104)
        assert len(History(path).runs(limit=None)) >= 18

    def test_one_row(self, path):
        write(path, [run(number) for number in range(5)], max_rows=1)
        assert History(path).runs() == [run(4)]

    def test_so_many_bytes_and_the_disk_has_them_back(self, path):
        limit = 2 * MB
        store = Store(path, max_rows=100_000, max_bytes=limit)
        largest = 0
        for number in range(60):
            store.add([*lines(100, of=run(number), size=1000), run(number)])
            on_disk = sum(each.stat().st_size for each in path.parent.iterdir() if not each.name.endswith("-shm"))
            largest = max(largest, on_disk)
        store.close()
        assert largest <= limit + 2 * MB
        assert MB < path.stat().st_size <= limit
        kept = History(path).runs(limit=None)
        assert kept[0] == run(59)
        assert len(kept) < 60
        assert History(path).latest_lines(run_id=run(0).run_id) == []
        assert len(History(path).lines(run(59).run_id)) == 100
        assert sound(path)

    def test_lowering_the_limit_makes_the_file_smaller(self, path):
        write(path, [entry for number in range(60) for entry in (*lines(100, of=run(number), size=1000), run(number))])
        before = path.stat().st_size
        write(path, [run(60)], max_bytes=MB)
        assert path.stat().st_size <= MB < before


def sound(path):
    connection = sqlite3.connect(path)
    (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    return verdict == "ok"


WRITER = """
import sys
from pathlib import Path
from tests.history.runs import run
from platform_base.history.store import Store
path, which = Path(sys.argv[1]), int(sys.argv[2])
sys.stdin.readline()
store = Store(path, max_rows=100_000, max_bytes=1 << 30)
for number in range(100):
    store.add([run(number, plugin_id=f"writer{which}", run_id=f"{which:012x}{number:020x}")])
store.close()
"""


class TestManyProcesses:
    def test_eight_at_once(self, path):
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(which)], stdin=subprocess.PIPE, text=True)
            for which in range(8)
        ]
        for writer in writers:  # all have started before the first begins
            writer.stdin.write("go\n")
            writer.stdin.flush()
        assert [writer.communicate()[0] or writer.returncode for writer in writers] == [0] * 8
        found = History(path).runs(limit=None)
        assert len(found) == 800
        for which in range(8):
            own = [each for each in found if each.plugin_id == f"writer{which}"]
            assert [int(each.run_id[12:], 16) for each in reversed(own)] == list(range(100))
        assert sound(path)


class TestSchema:
    def test_an_older_file_is_brought_up_to_date(self, path):
        path.parent.mkdir(parents=True)
        connection = sqlite3.connect(path)
        connection.executescript(schema.STEPS[0])
        connection.execute("PRAGMA user_version = 1")
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.execute(
            "INSERT INTO runs (run_id, attempt, plugin_id, version, digest, began, outcome, cause, error_type, error,"
            " traceback, queue_seconds, wall_seconds, details) VALUES ('0a', 1, 'old', '1.0.0', 'sha256:', 1e9,"
            " 'success', '', '', '', '', 0, 1, '{\"parameters\": {}, \"inputs\": [], \"limits\": {},"
            ' "protections": [], "warnings": [], "engine": "local", "host": "h", "pid": 1}\')'
        )
        connection.commit()
        connection.close()
        write(path, [*lines(1, of=run(0)), run(0)])
        assert [each.plugin_id for each in History(path).runs()] == ["mean", "old"]
        assert len(History(path).lines(run(0).run_id)) == 1

    def test_a_newer_file_is_left_alone(self, path):
        write(path, [run()])
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA user_version = 99")
        connection.close()
        before = path.read_bytes()
        with pytest.raises(UnknownSchemaError, match="version 99; a later version"):
            write(path, [run(1)])
        with pytest.raises(HistoryError, match="version 99"):
            History(path).runs()
        assert path.read_bytes() == before

    def test_the_database_of_another_program_is_left_alone(self, path):
        path.parent.mkdir(parents=True)
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE runs (other TEXT)")
        connection.close()
        with pytest.raises(UnknownSchemaError, match="another program"):
            write(path, [run()])
        with pytest.raises(HistoryError, match="another program"):
            History(path).runs()

    def test_what_is_no_database_at_all(self, path):
        path.parent.mkdir(parents=True)
        path.write_text("not a database, but long enough to be taken for one\n" * 100)
        with pytest.raises(sqlite3.DatabaseError, match="not a database"):
            write(path, [run()])
        with pytest.raises(HistoryError, match=r"not a database.*delete it"):
            History(path).runs()


@pytest.mark.parametrize(
    "damage",
    [
        "details = '{}'",
        "details = '[]'",
        "details = 'x'",
        "began = 1e308",
        "began = 'x'",
        "wall_seconds = 'x'",
        "details = json_set(details, '$.inputs', 7)",
    ],
)
def test_a_damaged_row_is_said(path, damage):
    write(path, [run(0)])
    connection = sqlite3.connect(path)
    connection.execute(f"UPDATE runs SET {damage}")
    connection.commit()
    connection.close()
    with pytest.raises(HistoryError, match=r"a row that is damaged .*delete it"):
        History(path).runs()
    with pytest.raises(HistoryError, match="damaged"):
        History(path).attempts(run(0).run_id)


def test_a_damaged_figure_is_said_by_the_summary(path):
    write(path, [run(0), *lines(1, of=run(0))])
    connection = sqlite3.connect(path)
    connection.execute("UPDATE runs SET began = 1e308")
    connection.execute("UPDATE lines SET written = 1e308")
    connection.commit()
    connection.close()
    with pytest.raises(HistoryError, match="damaged"):
        History(path).summary()
    with pytest.raises(HistoryError, match="damaged"):
        History(path).latest_lines()


def test_nobody_waits_for_a_pipe_instead_of_a_history(path):
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    with pytest.raises(HistoryError, match="no regular file"):
        History(path).runs()
