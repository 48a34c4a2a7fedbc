"""Where an input comes from: ``FILE``, ``FILE:PART`` or ``json:VALUE``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from platform_base.cli.errors import InputError
from platform_base.plugins.documents.spelling import nearest
from platform_base.series.base import SeriesFile
from platform_base.series.json_values import parse_literal
from platform_base.series.readers import reader_for

_LITERAL = "json:"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedInput:
    """One input of a plugin.

    Attributes:
        values: An array, or any value of JSON.
        origin: Where it came from, in words.
        missing: Number of NaN in it.
        remark: What else people want to know, such as a sampling rate; may be empty.
    """

    values: Any
    origin: str
    missing: int = 0
    remark: str = ""


def load_input(source: str) -> LoadedInput:
    """Read one input.

    Args:
        source: A file, with ``:PART`` for a column, key or channel; or ``json:`` and a value.

    Raises:
        InputError: There is no such file or part, or it cannot be read.
        MissingExtraError: Its format needs a package that is not installed.
    """
    if source.startswith(_LITERAL):
        values = parse_literal(source.removeprefix(_LITERAL))
        return LoadedInput(values=values, origin="literal", missing=_count_missing(values))
    path, selector = split_source(source)
    try:
        file = SeriesFile.on_disk(path)
        selection = reader_for(file).read(file, selector)
    except OSError as error:
        raise InputError(f"{path}: expected a readable file, got: {error.strerror or error}") from error
    return LoadedInput(
        values=selection.values,
        origin=f"{path} {selection.name}".strip(),
        missing=_count_missing(selection.values),
        remark=selection.remark,
    )


def split_source(source: str) -> tuple[Path, str]:
    """Part the file from what to take out of it, at the last colon that leaves a file before it.

    Raises:
        InputError: There is no such file.
    """
    end = len(source)
    while end > 0:
        path = Path(source[:end])
        if path.is_file():
            return path, source[end + 1 :]
        end = source.rfind(":", 0, end)
    path = Path(source.partition(":")[0])
    if path.is_dir():
        raise InputError(f"{path}: expected a file, got a directory")
    if source.lstrip().startswith(("[", "{")):
        raise InputError(f"{source}: expected a file, got nothing; numbers are written json:{source}")
    raise InputError(f"{path}: expected a file, got nothing{_suggest(path)}; the current directory is {Path.cwd()}")


def _suggest(path: Path) -> str:
    """Return a hint: the file whose path differs in one part from what was typed; empty: none is near."""
    there = next((parent for parent in path.parents if parent.is_dir()), None)
    if there is None:
        return ""
    wrong, *rest = path.relative_to(there).parts
    try:
        close = nearest(wrong, [each.name for each in there.iterdir()])
    except OSError:
        return ""
    meant = there.joinpath(close or wrong, *rest)
    return f"; did you mean {str(meant)!r}?" if meant.is_file() else ""


def _count_missing(values: Any) -> int:
    if isinstance(values, np.ndarray) and values.dtype.kind in "fc":
        return int(np.isnan(values).sum())
    return 0
