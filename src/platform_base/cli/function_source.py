"""A function in somebody's module, read from its source: the module is never imported."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platform_base.cli.errors import FunctionError, UsageError

_MOST_ALIASES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSource:
    """A function, and the module in which it stands.

    Attributes:
        path: The module's file.
        text: Its source.
        tree: The same, parsed.
        node: The function.
    """

    path: Path
    text: str
    tree: ast.Module
    node: ast.FunctionDef

    def resolve(self, node: ast.expr) -> ast.expr:
        """Return what a name stands for that the module assigns once at its top; anything else as it is."""
        for _ in range(_MOST_ALIASES):
            if not isinstance(node, ast.Name) or (value := self._assigned(node.id)) is None:
                return node
            node = value
        return node

    def find_class(self, name: str) -> ast.ClassDef | None:
        """Return a class of the module."""
        return next((each for each in self.tree.body if isinstance(each, ast.ClassDef) and each.name == name), None)

    def _assigned(self, name: str) -> ast.expr | None:
        for each in self.tree.body:
            if isinstance(each, ast.Assign) and [ast.unparse(target) for target in each.targets] == [name]:
                return each.value
            if isinstance(each, ast.AnnAssign) and ast.unparse(each.target) == name:
                return each.value
        return None


def read_function(spec: str, directory: Path) -> FunctionSource:
    """Find and parse a function.

    Args:
        spec: ``module:function`` or ``path/to/file.py:function``.
        directory: Where paths and modules are looked for first.

    Raises:
        UsageError: The words name no file.
        FunctionError: The file is no Python, or has no such function.
    """
    module, _, name = spec.rpartition(":")
    if not module or not name.isidentifier():
        raise UsageError(f"--from-function: expected MODULE:FUNCTION or FILE.py:FUNCTION, got {spec!r}")
    path = _find_module(module, directory)
    try:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text, str(path))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", 0) or 0
        raise FunctionError.at(path, line, name, expected="Python source", got=str(error)) from error
    found: dict[str, Any] = {
        each.name: each for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    if name not in found:
        from platform_base.plugins.documents.spelling import did_you_mean

        hint = did_you_mean(name, found) or "the module has no functions at its top"
        raise FunctionError.at(path, 0, name, expected="a function at the top of the module", got="none", hint=hint)
    node = found[name]
    if isinstance(node, ast.AsyncFunctionDef) or any(
        isinstance(part, ast.Yield | ast.YieldFrom) for part in _own(node)
    ):
        hint = "return the whole result"
        raise FunctionError.at(
            path, node.lineno, name, expected="a plain function", got="a coroutine or generator", hint=hint
        )
    return FunctionSource(path=path, text=text, tree=tree, node=node)


def _own(node: ast.AST) -> list[ast.AST]:
    """Return what belongs to a function itself, without the functions inside it."""
    found: list[ast.AST] = []
    waiting = list(ast.iter_child_nodes(node))
    while waiting:
        part = waiting.pop()
        found.append(part)
        if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(part)
    return found


def _find_module(module: str, directory: Path) -> Path:
    """Return a module's file; only files are looked at, so no package on the way is imported."""
    if module.endswith(".py"):
        path = directory / module
        if path.is_file():
            return path
        raise UsageError(f"--from-function: expected a file, got nothing at {path}")
    stem = Path(*module.split("."))
    for base in (directory, *map(Path, filter(None, sys.path))):
        for candidate in (base / stem.with_suffix(".py"), base / stem / "__init__.py"):
            if candidate.is_file():
                return candidate
    raise UsageError(
        f"--from-function: expected a module that is here or installed, got {module!r}; name its file instead, "
        "as in work/smoothing.py:smooth"
    )
