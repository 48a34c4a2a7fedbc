"""The table of engines."""

from __future__ import annotations

from collections.abc import Callable

from platform_base.plugins._catalog.store import ReleaseStore
from platform_base.plugins._engines.base import Engine, StartListener
from platform_base.plugins._engines.inline import InlineEngine
from platform_base.plugins._engines.local import LocalEngine
from platform_base.plugins.settings import Settings

ENGINES: dict[str, Callable[[Settings, ReleaseStore, StartListener], Engine]] = {
    LocalEngine.name: lambda settings, store, on_start: LocalEngine(settings, store, on_start=on_start),
    InlineEngine.name: lambda settings, store, on_start: InlineEngine(on_start),
}
