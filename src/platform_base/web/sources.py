"""Where the inputs of a run come from: uploads, recordings, examples, generated series, typed numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from platform_base.plugins.documents.array_file import ArrayFileError, read_array
from platform_base.plugins.generators import Generator, generate
from platform_base.plugins.manifest import Manifest
from platform_base.web.index import read_index
from platform_base.web.uploads import Upload

MAX_TYPED = 100_000
GENERATED: Mapping[str, Generator] = {
    "sine": Generator(name="sine", length=1000, period=100.0, noise=0.2, seed=1),
    "chirp": Generator(name="chirp", length=900, period=120.0, noise=0.1, seed=2),
    "step": Generator(name="step", length=1000, noise=0.15, seed=3),
    "random_walk": Generator(name="random_walk", length=2000, seed=4),
    "long": Generator(name="chirp", length=1_000_000, period=5000.0, noise=0.3, seed=5),
}


class SourceError(Exception):
    """An input cannot be made; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """An input of a plugin.

    Attributes:
        name: What the plugin calls it.
        examples: Self-tests that have it, by number and name.
    """

    name: str
    examples: tuple[tuple[int, str], ...]


def find_slots(manifest: Manifest) -> list[Slot]:
    """Return the inputs that a plugin is known to take: those of its self-tests; without any, ``series``."""
    names = dict.fromkeys(name for each in manifest.self_test for name in each.inputs)
    return [Slot(name=name, examples=_examples(manifest, name)) for name in names or ("series",)]


def _examples(manifest: Manifest, name: str) -> tuple[tuple[int, str], ...]:
    return tuple((number, each.name) for number, each in enumerate(manifest.self_test) if name in each.inputs)


def default_source(slot: Slot, place: int) -> str:
    """Return what a new form proposes for an input."""
    if slot.examples:
        return f"example:{slot.examples[0][0]}"
    return "generated:sine" if place == 0 else "generated:chirp"


def make_example(manifest: Manifest, directory: Path, number: str, name: str) -> Any:
    """Return the input of a self-test.

    Args:
        manifest: The plugin's.
        directory: Where its files are.
        number: Of the self-test, as the form has it.
        name: Of the input.

    Raises:
        SourceError: There is none, or its file cannot be used.
    """
    place = read_index(number, len(manifest.self_test))
    source = manifest.self_test[place].inputs.get(name) if place is not None else None
    if source is None:
        raise SourceError(f"{name}: expected an example of this plugin, got number {number[:10]!r}")
    if source.generator is not None:
        return generate(source.generator)
    if source.file is not None:
        return _read_file(directory, source.file, source.part)
    return np.asarray(source.value) if isinstance(source.value, list) else source.value


def _read_file(directory: Path, name: str, part: str | None) -> NDArray[Any]:
    root = directory.resolve()
    path = (root / name).resolve()
    # The files may have been changed since the release was read: a link would show a stranger's choice of this user's.
    if not path.is_relative_to(root):
        raise SourceError(f"{name}: expected a file of the plugin, got a link that leads out of its directory")
    try:
        return read_array(path, part)
    except ArrayFileError as error:
        raise SourceError(f"{name}: {error}") from error


def parse_typed(text: str) -> NDArray[Any]:
    """Read numbers that somebody typed: JSON, or with white space, commas or semicolons between them.

    Raises:
        SourceError: They are no numbers, or too many.
    """
    try:
        if text.strip().startswith("["):
            array = np.asarray(json.loads(text), dtype=np.float64)
        else:
            array = np.array([float(word) for word in re.split(r"[\s,;]+", text.strip()) if word], dtype=np.float64)
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise SourceError("expected numbers such as 1, 2.5, 3 or [[1, 2], [3, 4]], got other text") from None
    if not 0 < array.size <= MAX_TYPED:
        raise SourceError(f"expected 1 to {MAX_TYPED} numbers, got {array.size}; upload a file instead")
    return array


def choose_columns(upload: Upload, chosen: Sequence[str]) -> NDArray[Any]:
    """Return a column of a file, or several as channels.

    Args:
        upload: The file.
        chosen: Names of columns.

    Raises:
        SourceError: None was chosen, one is not there, or they do not have one length.
    """
    names = list(chosen) or (list(upload.columns) if len(upload.columns) == 1 else [])
    if not names:
        raise SourceError(f"expected a column of {upload.name} to be chosen, got none")
    if missing := [name for name in names if name not in upload.columns]:
        raise SourceError(f"expected a column of {upload.name}, got {missing[0]!r}")
    columns = [upload.columns[name] for name in names]
    if len(columns) == 1:
        return columns[0]
    lengths = {len(column) for column in columns}
    if len(lengths) > 1:
        raise SourceError(f"expected columns of one length, got lengths {sorted(lengths)}")
    return np.column_stack(columns)
