"""What a manifest says about what a plugin produces: a word for people, or a promise that can be checked."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self, TypeAlias, get_args

import numpy as np
from pydantic import Field, PlainValidator, WithJsonSchema, model_serializer, model_validator

from platform_base.plugins.documents.document import show
from platform_base.plugins.documents.model import DocumentModel, Fault, fault
from platform_base.plugins.documents.spelling import did_you_mean
from platform_base.plugins.self_test import Place

ProductType: TypeAlias = Literal["array", "float", "integer", "boolean", "string", "list", "object", "table"]

KINDS_OF_DTYPE = ("number", "floating", "integer")
"""Instead of one dtype: any number, any floating-point number, any integer."""

_LENGTH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[0-9]{1,2})?")
_MAX_DIMENSIONS = 32


def _check_dtype(value: Any) -> Any:
    if value is None or value in KINDS_OF_DTYPE:
        return value
    expected = "a NumPy dtype such as float64, or number, floating or integer"
    try:
        dtype = np.dtype(value) if isinstance(value, str) and value else None
    except (TypeError, ValueError, SyntaxError):
        dtype = None
    if dtype is None or dtype.hasobject:
        hint = did_you_mean(str(value), ("float64", "float32", "int64", "bool", *KINDS_OF_DTYPE))
        raise fault(Fault(expected=expected, got=show(value), hint=hint if hint.startswith("did") else ""))
    return value


def _check_shape(value: Any) -> Any:
    """Return a shape: the name of an input, or a tuple of lengths."""
    if value is None or (isinstance(value, str) and value.isidentifier()):
        return value
    if not isinstance(value, list | tuple) or len(value) > _MAX_DIMENSIONS:
        hint = 'for example ["n", 2], or "series" for the shape of that input'
        raise fault(Fault(expected="a list of lengths, or the name of an input", got=show(value), hint=hint))
    wrong = [
        Fault(at=(index,), expected="a length: an integer, a name, NAME.AXIS of an input, or null", got=show(length))
        for index, length in enumerate(value)
        if not _is_length(length)
    ]
    if wrong:
        raise fault(*wrong)
    return tuple(value)


def _is_length(value: Any) -> bool:
    if isinstance(value, str):
        return _LENGTH.fullmatch(value) is not None
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)


_LENGTH_SCHEMA = {
    "anyOf": [
        {"type": "integer", "minimum": 0},
        {"type": "string", "pattern": f"^{_LENGTH.pattern}$"},
        {"type": "null"},
    ]
}
_SHAPE_SCHEMA = {
    "anyOf": [
        {"type": "array", "maxItems": _MAX_DIMENSIONS, "items": _LENGTH_SCHEMA},
        {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
        {"type": "null"},
    ]
}


class Product(DocumentModel):
    """One kind of result. A word alone stands for an object with this ``name`` and nothing else.

    Attributes:
        name: What it is called, for people.
        at: Where it stands in the result, such as ``values`` or ``metadata.distance``; null: nothing is promised.
        type: What stands there.
        dtype: Of an array: a NumPy dtype such as ``float64``, or ``number``, ``floating`` or ``integer``.
        shape: Of an array: the name of an input that has the same shape; or lengths: an integer; null for any; the name
            of an input for its length, ``NAME.1`` for that of its axis 1; another name, which stands for one length
            throughout the result.
        optional: Whether it may be missing, or null.
        unit: Unit of its numbers, for people.
        description: What it means, for people.
    """

    name: Annotated[str, Field(min_length=1, max_length=100)]
    at: Place | None = None
    type: ProductType | None = None
    dtype: Annotated[str | None, PlainValidator(_check_dtype), WithJsonSchema({"type": ["string", "null"]})] = None
    shape: Annotated[Any, PlainValidator(_check_shape), WithJsonSchema(_SHAPE_SCHEMA)] = None
    optional: bool = False
    unit: str = ""
    description: str = ""

    @model_validator(mode="before")
    @classmethod
    def _read_word(cls, data: Any) -> Any:
        if isinstance(data, dict | Product):
            return data
        if isinstance(data, str) and data:
            return {"name": data}
        expected = 'a word, or an object such as {"name": "distance", "at": "metadata.distance", "type": "float"}'
        raise fault(Fault(expected=expected, got=show(data)))

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        faults = []
        promised = [key for key in ("type", "dtype", "shape") if getattr(self, key) is not None]
        if promised and self.at is None:
            hint = 'add "at": "values", or a place such as metadata.distance'
            faults.append(Fault(at=("at",), expected=f"a place that {promised[0]} is about", got="nothing", hint=hint))
        for key in ("dtype", "shape"):
            if getattr(self, key) is not None and self.type not in (None, "array"):
                expected = f"no {key}: the type is {self.type}"
                faults.append(Fault(at=(key,), expected=expected, got=show(getattr(self, key)), hint="remove it"))
        if faults:
            raise fault(*faults)
        return self

    @model_serializer(mode="wrap")
    def _write_word(self, write: Any) -> Any:
        """Write a word as it was read."""
        return self.name if self.model_fields_set <= {"name"} else write(self)


PRODUCT_TYPES: tuple[str, ...] = get_args(ProductType)
