"""What goes wrong at the command line itself, and the exit status of every error.

    CommandError
    ├── UsageError           the words of the command do not fit together
    ├── InputError           a file or a literal cannot be read as an input
    ├── OutputError          a file cannot be written
    └── MissingExtraError    an optional dependency is not installed   .extra

Exit statuses: 0 it worked; 1 what was asked about failed (the plugin, its manifest, the sandbox); 2 the
question was wrong (options, parameters, inputs, settings, files); 130 interrupted with Ctrl-C.
"""

from __future__ import annotations

FAILED = 1
WRONG_QUESTION = 2
INTERRUPTED = 130


class CommandError(Exception):
    """Base of the errors of the command line."""


class UsageError(CommandError):
    """The words of the command do not fit together."""


class InputError(CommandError):
    """A file or a literal cannot be read as an input."""


class OutputError(CommandError):
    """A file cannot be written."""


class MissingExtraError(CommandError):
    """An optional dependency is not installed.

    Attributes:
        extra: Name of the extra of platform_base that brings it.
    """

    def __init__(self, purpose: str, *, extra: str, missing: str) -> None:
        self.extra = extra
        super().__init__(
            f'{purpose}: expected {missing}, got none installed; run: python -m pip install "platform-base[{extra}]"'
        )


def exit_status(error: BaseException) -> int:
    """Return the exit status that tells a script what kind of error this is."""
    from platform_base.plugins import errors

    asked_wrongly = (
        CommandError,
        errors.PluginNotFoundError,
        errors.ParameterError,
        errors.InvalidInputsError,
        errors.EncodingError,
        errors.SettingsError,
        errors.ReplayError,
    )
    return WRONG_QUESTION if isinstance(error, asked_wrongly) else FAILED
