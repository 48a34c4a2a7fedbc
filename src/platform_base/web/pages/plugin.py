"""One plugin: what it is, a form for its parameters, its inputs; and the start of a run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from platform_base.plugins.errors import PluginError, PluginNotFoundError
from platform_base.plugins.generators import generate
from platform_base.plugins.manifest import Manifest
from platform_base.series.recordings import RECORDINGS, find_recording
from platform_base.web.columns import choose_from
from platform_base.web.desk import Desk, desk_of
from platform_base.web.forms import make_fields, part_fields, read_parameters
from platform_base.web.index import read_index
from platform_base.web.pages.plugins import describe
from platform_base.web.reading import READER_ID, UploadError
from platform_base.web.readme import MAX_BYTES, render_readme
from platform_base.web.runs import BusyError, Run
from platform_base.web.sources import (
    GENERATED,
    SourceError,
    choose_columns,
    default_source,
    find_slots,
    make_example,
    parse_typed,
)
from platform_base.web.views import language_of, render

_EXTRA = ("x1", "x2")
"""Rows for inputs that no self-test of the plugin names."""
_PATIENCE_S = 0.4
"""A call that is done so soon is shown done at once, without the page of its progress."""
_MAX_TIMEOUT_S = 1e6
_MAX_PLACES = 100


def find_manifest(desk: Desk, plugin_id: str) -> Manifest:
    """Return a plugin's manifest; an unknown one is a missing page."""
    try:
        if plugin_id != READER_ID:
            return desk.registry.get_manifest(plugin_id)
        detail = plugin_id
    except PluginError as error:
        detail = str(error)
    raise HTTPException(404, detail)


async def show_plugin(request: Request) -> Response:
    """Show a plugin; with ``from``, the form as it was for an earlier run."""
    desk = desk_of(request)
    manifest = find_manifest(desk, request.path_params["plugin_id"])
    earlier = desk.runs.get(request.query_params.get("from", ""))
    if earlier is not None and earlier.plugin_id == manifest.plugin_id:
        return await render_plugin(request, manifest, texts=earlier.texts, sources=earlier.sources)
    chosen = request.query_params.get("upload", "")
    sources = {}
    if chosen and desk.uploads.get(chosen) is not None:
        sources = {slot.name: {"source": f"upload:{chosen}"} for slot in find_slots(manifest)}
    return await render_plugin(request, manifest, sources=sources)


async def render_plugin(
    request: Request,
    manifest: Manifest,
    *,
    texts: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    sources: Mapping[str, Mapping[str, Any]] | None = None,
    source_errors: Mapping[str, str] | None = None,
    timeout: str = "",
    notice: str = "",
    status: int = 200,
) -> Response:
    """Show a plugin's page with what was entered so far, and what is wrong with it."""
    desk = desk_of(request)
    row = next(info for info in desk.registry.list_plugins() if info["id"] == manifest.plugin_id)
    first, more = part_fields(make_fields(manifest.configuration, texts or {}, errors or {}))
    slots = []
    for place, slot in enumerate(find_slots(manifest)):
        entered = dict((sources or {}).get(slot.name, {}))
        entered.setdefault("source", default_source(slot, place))
        parts = await _source_parts(desk, slot.name, entered, place)
        slots.append({"slot": slot, **parts})
    known = {slot["key"] for slot in slots}
    extras = [each for name, each in (sources or {}).items() if name not in known]
    extra_rows = []
    for place, key in enumerate(_EXTRA):
        entered = dict(extras[place]) if place < len(extras) else {"source": "", "name": ""}
        extra_rows.append({"name": entered.get("name", ""), **await _source_parts(desk, key, entered, 0)})
    return render(
        request,
        "plugin.html",
        status=status,
        followed=f"/plugins/{manifest.plugin_id}",
        manifest=manifest,
        plugin=await asyncio.to_thread(describe, desk, row),
        first=first,
        more=more,
        more_open=any(field.error or field.is_changed for field in more),
        slots=slots,
        extra_rows=extra_rows,
        generated=list(GENERATED),
        recordings=[name for name in RECORDINGS if find_recording(name) is not None],
        uploads=desk.uploads.all(),
        errors=dict(errors or {}),
        source_errors=dict(source_errors or {}),
        timeout=timeout,
        notice=notice,
        readme=await asyncio.to_thread(_read_readme, manifest, row["directory"]),
    )


async def _source_parts(desk: Desk, key: str, entered: Mapping[str, Any], place: int) -> dict[str, Any]:
    """Return what the fragment below an input's choice shows: columns of a file, or a field for numbers."""
    source = str(entered.get("source", ""))
    kind, _, rest = source.partition(":")
    upload = desk.uploads.get(rest) if kind == "upload" else None
    if kind == "recording":
        try:
            upload = await desk.recording(rest)
        except (SourceError, UploadError, PluginError):
            upload = None
    # Whoever looks for columns has seen what is ticked, and may have unticked it.
    default = None if "find" in entered else place
    columns = choose_from(upload, entered.get("columns", ()), str(entered.get("find", "")), default)
    typed = entered.get("typed", "")
    return {"key": key, "place": place, "source": source, "upload": upload, "columns": columns, "typed": typed}


def _read_readme(manifest: Manifest, directory: str) -> Any:
    """Return a plugin's README as HTML; empty where it has none that can be shown."""
    if manifest.documentation.readme is None:
        return ""
    root = Path(directory).resolve()
    path = (root / manifest.documentation.readme).resolve()
    # A link that leads out of the plugin's directory would show a stranger's choice of this user's files.
    if not path.is_relative_to(root) or not path.is_file() or path.stat().st_size > MAX_BYTES:
        return ""
    return render_readme(path.read_text(encoding="utf-8", errors="replace"))


async def show_source(request: Request) -> Response:
    """Answer with what belongs below an input's choice."""
    desk = desk_of(request)
    manifest, query = find_manifest(desk, request.path_params["plugin_id"]), request.query_params
    key = query.get("key", "")
    entered: dict[str, Any] = {"source": query.get(f"s.{key}", ""), "columns": query.getlist(f"c.{key}")}
    if f"f.{key}" in query:
        entered["find"] = query[f"f.{key}"]
    parts = await _source_parts(desk, key, entered, read_index(query.get("place", "0"), _MAX_PLACES) or 0)
    return render(request, "_source.html", manifest=manifest, **parts)


async def start_run(request: Request) -> Response:
    """Check what was entered; begin the call, or show the form again with what is wrong."""
    desk = desk_of(request)
    manifest = find_manifest(desk, request.path_params["plugin_id"])
    async with request.form() as form:
        texts_of = {name: value for name, value in form.items() if isinstance(value, str)}
        given, texts, errors = read_parameters(manifest.plugin_id, manifest.configuration, texts_of)
        sources = _read_sources(manifest, form)
    inputs, origins, source_errors = await _make_inputs(request, manifest, sources)
    timeout_s, timeout_error = _read_timeout(texts_of.get("timeout", ""))
    if timeout_error:
        errors["timeout"] = language_of(request)[1].say("form.timeout_error")
    entered: dict[str, Any] = {"texts": texts, "sources": sources, "timeout": texts_of.get("timeout", "")}
    if errors or source_errors:
        return await render_plugin(request, manifest, errors=errors, source_errors=source_errors, status=422, **entered)
    try:
        run = desk.runs.start(
            manifest.plugin_id,
            manifest.version,
            inputs=inputs,
            sources=sources,
            origins=origins,
            given=given,
            texts=texts,
            timeout_s=timeout_s,
        )
    except BusyError as error:
        return await render_plugin(request, manifest, notice=str(error), status=503, **entered)
    await _wait_a_moment(run)
    return RedirectResponse(f"/runs/{run.key}", status_code=303)


async def _wait_a_moment(run: Run) -> None:
    if run.task is not None:
        await asyncio.wait({run.task}, timeout=_PATIENCE_S)


def _read_sources(manifest: Manifest, form: FormData) -> dict[str, dict[str, Any]]:
    """Return what was chosen for each input: ``source``, ``columns``, ``typed``, and ``name`` of further inputs."""
    sources: dict[str, dict[str, Any]] = {}
    for key in (*(slot.name for slot in find_slots(manifest)), *_EXTRA):
        name = str(form.get(f"n.{key}", "")).strip() if key in _EXTRA else key
        source = str(form.get(f"s.{key}", ""))
        if key in _EXTRA and not name and not source:
            continue
        sources[name or key] = {
            "name": name,
            "source": source,
            "columns": [str(each) for each in form.getlist(f"c.{key}")],
            "typed": str(form.get(f"t.{key}", "")),
        }
    return sources


async def _make_inputs(
    request: Request, manifest: Manifest, sources: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    """Return values, where they come from in words, and errors, each by input."""
    inputs: dict[str, Any] = {}
    origins: dict[str, str] = {}
    errors: dict[str, str] = {}
    for name, entered in sources.items():
        if not entered["source"]:
            if entered["name"] in _EXTRA or name in _EXTRA or not entered["name"]:
                errors[name] = "expected a source, got none"
            continue
        if name == "params" or not entered["name"]:
            errors[name] = "expected the name of an input"
            continue
        try:
            inputs[name], origins[name] = await _make_input(desk_of(request), manifest, name, entered)
        except (SourceError, UploadError, PluginError) as error:
            errors[name] = str(error)
    return inputs, origins, errors


async def _make_input(desk: Desk, manifest: Manifest, name: str, entered: Mapping[str, Any]) -> tuple[Any, str]:
    kind, _, rest = str(entered["source"]).partition(":")
    if kind == "example":
        directory = next(info["directory"] for info in desk.registry.list_plugins() if info["id"] == manifest.plugin_id)
        value = await asyncio.to_thread(make_example, manifest, Path(directory), rest, name)
        return value, f"self-test: {manifest.self_test[int(rest)].name}"
    if kind == "generated" and rest in GENERATED:
        return await asyncio.to_thread(generate, GENERATED[rest]), rest
    if kind == "typed":
        return parse_typed(str(entered["typed"])), "typed"
    upload = desk.uploads.get(rest) if kind == "upload" else await desk.recording(rest) if kind == "recording" else None
    if upload is None:
        raise SourceError("expected data that is still there, got none; choose again, or upload the file again")
    return choose_columns(upload, entered["columns"]), f"{upload.name}: {', '.join(entered['columns'])}"


def _read_timeout(text: str) -> tuple[float | None, bool]:
    """Return the deadline in seconds, None for that of the settings; and whether the text is no deadline."""
    if not text.strip():
        return None, False
    try:
        seconds = float(text)
    except ValueError:
        return None, True
    return (seconds, False) if 0 < seconds <= _MAX_TIMEOUT_S else (None, True)


async def enable(request: Request) -> Response:
    """Let calls of a plugin through again that was disabled."""
    plugin_id = request.path_params["plugin_id"]
    try:
        desk_of(request).registry.enable_plugin(plugin_id)
    except PluginNotFoundError as error:
        raise HTTPException(404, str(error)) from error
    return RedirectResponse(f"/plugins/{plugin_id}", status_code=303)


ROUTES = [
    Route("/plugins/{plugin_id}", show_plugin),
    Route("/plugins/{plugin_id}/source", show_source),
    Route("/plugins/{plugin_id}/run", start_run, methods=["POST"]),
    Route("/plugins/{plugin_id}/enable", enable, methods=["POST"]),
]
