"""Runs as the page lists them: those that were made here, and those that the history remembers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from platform_base.plugins.errors import HistoryError
from platform_base.web.reading import READER_ID
from platform_base.web.runs import Run as PageRun

if TYPE_CHECKING:
    from platform_base.history.history import History
    from platform_base.history.run import Run
    from platform_base.web.desk import Desk

STATES = {"success": "done", "failure": "failed", "cancelled": "cancelled", "refused": "refused"}
_LISTED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the list.

    Attributes:
        address: Where the run is shown.
        run_id: The platform's name of the call; empty: not known yet, or never.
        plugin_id: The plugin.
        version: Its version.
        state: A word of the section ``state`` of the catalogues.
        began: Seconds since the epoch.
        seconds: How long it took, or has taken.
        memory_bytes: Largest memory of its worker; None: not known.
        cause: Why it failed; may be empty.
        remembered: Whether the history has it.
    """

    address: str
    run_id: str
    plugin_id: str
    version: str
    state: str
    began: float
    seconds: float
    memory_bytes: int | None
    cause: str
    remembered: bool


def history_of(desk: Desk) -> History | None:
    """Return the history that calls are written to; None: they are not."""
    return desk.registry.history if desk.registry.settings.history.enabled else None


def list_rows(desk: Desk, plugin_id: str | None = None) -> tuple[list[Row], str]:
    """Return the latest runs, the latest first, and why the history is missing among them; mostly empty."""
    history = history_of(desk)
    problem = ""
    found: list[Run] = []
    if history is not None:
        try:
            found = [run for run in history.runs(plugin_id, limit=_LISTED) if run.plugin_id != READER_ID]
        except HistoryError as error:
            problem = str(error)
    here = {run.run_id: run for run in desk.runs.all() if run.run_id}
    known = {run.run_id for run in found}
    rows = [_from_history(run, here.get(run.run_id)) for run in found]
    rows += [_from_page(run) for run in desk.runs.all() if run.run_id not in known and _wanted(run, plugin_id)]
    return sorted(rows, key=lambda row: row.began, reverse=True), problem


def last_failure(desk: Desk, plugin_id: str) -> str:
    """Return the cause of a plugin's latest failure; empty: none is known."""
    return next(_failures(desk, plugin_id), "")


def _failures(desk: Desk, plugin_id: str) -> Iterator[str]:
    run = desk.runs.last_failure(plugin_id)
    if run is not None:
        yield cause_of(run)
    history = history_of(desk)
    if history is not None:
        try:
            yield from (each.cause or each.error_type for each in history.runs(plugin_id, "failure", limit=1))
        except HistoryError:
            return  # The list of runs says so; here only the latest cause is missing.


def cause_of(run: PageRun) -> str:
    """Return why a run failed, in a few words; empty: it did not."""
    if run.state != "failed" or run.error is None:
        return ""
    return str(getattr(run.error, "cause", "") or type(run.error).__name__)


def _wanted(run: PageRun, plugin_id: str | None) -> bool:
    return plugin_id is None or run.plugin_id == plugin_id


def _from_page(run: PageRun) -> Row:
    execution = run.result.execution if run.result is not None else None
    return Row(
        address=f"/runs/{run.key}",
        run_id=run.run_id,
        plugin_id=run.plugin_id,
        version=run.version,
        state=run.state,
        began=run.began,
        seconds=execution.wall_seconds if execution is not None else run.seconds,
        memory_bytes=execution.peak_memory_bytes if execution is not None else None,
        cause=cause_of(run),
        remembered=False,
    )


def _from_history(run: Run, here: PageRun | None) -> Row:
    return Row(
        address=f"/runs/{here.key}" if here is not None else f"/history/{run.run_id}",
        run_id=run.run_id,
        plugin_id=run.plugin_id,
        version=run.version,
        state=STATES[run.outcome],
        began=run.began.timestamp(),
        seconds=run.wall_seconds,
        memory_bytes=run.peak_memory_bytes,
        cause=run.cause or run.error_type,
        remembered=True,
    )
