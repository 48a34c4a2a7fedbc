"""The registry's figures for Prometheus."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from platform_base.web.desk import desk_of

_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def show_metrics(request: Request) -> Response:
    """Answer with Prometheus' text format."""
    text = await run_in_threadpool(desk_of(request).registry.metrics_text)
    return PlainTextResponse(text, media_type=_TYPE)


ROUTES = [Route("/metrics", show_metrics)]
