"""The tables of a history file, and how older files become newer ones.

A step is never changed once it was released: a file says in its ``user_version`` how many it has taken.
"""

from __future__ import annotations

import sqlite3

APPLICATION_ID = 0x70624869
"""Says in the file's header whose it is: ``pbHi``."""

STEPS = (
    """
    CREATE TABLE runs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        run_id TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        plugin_id TEXT NOT NULL,
        version TEXT NOT NULL,
        digest TEXT NOT NULL,
        began REAL NOT NULL,
        outcome TEXT NOT NULL,
        cause TEXT NOT NULL,
        error_type TEXT NOT NULL,
        error TEXT NOT NULL,
        traceback TEXT NOT NULL,
        queue_seconds REAL NOT NULL,
        wall_seconds REAL NOT NULL,
        cpu_seconds REAL,
        peak_memory_bytes INTEGER,
        details TEXT NOT NULL
    );
    CREATE INDEX runs_by_id ON runs (run_id);
    CREATE INDEX runs_by_plugin ON runs (plugin_id, seq);
    """,
    """
    CREATE TABLE lines (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        run_id TEXT NOT NULL,
        plugin_id TEXT NOT NULL,
        written REAL NOT NULL,
        text TEXT NOT NULL
    );
    CREATE INDEX lines_by_run ON lines (run_id);
    """,
)


class UnknownSchemaError(Exception):
    """The file is of a later version, or another program's."""


def check(connection: sqlite3.Connection) -> int:
    """Return how many steps a file has taken; 0: it is empty.

    Raises:
        UnknownSchemaError: It is none that this version knows.
    """
    # In one statement, which sees one state of the file: another process may be making it.
    version, owner, tables = connection.execute(
        "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_master) "
        "FROM pragma_user_version, pragma_application_id"
    ).fetchone()
    if (tables or version) and owner != APPLICATION_ID:
        raise UnknownSchemaError("expected a history file, got the database of another program")
    if version > len(STEPS):
        raise UnknownSchemaError(
            f"expected a history file of version {len(STEPS)} or older, got version {version}; a later version of "
            "platform_base wrote it"
        )
    return int(version)


def migrate(connection: sqlite3.Connection) -> None:
    """Take the steps that a file has not taken; several processes may try at once.

    Raises:
        UnknownSchemaError: As `check`.
        sqlite3.Error: The file cannot be written.
    """
    if check(connection) == len(STEPS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for number in range(check(connection), len(STEPS)):  # another process may have been faster
            for statement in STEPS[number].split(";"):
                if statement.strip():
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
