"""Runs: all of them, one of them while it works and when it has ended; cancelling."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from platform_base.plots.recognition import as_series
from platform_base.plugins.errors import PluginError
from platform_base.plugins.registry import PluginRegistry
from platform_base.web.desk import desk_of
from platform_base.web.pages.downloads import offered
from platform_base.web.pages.run_lookup import find_run
from platform_base.web.panels import Panel, find_series, make_panels
from platform_base.web.runs import Run
from platform_base.web.views import language_of, render

_PICTURE_WORDS = (
    "range", "failed", "connectors", "samples", "seconds", "hertz", "nyquist", "decibels", "radians", "row", "column",
    "window", "path", "before", "after", "result",
)  # fmt: skip


async def show_runs(request: Request) -> Response:
    """Show the calls that were made here."""
    return render(request, "runs.html", runs=desk_of(request).runs.all())


async def show_run(request: Request) -> Response:
    """Show one call."""
    run = find_run(request)
    panels = make_panels(run.result, run.inputs) if run.result is not None else []
    changed, unchanged = _part_parameters(desk_of(request).registry, run)
    return render(
        request,
        "run.html",
        run=run,
        changed=changed,
        unchanged=unchanged,
        panels=[_describe(run, panel) for panel in panels],
        numbers=_numbers(run),
        words=_picture_words(request),
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


def _picture_words(request: Request) -> dict[str, str]:
    """Return the words that the script on the page writes."""
    language = language_of(request)[1]
    return {name: language.words[f"panel.{name}"] for name in _PICTURE_WORDS}


def _describe(run: Run, panel: Panel) -> dict[str, Any]:
    """Return a panel as the script on the page reads it, and what a screen reader says of it."""
    summaries = []
    for trace in panel.traces:
        series = find_series(trace.key, run.result, run.inputs)
        if series is not None:
            summaries.append({"name": trace.name, **summarize(series)})
    return {**dataclasses.asdict(panel), "summaries": summaries}


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


def summarize(series: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, Any]:
    """Return ``minimum``, ``maximum``, ``mean`` (None without any number) and ``missing``, the number of NaN."""
    known = series[~np.isnan(series)]
    facts = {"samples": len(series), "missing": int(series.size - known.size)}
    if not known.size:
        return {**facts, "minimum": None, "maximum": None, "mean": None}
    return {**facts, "minimum": float(known.min()), "maximum": float(known.max()), "mean": float(known.mean())}


ROUTES = [
    Route("/runs", show_runs),
    Route("/runs/{key}", show_run),
    Route("/runs/{key}/status", show_status),
    Route("/runs/{key}/cancel", cancel_run, methods=["POST"]),
]
