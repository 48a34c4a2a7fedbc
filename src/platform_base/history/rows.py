"""Runs to rows of the database and back."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from platform_base.history.run import InputFact, Line, Run

RUN_COLUMNS = (
    "run_id", "attempt", "plugin_id", "version", "digest", "began", "outcome", "cause", "error_type", "error",
    "traceback", "queue_seconds", "wall_seconds", "cpu_seconds", "peak_memory_bytes", "details",
)  # fmt: skip
LINE_COLUMNS = ("run_id", "plugin_id", "written", "text")

_DETAILS = ("parameters", "inputs", "limits", "protections", "warnings", "engine", "host", "pid")
_FIGURES = ("queue_seconds", "wall_seconds", "cpu_seconds", "peak_memory_bytes")
_LONGEST_TEXT = 16_000
_LONGEST_VALUE = 2_000
"""A parameter that takes more characters as JSON is remembered by its type and length alone."""


class DamagedRowError(Exception):
    """A row does not hold what was written."""


def run_to_row(run: Run) -> dict[str, Any]:
    """Return the values of one row, by column."""
    facts = {field.name: getattr(run, field.name) for field in dataclasses.fields(Run)}
    details = {name: facts.pop(name) for name in _DETAILS}
    details["parameters"] = {name: _bounded(value) for name, value in run.parameters.items()}
    details["inputs"] = [dataclasses.asdict(fact) for fact in run.inputs]
    return {
        **facts,
        "began": run.began.timestamp(),
        "error": run.error[:_LONGEST_TEXT],
        # What went wrong stands at the end of a traceback.
        "traceback": run.traceback[-_LONGEST_TEXT:],
        "details": json.dumps(details, default=str),
    }


def row_to_run(row: Mapping[str, Any]) -> Run:
    """Return the run of one row; raises `DamagedRowError`."""
    with reading_rows():
        details = json.loads(row["details"])
        inputs = tuple(InputFact(**{**fact, "shape": tuple(fact["shape"])}) for fact in details.pop("inputs"))
        facts = {name: row[name] for name in RUN_COLUMNS if name != "details"}
        facts["began"] = datetime.datetime.fromtimestamp(row["began"], datetime.UTC)
        details |= {name: tuple(details[name]) for name in ("protections", "warnings")}
        if any(not isinstance(facts[name], int | float | None) for name in _FIGURES):
            raise ValueError("text instead of a figure")
        return Run(**facts, **details, inputs=inputs)


def line_to_row(line: Line) -> dict[str, Any]:
    """Return the values of one row, by column."""
    return {
        "run_id": line.run_id,
        "plugin_id": line.plugin_id,
        "written": line.written.timestamp(),
        "text": line.text[:_LONGEST_TEXT],
    }


def row_to_line(row: Mapping[str, Any]) -> Line:
    """Return the line of one row; raises `DamagedRowError`."""
    with reading_rows():
        written = datetime.datetime.fromtimestamp(row["written"], datetime.UTC)
        return Line(run_id=row["run_id"], plugin_id=row["plugin_id"], written=written, text=row["text"])


@contextmanager
def reading_rows() -> Iterator[None]:
    """Turn whatever a damaged row leads to into a `DamagedRowError`."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise DamagedRowError(f"a row that is damaged ({type(error).__name__}: {error})") from error


def _bounded(value: Any) -> Any:
    text = json.dumps(value, default=str)
    if len(text) <= _LONGEST_VALUE:
        return value
    return f"<{type(value).__name__} of {len(value)}>" if hasattr(value, "__len__") else text[:_LONGEST_VALUE]
