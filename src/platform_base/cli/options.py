"""Options that several verbs share, and the registry that they stand for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from platform_base.history.history import History
    from platform_base.plugins.registry import PluginRegistry
    from platform_base.plugins.settings import Settings

INPUT_HELP = (
    "An input: NAME=FILE, NAME=FILE:PART (a column, key or channel; several columns with commas), or NAME=json:VALUE."
)

PluginArgument = Annotated[str, typer.Argument(metavar="ID", help="The plugin, as `list` shows it.")]
InputsOption = Annotated[list[str] | None, typer.Option("--input", "-i", metavar="NAME=SOURCE", help=INPUT_HELP)]
ParamsOption = Annotated[
    list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter; see `info ID`.")
]
ParamsFileOption = Annotated[
    Path | None, typer.Option("--params-file", metavar="FILE", help="Parameters in JSON or YAML; --param wins.")
]
ColdOption = Annotated[bool, typer.Option("--cold", help="Measure the first call, with what it imports and compiles.")]
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


def read_settings(config: Path | Settings | None, *, remember: bool | None = None) -> Settings:
    """Return the settings.

    Args:
        config: The file, or None for the usual places; or settings.
        remember: True: have runs remembered in the history, unless the settings say whether they are; False: in no
            case; None: as the settings say.

    Raises:
        SettingsError: They cannot be used.
    """
    from platform_base.plugins.settings import Settings

    settings = Settings.load(config)
    if remember is None or (remember and settings.history.enabled is not None):
        return settings
    history = settings.history.model_copy(update={"enabled": remember})
    return settings.model_copy(update={"history": history})


def open_history(config: Path | None) -> History:
    """Return the history that the settings name.

    Raises:
        SettingsError: They cannot be used.
    """
    from platform_base.history.history import History

    return History(read_settings(config).history.path)


@contextmanager
def open_registry(
    config: Path | Settings | None, plugins: Sequence[Path] | None, *, remember: bool | None = None
) -> Iterator[PluginRegistry]:
    """Open a registry that knows the plugins below `plugins`, or those in the standard places.

    Args:
        config: The settings' file, or None for the usual places; or settings.
        plugins: Where to look for plugins; None or empty: in the standard places.
        remember: As for `read_settings`.

    Raises:
        SettingsError: `config` cannot be used.
        PluginNotFoundError: A directory of `plugins` does not exist; or raised inside the block, and then
            with a note about plugins that are there but cannot be used.
    """
    from platform_base.plugins.errors import PluginNotFoundError
    from platform_base.plugins.registry import PluginRegistry

    with PluginRegistry(read_settings(config, remember=remember)) as registry:
        places: Sequence[Path | None] = plugins or [None]
        for place in places:
            registry.discover_plugins(place)
        try:
            with _naming_runs(registry):
                yield registry
        except PluginNotFoundError as error:
            if registry.problems:
                error.add_note(
                    f"{len(registry.problems)} problems were found in plugins that cannot be used; "
                    "see: platform-base list"
                )
            raise


@contextmanager
def _naming_runs(registry: PluginRegistry) -> Iterator[None]:
    """Say where more is to be read about a call that failed."""
    from platform_base.plugins.errors import PluginError

    try:
        yield
    except PluginError as error:
        if error.run_id and registry.settings.history.enabled:
            error.add_note(f"more about this run: platform-base runs show {error.run_id}")
        raise
