"""Tables of the keys of a document that people write, from its pydantic models and their docstrings."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from platform_base.plugins.declaration import Parameter
from platform_base.plugins.generators import Generator
from platform_base.plugins.manifest import Documentation, Manifest
from platform_base.plugins.manifest_schema import manifest_schema
from platform_base.plugins.permissions import Filesystem, Permissions
from platform_base.plugins.product import Product
from platform_base.plugins.self_test import Expectation, SelfTest, Source
from platform_base.plugins.settings import PluginWorkerSettings, Settings

from docs.generate.blocks import anchor, table

#: Headings of the pages, and the model whose keys stand there.
MANIFEST: Mapping[str, type[BaseModel]] = {
    "The document": Manifest,
    "documentation": Documentation,
    "produces": Product,
    "configuration": Parameter,
    "permissions": Permissions,
    "permissions.filesystem": Filesystem,
    "self_test": SelfTest,
    "self_test.inputs": Source,
    "self_test.expected": Expectation,
    "self_test generators": Generator,
}
_ATTRIBUTE = re.compile(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)
_KINDS = {"string": "text", "boolean": "true or false", "object": "mapping", "null": "null", "array": "list"}
_PLURALS = {"text": "texts", "integer": "integers", "number": "numbers", "mapping": "mappings"}
_BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<="}
_LARGEST_SHOWN = 100_000  # beyond that a limit only guards against mistakes


def manifest_blocks() -> dict[str, str]:
    """Return the tables of the manifest's page, by name of the block."""
    schema = manifest_schema()
    shown = {model: schema if model is Manifest else schema["$defs"][model.__name__] for model in MANIFEST.values()}
    return {
        f"manifest {heading}": _keys(model, shown[model], schema["$defs"], MANIFEST)
        for heading, model in MANIFEST.items()
    }


def settings_blocks() -> dict[str, str]:
    """Return the tables of the settings' page, by name of the block."""
    models = dict(settings_models())
    blocks = {}
    for heading, model in models.items():
        schema = model.model_json_schema()
        blocks[f"settings {heading}"] = _keys(model, schema, schema.get("$defs", {}), models)
    return blocks


def settings_models() -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield each part of the settings that has a heading of its own, such as ``security.network``, and its model."""
    yield "The document", Settings
    for heading, part in _parts(Settings):
        yield heading, part
        yield from ((f"{heading}.{name}", inner) for name, inner in _parts(part))
    yield "plugins.ID.workers", PluginWorkerSettings


def _parts(model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    for name, field in model.model_fields.items():
        if inspect.isclass(field.annotation) and issubclass(field.annotation, BaseModel):
            yield name, field.annotation


def describe_fields(model: type[BaseModel]) -> dict[str, str]:
    """Return what the docstrings of a model and its bases say about each field, in Markdown."""
    described: dict[str, str] = {}
    for each in reversed(model.__mro__):
        attributes = inspect.cleandoc(each.__dict__.get("__doc__") or "").partition("\n\nAttributes:\n")[2]
        for name, text in _ATTRIBUTE.findall(attributes):
            words = re.sub(r"\s+", " ", text).replace("``", "`")
            described[name] = re.sub(r"\bNone\b", "null", words).removesuffix(".")
    return described


def _keys(
    model: type[BaseModel], schema: dict[str, Any], definitions: dict[str, Any], page: Mapping[str, type[BaseModel]]
) -> str:
    described = describe_fields(model)
    rows = []
    for name, field in model.model_fields.items():
        meaning = described[name]
        heading = next(
            (at for at, other in page.items() if other is not model and _mentions(field.annotation, other)), ""
        )
        if heading:
            meaning += f"; [its keys](#{anchor(heading)})"
        kind = _kind(schema["properties"][name], definitions)
        default = (
            "required"
            if field.is_required()
            else _default(field.get_default(call_default_factory=True), schema["properties"][name])
        )
        rows.append([f"`{name}`", kind, default, meaning])
    return table(["Key", "Type", "Default", "Meaning"], rows)


def _mentions(annotation: Any, model: type[BaseModel]) -> bool:
    if annotation is model:
        return True
    return any(_mentions(part, model) for part in getattr(annotation, "__args__", ()))


def _default(value: Any, schema: Mapping[str, Any]) -> str:
    if isinstance(value, BaseModel):
        return "`{}`"
    if value is None and "default" not in schema:
        return "none"
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{value if isinstance(value, str) and value else json.dumps(value)}`"


def _kind(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Say in words which values a schema takes."""
    if "$ref" in schema:
        return _kind(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "enum" in schema:
        return _either("null" if each is None else f"`{each}`" for each in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return _either(_kind(each, definitions) for each in schema[several])
    kind = schema.get("type", "any value")
    if isinstance(kind, list):
        return _either(_KINDS.get(each, each) for each in kind)
    if kind == "array" and "items" in schema:
        inner = _kind({key: value for key, value in schema["items"].items() if key != "pattern"}, definitions)
        return "list" if " or " in inner else f"list of {_PLURALS.get(inner, inner)}"
    bounds = [f"{sign} {schema[key]:,g}" for key, sign in _BOUNDS.items() if schema.get(key, 1e99) <= _LARGEST_SHOWN]
    return f"{_KINDS.get(kind, kind)} {' and '.join(bounds)}".rstrip()


def _either(kinds: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(kinds))
