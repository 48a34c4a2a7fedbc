"""Files that the command line writes: checked before the work, then written completely or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import IO

from platform_base.cli.errors import OutputError
from platform_base.core.models import ProcessingResult
from platform_base.core.result_formats import RESULT_WRITERS, UnsuitableFormatError

__all__ = ["RESULT_WRITERS", "check_output", "replace_file", "write_result"]


def check_output(path: Path, suffixes: tuple[str, ...], *, force: bool) -> None:
    """Make sure, before any work is done, that a file can be written.

    Raises:
        OutputError: The name ends in none of `suffixes`, the directory is missing or may not be written, or
            the file exists and `force` is not given.
    """
    if path.suffix.lower() not in suffixes:
        raise OutputError(
            f"{path}: expected a name that ends in {', '.join(suffixes)}, got {path.suffix or 'no ending'!r}"
        )
    if path.is_dir():
        raise OutputError(f"{path}: expected a file, got a directory")
    if path.exists() and not force:
        raise OutputError(f"{path}: expected no such file, got an existing one; overwrite it with --force")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: expected the directory {path.parent}, got nothing; make it first")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path}: expected a directory that may be written, got {path.parent}")


def replace_file(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file completely or not at all.

    Args:
        path: The file.
        write: Writes the content to the open file that it is given.

    Raises:
        OutputError: The system refuses, for example because the disk is full.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with partial.open("xb") as stream:
            write(stream)
        partial.replace(path)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
        if isinstance(error, OSError):
            raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
        raise


def write_result(path: Path, result: ProcessingResult) -> None:
    """Write a result in the format that the file's name asks for.

    Raises:
        OutputError: The result does not fit the format, or the file cannot be written.
    """
    writer = RESULT_WRITERS[path.suffix.lower()]

    def write(stream: IO[bytes]) -> None:
        try:
            writer(result, stream)
        except UnsuitableFormatError as error:
            raise OutputError(f"{path}: {error}") from error

    replace_file(path, write)
