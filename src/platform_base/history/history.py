"""The history file as its readers see it."""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from platform_base.history import schema
from platform_base.history.location import history_path
from platform_base.history.rows import DamagedRowError, reading_rows, row_to_line, row_to_run
from platform_base.history.run import Line, Run
from platform_base.history.schema import UnknownSchemaError
from platform_base.history.summary import PluginSummary, summarize
from platform_base.plugins.errors import HistoryError

_WAIT_S = 5.0
_ID_DIGITS = 32


class History:
    """The runs that were remembered. Reads only, and only when asked; thread-safe.

    Where nothing was written yet there are no runs.

    Example:
        >>> History("/nowhere/history.db").runs()
        []
    """

    def __init__(self, path: str | Path | None = None) -> None:
        """Name the file; it is opened anew for each question.

        Args:
            path: Where it lies; None: where the settings' defaults put it.
        """
        self.path = history_path(path)

    def runs(
        self,
        plugin_id: str | None = None,
        outcome: str | None = None,
        cause: str | None = None,
        since: datetime.datetime | None = None,
        limit: int | None = 50,
    ) -> list[Run]:
        """Return runs, the latest first.

        Args:
            plugin_id: Of this plugin.
            outcome: That ended so: ``"success"``, ``"failure"``, ``"cancelled"`` or ``"refused"``.
            cause: That were ended by this, such as ``"signal SIGSEGV"``, or an error of this class.
            since: That were made then or later; without a time zone: local time.
            limit: At most so many; None: all.

        Raises:
            HistoryError: The file cannot be read.
        """
        conditions, values = _conditions(plugin_id=plugin_id, outcome=outcome, since=since)
        if cause is not None:
            conditions.append("(cause = ? OR error_type = ?)")
            values += [cause, cause]
        order = f"ORDER BY seq DESC{'' if limit is None else ' LIMIT ?'}"
        query = f"SELECT * FROM runs {_where(conditions)} {order}"  # noqa: S608  values travel apart
        with self._asked() as connection:
            if connection is None:
                return []
            rows = connection.execute(query, values if limit is None else [*values, limit])
            return [row_to_run(row) for row in rows]

    def run(self, run_id: str) -> Run:
        """Return one run; of a call that was tried again, the last attempt.

        Args:
            run_id: Its name, or the beginning of it that no other has.

        Raises:
            HistoryError: There is none, or several begin so; or the file cannot be read.
        """
        return self.attempts(run_id)[-1]

    def attempts(self, run_id: str) -> list[Run]:
        """Return every attempt of one call, first to last; nearly always one. Takes and raises what `run` does."""
        wanted = run_id.lower()
        hexadecimal = 0 < len(wanted) <= _ID_DIGITS and set(wanted) <= set("0123456789abcdef")
        with self._asked() as connection:
            if connection is None or not hexadecimal:
                raise self._unknown(run_id, connection)
            rows = connection.execute(
                "SELECT * FROM runs WHERE run_id >= ? AND run_id < ? ORDER BY seq", (wanted, f"{wanted}g")
            ).fetchall()
            names = sorted({row["run_id"] for row in rows})
            if not names:
                raise self._unknown(run_id, connection)
            found = [row_to_run(row) for row in rows] if len(names) == 1 else []
        if len(names) > 1:
            shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            raise HistoryError(f"run {run_id!r}: expected one, got {len(names)}: {shown}; give more digits", run=run_id)
        return found

    def lines(self, run_id: str) -> list[Line]:
        """Return what a plugin printed and logged during one call, first to last.

        Args:
            run_id: As for `run`.

        Raises:
            HistoryError: As `run`.
        """
        name = self.run(run_id).run_id
        return [line for _, line in self.latest_lines(run_id=name, limit=None)]

    def latest_lines(
        self, *, plugin_id: str | None = None, run_id: str | None = None, after: int = 0, limit: int | None = 100
    ) -> list[tuple[int, Line]]:
        """Return the latest lines, first to last, each with a number that rises.

        Args:
            plugin_id: Of this plugin.
            run_id: Of this call; its whole name.
            after: With numbers above this one.
            limit: At most so many; None: all.

        Raises:
            HistoryError: The file cannot be read.
        """
        conditions, values = _conditions(plugin_id=plugin_id, run_id=run_id)
        conditions.append("seq > ?")
        query = f"SELECT * FROM lines {_where(conditions)} ORDER BY seq DESC LIMIT ?"  # noqa: S608  likewise
        with self._asked() as connection:
            if connection is None:
                return []
            rows = connection.execute(query, [*values, after, -1 if limit is None else limit]).fetchall()
            return [(row["seq"], row_to_line(row)) for row in reversed(rows)]

    def summary(self, plugin_id: str | None = None, since: datetime.datetime | None = None) -> list[PluginSummary]:
        """Return what is to be said about each plugin, by plugin id.

        Args:
            plugin_id: Of this plugin alone.
            since: Over the runs that were made then or later; without a time zone: local time.

        Raises:
            HistoryError: The file cannot be read.
        """
        conditions, values = _conditions(plugin_id=plugin_id, since=since)
        columns = "plugin_id, version, outcome, cause, error_type, began, wall_seconds, queue_seconds, cpu_seconds"
        query = f"SELECT {columns}, peak_memory_bytes FROM runs {_where(conditions)} ORDER BY seq"  # noqa: S608  likewise
        with self._asked() as connection:
            if connection is None:
                return []
            with reading_rows():
                return summarize(connection.execute(query, values))

    @contextmanager
    def _asked(self) -> Iterator[sqlite3.Connection | None]:
        """Open the file for one question; None: there is none."""
        if not self.path.exists():
            yield None
            return
        try:
            if not self.path.is_file():  # SQLite would wait for whoever fills a pipe
                raise UnknownSchemaError("no regular file")
            # As an address, so that a name with a question mark stays a name, and nothing is made or changed.
            address = f"{self.path.absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(address, uri=True, timeout=_WAIT_S)) as connection:
                connection.row_factory = sqlite3.Row
                yield connection if schema.check(connection) == len(schema.STEPS) else None
        except (sqlite3.Error, UnknownSchemaError, DamagedRowError) as error:
            raise HistoryError(
                f"{self.path}: expected a history file, got {error}; runs go on without it; to begin anew, delete it",
                run="",
            ) from error

    def _unknown(self, run_id: str, connection: sqlite3.Connection | None) -> HistoryError:
        latest = (
            connection.execute("SELECT DISTINCT run_id FROM runs ORDER BY seq DESC LIMIT 3").fetchall()
            if connection is not None
            else []
        )
        names = ", ".join(row["run_id"] for row in latest) or "none"
        return HistoryError(
            f"expected the name of a run in {self.path}, or the beginning of one, got {run_id!r}; "
            f"the latest are: {names}",
            run=run_id,
        )


def _conditions(
    *,
    plugin_id: str | None = None,
    run_id: str | None = None,
    outcome: str | None = None,
    since: datetime.datetime | None = None,
) -> tuple[list[str], list[Any]]:
    named = {"plugin_id": plugin_id, "run_id": run_id, "outcome": outcome}
    conditions = [f"{column} = ?" for column, value in named.items() if value is not None]
    values: list[Any] = [value for value in named.values() if value is not None]
    if since is not None:
        conditions.append("began >= ?")
        values.append(since.timestamp())
    return conditions, values


def _where(conditions: list[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""
