"""Who is let in: this machine's browser, with the token, from the page itself. Everything else is refused.

- ``Host`` must name this machine: a page of somebody else whose name was made to point here (DNS rebinding) is refused.
- The token of the address that was printed is compared in constant time, then changed for a cookie that scripts cannot
  read (``HttpOnly``) and that other sites' pages cannot send (``SameSite=Strict``).
- What changes anything must come from the page: ``Origin`` is this very address, and the form or the script carries the
  word that only a page of ours can know.
- Nothing of the page may load anything from elsewhere, run anything inline, or be framed (Content Security Policy).

Source: OWASP Cheat Sheet Series, "Cross-Site Request Forgery Prevention", "Content Security Policy".
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf"
SAFE_METHODS = ("GET", "HEAD")
_OPEN = "/static/"
_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: with that, browsers send "Origin: null" with forms (Fetch standard, 3.2).
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Frame-Options": "DENY",
}


class Gate:
    """ASGI middleware in front of everything."""

    def __init__(self, app: ASGIApp, *, token: str) -> None:
        """Guard an application.

        Args:
            app: What is behind the gate.
            token: What whoever may enter knows.
        """
        self._app = app
        self._token = token.encode()
        # The cookie is not the token: who reads it off a disk cannot make the address of a later start from it.
        self._session = secrets.token_urlsafe(32)
        self.csrf = hmac.new(self._session.encode(), b"csrf", hashlib.sha256).hexdigest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or hand it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # there are no web sockets here
            await send({"type": "websocket.close", "code": 1008})
            return
        request = Request(scope)
        answer = self._refuse(request) or self._enter(request) or self._doubt(request)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                if not scope["path"].startswith(_OPEN):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        # The page that says what is missing is shown to strangers too; the word is not for them.
        scope["csrf"] = self.csrf if self._knows(request) else ""
        await (answer or self._app)(scope, receive, send_guarded)

    def _refuse(self, request: Request) -> Response | None:
        """Refuse what does not come to this machine by its own name."""
        host = request.headers.get("host", "")
        if _name_of(host) in _HOSTS and len(request.headers.getlist("host")) == 1:
            return None
        return PlainTextResponse("This page answers to 127.0.0.1 and localhost only.\n", status_code=421)

    def _enter(self, request: Request) -> Response | None:
        """Change the token in an address for a cookie."""
        given = request.query_params.get("token")
        if given is None or request.method not in SAFE_METHODS:
            return None
        if not hmac.compare_digest(given.encode(), self._token):
            return _closed("The token in the address is not that of this start.")
        rest = [(name, value) for name, value in parse_qsl(request.url.query) if name != "token"]
        path = "/" + request.url.path.lstrip("/")  # "//elsewhere" would lead to another host
        answer = RedirectResponse(path + (f"?{urlencode(rest)}" if rest else ""), status_code=303)
        answer.set_cookie(_cookie_name(request), self._session, httponly=True, samesite="strict", path="/")
        return answer

    def _doubt(self, request: Request) -> Response | None:
        """Refuse who has no session, and what the page did not send."""
        # The path that is routed by: an address made of it would lose tabs and line ends (WHATWG URL standard, 4.4).
        if request.method in SAFE_METHODS and request.scope["path"].startswith(_OPEN):
            return None
        if request.method in SAFE_METHODS and self._bears_token(request):
            return None
        if not self._knows(request):
            return _closed("Open the address that was printed when the page was started.")
        if request.method in SAFE_METHODS:
            return None
        word = request.headers.get(CSRF_HEADER) or request.query_params.get(CSRF_FIELD, "")
        own = f"http://{request.headers.get('host', '')}"
        if request.headers.get("origin") == own and hmac.compare_digest(word.encode(), self.csrf.encode()):
            return None
        return PlainTextResponse("This request did not come from the page. Reload it and try again.\n", status_code=403)

    def _bears_token(self, request: Request) -> bool:
        """Whether a program, such as Prometheus, shows the token itself; it may read, and nothing else."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        return scheme.casefold() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token)

    def _knows(self, request: Request) -> bool:
        """Say whether a request has the cookie that was given for the token."""
        given = request.cookies.get(_cookie_name(request), "")
        return hmac.compare_digest(given.encode(), self._session.encode())


def _name_of(host: str) -> str:
    """Return the name in a ``Host`` header, without the port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).casefold()


def _cookie_name(request: Request) -> str:
    """Return a name for this port: a browser gives all ports of a host one jar."""
    port = request.url.port or 80
    return f"platform_base_{port}"


def _closed(reason: str) -> Response:
    return PlainTextResponse(f"{reason}\n", status_code=403)
