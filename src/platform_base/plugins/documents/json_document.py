"""JSON, read strictly: bounded, no duplicate keys, no NaN, every fault with its line."""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from platform_base.plugins.documents.document import MAX_BYTES, MAX_DEPTH, Document, KeyPath, show
from platform_base.plugins.documents.regular_file import read_regular
from platform_base.plugins.errors import PluginError, Problem

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_SYNTAX_HINT = "JSON has double quotes only, no comments, and no comma before a closing bracket"


def read_json(path: str | Path, *, error: Callable[[Sequence[Problem]], PluginError]) -> Document:
    """Read a JSON object from a file.

    Args:
        path: A regular file of at most 1 MiB, UTF-8, nested at most 32 levels deep; links are refused.
        error: Makes the exception to raise from the problems.

    Raises:
        PluginError: What `error` made: the file cannot be read, is no JSON, or holds what JSON forbids.
    """
    file = str(path)
    try:
        content = read_regular(path, max_bytes=MAX_BYTES)
    except OSError as failure:
        reason = failure.strerror or str(failure)
        problem = Problem(file=file, expected=f"a readable file of at most {MAX_BYTES} bytes", got=reason)
        raise error([problem]) from failure
    return parse_json(content, file=file, error=error)


def parse_json(content: bytes, *, file: str, error: Callable[[Sequence[Problem]], PluginError]) -> Document:
    """Read a JSON object from bytes; `file` names them in messages. Raises as `read_json`."""
    text = _decode(content, file, error)
    duplicates: list[str] = []

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        mapping = dict(pairs)
        if len(mapping) < len(pairs):
            duplicates.append(file)
        return mapping

    try:
        data = json.loads(text, object_pairs_hook=build)
    except json.JSONDecodeError as failure:
        got = f"{failure.msg} at column {failure.colno}"
        problem = Problem(file=file, line=failure.lineno, expected="JSON", got=got, hint=_SYNTAX_HINT)
        raise error([problem]) from failure
    except RecursionError as failure:
        raise error([_too_deep(file)]) from failure
    except ValueError as failure:  # an integer of more digits than Python converts
        raise error([Problem(file=file, expected="numbers of sensible length", got=str(failure))]) from failure
    document = Document(file=file, data=data, locate=functools.cache(functools.partial(_locate, text)))
    if not isinstance(data, dict):
        raise error([document.problem((), expected="an object in braces", got=show(data))])
    problems = list(_forbidden(document))
    if duplicates and not problems:
        problems += _duplicates(text, file)
    if problems:
        raise error(problems)
    return document


def _decode(content: bytes, file: str, error: Callable[[Sequence[Problem]], PluginError]) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        got = f"byte 0x{content[failure.start]:02x} at offset {failure.start}"
        line = content.count(b"\n", 0, failure.start) + 1
        hint = "save the file as UTF-8"
        raise error([Problem(file=file, line=line, expected="UTF-8 text", got=got, hint=hint)]) from failure


def _too_deep(file: str) -> Problem:
    return Problem(file=file, expected=f"at most {MAX_DEPTH} levels of nesting", got="more")


def _forbidden(document: Document) -> Iterator[Problem]:
    """Find what Python's parser lets through: deep nesting, NaN, infinity, lone surrogates."""
    waiting: list[tuple[KeyPath, Any]] = [((), document.data)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict | list):
            if len(path) >= MAX_DEPTH:
                yield _too_deep(document.file)
                return
            items = value.items() if isinstance(value, dict) else enumerate(value)
            waiting.extend(((*path, key), item) for key, item in items)
            texts = list(value) if isinstance(value, dict) else []
        else:
            texts = [value] if isinstance(value, str) else []
        if isinstance(value, float) and not math.isfinite(value):
            yield document.problem(path, expected="a finite number", got=str(value), hint="write null for none")
        if any(not text.isascii() and _has_surrogate(text) for text in texts):
            hint = "write the character itself instead of half of a \\u pair"
            yield document.problem(path, expected="Unicode text", got="a lone surrogate", hint=hint)


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _locate(text: str) -> dict[KeyPath, int]:
    """Return the line of every value of a valid JSON text; a member stands where its key stands."""
    lines: dict[KeyPath, int] = {}
    for path, line in _members(text):
        lines.setdefault(path, line)
    return lines


def _duplicates(text: str, file: str) -> Iterator[Problem]:
    first: dict[KeyPath, int] = {}
    for path, line in _members(text):
        if path in first:
            hint = f"the first one is on line {first[path]}; remove one of them"
            document = Document(file=file, data=None, locate=functools.partial(dict, [(path, line)]))
            yield document.problem(path, expected="each key once", got="a second one", hint=hint)
        first.setdefault(path, line)


def _members(text: str) -> Iterator[tuple[KeyPath, int]]:
    """Yield path and line of every value, in the order of the text, duplicates included."""
    path: list[str | int] = []
    kinds: list[str] = []  # "{" before a key, ":" before its value, "[" inside a list
    line, position = 1, 0
    yield (), 1
    for match in _TOKEN.finditer(text):
        line += text.count("\n", position, match.start())
        position = match.start()
        piece = match[0]
        if piece in "}]":
            kinds.pop()
            path.pop()
        elif piece == ",":
            if kinds[-1] == "[":
                path[-1] = int(path[-1]) + 1
            else:
                kinds[-1] = "{"
        elif piece == ":":
            kinds[-1] = ":"
        elif kinds and kinds[-1] == "{":
            path[-1] = json.loads(piece)
            yield tuple(path), line
        else:
            if kinds and kinds[-1] == "[":
                yield tuple(path), line
            if piece in "{[":
                kinds.append(piece)
                path.append("" if piece == "{" else 0)
