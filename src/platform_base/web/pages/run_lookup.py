"""The run that an address names."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request

from platform_base.web.desk import desk_of
from platform_base.web.runs import Run


def find_run(request: Request) -> Run:
    """Return the run that an address names; one that is gone is a missing page."""
    run = desk_of(request).runs.get(request.path_params["key"])
    if run is None:
        raise HTTPException(404, "run")
    return run
