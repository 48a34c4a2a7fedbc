"""Words such as ``window_size=100`` turned into names and typed values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from platform_base.cli.errors import UsageError
from platform_base.plugins.documents.json_document import read_json
from platform_base.plugins.documents.yaml_document import read_yaml
from platform_base.plugins.errors import ParameterError, Problem
from platform_base.plugins.manifest import Parameter
from platform_base.plugins.parameter_text import parse_value

__all__ = ["parse_value", "read_parameters", "split_assignments"]


def split_assignments(words: Sequence[str], option: str) -> dict[str, str]:
    """Turn ``["a=1", "b=x=y"]`` into ``{"a": "1", "b": "x=y"}``.

    Args:
        words: What the user wrote after each `option`.
        option: Its name, for messages.

    Raises:
        UsageError: A word has no ``=`` or no name, or a name comes twice.
    """
    assigned: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"{option} {word}: expected name=value, got no {'name' if equals else '='}")
        if name.strip() in assigned:
            raise UsageError(f"{option} {word}: expected each name once, got {name.strip()!r} again")
        assigned[name.strip()] = value
    return assigned


def read_parameters(words: Sequence[str], file: Path | None, declared: Mapping[str, Parameter]) -> dict[str, Any]:
    """Return the parameters of a call: those of the file, overruled by those on the command line.

    Args:
        words: ``name=value`` each; values are read as the type that the manifest declares.
        file: A JSON or YAML file with a mapping of names to values.
        declared: The manifest's ``configuration``. Names that are not in it are passed on as text: the
            registry refuses them, and knows the nearest name.

    Raises:
        UsageError: A word is no assignment, or a name comes twice.
        ParameterError: The file cannot be used, or a value cannot be read as its declared type.
    """
    values = dict(_read_file(file)) if file is not None else {}
    problems: list[Problem] = []
    for name, text in split_assignments(words, "--param").items():
        if name not in declared:
            values[name] = text
            continue
        try:
            values[name] = parse_value(text, declared[name])
        except ValueError:
            expected = declared[name].describe()
            hint = """write JSON, such as '[1, 2]', in quotes""" if declared[name].type == "array" else ""
            problems.append(Problem(key=f"--param {name}", expected=expected, got=repr(text), hint=hint))
    if problems:
        raise ParameterError(problems)
    return values


def _read_file(path: Path) -> Mapping[str, Any]:
    if path.suffix.lower() == ".json":
        document = read_json(path, error=ParameterError)
    elif path.suffix.lower() in (".yaml", ".yml"):
        document = read_yaml(path, error=ParameterError)
    else:
        raise UsageError(f"--params-file {path}: expected a name that ends in .json, .yaml or .yml")
    if not isinstance(document.data, dict):
        raise ParameterError([document.problem((), expected="a mapping of names to values")])
    return document.data
