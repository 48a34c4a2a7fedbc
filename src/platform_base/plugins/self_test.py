"""What a manifest says about its self-test: calls, and the results that they must give."""

from __future__ import annotations

import re
from typing import Annotated, Any, Self, TypeAlias

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from platform_base.plugins.documents.document import show
from platform_base.plugins.documents.inside_path import InsidePath
from platform_base.plugins.documents.model import DocumentModel, Fault, fault
from platform_base.plugins.generators import Generator

PLACE_PATTERN = r"^(values|metadata)(\.[^.]+)*$"


def _check_place(value: str) -> str:
    if re.fullmatch(PLACE_PATTERN, value):
        return value
    hint = "for example values, values.0 or metadata.distance"
    raise fault(Fault(expected="values or metadata, then keys and indices with dots", got=show(value), hint=hint))


Place: TypeAlias = Annotated[str, AfterValidator(_check_place)]


class Source(DocumentModel):
    """Where an input comes from: exactly one of ``value``, ``file`` and ``generator``.

    Attributes:
        value: The value itself, as JSON; a list arrives as a list.
        file: An ``.npy``, ``.npz`` or ``.csv`` file in the plugin's directory, at most 16 MiB; never unpickled.
        part: The array of an ``.npz`` file, or the column of a ``.csv`` file, where there are several.
        generator: A series made from numbers.
    """

    value: Annotated[Any, WithJsonSchema({})] = None
    file: InsidePath | None = None
    part: str | None = None
    generator: Generator | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        _check_one_source(self, ("value", "file", "generator"))
        return self


class Expectation(DocumentModel):
    """A part of the result that is known: exactly one of ``value`` and ``file``, and how far the result may be from it.

    An element agrees when abs(result - expected) <= atol + rtol abs(expected). NaN agrees with NaN; texts and truth
    values must be equal.

    Attributes:
        value: The value itself, as JSON; a list stands for an array or a list.
        file: An ``.npy``, ``.npz`` or ``.csv`` file in the plugin's directory, at most 16 MiB.
        part: The array of an ``.npz`` file, or the column of a ``.csv`` file, where there are several.
        rtol: Relative tolerance.
        atol: Absolute tolerance, in the unit of the value.
    """

    value: Annotated[Any, WithJsonSchema({})] = None
    file: InsidePath | None = None
    part: str | None = None
    rtol: Annotated[float, Field(ge=0)] = 1e-7
    atol: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        _check_one_source(self, ("value", "file"))
        return self


class SelfTest(DocumentModel):
    """One call whose result is known.

    Attributes:
        name: What it is called in messages; each name once.
        inputs: The call's inputs by name.
        parameters: The call's parameters by name; the others have their defaults.
        expected: Parts of the result, such as ``values`` or ``metadata.distance``, and what they must be.
        timeout: Time for the call, seconds, at most 600.
    """

    name: Annotated[str, Field(min_length=1, max_length=100)]
    inputs: dict[str, Source] = Field(default_factory=dict)
    parameters: Annotated[dict[str, Any], WithJsonSchema({"type": "object"})] = Field(default_factory=dict)
    expected: Annotated[dict[Place, Expectation], Field(min_length=1)]
    timeout: Annotated[float, Field(gt=0, le=600)] = 30.0


def _check_one_source(model: Source | Expectation, names: tuple[str, ...]) -> None:
    given = [name for name in names if name in model.model_fields_set]
    if len(given) != 1:
        expected = f"exactly one of {', '.join(names)}"
        raise fault(Fault(expected=expected, got=" and ".join(given) or "none of them"))
    if model.part is not None and given != ["file"]:
        raise fault(Fault(at=("part",), expected="no part without a file", got=show(model.part)))
    if "file" in given and model.file is None:
        raise fault(Fault(at=("file",), expected="a path inside the plugin's directory", got="null"))
