"""`platform-base web`: the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from platform_base.cli.errors import MissingExtraError, OutputError
from platform_base.cli.options import ConfigOption, JsonOption, PluginsOption, open_registry

if TYPE_CHECKING:
    from collections.abc import Callable

_PORT = 8420
EXAMPLES = """Examples:

  platform-base web --open

  platform-base web --port 0 --plugins my_plugins
"""


def open_page(
    port: Annotated[
        int, typer.Option("--port", metavar="NUMBER", min=0, max=65535, help="Port on 127.0.0.1; 0: any that is free.")
    ] = _PORT,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the address in the browser.")] = False,
    plugins: PluginsOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve a page to see, run and compare plugins in a browser, on this machine only.

    Ends with Ctrl-C; calls that still run are stopped then. Needs the extra web.
    """
    try:
        from platform_base.web.server import bind, serve
    except ImportError as error:
        raise MissingExtraError("web", extra="web", missing=error.name or "its packages") from error

    try:
        listener = bind(port)
    except OSError as error:
        raise OutputError(
            f"--port {port}: expected a port that is free, got: {error.strerror}; choose another one, or 0 for any"
        ) from error
    with open_registry(config, plugins, remember=True) as registry:
        serve(registry, listener, _announcer(as_json=as_json, open_browser=open_browser))


def _announcer(*, as_json: bool, open_browser: bool) -> Callable[[str], None]:
    """Return what tells the reader, or the program, where the page is."""
    from platform_base.cli import render

    def announce(address: str) -> None:
        if as_json:
            render.print_json({"address": address})
        else:
            print(f"Open {address}\nThe address is for you alone: whoever has it may run plugins. Ctrl-C ends.")
        import sys

        sys.stdout.flush()
        if open_browser:
            import webbrowser

            webbrowser.open(address)

    return announce
