"""Options that several verbs share, and the registry that they stand for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from platform_base.plugins.registry import PluginRegistry

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings; default: config/plugins.yaml, else built in."),
]
PluginsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugins",
        metavar="DIR",
        help="Look for plugins here instead of in the standard places; may be repeated.",
    ),
]


@contextmanager
def open_registry(config: Path | None, plugins: Sequence[Path] | None) -> Iterator[PluginRegistry]:
    """Open a registry that knows the plugins below `plugins`, or those in the standard places.

    Raises:
        SettingsError: `config` cannot be used.
        PluginNotFoundError: A directory of `plugins` does not exist; or raised inside the block, and then
            with a note about plugins that are there but cannot be used.
    """
    from platform_base.plugins.errors import PluginNotFoundError
    from platform_base.plugins.registry import PluginRegistry

    with PluginRegistry(config) as registry:
        places: Sequence[Path | None] = plugins or [None]
        for place in places:
            registry.discover_plugins(place)
        try:
            yield registry
        except PluginNotFoundError as error:
            if registry.problems:
                error.add_note(
                    f"{len(registry.problems)} problems were found in plugins that cannot be used; "
                    "see: platform-base list"
                )
            raise
