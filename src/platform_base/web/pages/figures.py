"""The numbers behind the pictures of a run: no more of them than there are pixels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from platform_base.plots.recognition import Alignment, recognize
from platform_base.web.decimation import decimate
from platform_base.web.heatmap import draw_heatmap
from platform_base.web.pages.run_lookup import find_run
from platform_base.web.panels import find_series
from platform_base.web.runs import Run

_MAX_WIDTH = 4000
_MAX_TRACES = 32


async def show_series(request: Request) -> Response:
    """Answer with a range of some series: ``x`` sample numbers, ``ys`` values, None for a gap.

    Query: ``trace`` for each of them, ``start``, ``stop`` (samples), ``width`` (pixels).
    """
    run = find_run(request)
    return await answer_series(request, lambda key: find_series(key, run.result, run.inputs))


async def answer_series(request: Request, find: Callable[[str], NDArray[np.float64] | None]) -> Response:
    """Answer `show_series`, wherever the numbers of a key are."""
    keys = request.query_params.getlist("trace")[:_MAX_TRACES]
    found = [find(key) for key in keys]
    series = [each for each in found if each is not None]
    if not series or len(series) != len(found):
        raise HTTPException(404, "trace")
    length = max(map(len, series))
    start, stop = _range(request, length)
    width = _number(request, "width", 800, 1, _MAX_WIDTH)
    return JSONResponse(await run_in_threadpool(_decimated, series, start, stop, width))


def _decimated(series: list[NDArray[np.float64]], start: int, stop: int, width: int) -> dict[str, Any]:
    """Return all series on the grid of the longest: shorter ones end in gaps."""
    places = np.arange(start, stop)
    ys = []
    for each in series:
        part = each[start : min(stop, len(each))]
        if len(part) < stop - start:
            part = np.concatenate([part, np.full(stop - start - len(part), np.nan)])
        places, values = decimate(part, 0, stop - start, width)
        ys.append(_finite(values))
    return {"x": (places + start).tolist(), "ys": ys, "start": start, "stop": stop}


async def show_connectors(request: Request) -> Response:
    """Answer with pairs of an alignment inside a range: samples, values, and every how many-th is shown."""
    alignment = await run_in_threadpool(_alignment, find_run(request))
    start, stop = _range(request, max(len(alignment.reference), len(alignment.target)))
    most = _number(request, "most", 90, 1, 500)
    path = alignment.path
    inside = path[(path.min(axis=1) >= start) & (path.max(axis=1) < stop)]
    step = max(1, math.ceil(len(inside) / most))
    shown = inside[::step]
    first = alignment.reference.reshape(len(alignment.reference), -1)[:, 0]
    second = alignment.target.reshape(len(alignment.target), -1)[:, 0]
    i, j = shown[:, 0], shown[:, 1]
    return JSONResponse(
        {"i": i.tolist(), "j": j.tolist(), "y": _finite(first[i]), "z": _finite(second[j]), "every": step}
    )


async def show_path(request: Request) -> Response:
    """Answer with a path: ``i`` and ``j``; a part of its pairs where there are more than ``most``."""
    path = (await run_in_threadpool(_alignment, find_run(request))).path
    most = _number(request, "most", 3000, 2, 20_000)
    chosen = np.unique(np.linspace(0, len(path) - 1, min(most, len(path))).round().astype(np.int64))
    return JSONResponse({"i": path[chosen, 0].tolist(), "j": path[chosen, 1].tolist()})


async def show_matrix(request: Request) -> Response:
    """Answer with a matrix of the result as a picture; ``plane=1`` turns it so that its rows run to the right."""
    run = find_run(request)
    name = request.query_params.get("name", "")
    result = run.result
    value = None if result is None else result.values if name == "values" else result.metadata.get(name)
    if not isinstance(value, np.ndarray) or value.ndim != 2 or value.dtype.kind not in "biuf" or not value.size:
        raise HTTPException(404, "matrix")
    matrix = value.T if request.query_params.get("plane") == "1" else value
    return Response(await run_in_threadpool(draw_heatmap, matrix), media_type="image/png")


def _alignment(run: Run) -> Alignment:
    subject = recognize(run.result, run.inputs) if run.result is not None else None
    if not isinstance(subject, Alignment):
        raise HTTPException(404, "path")
    return subject


def _range(request: Request, length: int) -> tuple[int, int]:
    start = _number(request, "start", 0, 0, length)
    stop = _number(request, "stop", length, 0, length)
    return min(start, stop), stop


def _number(request: Request, name: str, default: int, lowest: int, highest: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or len(text) > 15:
        raise HTTPException(422, f"{name}: expected a whole number, got {text[:20]!r}")
    return min(max(int(text), lowest), highest)


def _finite(values: NDArray[np.float64]) -> list[float | None]:
    """Return numbers as JSON knows them; what is not finite is a gap."""
    return [value if math.isfinite(value) else None for value in values.tolist()]


ROUTES = [
    Route("/runs/{key}/series", show_series),
    Route("/runs/{key}/connectors", show_connectors),
    Route("/runs/{key}/path", show_path),
    Route("/runs/{key}/matrix.png", show_matrix),
]
