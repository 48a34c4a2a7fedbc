"""The table of engines."""

from __future__ import annotations

from collections.abc import Callable

from platform_base.plugins._catalog.store import ReleaseStore
from platform_base.plugins._engines.base import Engine
from platform_base.plugins._engines.inline import InlineEngine
from platform_base.plugins._engines.local import LocalEngine
from platform_base.plugins.settings import Settings

ENGINES: dict[str, Callable[[Settings, ReleaseStore], Engine]] = {
    LocalEngine.name: LocalEngine,
    InlineEngine.name: lambda settings, store: InlineEngine(),
}
