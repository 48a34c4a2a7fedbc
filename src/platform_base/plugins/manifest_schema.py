"""The JSON Schema of `manifest.json`, for editors and other programs; `platform-base schema` prints it."""

from __future__ import annotations

import inspect
import re
from typing import Any

from pydantic import BaseModel

from platform_base.plugins.generators import Generator
from platform_base.plugins.manifest import (
    PARAMETER_NAME_PATTERN,
    Documentation,
    Manifest,
    Parameter,
    Permissions,
)
from platform_base.plugins.permissions import Filesystem
from platform_base.plugins.product import Product
from platform_base.plugins.self_test import Expectation, SelfTest, Source

SCHEMA_ID = "urn:platform-base:schema:manifest:1.0"
_ATTRIBUTE = re.compile(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)


def manifest_schema() -> dict[str, Any]:
    """Return the schema, JSON Schema draft 2020-12.

    It accepts every manifest that `Manifest.from_file` accepts, and refuses most of what it refuses: rules
    between two keys, such as a default inside its bounds, are beyond it.
    """
    schema = Manifest.model_json_schema()
    schema["properties"]["configuration"] = {
        "type": "object",
        "default": {},
        "properties": {"$schema": {"type": "string"}},
        "patternProperties": {PARAMETER_NAME_PATTERN: {"$ref": "#/$defs/Parameter"}, "^x-": True},
        "additionalProperties": False,
    }
    _describe(schema, Manifest)
    for model in (Documentation, Expectation, Filesystem, Generator, Parameter, Permissions, Product, SelfTest, Source):
        _describe(schema["$defs"][model.__name__], model)
    word = {"type": "string", "minLength": 1, "maxLength": 100}
    schema["properties"]["produces"]["items"] = {"anyOf": [word, {"$ref": "#/$defs/Product"}]}
    # A parameter without a default is not one whose default is null: the caller must give it.
    schema["$defs"]["Parameter"]["properties"]["default"].pop("default")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID}
    return {**head, **_tidy(schema), "title": "Plugin manifest, version 1.0"}


def _describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Take the descriptions from the model's docstring, where people keep them."""
    summary, _, attributes = inspect.cleandoc(model.__doc__ or "").partition("\n\nAttributes:\n")
    schema["description"] = summary
    for name, text in _ATTRIBUTE.findall(attributes):
        schema["properties"][name]["description"] = re.sub(r"\s+", " ", text)


def _tidy(part: Any, *, names: bool = False) -> Any:
    """Drop generated titles, allow ``$schema`` and ``x-*``; `names`: the keys of `part` are names."""
    if isinstance(part, list):
        return [_tidy(item) for item in part]
    if not isinstance(part, dict):
        return part
    tidy = {
        key: _tidy(value, names=key in ("properties", "$defs", "patternProperties") and not names)
        for key, value in part.items()
        if names or key != "title"
    }
    if not names and "properties" in tidy and tidy.get("additionalProperties") is False:
        tidy["properties"] = {"$schema": {"type": "string"}, **tidy["properties"]}
        tidy.setdefault("patternProperties", {"^x-": True})
    return tidy
