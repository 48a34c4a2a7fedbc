"""The page served on the loopback interface of this machine, until somebody ends it."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn

from platform_base.plugins.registry import PluginRegistry
from platform_base.web.application import make_application

_GRACE_S = 3


class _Server(uvicorn.Server):
    """Leaves signals alone: `serve` has its own way to end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(port: int) -> socket.socket:
    """Return a listening socket on 127.0.0.1.

    Args:
        port: 0 for any that is free.

    Raises:
        OSError: It is taken, or may not be used.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except BaseException:
        listener.close()
        raise
    return listener


def serve(registry: PluginRegistry, listener: socket.socket, announce: Callable[[str], None]) -> None:
    """Serve the page until SIGINT or SIGTERM; then running calls are stopped.

    Args:
        registry: Its plugins are shown and run.
        listener: What `bind` returned; it is closed at the end.
        announce: Told the address to open, the token in it.
    """
    token = secrets.token_urlsafe(24)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/?token={token}"
    application = make_application(registry, token=token)
    config = uvicorn.Config(
        application,
        http="h11",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    asyncio.run(_serve(_Server(config), listener, lambda: announce(address)))


async def _serve(server: _Server, listener: socket.socket, announce: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()

    def end() -> None:
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    with contextlib.closing(listener):
        announce()
        await server.serve(sockets=[listener])
