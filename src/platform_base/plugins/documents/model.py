"""The pydantic model that every document is checked with, and its errors turned into problems.

A pydantic error knows a path and a type; a `Problem` also knows the line, the valid keys there, and a remedy.
Checks of our own raise `fault(...)`, whose facts travel in the error's context.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from platform_base.plugins.documents.document import Document, KeyPath, show
from platform_base.plugins.documents.spelling import did_you_mean
from platform_base.plugins.errors import Problem

_MAX_PROBLEMS = 100
_EXPECTED: Mapping[str, str] = {
    "string_type": "text",
    "int_type": "integer",
    "float_type": "number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "keys with values",
    "mapping_type": "keys with values",
    "model_type": "keys with values",
    "finite_number": "a finite number",
    "invalid_key": "text as key",
}
_BOUNDS: Mapping[str, str] = {
    "greater_than": "a number > {gt}",
    "greater_than_equal": "a number >= {ge}",
    "less_than": "a number < {lt}",
    "less_than_equal": "a number <= {le}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with a value, before anybody knows in which document it stands.

    Attributes:
        at: Where, relative to the value that was checked.
        expected: What should stand there.
        got: What was found, as it was written.
        hint: What to do; may be empty.
    """

    at: KeyPath = ()
    expected: str
    got: str = ""
    hint: str = ""


def fault(*faults: Fault) -> PydanticCustomError:
    """Make the error that a validator raises."""
    return PydanticCustomError("fault", "does not fit", {"faults": faults})


def without_annotations(data: Any) -> Any:
    """Drop the keys that are allowed everywhere and mean nothing here: ``$schema`` and ``x-*``."""
    if not isinstance(data, dict):
        return data
    return {key: value for key, value in data.items() if not _is_annotation(key)}


class DocumentModel(BaseModel):
    """Base of everything that people write: frozen, strict types, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, validate_default=False)

    @model_validator(mode="before")
    @classmethod
    def _drop_annotations(cls, data: Any) -> Any:
        return without_annotations(data)


def problems_in(error: ValidationError, document: Document, model: type[DocumentModel]) -> tuple[Problem, ...]:
    """Turn pydantic's errors into problems, in the order of the document."""
    problems = [problem for details in error.errors() for problem in _problems(details, document, model)]
    problems.sort(key=lambda problem: problem.line)
    if len(problems) > _MAX_PROBLEMS:
        rest = Problem(file=document.file, expected="fewer problems", got=f"{len(problems) - _MAX_PROBLEMS} more")
        problems[_MAX_PROBLEMS:] = [rest]
    return tuple(problems)


def known_keys(model: type[BaseModel], path: KeyPath) -> tuple[str, ...]:
    """Return the keys that may stand in the mapping at `path`; empty where they are free."""
    place = _annotation(model, path)
    for candidate in _alternatives(place):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return tuple(candidate.model_fields)
    return ()


def _problems(details: ErrorDetails, document: Document, model: type[DocumentModel]) -> Iterator[Problem]:
    path: KeyPath = tuple(part for part in details["loc"] if part != "[key]")
    kind, context, value = details["type"], details.get("ctx", {}), details["input"]
    if kind == "fault":
        for each in context["faults"]:
            yield document.problem((*path, *each.at), expected=each.expected, got=each.got, hint=each.hint)
        return
    expected, got, hint = details["msg"], show(value), ""
    if kind == "extra_forbidden":
        expected, got = "a known key", f"'{path[-1]}'"
        hint = did_you_mean(str(path[-1]), known_keys(model, path[:-1]))
    elif kind == "missing":
        expected, got, hint = "a value", "nothing", f'add "{path[-1]}"'
    elif kind == "literal_error":
        expected = f"one of {context['expected']}"
    elif kind in _BOUNDS:
        bounds = {name: int(bound) if float(bound).is_integer() else bound for name, bound in context.items()}
        expected = _BOUNDS[kind].format(**bounds)
    elif kind in _EXPECTED:
        expected = _EXPECTED[kind]
    if types.NoneType in _alternatives(_annotation(model, path)):
        expected += " or null"
    yield document.problem(path, expected=expected, got=got, hint=hint)


def _annotation(model: type[BaseModel], path: KeyPath) -> Any:
    """Return the type that a model declares for the value at `path`, or None."""
    place: Any = model
    for part in path:
        for candidate in _alternatives(place):
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                field = candidate.model_fields.get(str(part))
                place = field.annotation if field else None
                break
            if get_origin(candidate) is dict:
                place = get_args(candidate)[1]
                break
            if get_origin(candidate) is tuple:
                place = get_args(candidate)[0]
                break
        else:
            return None
    return place


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    """Take ``Annotated`` and unions apart."""
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(part for each in get_args(annotation) for part in _alternatives(each))
    return (annotation,)


def _is_annotation(key: object) -> bool:
    return isinstance(key, str) and (key == "$schema" or key.startswith("x-"))
