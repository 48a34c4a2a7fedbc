"""The table of engines."""

from __future__ import annotations

from collections.abc import Callable

from platform_base.plugins._catalog.store import ReleaseStore
from platform_base.plugins._engines.base import Engine, StartListener
from platform_base.plugins._engines.inline import InlineEngine
from platform_base.plugins._engines.local import LocalEngine
from platform_base.plugins._host.output import OutputListener
from platform_base.plugins.settings import Settings

ENGINES: dict[str, Callable[[Settings, ReleaseStore, StartListener, OutputListener | None], Engine]] = {
    LocalEngine.name: lambda settings, store, on_start, on_output: LocalEngine(
        settings, store, on_start=on_start, on_output=on_output
    ),
    InlineEngine.name: lambda settings, store, on_start, on_output: InlineEngine(on_start),
}
