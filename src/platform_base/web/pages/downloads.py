"""Results as files: the formats of the command line, and pictures."""

from __future__ import annotations

from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from platform_base.core.result_formats import RESULT_WRITERS, UnsuitableFormatError
from platform_base.plots.figure import UndrawableError, check_matplotlib, render_figure
from platform_base.plots.plots import draw_result
from platform_base.web.desk import desk_of
from platform_base.web.pages.run_lookup import find_run
from platform_base.web.written_response import WrittenResponse

_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "npz": "application/octet-stream",
    "npy": "application/octet-stream",
    "json": "application/json",
    "png": "image/png",
    "svg": "image/svg+xml",
}
_PICTURES = ("png", "svg")


def offered() -> list[str]:
    """Return the formats that can be written here: pictures take Matplotlib."""
    try:
        check_matplotlib()
    except ImportError:
        return [kind for kind in _TYPES if kind not in _PICTURES]
    return list(_TYPES)


async def download(request: Request) -> Response:
    """Answer with the result as a file."""
    run, kind = find_run(request), request.path_params["kind"]
    if run.result is None or kind not in offered():
        raise HTTPException(404, f"{kind}: expected one of {', '.join(offered())}")
    name = f"{run.plugin_id}-{run.run_id[:12] or run.key}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    try:
        if kind in _PICTURES:
            draw = partial(draw_result, result=run.result, inputs=run.inputs)
            async with desk_of(request).drawing:
                content = await run_in_threadpool(render_figure, draw, kind)
            return Response(content, media_type=_TYPES[kind], headers=headers)
        write = partial(RESULT_WRITERS[f".{kind}"], run.result)
        return await WrittenResponse.make(write, media_type=_TYPES[kind], headers=headers)
    except (UnsuitableFormatError, UndrawableError) as error:
        raise HTTPException(409, f"{kind}: {error}") from error
    except OSError as error:
        raise HTTPException(507, f"{kind}: expected room for a temporary file, got: {error}") from error


ROUTES = [Route("/runs/{key}/download/{kind}", download)]
