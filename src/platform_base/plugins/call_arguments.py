"""What a caller hands over, checked: inputs, parameters through either of two doors, a timeout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from platform_base.plugins.errors import InvalidInputsError, ParameterError, Problem


def join_parameters(
    plugin_id: str, inputs: Mapping[str, Any], params: Mapping[str, Any] | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two doors to one thing: ``params=`` and ``inputs["params"]``; one key through both is an error."""
    if type(inputs) is not dict and not isinstance(inputs, Mapping):
        raise InvalidInputsError(
            f"inputs of plugin {plugin_id!r}: expected a mapping of names to values, got {type(inputs).__name__}; "
            'write {"series": ...} with the names of the plugin\'s documentation',
            plugin_id=plugin_id,
        )
    data = dict(inputs)
    inner = data.pop("params", None)
    if inner is None and params is None:
        return data, {}
    for name, value in (("params", params), ('inputs["params"]', inner)):
        if value is not None and not isinstance(value, Mapping):
            raise ParameterError(
                [Problem(key=name, expected="a mapping of parameter names to values", got=type(value).__name__)]
            )
    twice = sorted(set(inner or ()) & set(params or ()))
    if twice:
        raise ParameterError(
            [
                Problem(
                    key=key,
                    expected="one value",
                    got='one in params and one in inputs["params"]',
                    hint="give it once",
                )
                for key in twice
            ]
        )
    return data, {**(inner or {}), **(params or {})}


def check_timeout(timeout: float) -> float:
    """Return a deadline in seconds that a caller gave; raises `ParameterError` where it is none."""
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
        raise ParameterError([Problem(key="timeout", expected="seconds, more than 0", got=repr(timeout))])
    return float(timeout)
