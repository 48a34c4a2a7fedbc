"""The ASGI application: the gate, the pages behind it, and what is kept while it runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from platform_base.plugins.registry import PluginRegistry
from platform_base.web.body_limit import BodyLimit
from platform_base.web.desk import Desk
from platform_base.web.gate import Gate
from platform_base.web.languages import load_languages
from platform_base.web.pages import downloads, figures, history, metrics, plugin, plugins, runs, uploads, workers
from platform_base.web.reading import add_reader
from platform_base.web.runs import Runs
from platform_base.web.uploads import Uploads
from platform_base.web.views import make_environment, render


def make_application(registry: PluginRegistry, *, token: str) -> Starlette:
    """Return the page for a registry.

    Args:
        registry: Its plugins are shown and run; the caller closes it, after the application.
        token: What whoever may enter knows.
    """
    add_reader(registry)
    desk = Desk(
        registry=registry,
        uploads=Uploads(),
        runs=Runs(registry),
        languages=load_languages(),
        templates=make_environment(),
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await desk.runs.close()

    routes: list[BaseRoute] = [
        *plugins.ROUTES,
        *plugin.ROUTES,
        *uploads.ROUTES,
        *runs.ROUTES,
        *figures.ROUTES,
        *downloads.ROUTES,
        *workers.ROUTES,
        *history.ROUTES,
        *metrics.ROUTES,
        Mount("/static", StaticFiles(directory=str(files("platform_base.web").joinpath("static")))),
    ]
    application = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[Middleware(Gate, token=token), Middleware(BodyLimit)],
        exception_handlers={HTTPException: _explain, Exception: _apologize},
    )
    application.state.desk = desk
    return application


async def _apologize(request: Request, error: Exception) -> Response:
    """Answer where the page itself is at fault; the server's log has the traceback."""
    return PlainTextResponse(f"This page failed: {type(error).__name__}. The terminal says where.\n", status_code=500)


async def _explain(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return render(request, "missing.html", status=error.status_code, detail=str(error.detail))
