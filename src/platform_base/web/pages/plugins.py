"""The plugins: which there are, how they stand, what they have done."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from platform_base.plugins.errors import IncompatiblePluginError
from platform_base.plugins.registry import PluginInfo
from platform_base.web.desk import Desk, desk_of
from platform_base.web.reading import READER_ID
from platform_base.web.remembered import last_failure
from platform_base.web.views import render


async def show_plugins(request: Request) -> Response:
    """Show all of them, and what is wrong with any."""
    desk = desk_of(request)
    found = [info for info in desk.registry.list_plugins() if info["id"] != READER_ID]
    return render(
        request,
        "plugins.html",
        plugins=await run_in_threadpool(lambda: [describe(desk, info) for info in found]),
        problems=[str(problem) for problem in desk.registry.problems],
    )


def describe(desk: Desk, info: PluginInfo) -> dict[str, Any]:
    """Return what the page says of a plugin: the registry's row, state, figures, limits, and its last death."""
    state = "disabled" if info["disabled"] else "loaded" if info["loaded"] else "ready"
    stats = None
    try:
        stats = desk.registry.get_plugin_stats(info["id"])
    except IncompatiblePluginError:
        state = "incompatible"
    return {
        **info,
        "state": state,
        "stats": stats,
        "last_cause": info["disabled"] or last_failure(desk, info["id"]),
        "security": desk.registry.settings.security_for(info["id"]),
    }


ROUTES = [Route("/", show_plugins)]
