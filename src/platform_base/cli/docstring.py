"""What a docstring says: the summary, the arguments (Google or NumPy style), and examples with literal results."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_GOOGLE = re.compile(r"^(?:Args|Arguments|Parameters):\s*$", re.MULTILINE)
_GOOGLE_ENTRY = re.compile(r"^( +)(\w+)(?: *\([^)]*\))?: *(.*(?:\n\1 +\S.*)*)", re.MULTILINE)
_NUMPY = re.compile(r"^Parameters\n-{3,}\n", re.MULTILINE)
_NUMPY_ENTRY = re.compile(r"^(\w+(?:, *\w+)*)(?: *:.*)?\n((?: +.*\n?|\n)+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A call in a docstring whose result stands below it.

    Attributes:
        arguments: By name.
        result: What the call returns, in plain Python.
        digits: Digits behind the point to which the result was rounded; None: it was not.
    """

    arguments: dict[str, Any]
    result: Any
    digits: int | None = None


def read_summary(text: str) -> str:
    """Return the first sentence, on one line, without its full stop."""
    first = inspect.cleandoc(text).partition("\n\n")[0]
    return " ".join(first.split()).removesuffix(".")


def read_arguments(text: str) -> dict[str, str]:
    """Return what is said about each argument, on one line."""
    text = inspect.cleandoc(text)
    found: dict[str, str] = {}
    if match := _GOOGLE.search(text):
        section = re.split(r"^\S", text[match.end() :].lstrip("\n"), maxsplit=1, flags=re.MULTILINE)[0]
        for _, name, words in _GOOGLE_ENTRY.findall(section):
            found[name] = " ".join(words.split()).removesuffix(".")
    elif match := _NUMPY.search(text):
        section = re.split(r"^\w.*\n-{3,}\n", text[match.end() :] + "\n", maxsplit=1, flags=re.MULTILINE)[0]
        for names, words in _NUMPY_ENTRY.findall(section):
            for name in re.split(r", *", names):
                found[name] = " ".join(words.split()).removesuffix(".")
    return found


def read_examples(text: str, function: str, positional: list[str]) -> Iterator[Example]:
    """Yield the examples that call the function once with literals, and show a literal.

    Around the call may stand ``.tolist()``, ``list(...)``, ``float(...)``, ``int(...)`` and ``round(..., digits)``.

    Args:
        text: The docstring.
        function: Its name.
        positional: The names of its arguments, in order.
    """
    try:
        examples = doctest.DocTestParser().get_examples(text)
    except ValueError:  # a docstring that only looks like it had examples
        return
    for example in examples:
        try:
            call = ast.parse(example.source.strip(), mode="eval").body
            result = ast.literal_eval(example.want.strip())
            node, digits = _unwrap(call, function)
            if node is None or len(node.args) > len(positional):
                continue
            arguments = {name: ast.literal_eval(each) for name, each in zip(positional, node.args, strict=False)}
            arguments |= {each.arg: ast.literal_eval(each.value) for each in node.keywords if each.arg is not None}
        except (ValueError, SyntaxError, TypeError):
            continue  # not made of literals: nothing that a manifest could hold
        yield Example(arguments=arguments, result=result, digits=digits)


def _unwrap(node: ast.expr, function: str) -> tuple[ast.Call | None, int | None]:
    """Return the call of the function inside an expression, and the digits that the expression rounds to."""
    digits: int | None = None
    while isinstance(node, ast.Call):
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr == "tolist":
            node = called.value
        elif isinstance(called, ast.Name) and called.id == function:
            return node, digits
        elif isinstance(called, ast.Name) and called.id in ("list", "float", "int") and len(node.args) == 1:
            node = node.args[0]
        elif isinstance(called, ast.Name) and called.id == "round" and len(node.args) == 2:
            digits = int(ast.literal_eval(node.args[1]))
            node = node.args[0]
        else:
            break
    return None, None
