"""A plugin made from a plain function: manifest, inputs and parameters from its annotations and its docstring."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platform_base.cli.annotation import ABSENT, Derived, UnderivableError, derive, derive_from_default, literal
from platform_base.cli.docstring import read_arguments, read_examples, read_summary
from platform_base.cli.errors import FunctionError
from platform_base.cli.function_source import FunctionSource
from platform_base.cli.skeleton import SCHEMA_FILE, copy_templates, template_directory
from platform_base.core.plain import writable

if TYPE_CHECKING:
    from platform_base.plugins.errors import Problem

_TAKEN = frozenset(("tests", "examples", "data"))
_NUMPY = "numpy>=1.26"


@dataclass(slots=True, kw_only=True)
class Draft:
    """What the plugin will say about itself.

    Attributes:
        source: The function.
        description: One sentence.
        inputs: What was derived of each input, by name.
        required: Inputs that must be given.
        described: What the docstring says about arguments.
        configuration: Parameters, as in the manifest.
        conversions: What the plugin must call on parameters, by name.
        notes: What could not be derived and was left out.
    """

    source: FunctionSource
    description: str
    inputs: dict[str, Derived] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    described: dict[str, str] = field(default_factory=dict)
    configuration: dict[str, dict[str, Any]] = field(default_factory=dict)
    conversions: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def draft_plugin(source: FunctionSource) -> Draft:
    """Derive inputs and parameters of a function.

    Raises:
        FunctionError: With everything that has no counterpart in a manifest, each with its line.
    """
    text = ast.get_docstring(source.node) or ""
    draft = Draft(source=source, description=read_summary(text), described=read_arguments(text))
    problems = [*_shape_problems(source), *_import_problems(source)]
    for argument, default in _arguments(source.node):
        try:
            _add(draft, argument, ABSENT if default is None else literal(default, source))
        except UnderivableError as error:
            problems.append(_problem(source, argument, argument.arg, error))
    problems += _text_problems(draft)
    if not problems and not draft.inputs:
        lacking = UnderivableError("at least one argument that is an array", "none", "annotate one with ArrayLike")
        problems.append(_problem(source, source.node, source.node.name, lacking))
    if problems:
        raise FunctionError(problems)
    return draft


def write_plugin(draft: Draft, target: Path, name: str) -> None:
    """Write the plugin's files.

    Args:
        draft: What it says about itself.
        target: An empty directory.
        name: The plugin's id.
    """
    source = draft.source
    stem = source.path.stem if source.path.stem != "__init__" else source.path.parent.name
    module = f"{stem}_work" if stem == name or stem in _TAKEN else stem
    enumerations = sorted({each for each in draft.conversions.values() if each != "tuple"})
    imported = ", ".join(sorted([source.node.name, *enumerations], key=str.casefold))
    conversions = ", ".join(f"{json.dumps(each)}: {called}" for each, called in draft.conversions.items())
    others = [each for each, derived in draft.inputs.items() if derived.kind != "array"]
    words = {
        "from .work_module import work_function": f"from .{module} import {imported}",
        "work_module": module,
        "work_function": source.node.name,
        "function_summary": _inside_docstring(draft.description) or f"Calls {source.node.name}",
        '("required_inputs",)': _tuple(draft.required),
        '("array_inputs",)': _tuple([each for each in draft.inputs if each not in others]),
        '("other_inputs",)': _tuple(others),
        '{"parameter": "conversion"}': f"{{{conversions}}}",
        "input_rows": _input_rows(draft),
        "parameter_rows": _parameter_rows(draft),
    }
    copy_templates([template_directory("function")], target, name, words)
    (target / f"{module}.py").write_text(source.text, encoding="utf-8")
    (target / "manifest.json").write_text(_write(_manifest(draft, name)), encoding="utf-8")


def _manifest(draft: Draft, name: str) -> dict[str, Any]:
    from platform_base.cli.skeleton import class_name

    manifest: dict[str, Any] = {
        "$schema": SCHEMA_FILE,
        "plugin_id": name,
        "version": "0.1.0",
        "core_min_version": "2.0.0",
        "requires": _requirements(draft.source),
        "produces": _products(draft.source),
        "entry_point": f"{name}.{class_name(name)}",
        "description": draft.description,
        "author": "",
        "license": "",
        "documentation": {"readme": "README.md", "examples": [f"examples/{name}_example.py"]},
        "configuration": draft.configuration,
        "self_test": _self_tests(draft),
    }
    return manifest


def _write(manifest: dict[str, Any]) -> str:
    return json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"


def _arguments(node: ast.FunctionDef) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    arguments = node.args
    missing: list[ast.expr | None] = [None] * (len(arguments.args) - len(arguments.defaults))
    yield from zip(arguments.args, [*missing, *arguments.defaults], strict=False)
    yield from zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)


def _shape_problems(source: FunctionSource) -> Iterator[Problem]:
    """Find arguments that cannot be passed by name."""
    arguments = source.node.args
    if arguments.posonlyargs:
        error = UnderivableError("arguments that can be passed by name", "a / in the signature", "remove the /")
        yield _problem(source, arguments.posonlyargs[0], arguments.posonlyargs[0].arg, error)
    for star, argument in (("*", arguments.vararg), ("**", arguments.kwarg)):
        if argument is not None:
            error = UnderivableError("arguments that have names", f"{star}{argument.arg}", "name each of them")
            yield _problem(source, argument, argument.arg, error)


def _import_problems(source: FunctionSource) -> Iterator[Problem]:
    """Find imports of modules that would stay behind."""
    for node in ast.walk(source.tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = ["." * node.level + (node.module or "")]
        for name in names:
            top = name.partition(".")[0]
            beside = [source.path.with_name(f"{top}.py"), source.path.parent / top / "__init__.py"]
            if name.startswith(".") or (top not in sys.stdlib_module_names and any(map(Path.is_file, beside))):
                error = UnderivableError(
                    "a module that stands alone", f"the import of {name}", "copy what it needs into it"
                )
                yield _problem(source, node, "import", error)


def _text_problems(draft: Draft) -> Iterator[Problem]:
    """Find text that no file can hold: halves of surrogate pairs, written as escapes."""
    said = {"description": draft.description, **draft.described}
    said |= {f"{name}: {key}": str(value) for name, keys in draft.configuration.items() for key, value in keys.items()}
    for key, text in said.items():
        if writable(text) != text:
            error = UnderivableError("text that UTF-8 can hold", repr(text[:60]), "leave out the surrogates")
            yield _problem(draft.source, draft.source.node, key, error)


def _problem(source: FunctionSource, node: ast.AST, key: str, error: UnderivableError) -> Problem:
    from platform_base.plugins.errors import Problem

    line = getattr(node, "lineno", 0)
    return Problem(file=str(source.path), line=line, key=key, expected=error.expected, got=error.got, hint=error.hint)


def _add(draft: Draft, argument: ast.arg, default: Any) -> None:
    """Derive one argument."""
    name = argument.arg
    if name == "params":
        raise UnderivableError("another name", "params, which stands for all parameters", "rename it")
    if argument.annotation is not None:
        derived = derive(argument.annotation, draft.source)
    elif default is not ABSENT:
        derived = derive_from_default(default)
    else:
        raise UnderivableError("an annotation", "none", f"write {name}: ArrayLike, or {name}: float")
    draft.notes += [f"{draft.source.path}:{argument.lineno} {name}: {note}" for note in derived.notes]
    if derived.kind in ("array", "table") or (derived.kind == "list" and default is ABSENT):
        if default is not ABSENT and default is not None:
            raise UnderivableError("no default for an array, or None", repr(default), "make it None")
        draft.inputs[name] = derived
        if default is ABSENT and not derived.nullable:
            draft.required.append(name)
        return
    draft.configuration[name] = _parameter(derived, default, draft.described.get(name, ""))
    if derived.conversion:
        draft.conversions[name] = derived.conversion


def _parameter(derived: Derived, default: Any, described: str) -> dict[str, Any]:
    keys = dict(derived.keys)
    if default is not ABSENT:
        keys["default"] = float(default) if keys["type"] == "float" and type(default) is int else default
    if derived.nullable and default is not None:
        keys["nullable"] = True
    description = keys.pop("description", "") or described
    if description:
        keys["description"] = description
    return keys


def _requirements(source: FunctionSource) -> list[str]:
    """Return the distributions that the module's imports come from."""
    known = importlib.metadata.packages_distributions()
    found = {_NUMPY}
    for node in ast.walk(source.tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        tops = {name.partition(".")[0] for name in names} - {"numpy", "platform_base"}
        found |= {min(known[top]) for top in tops if top in known and top not in sys.stdlib_module_names}
    return sorted(found)


def _products(source: FunctionSource) -> list[Any]:
    name = source.node.name
    if source.node.returns is None:
        return [name]
    try:
        derived = derive(source.node.returns, source)
    except UnderivableError:
        return [name]
    if derived.nullable or derived.kind in ("table", "list"):
        return [name]
    dtype = {"dtype": derived.keys["dtype"]} if derived.kind == "array" and "dtype" in derived.keys else {}
    kind = "array" if derived.kind == "array" else derived.keys["type"]
    return [{"name": name, "at": "values", "type": kind, **dtype}]


def _self_tests(draft: Draft) -> list[dict[str, Any]]:
    """Turn the examples of the docstring into self-tests."""
    source = draft.source
    positional = [argument.arg for argument in source.node.args.args]
    tests: list[dict[str, Any]] = []
    for example in read_examples(ast.get_docstring(source.node) or "", source.node.name, positional):
        parameters = {name: value for name, value in example.arguments.items() if name in draft.configuration}
        inputs = {name: {"value": value} for name, value in example.arguments.items() if name in draft.inputs}
        expected: dict[str, Any] = {"value": example.result}
        if example.digits is not None:
            expected |= {"rtol": 0.0, "atol": 0.5 * 10.0**-example.digits}
        tests.append(
            {
                "name": f"example {len(tests) + 1} of the docstring",
                "inputs": inputs,
                "parameters": parameters,
                "expected": {"values": expected},
            }
        )
    return tests


def _inside_docstring(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', "'''")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _tuple(names: list[str]) -> str:
    return f"({', '.join(map(json.dumps, names))}{',' * (len(names) == 1)})"


def _input_rows(draft: Draft) -> str:
    rows = []
    for name in draft.inputs:
        meaning = _cell(draft.described.get(name, "")) or draft.inputs[name].kind
        rows.append(f"| `{name}` | {meaning}{'' if name in draft.required else '; may be left out'} |")
    return "\n".join(rows)


def _parameter_rows(draft: Draft) -> str:
    rows = []
    for name, keys in draft.configuration.items():
        default = f"`{json.dumps(keys['default'])}`" if "default" in keys else "required"
        kind = " or ".join(f"`{option}`" for option in keys["options"]) if "options" in keys else keys["type"]
        rows.append(f"| `{name}` | {kind} | {default} | {_cell(keys.get('description', ''))} |")
    return "\n".join(rows) or "| none | | | |"
