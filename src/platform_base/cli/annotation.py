"""What the annotation and the default of an argument say, in words of a manifest; source is read, never evaluated."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from platform_base.cli.function_source import FunctionSource

_ARRAYS = frozenset(("ndarray", "NDArray", "ArrayLike", "MaskedArray", "Array"))
_TABLES = frozenset(("Series", "DataFrame", "Table"))
_LISTS = frozenset(("list", "List", "Sequence", "tuple", "Tuple", "Iterable", "Collection"))
_SCALARS = {
    "float": "float",
    "floating": "float",
    "float64": "float",
    "int": "integer",
    "bool": "boolean",
    "str": "string",
}
_BOUNDS = {"ge": "minimum", "gt": "exclusive_minimum", "le": "maximum", "lt": "exclusive_maximum"}
_WORDS = {"ge": ("Ge",), "gt": ("Gt",), "le": ("Le",), "lt": ("Lt",)}
_ENUMS = frozenset(("Enum", "StrEnum", "IntEnum"))
ABSENT = object()
"""Stands for a default that there is not."""


class UnderivableError(Exception):
    """Something has no counterpart in a manifest.

    Attributes:
        expected: What has one.
        got: What stands there.
        hint: What to do.
    """

    def __init__(self, expected: str, got: str, hint: str = "") -> None:
        self.expected = expected
        self.got = got
        self.hint = hint
        super().__init__(expected)


@dataclass(slots=True, kw_only=True)
class Derived:
    """What was derived of one annotation.

    Attributes:
        kind: ``array``, ``table``, ``list``, ``scalar``.
        keys: Keys of the manifest's parameter; of an array, its ``dtype`` where that is stated.
        nullable: Whether None is a value.
        conversion: What the plugin must call on the parameter: the name of an enumeration, or ``tuple``; may be empty.
        notes: What could not be derived and was left out.
    """

    kind: str
    keys: dict[str, Any] = field(default_factory=dict)
    nullable: bool = False
    conversion: str = ""
    notes: list[str] = field(default_factory=list)


def derive(node: ast.expr, source: FunctionSource) -> Derived:
    """Read an annotation.

    Raises:
        UnderivableError: It has no counterpart in a manifest.
    """
    node = _unquoted(source.resolve(node))
    name, inner = _name(node), _inner(node)
    if name == "Annotated" and inner:
        derived = derive(inner[0], source)
        for each in inner[1:]:
            _constrain(derived, each, source)
        return derived
    parts = _alternatives(node)
    if len(parts) > 1:
        return _derive_union(parts, node, source)
    if name in _ARRAYS:
        return Derived(kind="array", keys=_dtype(inner))
    if name in _TABLES:
        return Derived(kind="table")
    if name in _SCALARS:
        return Derived(kind="scalar", keys={"type": _SCALARS[name]})
    if name == "Literal":
        return _derive_options([literal(each, source) for each in inner], ast.unparse(node))
    if name in _LISTS:
        return _derive_list(name, inner, source)
    enumeration = source.find_class(name)
    if enumeration is not None and any(_name(base) in _ENUMS for base in enumeration.bases):
        derived = _derive_options(list(enum_values(enumeration).values()), ast.unparse(node))
        derived.conversion = name
        return derived
    raise UnderivableError(
        "an array, a number, text, bool, Literal, an Enum of the same module, a list of them, or one of these or None",
        ast.unparse(node),
    )


def derive_from_default(value: Any) -> Derived:
    """Read the type of an argument without annotation off its default.

    Raises:
        UnderivableError: The default has none.
    """
    kinds = {bool: "boolean", int: "integer", float: "float", str: "string"}
    if type(value) not in kinds:
        raise UnderivableError("an annotation", "none", "write name: float, or name: ArrayLike")
    return Derived(kind="scalar", keys={"type": kinds[type(value)]})


def literal(node: ast.expr, source: FunctionSource) -> Any:
    """Return what an expression stands for: a literal, a constant of the module, a member of its enumerations.

    Raises:
        UnderivableError: It would have to be evaluated, or is not finite.
    """
    node = source.resolve(node)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        enumeration = source.find_class(node.value.id)
        if enumeration is not None and node.attr in (values := enum_values(enumeration)):
            return values[node.attr]
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise UnderivableError(
            "a literal, or a constant of the same module", ast.unparse(node), "write the value itself"
        ) from None
    if isinstance(value, float) and not math.isfinite(value):
        raise UnderivableError("a finite number", ast.unparse(node))
    return list(value) if isinstance(value, tuple) else value


def enum_values(enumeration: ast.ClassDef) -> dict[str, Any]:
    """Return the members of an enumeration that are literals."""
    members = {}
    for each in enumeration.body:
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name):
            if isinstance(each.value, ast.Constant):
                members[each.targets[0].id] = each.value.value
            elif _name(each.value) == "auto" and any(_name(base) == "StrEnum" for base in enumeration.bases):
                members[each.targets[0].id] = each.targets[0].id.lower()
    return members


def _derive_union(parts: Sequence[ast.expr], node: ast.expr, source: FunctionSource) -> Derived:
    others = [part for part in parts if not (isinstance(part, ast.Constant) and part.value is None)]
    nullable = len(others) < len(parts)
    if len(others) > 1 and {_name(part) for part in others} <= {"int", "float", "floating"}:
        others = [part for part in others if _name(part) != "int"][:1]
    if len(others) != 1:
        raise UnderivableError("one kind of value, or it or None", ast.unparse(node), "choose one")
    derived = derive(others[0], source)
    derived.nullable = derived.nullable or nullable
    return derived


def _derive_options(options: list[Any], shown: str) -> Derived:
    given = [option for option in options if option is not None]
    kinds = {type(option) for option in given}
    names = {bool: "boolean", int: "integer", float: "float", str: "string"}
    if len(kinds) != 1 or not kinds <= set(names):
        raise UnderivableError("options of one type: texts, integers or numbers", shown)
    keys = {"type": names[kinds.pop()], "options": given}
    return Derived(kind="scalar", keys=keys, nullable=len(given) < len(options))


def _derive_list(name: str, inner: Sequence[ast.expr], source: FunctionSource) -> Derived:
    elements = [derive(each, source) for each in inner if not _is_ellipsis(each)]
    kinds = {each.keys.get("type") for each in elements if each.kind == "scalar"}
    keys: dict[str, Any] = {"type": "array"}
    if len(kinds) == 1 and len(elements) == sum(each.kind == "scalar" for each in elements):
        keys["items"] = kinds.pop()
        keys |= {key: value for key, value in elements[0].keys.items() if key != "type"}
    elif elements:
        raise UnderivableError("a list of single values of one type", f"{name}[{', '.join(map(ast.unparse, inner))}]")
    return Derived(kind="list", keys=keys, conversion="tuple" if name.casefold() == "tuple" else "")


def _constrain(derived: Derived, node: ast.expr, source: FunctionSource) -> None:
    """Take a range or a description from what stands behind the type in ``Annotated``."""
    node = source.resolve(node)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        derived.keys["description"] = node.value
        return
    name = _name(node.func) if isinstance(node, ast.Call) else ""
    if isinstance(node, ast.Call) and name in ("Doc", "doc") and node.args:
        derived.keys["description"] = literal(node.args[0], source)
        return
    found = False
    for key, bound in _BOUNDS.items():
        given = [each.value for each in node.keywords if each.arg == key] if isinstance(node, ast.Call) else []
        if isinstance(node, ast.Call) and name in _WORDS[key] and node.args:
            given = [node.args[0]]
        for each in given:
            derived.keys[bound] = literal(each, source)
            found = True
    if isinstance(node, ast.Call) and name == "Field":
        for word in node.keywords:
            if word.arg == "description":
                derived.keys["description"] = literal(word.value, source)
                found = True
    if not found:
        derived.notes.append(f"{ast.unparse(node)} says nothing that a manifest can hold; it is left out")


def _dtype(inner: Sequence[ast.expr]) -> dict[str, Any]:
    name = _name(inner[-1]) if inner else ""
    if name in ("number", "floating", "integer"):
        return {"dtype": name}
    known = ("float64", "float32", "int64", "int32", "bool_", "complex128")
    return {"dtype": name.removesuffix("_")} if name in known else {}


def _unquoted(node: ast.expr) -> ast.expr:
    """Return the annotation that a text holds."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return ast.parse(node.value, mode="eval").body
        except SyntaxError:
            return node
    return node


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript | ast.Call):
        return _name(node.value if isinstance(node, ast.Subscript) else node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _inner(node: ast.expr) -> list[ast.expr]:
    if not isinstance(node, ast.Subscript):
        return []
    return node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]


def _alternatives(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*_alternatives(node.left), *_alternatives(node.right)]
    if _name(node) == "Union":
        return [part for each in _inner(node) for part in _alternatives(each)]
    if _name(node) == "Optional":
        return [*_inner(node), ast.Constant(value=None)]
    return [node]


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...
