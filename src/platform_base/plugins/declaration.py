"""What a manifest declares about one parameter, and whether a value fits it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from platform_base.plugins.documents.document import show
from platform_base.plugins.documents.model import DocumentModel, Fault, fault
from platform_base.plugins.documents.spelling import did_you_mean
from platform_base.plugins.scalar import ScalarType, convert, equal

ParameterType: TypeAlias = Literal["string", "integer", "float", "boolean", "array"]

_TYPES = ("string", "integer", "float", "boolean", "array")
_OTHER_NAMES = {
    **dict.fromkeys(("str", "text"), "string"),
    **dict.fromkeys(("int", "long"), "integer"),
    **dict.fromkeys(("number", "double", "real"), "float"),
    **dict.fromkeys(("bool",), "boolean"),
    **dict.fromkeys(("list", "tuple", "ndarray", "sequence"), "array"),
}
_MAX_FAULTS = 5


def _check_type(value: Any) -> Any:
    if isinstance(value, str) and value in _TYPES:
        return value
    hint = "choose one of them"
    if isinstance(value, str) and "|" not in value:
        other = _OTHER_NAMES.get(value.casefold())
        hint = f"did you mean '{other}'?" if other else did_you_mean(value, _TYPES)
    raise fault(Fault(expected=f"one of {', '.join(_TYPES)}", got=show(value), hint=hint))


def _check_items(value: Any) -> Any:
    if value is None:
        return None
    if _check_type(value) == "array":
        hint = "elements are single values; pass tables and matrices as inputs"
        raise fault(Fault(expected=f"one of {', '.join(_TYPES[:-1])}", got=show(value), hint=hint))
    return value


def _check_bound(value: Any) -> Any:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)):
        return value
    raise fault(Fault(expected="a number or null", got=show(value)))


Bound: TypeAlias = Annotated[
    int | float | None, PlainValidator(_check_bound), WithJsonSchema({"type": ["number", "null"]})
]


def _when(kind: str, default: dict[str, Any]) -> dict[str, Any]:
    return {
        "if": {"properties": {"type": {"const": kind}}, "required": ["type"]},
        "then": {"properties": {"default": {**default, "type": [default["type"], "null"]}}},
    }


_CONDITIONS = [
    _when("string", {"type": "string"}),
    _when("integer", {"type": "integer"}),
    _when("float", {"type": "number"}),
    _when("boolean", {"type": "boolean"}),
    _when("array", {"type": "array", "items": {"type": ["string", "number", "boolean"]}}),
]


class Parameter(DocumentModel, json_schema_extra={"allOf": _CONDITIONS}):
    """One parameter of a plugin.

    Attributes:
        type: Kind of value.
        default: Value when the caller gives none; null makes the parameter optional. Without this key the
            caller must give a value.
        options: The only values allowed; for an array, the only elements.
        description: What it does, for people.
        minimum: Smallest value allowed; for an array, of each element.
        maximum: Largest value allowed; for an array, of each element.
        exclusive_minimum: Every value is larger.
        exclusive_maximum: Every value is smaller.
        items: Type of the elements of an array; None: any of them.
        nullable: Whether the caller may give null; a default of null implies it.
        unit: Unit of the value, such as ``Hz``, for people.
    """

    type: Annotated[
        ParameterType, PlainValidator(_check_type), WithJsonSchema({"type": "string", "enum": list(_TYPES)})
    ]
    default: Annotated[Any, WithJsonSchema({})] = None
    options: Annotated[
        Annotated[tuple[Any, ...], Field(strict=False)] | None,
        WithJsonSchema({"type": ["array", "null"], "minItems": 1}),
    ] = None
    description: str = ""
    minimum: Bound = None
    maximum: Bound = None
    exclusive_minimum: Bound = None
    exclusive_maximum: Bound = None
    items: Annotated[
        ScalarType | None,
        PlainValidator(_check_items),
        WithJsonSchema({"enum": [*_TYPES[:-1], None]}),
    ] = None
    nullable: bool = False
    unit: str = ""

    @property
    def required(self) -> bool:
        """Whether the caller must give a value."""
        return "default" not in self.model_fields_set

    @property
    def accepts_null(self) -> bool:
        """Whether null is a value: declared, or implied by a null default."""
        return self.nullable or (not self.required and self.default is None)

    def check(self, value: object) -> tuple[Any, tuple[Fault, ...]]:
        """Say whether a value fits.

        Args:
            value: A Python value; strict: True is no number, "1" is no number, 1 is a float and becomes 1.0.

        Returns:
            The value in the declared type, and no fault; or None and every fault.
        """
        if value is None:
            faults = () if self.accepts_null else (self._misfit(value, self.describe()),)
            return None, faults
        if self.type != "array":
            return self._check_single(value, self.type)
        if not isinstance(value, list | tuple):
            return None, (self._misfit(value, self.describe()),)
        return self._check_elements(value)

    def describe(self) -> str:
        """Say in words what fits, such as ``integer >= 1 or null``.

        Example:
            >>> Parameter(type="float", exclusive_minimum=0, unit="Hz").describe()
            'float > 0 in Hz'
        """
        if self.type == "array":
            text = f"array of {self.items or 'single values'}"
            inner = self._limits()
            text += f", each{inner}" if inner else ""
        else:
            text = self.type + self._limits()
        text += f" in {self.unit}" if self.unit else ""
        return f"{text} or null" if self.accepts_null else text

    def _limits(self) -> str:
        bounds = {
            ">=": self.minimum,
            ">": self.exclusive_minimum,
            "<=": self.maximum,
            "<": self.exclusive_maximum,
        }
        text = " and".join(f" {sign} {bound}" for sign, bound in bounds.items() if bound is not None)
        if self.options is not None:
            text += " out of " + ", ".join(show(option) for option in self.options)
        return text

    def _check_elements(self, values: list[Any] | tuple[Any, ...]) -> tuple[Any, tuple[Fault, ...]]:
        checked: list[Any] = []
        faults: list[Fault] = []
        for index, value in enumerate(values):
            element, misfits = self._check_single(value, self.items)
            checked.append(element)
            faults += [Fault(at=(index,), expected=m.expected, got=m.got, hint=m.hint) for m in misfits]
            if len(faults) > _MAX_FAULTS:
                faults[-1] = Fault(expected=self.describe(), got="more elements that do not fit")
                break
        return (None, tuple(faults)) if faults else (checked, ())

    def _check_single(self, value: object, kind: str | None) -> tuple[Any, tuple[Fault, ...]]:
        expected = self.describe() if self.type != "array" else (kind or "string, integer, float or boolean")
        if self.type == "array":
            expected += self._limits()
        converted = convert(value, kind)
        if converted is None:
            return None, (self._misfit(value, expected),)
        if isinstance(converted, int | float) and not isinstance(converted, bool) and not self._inside(converted):
            return None, (self._misfit(value, expected),)
        if self.options is not None and not any(equal(converted, option) for option in self.options):
            hint = ""
            if isinstance(converted, str):
                hint = did_you_mean(converted, [option for option in self.options if isinstance(option, str)])
            return None, (self._misfit(value, expected, hint if hint.startswith("did") else ""),)
        return converted, ()

    def _inside(self, number: float) -> bool:
        return (
            (self.minimum is None or number >= self.minimum)
            and (self.maximum is None or number <= self.maximum)
            and (self.exclusive_minimum is None or number > self.exclusive_minimum)
            and (self.exclusive_maximum is None or number < self.exclusive_maximum)
        )

    def _misfit(self, value: object, expected: str, hint: str = "") -> Fault:
        if not hint and isinstance(value, str) and self.type in ("integer", "float", "boolean"):
            hint = "remove the quotes" if self.type != "boolean" else "write true or false without quotes"
        return Fault(expected=expected, got=show(value), hint=hint)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        faults = [*self._misplaced(), *self._option_faults()]
        if not faults and not self.required:
            if self.default is None and self.nullable is False and "nullable" in self.model_fields_set:
                got = "false, while the default is null"
                faults.append(Fault(at=("nullable",), expected="true", got=got, hint="or remove the default"))
            _, misfits = self.check(self.default)
            faults += [Fault(at=("default", *m.at), expected=m.expected, got=m.got, hint=m.hint) for m in misfits]
        if faults:
            raise fault(*faults)
        return self

    def _misplaced(self) -> Iterator[Fault]:
        """Find keys that do not go with the type, and bounds that leave nothing."""
        kind = self.items if self.type == "array" else self.type
        if self.items is not None and self.type != "array":
            yield Fault(at=("items",), expected="no items: the type is not array", got=show(self.items))
        lower = self.minimum if self.minimum is not None else self.exclusive_minimum
        upper = self.maximum if self.maximum is not None else self.exclusive_maximum
        for name in ("minimum", "maximum", "exclusive_minimum", "exclusive_maximum"):
            bound = getattr(self, name)
            if bound is not None and kind not in ("integer", "float"):
                hint = "declare items as integer or float" if self.type == "array" else "remove it"
                yield Fault(
                    at=(name,),
                    expected=f"no {name}: {kind or 'array'} has no order",
                    got=show(bound),
                    hint=hint,
                )
        if lower is not None and upper is not None and lower > upper:
            at = "maximum" if self.maximum is not None else "exclusive_maximum"
            yield Fault(at=(at,), expected=f"at least the lower bound {lower}", got=show(upper))

    def _option_faults(self) -> Iterator[Fault]:
        kind = self.items if self.type == "array" else self.type
        if self.options is not None and not self.options:
            yield Fault(at=("options",), expected="at least one option", got="[]", hint="remove the key")
        for index, option in enumerate(self.options or ()):
            if convert(option, kind) is None:
                hint = "write nullable: true to allow null" if option is None else ""
                expected = kind or "a single value"
                yield Fault(at=("options", index), expected=expected, got=show(option), hint=hint)
