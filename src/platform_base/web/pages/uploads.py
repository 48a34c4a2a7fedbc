"""Files come, are read by a worker, and go."""

from __future__ import annotations

from pathlib import PurePosixPath

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from platform_base.plugins.errors import PluginError
from platform_base.web.desk import desk_of
from platform_base.web.pages.plugin import find_manifest, render_plugin
from platform_base.web.reading import UploadError, read_upload


async def take_file(request: Request) -> Response:
    """Read an uploaded file and go back to the plugin's page, where its columns can be chosen now."""
    desk = desk_of(request)
    manifest = find_manifest(desk, request.query_params.get("plugin", ""))
    async with request.form(max_files=1, max_fields=4) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            return await render_plugin(
                request, manifest, source_errors={"upload": "expected a file, got none"}, status=422
            )
        name = PurePosixPath(file.filename.replace("\\", "/")).name
        try:
            columns, left_out, remark = await read_upload(desk.registry, name, file.file, file.size or 0)
        except (UploadError, PluginError) as error:
            return await render_plugin(request, manifest, source_errors={"upload": str(error)}, status=422)
    upload = desk.uploads.add(name, columns, left_out, remark)
    return RedirectResponse(f"/plugins/{manifest.plugin_id}?upload={upload.upload_id}#data", status_code=303)


async def forget_file(request: Request) -> Response:
    """Forget an uploaded file."""
    desk = desk_of(request)
    manifest = find_manifest(desk, request.query_params.get("plugin", ""))
    if desk.uploads.get(request.path_params["upload_id"]) is None:
        raise HTTPException(404, "this file is gone already")
    desk.uploads.remove(request.path_params["upload_id"])
    return RedirectResponse(f"/plugins/{manifest.plugin_id}#data", status_code=303)


ROUTES = [
    Route("/uploads", take_file, methods=["POST"]),
    Route("/uploads/{upload_id}/remove", forget_file, methods=["POST"]),
]
