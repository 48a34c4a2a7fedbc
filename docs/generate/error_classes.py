"""The tree of errors and the table of their facts, from the classes and their docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

from platform_base.plugins import errors
from platform_base.plugins.errors import PluginError

from docs.generate.blocks import table

_REMEDY = re.compile(r"What to do: (.+(?:\n(?!\n).+)*)")
_COLUMN = 33


def error_blocks() -> dict[str, str]:
    """Return the tree and the table, by name of the block."""
    tree = "\n".join(_branch(PluginError, "", ""))
    rows = [
        [
            f"`{each.__name__}`",
            f"`{each.__bases__[0].__name__}`",
            " ".join(f"`.{name}`" for name in _facts(each)),
            remedy(each),
        ]
        for each in _classes()
    ]
    head = ["Class", "Derives from", "Attributes", "What to do"]
    return {"errors tree": f"```text\n{tree}\n```", "errors classes": table(head, rows)}


def remedy(error: type[PluginError]) -> str:
    """Return what the docstring of a class says that one should do.

    Raises:
        ValueError: It says nothing.
    """
    match = _REMEDY.search(inspect.getdoc(error) or "")
    if match is None or "What to do" not in (error.__doc__ or ""):
        raise ValueError(f"{error.__name__}: its docstring has no paragraph that begins with 'What to do: '")
    return re.sub(r"\s+", " ", match[1]).replace("``", "`").removesuffix(".")


def _classes() -> list[type[PluginError]]:
    """Every class, in the order of the file."""
    return [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, PluginError)]


def _facts(error: type[PluginError]) -> list[str]:
    return [
        name
        for name in inspect.signature(error.__init__).parameters
        if name not in ("self", "message", "args", "kwargs")
    ]


def _branch(error: type[PluginError], lead: str, below: str) -> Iterator[str]:
    summary = (inspect.getdoc(error) or "").splitlines()[0].removesuffix(".").replace("`", "")
    also = [base.__name__ for base in error.__bases__[1:]]
    name = f"{lead}{error.__name__}"
    yield f"{name:<{_COLUMN}}{summary}{f' (also {also[0]})' if also else ''}".rstrip()
    children = [each for each in _classes() if each.__bases__[0] is error]
    for child in children:
        last = child is children[-1]
        yield from _branch(child, below + ("└── " if last else "├── "), below + ("    " if last else "│   "))
