"""The form that a manifest's `configuration` makes, and what comes back from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from platform_base.core.json_text import to_json
from platform_base.plugins.errors import ParameterError
from platform_base.plugins.manifest import Parameter
from platform_base.plugins.parameter_text import parse_value
from platform_base.plugins.parameters import resolve

PREFIX = "p."
_FIRST = 8
"""So many parameters are shown at once; the others can be unfolded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One parameter in the form.

    Attributes:
        name: Of the parameter.
        parameter: What the manifest declares.
        text: What stands in the field.
        error: What is wrong with it; empty: nothing.
        options: Values to choose from, as text and with their words; empty: it is typed.
    """

    name: str
    parameter: Parameter
    text: str
    error: str
    options: tuple[tuple[str, str], ...]

    @property
    def field_id(self) -> str:
        """Its name in the page."""
        return f"p-{self.name}"

    @property
    def kind(self) -> str:
        """``select``, ``checkbox``, ``number`` or ``text``."""
        if self.options:
            return "select"
        if self.parameter.type == "boolean":
            return "checkbox"
        return "number" if self.parameter.type in ("integer", "float") else "text"

    @property
    def is_changed(self) -> bool:
        """Whether it differs from the default."""
        return self.text != default_text(self.parameter)


def default_text(parameter: Parameter) -> str:
    """Return what stands in the field before anybody has touched it."""
    return "" if parameter.required else write_value(parameter.default)


def write_value(value: Any) -> str:
    """Return a parameter's value as `read_parameters` reads it; null is the empty field."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return to_json(value).replace("\n", "") if isinstance(value, list) else str(value)


def make_fields(
    configuration: Mapping[str, Parameter], texts: Mapping[str, str], errors: Mapping[str, str]
) -> list[Field]:
    """Return the fields of a form.

    Args:
        configuration: The manifest's.
        texts: What stands in the fields, by parameter; the others have their default.
        errors: What is wrong, by parameter.
    """
    return [
        Field(
            name=name,
            parameter=parameter,
            text=texts.get(name, default_text(parameter)),
            error=errors.get(name, ""),
            options=_options(parameter),
        )
        for name, parameter in configuration.items()
    ]


def part_fields(fields: list[Field]) -> tuple[list[Field], list[Field]]:
    """Return the fields that are shown at once, and those that can be unfolded."""
    return (fields, []) if len(fields) <= _FIRST + 2 else (fields[:_FIRST], fields[_FIRST:])


def _options(parameter: Parameter) -> tuple[tuple[str, str], ...]:
    if parameter.type == "array":
        return ()
    chosen: Iterable[Any] = parameter.options or ()
    if parameter.type == "boolean" and (parameter.accepts_null or parameter.required):
        chosen = (True, False)
    texts = [(write_value(option), write_value(option)) for option in chosen]
    if texts and (parameter.accepts_null or parameter.required):
        texts.insert(0, ("", "null" if parameter.accepts_null else "\u2013"))
    return tuple(texts)


def read_parameters(
    plugin_id: str, configuration: Mapping[str, Parameter], form: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    """Read the fields that were sent, and have them checked as every call's parameters are.

    Args:
        plugin_id: For messages.
        configuration: The manifest's.
        form: What was sent: texts by name of the field.

    Returns:
        Values to call with, texts to show again, and errors, each by parameter.
    """
    values: dict[str, Any] = {}
    texts: dict[str, str] = {}
    errors: dict[str, str] = {}
    for name, parameter in configuration.items():
        given = form.get(PREFIX + name)
        if given is None and parameter.type == "boolean" and not _options(parameter):
            given = "false"  # browsers do not send a box that is not ticked
        if not isinstance(given, str):
            continue
        text = texts[name] = given.strip() if parameter.type != "string" else given
        if text == "" and (parameter.required or parameter.type != "string" or parameter.accepts_null):
            if not parameter.required and not parameter.accepts_null:
                continue  # an emptied field: the default
            if parameter.accepts_null:
                values[name] = None
            continue
        try:
            values[name] = parse_value(text, parameter)
        except ValueError:
            errors[name] = f"expected {parameter.describe()}, got {text[:60]!r}"
    try:
        resolve(configuration, {**values, **_fitting(configuration, errors)}, plugin_id=plugin_id)
    except ParameterError as error:
        for problem in error.problems:
            name = next((each for each in configuration if _is_about(problem.key, plugin_id, each)), "")
            if name and name not in errors:
                hint = f"; {problem.hint}" if problem.hint and not problem.hint.startswith("pass params") else ""
                errors[name] = f"expected {problem.expected}, got {problem.got}{hint}"
    return values, texts, errors


def _fitting(configuration: Mapping[str, Parameter], errors: Mapping[str, str]) -> dict[str, Any]:
    """Return defaults for what could not be read, so that the rest can be checked."""
    return {name: configuration[name].default for name in errors if not configuration[name].required}


def _is_about(key: str, plugin_id: str, name: str) -> bool:
    own = f"{plugin_id}.params.{name}"
    return key == own or key.startswith((f"{own}.", f"{own}["))
