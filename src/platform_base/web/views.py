"""Templates filled in, in the reader's language; everything in them is escaped."""

from __future__ import annotations

import datetime
import json
import math
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from platform_base.core.description import show_value
from platform_base.core.plain import plain, visible, writable
from platform_base.web.desk import desk_of
from platform_base.web.gate import CSRF_FIELD, SAFE_METHODS
from platform_base.web.languages import NAMES, Language, choose_language

LANGUAGE_COOKIE = "platform_base_language"
_YEAR_S = 365 * 24 * 3600


def make_environment() -> Environment:
    """Return the templates."""
    environment = Environment(
        loader=PackageLoader("platform_base.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        seconds=show_seconds, mebibytes=show_mebibytes, moment=show_moment, compact=_write_json, value=show_value,
        visible=visible, number=show_number,
    )  # fmt: skip
    return environment


def language_of(request: Request) -> tuple[str, Language]:
    """Return the code and the words of the language that a reader has chosen, or that his browser asks for."""
    languages = desk_of(request).languages
    chosen = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
    code = choose_language(chosen, request.headers.get("accept-language", ""), languages)
    return code, languages[code]


def render(request: Request, template: str, *, status: int = 200, followed: str = "/", **values: Any) -> HTMLResponse:
    """Fill in a template.

    Args:
        request: Whose answer this is.
        template: Its file.
        status: Of the answer.
        followed: Where a link to another language leads from the answer to a form: its own address takes no links.
        values: What the template needs besides ``t`` (a text by key), ``csrf``, ``language`` and ``path``.
    """
    code, language = language_of(request)
    query: list[tuple[str, str]] = []
    if request.method in SAFE_METHODS:
        followed, query = request.url.path, request.query_params.multi_items()
    text = (
        desk_of(request)
        .templates.get_template(template)
        .render(
            t=language.say,
            language=language,
            language_code=code,
            language_names=NAMES,
            csrf=request.scope["csrf"],
            path=followed,
            query=[(name, value) for name, value in query if name not in ("lang", CSRF_FIELD)],
            **values,
        )
    )
    # A stranger's text may hold what UTF-8 does not know.
    answer = HTMLResponse(writable(text), status_code=status, headers={"Content-Language": language.code})
    if request.query_params.get("lang") == code:
        answer.set_cookie(LANGUAGE_COOKIE, code, max_age=_YEAR_S, samesite="strict", path="/")
    return answer


def show_seconds(seconds: float | None) -> str:
    """Write a duration with three digits and a fitting unit; a dash for none, and for what never began."""
    if not seconds:
        return "\u2013"
    if seconds >= 120:
        return str(datetime.timedelta(seconds=round(seconds)))
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "\u00b5s")):
        if seconds * factor >= 1 or unit == "\u00b5s":
            return f"{seconds * factor:.3g} {unit}"
    return ""


def show_mebibytes(size: float | None) -> str:
    """Write a number of bytes in MB of 2**20 bytes, as the settings count, or KB of 2**10; a dash for none."""
    if size is None:
        return "\u2013"
    if size < 100 << 10:
        return f"{size / (1 << 10):.3g} KB"
    return f"{size / (1 << 20):.3g} MB" if size < 1000 * (1 << 20) else f"{size / (1 << 20):.0f} MB"


def show_moment(when: float) -> str:
    """Write a wall-clock time, in this machine's zone."""
    return datetime.datetime.fromtimestamp(when).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def show_number(value: Any) -> str:
    """Write a number with six digits; a dash for none or what is not finite."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return "\u2013"
    return f"{value:.6g}"


def _write_json(value: Any) -> str:
    return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"))
