"""Runs: all of them, one of them while it works and when it has ended; cancelling."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from platform_base.plots.recognition import as_series
from platform_base.plugins.errors import PluginError
from platform_base.plugins.registry import PluginRegistry
from platform_base.web.desk import desk_of
from platform_base.web.pages.downloads import offered
from platform_base.web.pages.run_lookup import find_run
from platform_base.web.panels import describe_panel, find_series, make_panels, summarize
from platform_base.web.remembered import history_of, list_rows
from platform_base.web.runs import Run
from platform_base.web.views import language_of, render

_PICTURE_WORDS = (
    "range", "failed", "connectors", "samples", "seconds", "hertz", "nyquist", "decibels", "radians", "row", "column",
    "window", "path", "before", "after", "result",
)  # fmt: skip


async def show_runs(request: Request) -> Response:
    """Show the calls that were made here, and those that the history remembers."""
    desk = desk_of(request)
    chosen = request.query_params.get("plugin") or None
    rows, problem = await run_in_threadpool(list_rows, desk, chosen)
    return render(
        request,
        "runs.html",
        rows=rows,
        problem=problem,
        remembers=history_of(desk) is not None,
        plugin_ids=desk.plugin_ids(),
        chosen=chosen or "",
    )


async def show_run(request: Request) -> Response:
    """Show one call."""
    return await run_in_threadpool(_render_run, request, find_run(request))


def _render_run(request: Request, run: Run) -> Response:
    """Look through all numbers of a run, which may be many millions, and write its page."""
    panels = make_panels(run.result, run.inputs) if run.result is not None else []
    changed, unchanged = _part_parameters(desk_of(request).registry, run)
    return render(
        request,
        "run.html",
        run=run,
        changed=changed,
        unchanged=unchanged,
        panels=[describe_panel(panel, partial(find_series, result=run.result, inputs=run.inputs)) for panel in panels],
        numbers=_numbers(run),
        words=picture_words(request),
        downloads=offered() if run.result is not None else [],
        trace=getattr(run.error, "remote_traceback", ""),
    )


async def show_status(request: Request) -> Response:
    """Answer how far a call is; when it has ended, have the browser fetch the page anew."""
    run = find_run(request)
    answer = render(request, "_status.html", run=run)
    if run.state != "running":
        answer.headers["HX-Refresh"] = "true"
    return answer


async def cancel_run(request: Request) -> Response:
    """Stop a call; its worker is dead when this answers."""
    run = find_run(request)
    await desk_of(request).runs.cancel(run)
    return RedirectResponse(f"/runs/{run.key}", status_code=303)


def _part_parameters(registry: PluginRegistry, run: Run) -> tuple[list[tuple[str, Any]], list[tuple[str, Any]]]:
    """Return the parameters that were changed from their default, and the others."""
    execution = run.result.execution if run.result is not None else None
    used = dict(execution.parameters if execution is not None else run.given)
    try:
        declared = registry.get_manifest(run.plugin_id).configuration
    except PluginError:
        return list(used.items()), []
    defaults = {name: each.default for name, each in declared.items() if not each.required}
    changed = [(name, item) for name, item in used.items() if name not in defaults or item != defaults[name]]
    names = {name for name, _ in changed}
    return changed, [(name, item) for name, item in used.items() if name not in names]


def picture_words(request: Request) -> dict[str, str]:
    """Return the words that the script on the page writes."""
    language = language_of(request)[1]
    return {name: language.words[f"panel.{name}"] for name in _PICTURE_WORDS}


def _numbers(run: Run) -> list[dict[str, Any]]:
    """Return a row of figures for each series: what the pictures show, in words."""
    named = {f"input {name}": value for name, value in run.inputs.items()}
    if run.result is not None:
        named["result"] = run.result.values
    rows = []
    for name, value in named.items():
        series = as_series(value) if not isinstance(value, int | float) else None
        if series is not None and series.size > 1:
            shape = " × ".join(map(str, series.shape))
            rows.append({"name": name, "shape": shape, **summarize(series)})
    return rows


ROUTES = [
    Route("/runs", show_runs),
    Route("/runs/{key}", show_run),
    Route("/runs/{key}/status", show_status),
    Route("/runs/{key}/cancel", cancel_run, methods=["POST"]),
]
