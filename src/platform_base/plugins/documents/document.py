"""A document that was read: its data, and the line on which each value stands."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from platform_base.plugins.errors import Problem

KeyPath = tuple[str | int, ...]
"""Way to a value: keys of mappings and indices of lists."""

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
"""Levels of lists and mappings that a document may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a reader made of a text.

    Attributes:
        file: The document, as the person named it; empty when it is no file.
        data: None, bool, int, float, str, and lists and dicts of them.
        locate: Returns the line, from 1, of every value; called only when there is a problem to report.
        origins: Values that come from elsewhere than `file`, with the name of that place.
    """

    file: str
    data: Any
    locate: Callable[[], Mapping[KeyPath, int]] = dict
    origins: Mapping[KeyPath, str] = field(default_factory=dict)

    def problem(self, path: KeyPath, *, expected: str, got: str = "", hint: str = "") -> Problem:
        """Describe a fault of the value at `path`, or of the nearest value around it."""
        file, line = self._place(path)
        return Problem(file=file, line=line, key=show_path(path), expected=expected, got=got, hint=hint)

    def _place(self, path: KeyPath) -> tuple[str, int]:
        lines = self.locate()
        for length in range(len(path), -1, -1):
            start = path[:length]
            if start in self.origins:
                return self.origins[start], 0
            if start in lines:
                return self.file, lines[start]
        return self.file, 0


def show_path(path: KeyPath) -> str:
    """Write a path the way people read it.

    Example:
        >>> show_path(("configuration", "window_size", "options", 2))
        'configuration.window_size.options[2]'
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + _printable(part)
    return text


def show(value: object, max_length: int = 60) -> str:
    """Write a value as its document would, on one line, shortened, control characters made visible.

    Example:
        >>> show({"a": [1, True, None]})
        '{"a": [1, true, null]}'
    """
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (ValueError, TypeError, RecursionError):  # no JSON type, an integer too long to print, a cycle
        text = f"a value of type {type(value).__name__}"
    text = _printable(text[: max_length + 1])
    return text if len(text) <= max_length else f"{text[: max_length - 3]}..."


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
