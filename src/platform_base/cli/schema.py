"""`platform-base schema`: the JSON Schema of manifests."""

from __future__ import annotations

from typing import Annotated

import typer


def print_schema(
    as_json: Annotated[bool, typer.Option("--json", help="Changes nothing: a schema is JSON.")] = False,
) -> None:
    """Print the JSON Schema of manifest.json."""
    import json

    from platform_base.plugins.manifest_schema import manifest_schema

    print(json.dumps(manifest_schema(), indent=2, ensure_ascii=False))
