"""A parameter that a person has typed: text, read as the type that the manifest declares; pure."""

from __future__ import annotations

import json
from typing import Any

from platform_base.plugins.declaration import Parameter

_WORDS = {"true": True, "false": False}


def parse_value(text: str, parameter: Parameter) -> Any:
    """Read text as the type that a manifest declares; ranges and options are checked later.

    Example:
        >>> parse_value("100", Parameter(type="integer"))
        100

    Raises:
        ValueError: It cannot be read so.
    """
    if text == "null" and parameter.accepts_null:
        return None
    if parameter.type == "integer":
        return int(text)
    if parameter.type == "float":
        return float(text)
    if parameter.type == "boolean":
        if text.casefold() not in _WORDS:
            raise ValueError("neither true nor false")
        return _WORDS[text.casefold()]
    if parameter.type == "array":
        try:
            value = json.loads(text)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        if not isinstance(value, list):
            raise ValueError("no array")
        return value
    return text
