"""What `platform-base bench` makes its inputs from: files, generators, or a self-test of the plugin."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platform_base.cli.assignments import split_assignments
from platform_base.cli.errors import InputError, UsageError

if TYPE_CHECKING:
    from platform_base.plugins.generators import Generator
    from platform_base.plugins.manifest import Manifest
    from platform_base.plugins.self_test import SelfTest, Source

_GENERATOR = "generator:"
_BASE_LENGTH = 1000


def find_sources(
    words: Sequence[str], manifest: Manifest, directory: Path
) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Return what the inputs are made from, the parameters that belong to them, and where both come from.

    Args:
        words: What stands behind ``--input``; where there is nothing, the first self-test is taken.
        manifest: The plugin's.
        directory: Where its files are.

    Raises:
        CommandError: A word cannot be read, or there is neither an input nor a self-test.
    """
    if words:
        sources = {name: _read(name, source) for name, source in split_assignments(words, "--input").items()}
        return sources, {}, "--input"
    if not manifest.self_test:
        raise UsageError(
            f"{manifest.plugin_id} has no self-test whose inputs could be resized: expected --input NAME=FILE or "
            f"--input NAME={_GENERATOR}sine"
        )
    test: SelfTest = manifest.self_test[0]
    sources = {name: _of_self_test(directory, name, source) for name, source in test.inputs.items()}
    return sources, dict(test.parameters), f"self-test {test.name!r}"


def _read(name: str, source: str) -> Any:
    if source.startswith(_GENERATOR):
        return parse_generator(name, source.removeprefix(_GENERATOR))
    from platform_base.cli.series.source import load_input

    return load_input(source).values


def parse_generator(name: str, text: str) -> Generator:
    """Read ``sine,period=50,noise=0.1`` as a generator.

    Raises:
        UsageError: It is none.
    """
    from pydantic import ValidationError

    from platform_base.plugins.generators import Generator

    shape, *words = text.split(",")
    try:
        options = {key: json.loads(value) for key, value in split_assignments(words, f"--input {name}").items()}
        return Generator.model_validate({"name": shape, "length": _BASE_LENGTH, **options})
    except json.JSONDecodeError as error:
        raise UsageError(f"--input {name}={_GENERATOR}{text}: expected numbers after =, got {error.doc!r}") from error
    except ValidationError as error:
        what = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise UsageError(f"--input {name}={_GENERATOR}{text}: {what}") from error


def _of_self_test(directory: Path, name: str, source: Source) -> Any:
    from platform_base.plugins.documents.array_file import ArrayFileError, read_array

    if source.generator is not None:
        return source.generator
    if source.file is None:
        return source.value
    try:
        return read_array(directory / source.file, source.part)
    except ArrayFileError as error:
        raise InputError(f"input {name} of the self-test: {directory / source.file}: {error}") from error
