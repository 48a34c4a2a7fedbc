"""YAML, read strictly.

Only what cannot surprise: of the plain scalars, ``true``, ``false``, ``null``, decimal integers and floats
have a meaning; everything else is text (``NO``, ``12:30``, ``010``, ``1_000``). No tags, no aliases, no
duplicate keys, one document. The rules follow the core schema of YAML 1.2.2, section 10.3.2, not YAML 1.1, in
which ``NO`` is false.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from platform_base.plugins.documents.document import MAX_BYTES, MAX_DEPTH, Document, KeyPath, show
from platform_base.plugins.documents.regular_file import read_regular
from platform_base.plugins.errors import PluginError, Problem

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}
_MAX_DIGITS = 30


def read_yaml(path: str | Path, *, error: Callable[[Sequence[Problem]], PluginError]) -> Document:
    """Read one YAML document from a file of at most 1 MiB; links are followed.

    Raises:
        PluginError: What `error` made: every duplicate key, alias and tag, or the first fault of syntax.
    """
    file = str(path)
    try:
        text = read_regular(path, max_bytes=MAX_BYTES, follow=True).decode("utf-8-sig")
    except OSError as failure:
        reason = failure.strerror or str(failure)
        problem = Problem(file=file, expected=f"a readable file of at most {MAX_BYTES} bytes", got=reason)
        raise error([problem]) from failure
    except UnicodeDecodeError as failure:
        got = f"{failure.reason} at offset {failure.start}"
        problem = Problem(file=file, expected="UTF-8 text", got=got, hint="save the file as UTF-8")
        raise error([problem]) from failure
    return parse_yaml(text, file=file, error=error)


def parse_yaml(text: str, *, file: str, error: Callable[[Sequence[Problem]], PluginError]) -> Document:
    """Read one YAML document from text; `file` names it in messages. Raises as `read_yaml`."""
    composer = _Composer(file)
    try:
        data = composer.compose(yaml.parse(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as failure:
        mark = failure.problem_mark
        got = f"{failure.problem or failure.context or 'a fault'}"
        got += f" at column {mark.column + 1}" if mark else ""
        problem = Problem(file=file, line=mark.line + 1 if mark else 0, expected="YAML", got=got)
        raise error([*composer.problems, problem]) from failure
    except yaml.YAMLError as failure:
        raise error([Problem(file=file, expected="YAML", got=show(str(failure), 200))]) from failure
    if composer.problems:
        raise error(composer.problems)
    lines = composer.lines
    return Document(file=file, data=data, locate=lambda: lines)


class _Composer:
    """Builds plain data from parser events, and notes lines and problems on the way."""

    def __init__(self, file: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self.problems: list[Problem] = []
        self._file = file
        self._events: Iterator[Any] = iter(())

    def compose(self, events: Iterator[Any]) -> Any:
        self._events = events
        data: Any = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._refuse(event, (), "one document", "a second one")
                    break
                data = self._value(next(events), ())
        return data

    def _value(self, event: Any, path: KeyPath) -> Any:
        self.lines.setdefault(path, _line(event))
        if isinstance(event, yaml.AliasEvent):
            self._refuse(event, path, "a value", f"the alias *{event.anchor}", "write the value out")
            return None
        if event.tag is not None:
            self._refuse(event, path, "no tag", event.tag, "remove the tag; it is not needed")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        if len(path) >= MAX_DEPTH:
            raise yaml.MarkedYAMLError(
                problem=f"more than {MAX_DEPTH} levels of nesting", problem_mark=event.start_mark
            )
        return self._sequence(path) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(path)

    def _sequence(self, path: KeyPath) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items))))
        return items

    def _mapping(self, path: KeyPath) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise yaml.MarkedYAMLError(problem="a key that is no text", problem_mark=event.start_mark)
            key = event.value
            if key in mapping:
                first = self.lines[(*path, key)]
                hint = f"the first one is on line {first}; remove one of them"
                self._refuse(event, (*path, key), "each key once", "a second one", hint)
            self.lines.setdefault((*path, key), _line(event))
            mapping[key] = self._value(next(self._events), (*path, key))
        return mapping

    def _scalar(self, event: Any, path: KeyPath) -> Any:
        text: str = event.value
        if event.style is not None or not event.implicit[0]:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text):
            if len(text) > _MAX_DIGITS:
                self._refuse(event, path, f"at most {_MAX_DIGITS} digits", show(text))
                return 0
            return int(text)
        if _FLOAT.fullmatch(text):
            number = float(text)
            if not math.isfinite(number):
                self._refuse(event, path, "a finite number", text)
            return number
        return text

    def _refuse(self, event: Any, path: KeyPath, expected: str, got: str, hint: str = "") -> None:
        line, column = _line(event), event.start_mark.column + 1
        place = Document(file=self._file, data=None, locate=lambda: {path: line})
        got = f"{got} at column {column}"
        self.problems.append(place.problem(path, expected=expected, got=got, hint=hint))


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
