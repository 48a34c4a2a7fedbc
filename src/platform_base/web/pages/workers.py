"""The processes that run plugins now."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from platform_base.web.desk import desk_of
from platform_base.web.views import render


async def show_workers(request: Request) -> Response:
    """Show all of them; the table alone where the page asks for it anew."""
    workers = await run_in_threadpool(desk_of(request).registry.list_workers)
    template = "_workers.html" if request.headers.get("HX-Request") == "true" else "workers.html"
    return render(request, template, workers=workers)


ROUTES = [Route("/workers", show_workers)]
