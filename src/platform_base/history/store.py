"""The history file as its writers see it: rows are added, and the oldest make room.

SQLite in WAL mode, so that readers and one writer at a time never wait for each other; further writers wait in turn.
The file is its owner's alone, and so are the journal files beside it, which get its mode from SQLite.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from platform_base.core.owner_only import make_safe, open_owner_only
from platform_base.history import schema
from platform_base.history.rows import LINE_COLUMNS, RUN_COLUMNS, line_to_row, run_to_row
from platform_base.history.run import Line, Run, Trim

_WAIT_S = 5.0
"""How long a writer waits for its turn; a transaction takes milliseconds."""

_JOURNAL_PAGES = 256
_SPARE = 0.9
"""Making room goes on until this share of a limit is reached, so that it is done seldom."""

_ADD_RUN = (
    f"INSERT INTO runs ({', '.join(RUN_COLUMNS)}) VALUES "  # noqa: S608  nothing but names of columns
    f"({', '.join(f':{name}' for name in RUN_COLUMNS)})"
)
_ADD_LINE = (
    f"INSERT INTO lines ({', '.join(LINE_COLUMNS)}) VALUES "  # noqa: S608  likewise
    f"({', '.join(f':{name}' for name in LINE_COLUMNS)})"
)


class Store:
    """A history file, open for writing. Used by one thread."""

    def __init__(self, path: Path, *, max_rows: int, max_bytes: int) -> None:
        """Open the file, making it and its directory if need be.

        Args:
            path: Where it lies.
            max_rows: So many runs are kept; the oldest go first.
            max_bytes: So large the file may become, without its journal, which is a megabyte.

        Raises:
            OSError: It cannot be opened, or others could read it.
            sqlite3.Error: It cannot be read or written.
            UnknownSchemaError: It is not a history file, or one of a later version.
        """
        self._path = path
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        make_safe(path.parent)
        descriptor = open_owner_only(path)
        try:
            self._inode = _identity(os.fstat(descriptor))
        finally:
            os.close(descriptor)
        self._connection = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        schema.check(self._connection)  # before anything is changed in what may be another program's
        # Only before the first table is made: from then on pages that are no longer used can be given back.
        self._connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        self._connection.execute("PRAGMA journal_mode = WAL")
        # What a crash of the machine loses is a second's runs, never the file.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute(f"PRAGMA wal_autocheckpoint = {_JOURNAL_PAGES}")
        self._connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_PAGES * 4096}")
        schema.migrate(self._connection)

    @property
    def in_place(self) -> bool:
        """Whether the file still lies where it was opened: somebody may have deleted it."""
        try:
            return _identity(self._path.stat()) == self._inode
        except FileNotFoundError:
            return False

    def add(self, entries: Sequence[Run | Line | Trim]) -> None:
        """Write runs and lines in this order, all or none, and make room where there are too many.

        Raises:
            sqlite3.Error: They cannot be written.
        """
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for entry in entries:
                if isinstance(entry, Run):
                    self._add_run(entry)
                elif isinstance(entry, Line):
                    self._connection.execute(_ADD_LINE, line_to_row(entry))
                else:
                    self._trim(entry)
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()
        self._make_room()

    def _add_run(self, run: Run) -> None:
        (before,) = self._connection.execute(
            "SELECT coalesce(max(attempt), 0) FROM runs WHERE run_id = ?", (run.run_id,)
        ).fetchone()
        self._connection.execute(_ADD_RUN, {**run_to_row(run), "attempt": before + 1})

    def _trim(self, trim: Trim) -> None:
        first = self._connection.execute(
            "SELECT seq FROM lines WHERE run_id = ? ORDER BY seq DESC LIMIT 1 OFFSET ?", (trim.run_id, trim.keep - 1)
        ).fetchone()
        if first is not None:
            self._connection.execute("DELETE FROM lines WHERE run_id = ? AND seq < ?", (trim.run_id, *first))
            self._connection.execute("UPDATE lines SET text = ? WHERE seq = ?", (trim.text, *first))

    def _make_room(self) -> None:
        first, last = self._connection.execute("SELECT min(seq), max(seq) FROM runs").fetchone()
        if first is not None and last - first >= self._max_rows:
            self._forget_before(last - int(self._max_rows * _SPARE))
        if self._size_bytes() <= self._max_bytes:
            return
        while self._size_bytes() > self._max_bytes * _SPARE:
            first, last = self._connection.execute("SELECT min(seq), max(seq) FROM runs").fetchone()
            if first is None:
                break
            self._forget_before(first + 1 + (last - first) // 10)
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _size_bytes(self) -> int:
        size, count = (self._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count"))
        return int(size * count)

    def _forget_before(self, seq: int) -> None:
        """Delete the runs before one, and the lines of calls that are older than any that is left."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.execute("DELETE FROM runs WHERE seq < ?", (seq,))
            # Run ids rise with time.
            self._connection.execute("DELETE FROM lines WHERE run_id < coalesce((SELECT min(run_id) FROM runs), 'g')")
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()
        # As a script: the statement gives back one page for each step, and `execute` takes one step only.
        self._connection.executescript("PRAGMA incremental_vacuum")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
