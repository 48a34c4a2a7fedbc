"""How much one request may bring; a larger one is refused before it is read, or as soon as it has become too large."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from platform_base.web.uploads import MAX_FILE_BYTES

MAX_FORM_BYTES = 4 << 20
_ENVELOPE_BYTES = 64 << 10
"""What a browser writes around an uploaded file."""
_MOST_DIGITS = 18


class TooLargeError(Exception):
    """More came than may."""


class BodyLimit:
    """ASGI middleware that counts."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or refuse it with status 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = MAX_FILE_BYTES + _ENVELOPE_BYTES if scope["path"] == "/uploads" else MAX_FORM_BYTES
        refusal = PlainTextResponse(f"Expected at most {most >> 20} MB in one request.\n", status_code=413)
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or len(announced) > _MOST_DIGITS or int(announced) > most:
            await refusal(scope, receive, send)
            return
        seen = 0

        async def count() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise TooLargeError(f"expected at most {most} bytes, got more")
            return message

        try:
            await self._app(scope, count, send)
        except TooLargeError:
            await refusal(scope, receive, send)
