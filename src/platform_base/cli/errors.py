"""What goes wrong at the command line itself, and the exit status of every error.

    CommandError
    ├── UsageError           the words of the command do not fit together
    └── OutputError          a file cannot be written
    SeriesFileError          see `platform_base.series.errors`: InputError, MissingExtraError

Exit statuses: 0 it worked; 1 what was asked about failed (the plugin, its manifest, the sandbox); 2 the
question was wrong (options, parameters, inputs, settings, files); 130 interrupted with Ctrl-C.
"""

from __future__ import annotations

from platform_base.series.errors import InputError, MissingExtraError, SeriesFileError

__all__ = [
    "FAILED",
    "INTERRUPTED",
    "WRONG_QUESTION",
    "CommandError",
    "InputError",
    "MissingExtraError",
    "OutputError",
    "SeriesFileError",
    "UsageError",
    "exit_status",
]

FAILED = 1
WRONG_QUESTION = 2
INTERRUPTED = 130


class CommandError(Exception):
    """Base of the errors of the command line."""


class UsageError(CommandError):
    """The words of the command do not fit together."""


class OutputError(CommandError):
    """A file cannot be written."""


def exit_status(error: BaseException) -> int:
    """Return the exit status that tells a script what kind of error this is."""
    from platform_base.plugins import errors

    if isinstance(error, errors.HistoryError):  # a run that nobody knows, or a file that cannot be read
        return WRONG_QUESTION if error.run else FAILED
    asked_wrongly = (
        CommandError,
        SeriesFileError,
        errors.PluginNotFoundError,
        errors.ParameterError,
        errors.InvalidInputsError,
        errors.EncodingError,
        errors.SettingsError,
        errors.ReplayError,
    )
    return WRONG_QUESTION if isinstance(error, asked_wrongly) else FAILED
