"""The JSON Schema of `manifest.json`, for editors and other programs; `platform-base schema` prints it."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from platform_base.plugins.manifest import Manifest, Parameter

SCHEMA_ID = "https://platform-base.dev/schemas/manifest-1.0.json"


def manifest_schema() -> dict[str, Any]:
    """Return the schema, JSON Schema draft 2020-12.

    It accepts every manifest that `Manifest.from_file` accepts, and refuses most of what it refuses: rules
    between two keys, such as a default inside its bounds, are beyond it.
    """
    schema = Manifest.model_json_schema(schema_generator=GenerateJsonSchema)
    definitions = schema.pop("$defs", {})
    definitions["Parameter"] = Parameter.model_json_schema(schema_generator=GenerateJsonSchema)
    body = {**schema, "$defs": dict(sorted(definitions.items()))}
    result: dict[str, Any] = _tidy(body)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Plugin manifest, version 1.0",
    }
    return {**head, **result}


def _tidy(part: Any, *, names: bool = False) -> Any:
    """Drop generated titles, allow ``$schema`` and ``x-*`` everywhere; `names`: the keys are names, not words."""
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
    if not names and isinstance(tidy.get("description"), str):
        tidy["description"] = tidy["description"].split("\n\nAttributes:")[0]
    return tidy
