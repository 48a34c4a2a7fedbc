"""What the caller asked for, checked against what the manifest declares; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from platform_base.plugins.declaration import Parameter
from platform_base.plugins.documents.document import show, show_path
from platform_base.plugins.documents.model import Fault
from platform_base.plugins.documents.spelling import did_you_mean
from platform_base.plugins.errors import ParameterError, Problem

_KINDS = "biufU"
"""Kinds of NumPy dtype that a parameter may have: booleans, integers, floats, text."""


def resolve(declared: Mapping[str, Parameter], given: Mapping[str, object], *, plugin_id: str) -> dict[str, Any]:
    """Check the caller's parameters and fill in the defaults.

    Args:
        declared: The manifest's ``configuration``.
        given: The caller's ``params``. NumPy scalars count as Python values, one-dimensional NumPy
            arrays as lists.
        plugin_id: For messages.

    Returns:
        Every declared parameter, in the order of the manifest: None, str, int, float, bool, or a new list.

    Raises:
        ParameterError: With every problem: unknown names, missing values, wrong types, values out of range.
    """
    if type(given) is dict and not given and not declared:
        return {}
    if not isinstance(given, Mapping):
        expected = "a mapping of parameter names to values"
        raise ParameterError([Problem(key=f"{plugin_id}.params", expected=expected, got=_show(given))])
    problems = list(_unknown(declared, given, plugin_id))
    values: dict[str, Any] = {}
    for name, parameter in declared.items():
        value, faults = _value(name, parameter, given)
        values[name] = value
        for each in faults:
            key = show_path((plugin_id, "params", name, *each.at))
            problems.append(Problem(key=key, expected=each.expected, got=each.got, hint=each.hint))
    if problems:
        raise ParameterError(problems)
    return values


def _unknown(declared: Mapping[str, Parameter], given: Mapping[str, object], plugin_id: str) -> Iterator[Problem]:
    for name in given:
        if not isinstance(name, str):
            yield Problem(key=f"{plugin_id}.params", expected="names that are text", got=_show(name))
        elif name not in declared:
            hint = did_you_mean(name, declared) or "this plugin has no parameters"
            key = show_path((plugin_id, "params", name))
            yield Problem(key=key, expected="a declared parameter", got=show(name), hint=hint)


def _value(name: str, parameter: Parameter, given: Mapping[str, object]) -> tuple[Any, tuple[Fault, ...]]:
    if name in given:
        plain, misfit = _plain(given[name], parameter)
        return (None, (misfit,)) if misfit else parameter.check(plain)
    if parameter.required:
        hint = f"pass params={{{name!r}: ...}}; it has no default"
        return None, (Fault(expected=parameter.describe(), got="nothing", hint=hint),)
    return parameter.check(parameter.default)


def _plain(value: object, parameter: Parameter) -> tuple[object, Fault | None]:
    """Turn what NumPy made into Python's own types, also inside a list."""
    if isinstance(value, np.ndarray):
        shape = "x".join(map(str, value.shape)) or "0-d"
        fault = Fault(expected=parameter.describe(), got=f"{shape} NumPy array of {value.dtype}")
        if value.ndim != 1 or value.dtype.kind not in _KINDS:
            return None, fault
        if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
            return None, Fault(expected=fault.expected, got="masked elements", hint="fill or drop them first")
        return [_python_scalar(element) for element in value], None
    if isinstance(value, list | tuple):
        return [_python_scalar(element) for element in value], None
    plain = _python_scalar(value)
    if isinstance(plain, np.generic) or not isinstance(plain, str | int | float | None):
        return None, Fault(expected=parameter.describe(), got=_show(value))
    return plain, None


def _python_scalar(value: object) -> object:
    if isinstance(value, np.generic) and value.dtype.kind in _KINDS:
        return float(value) if isinstance(value, np.floating) else value.item()
    return value


def _show(value: object) -> str:
    """Name the type where the value itself says nothing about it."""
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, np.generic)):
        return show(value)
    return f"a value of type {type(value).__name__}"
