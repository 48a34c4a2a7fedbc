"""Which modules a plugin's own files may import: a lint with a clear message, **not a boundary**.

Python offers a hundred ways around it (``sys.modules["os"]`` is the shortest); the kernel's protections hold
whatever the plugin imports. It judges the plugin's own files only: NumPy's ``import os`` is NumPy's business.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

_ALWAYS = (
    "__future__", "platform_base.core", "platform_base.kernels", "platform_base.series", "platform_base.plugins.base"
)  # fmt: skip
_ABSENCE = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


class ModuleBlockedError(ImportError):
    """A plugin's own file imports what the settings do not let it import.

    Attributes:
        problems: One line per import, with file and line where they are known.
    """

    def __init__(self, problems: Sequence[str], *, name: str) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems), name=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Import:
    """One import in a source file; `optional` where its absence is caught right there."""

    module: str
    members: tuple[str, ...]
    line: int
    optional: bool


def _matches(module: str, names: Iterable[str]) -> bool:
    return any(module == name or module.startswith(name + ".") for name in names)


def _is_by(names: Iterable[str], importer: Mapping[str, object]) -> bool:
    """Whether the module with these globals is one of `names`, or below one."""
    name = getattr(importer.get("__spec__"), "name", None) or importer.get("__name__")
    return isinstance(name, str) and _matches(name, names)


def _catches_absence(handlers: Iterable[ast.ExceptHandler]) -> bool:
    for handler in handlers:
        kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        if any(kind is None or (isinstance(kind, ast.Name) and kind.id in _ABSENCE) for kind in kinds):
            return True
    return False


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else test.id if isinstance(test, ast.Name) else ""
    return name == "TYPE_CHECKING"


def _constant_import(node: ast.Call) -> str | None:
    """The module in ``__import__("x")`` or ``importlib.import_module("x")``."""
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
    if name not in ("__import__", "import_module") or not node.args:
        return None
    first = node.args[0]
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def _own_imports(node: ast.AST, optional: bool) -> Iterator[_Import]:
    """The imports that this very node states."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield _Import(module=alias.name, members=(), line=node.lineno, optional=optional)
    elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
        members = tuple(alias.name for alias in node.names)
        yield _Import(module=node.module, members=members, line=node.lineno, optional=optional)
    elif isinstance(node, ast.Call) and (module := _constant_import(node)) and not module.startswith("."):
        yield _Import(module=module, members=(), line=node.lineno, optional=optional)


def _imports(tree: ast.Module) -> Iterator[_Import]:
    """Every import of a file, but for those under ``if TYPE_CHECKING``, which never run."""
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:
        node, optional = waiting.pop()
        yield from _own_imports(node, optional)
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            waiting += [(child, optional) for child in node.orelse]
        elif isinstance(node, ast.Try) and _catches_absence(node.handlers):
            waiting += [(child, True) for child in node.body]
            waiting += [(child, optional) for child in (*node.handlers, *node.orelse, *node.finalbody)]
        else:
            waiting += [(child, optional) for child in ast.iter_child_nodes(node)]


@dataclass(frozen=True, slots=True)
class ImportGuard:
    """The rules for one plugin.

    Blocked modules win over allowed ones; a name stands for everything below it. Never refused are the
    plugin's own modules, `platform_base.core`, `platform_base.kernels`, `platform_base.series` and
    `platform_base.plugins.base`; the standard library is refused only where it is blocked.

    Attributes:
        allowed: Third-party modules, such as ``("numpy", "scipy")``; ``None``: any.
        blocked: Modules of any kind, such as ``("os", "urllib.request")``.
        own: The plugin's own modules and packages.
    """

    allowed: tuple[str, ...] | None
    blocked: tuple[str, ...]
    own: set[str] = field(default_factory=set)

    def check(self, module: str, members: Iterable[str] = (), *, optional: bool = False) -> str | None:
        """Judge one import.

        Args:
            module: Absolute name.
            members: Names after ``from module import``; they may be modules too.
            optional: Do not mind a third-party module that is not allowed, because its absence is handled.

        Returns:
            Why it is refused, and what to do; ``None`` where it is not.
        """
        full = [module, *(f"{module}.{member}" for member in members)]
        if _matches(module, _ALWAYS) or (len(full) > 1 and all(_matches(name, _ALWAYS) for name in full[1:])):
            return None
        for name in full:
            if _matches(name, self.blocked):
                return f"module {name!r} is in security.blocked_modules; take it out there, or do without it"
        top = module.partition(".")[0]
        if _matches(module, self.own) or top in sys.stdlib_module_names:
            return None
        if top == "platform_base":
            public = "platform_base.core, platform_base.kernels, platform_base.series and platform_base.plugins.base"
            return f"module {module!r} is not for plugins; import only {public}"
        if optional or self.allowed is None or _matches(module, self.allowed):
            return None
        listed = ", ".join(self.allowed) or "nothing"
        remedy = "add it there and to the plugin's requires"
        return f"module {module!r} is not in security.allowed_modules ({listed}); {remedy}"

    def scan(self, source: str, path: str) -> None:
        """Judge every import that a file states, wherever in the file it stands.

        Args:
            source: The file's text.
            path: Its name, for messages.

        Raises:
            ModuleBlockedError: At least one import is refused; the message has a line for each, with file and
            line. SyntaxError: The text is not Python (`ValueError` for null characters before Python 3.12).
        """
        refused: list[tuple[int, str, str]] = []
        for found in _imports(ast.parse(source, path)):
            reason = self.check(found.module, found.members, optional=found.optional)
            if reason is not None:
                refused.append((found.line, found.module, f"{path}:{found.line}: {reason}"))
        if refused:
            refused.sort()
            raise ModuleBlockedError([text for _, _, text in refused], name=refused[0][1])

    def install(self, package: str = "") -> Callable[[], None]:
        """Judge, from now on, the imports that the plugin's own modules make while they run.

        Args:
            package: The package as which the plugin is imported, besides the names in `own`.

        Returns:
            A function that takes the guard away again.
        """
        # A plugin's file may bear the name of a standard module, whose own imports must go on working.
        judged = {name for name in (package, *self.own) if name and name not in sys.stdlib_module_names}
        real_import, real_import_module = builtins.__import__, importlib.import_module

        def guarded_import(
            name: str,
            globals: Mapping[str, object] | None = None,  # noqa: A002 - the names that callers may use
            locals: Mapping[str, object] | None = None,  # noqa: A002
            fromlist: Sequence[str] | None = (),
            level: int = 0,
        ) -> Any:
            # C code that imports (PyImport_Import) passes the globals of whatever Python frame is current,
            # which may be the plugin's, and an empty list. An import statement passes None or a tuple.
            stated = not isinstance(fromlist, list)
            if level == 0 and stated and _is_by(judged, sys._getframe(1).f_globals if globals is None else globals):
                self._refuse(name, fromlist or ())
            return real_import(name, globals, locals, fromlist or (), level)

        def guarded_import_module(name: str, package: str | None = None) -> ModuleType:
            if not name.startswith(".") and _is_by(judged, sys._getframe(1).f_globals):
                self._refuse(name, ())
            return real_import_module(name, package)

        builtins.__import__ = guarded_import
        importlib.import_module = guarded_import_module

        def remove() -> None:
            builtins.__import__ = real_import
            importlib.import_module = real_import_module

        return remove

    def _refuse(self, name: str, members: Iterable[str]) -> None:
        reason = self.check(name, (member for member in members if isinstance(member, str)))
        if reason is not None:
            raise ModuleBlockedError([reason], name=name)
