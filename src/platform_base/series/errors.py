"""What goes wrong with a file of series.

SeriesFileError
├── InputError           a file or a literal cannot be read as an input
└── MissingExtraError    an optional dependency is not installed   .extra
"""

from __future__ import annotations


class SeriesFileError(Exception):
    """Base of the errors of files."""


class InputError(SeriesFileError):
    """A file or a literal cannot be read as an input."""


class MissingExtraError(SeriesFileError):
    """An optional dependency is not installed.

    Attributes:
        extra: Name of the extra of platform_base that brings it.
    """

    def __init__(self, purpose: str, *, extra: str, missing: str) -> None:
        self.extra = extra
        super().__init__(
            f'{purpose}: expected {missing}, got none installed; run: python -m pip install "platform-base[{extra}]"'
        )
