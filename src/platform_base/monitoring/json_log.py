"""Log records as JSON, one object on each line, for programs that collect logs."""

from __future__ import annotations

import datetime
import json
import logging

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""Attributes that every record has; what else there is came through ``extra``."""


class JsonFormatter(logging.Formatter):
    """Writes each record as one JSON object on one line.

    Keys that are always there: ``time`` (ISO 8601, UTC), ``level``, ``logger``, ``message``. What was passed as
    ``extra`` stands beside them: ``run_id`` and ``plugin_id`` where a record belongs to a call. ``exception`` is a
    traceback.

    Example:
        >>> facts = {"msg": "late", "levelname": "INFO", "name": "a", "created": 0.0, "run_id": "01"}
        >>> record = logging.makeLogRecord(facts)
        >>> print(JsonFormatter().format(record))
        {"time": "1970-01-01T00:00:00.000+00:00", "level": "INFO", "logger": "a", "message": "late", "run_id": "01"}
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return one line; what JSON does not know is written as its text."""
        created = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        facts = {
            "time": created.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        facts |= {name: value for name, value in vars(record).items() if name not in _STANDARD and name not in facts}
        if record.exc_info:
            facts["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            facts["stack"] = self.formatStack(record.stack_info)
        return json.dumps(facts, ensure_ascii=False, default=str)
