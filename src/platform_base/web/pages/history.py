"""What the history remembers: one run, and two of them side by side."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from platform_base.history.history import History
from platform_base.history.run import Line, Run
from platform_base.plots.recognition import as_series
from platform_base.plugins.errors import HistoryError
from platform_base.web.comparison import compare, describe_input
from platform_base.web.desk import desk_of
from platform_base.web.pages.figures import answer_series
from platform_base.web.pages.runs import picture_words
from platform_base.web.panels import Panel, Trace, describe_panel, find_series
from platform_base.web.remembered import STATES, history_of
from platform_base.web.runs import Run as PageRun
from platform_base.web.views import render


def _history(request: Request) -> History:
    history = history_of(desk_of(request))
    if history is None:
        raise HTTPException(404, "history: expected to be on, got off; see the key history in the settings")
    return history


async def show_remembered(request: Request) -> Response:
    """Show a run that the history knows."""
    history = _history(request)

    def read() -> tuple[list[Run], list[Line]]:
        attempts = history.attempts(request.path_params["run_id"])
        return attempts, history.lines(attempts[-1].run_id)

    try:
        attempts, lines = await run_in_threadpool(read)
    except HistoryError as error:
        raise HTTPException(404, str(error)) from error
    run = attempts[-1]
    inputs = {fact.name: describe_input(fact) for fact in run.inputs}
    return render(
        request,
        "remembered.html",
        run=run,
        state_name=STATES[run.outcome],
        inputs=inputs,
        lines=lines,
        earlier=attempts[:-1],
    )


async def show_comparison(request: Request) -> Response:
    """Show two runs side by side; their results too where both are still there."""
    history, names = _history(request), request.query_params.getlist("run")
    if len(names) != 2:
        return render(request, "compare.html", status=422, runs=[], facts=[], panels=[], words={})
    try:
        runs = await run_in_threadpool(lambda: [history.run(name) for name in names])
    except HistoryError as error:
        raise HTTPException(404, str(error)) from error
    first, second = sorted(runs, key=lambda run: run.began)
    pair = [_find_here(request, run.run_id) for run in (first, second)]
    return render(
        request,
        "compare.html",
        runs=[(run, STATES[run.outcome], here) for run, here in zip((first, second), pair, strict=True)],
        facts=compare(first, second),
        panels=[describe_panel(panel, _finder(pair)) for panel in _overlay(pair)],
        words=picture_words(request),
    )


def _find_here(request: Request, run_id: str) -> PageRun | None:
    return next((run for run in desk_of(request).runs.all() if run.run_id == run_id), None)


def _overlay(pair: list[PageRun | None]) -> list[Panel]:
    """Return one picture of both results, if both are series."""
    series = [as_series(run.result.values) if run is not None and run.result is not None else None for run in pair]
    lengths = [len(each) for each in series if each is not None and each.size > 1]
    if len(lengths) < 2:
        return []
    traces = (Trace(key="0.values:0", name="A"), Trace(key="1.values:0", name="B"))
    return [Panel(kind="lines", title="panel.result", traces=traces, length=max(lengths), step=1.0, facts={})]


def _finder(pair: list[PageRun | None]) -> Any:
    """Return what finds the numbers of ``0.KEY`` in the first run and of ``1.KEY`` in the second."""

    def find(key: str) -> Any:
        place, _, rest = key.partition(".")
        run = pair[int(place)] if place in ("0", "1") else None
        return find_series(rest, run.result, run.inputs) if run is not None else None

    return find


async def show_pair_series(request: Request) -> Response:
    """Answer as `figures.show_series` does, for two runs."""
    pair = [_find_here(request, request.path_params[name]) for name in ("first", "second")]
    return await answer_series(request, _finder(pair))


ROUTES = [
    Route("/history/{run_id}", show_remembered),
    Route("/compare", show_comparison),
    Route("/compare/{first}/{second}/series", show_pair_series),
]
