"""Whatever key of a manifest is misspelled, the problem names its line and the key that was meant."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from platform_base.plugins.errors import ManifestError
from platform_base.plugins.manifest import Manifest
from platform_base.plugins.manifest_schema import manifest_schema

#: Every key of every part of a manifest, once.
COMPLETE: dict[str, Any] = {
    "plugin_id": "complete",
    "version": "1.0.0",
    "core_min_version": "2.0.0",
    "core_max_version": None,
    "requires": ["numpy"],
    "produces": [
        {
            "name": "values", "at": "values", "type": "array", "dtype": "float64", "shape": ["n"],
            "optional": False, "unit": "V", "description": "What comes out",
        },
    ],
    "entry_point": "complete.Complete",
    "description": "Has every key",
    "author": "Somebody",
    "license": "MIT",
    "tags": ["all"],
    "documentation": {"readme": "README.md", "examples": ["examples/example.py"]},
    "configuration": {
        "number": {
            "type": "float", "default": 1.0, "options": [1.0], "description": "A number", "minimum": 0, "maximum": 9,
            "exclusive_minimum": -1, "exclusive_maximum": 10, "nullable": True, "unit": "Hz",
        },
        "list": {"type": "array", "items": "integer", "default": [1]},
    },
    "permissions": {
        "network": {"tcp": ["a.org:443"]},
        "filesystem": {"read": ["/data"], "write": ["/data/out"]},
        "processes": 1, "threads": 2, "memory_mb": 100, "gpu": False,
    },
    "reuse": "worker",
    "self_test": [
        {
            "name": "a",
            "inputs": {
                "x": {
                    "generator": {
                        "name": "sine", "length": 4, "channels": 2, "period": 2.0, "amplitude": 1.0, "offset": 0.0,
                        "noise": 0.0, "seed": 1,
                    }
                },
                "y": {"file": "y.csv", "part": "y"},
                "z": {"value": 1},
            },
            "parameters": {"number": 1.0},
            "expected": {
                "values": {"value": 1, "rtol": 0.1, "atol": 0.1}, "metadata.a": {"file": "a.npz", "part": "a"},
            },
            "timeout": 5.0,
        }
    ],
}  # fmt: skip
#: Below these stand names that the author chooses.
FREE = {("configuration",), ("self_test", 0, "inputs"), ("self_test", 0, "expected"), ("self_test", 0, "parameters")}


def keys_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all keys, without those that the author chooses."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if path not in FREE:
                yield (*path, key)
            yield from keys_in(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from keys_in(inner, (*path, index))


def known_keys(schema: dict[str, Any]) -> set[str]:
    parts = [schema, *schema["$defs"].values()]
    return {key for part in parts for key in part.get("properties", {})} - {"$schema"}


def test_the_manifest_here_has_every_key(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(COMPLETE))
    assert Manifest.from_file(file).plugin_id == "complete"
    assert known_keys(manifest_schema()) - {"tcp"} <= {path[-1] for path in keys_in(COMPLETE)}


@pytest.mark.parametrize("path", list(keys_in(COMPLETE)), ids=lambda path: ".".join(map(str, path)))
def test_a_misspelled_key_has_its_line_and_the_key_that_was_meant(tmp_path: Path, path: tuple[Any, ...]) -> None:
    document = copy.deepcopy(COMPLETE)
    place: Any = document
    for part in path[:-1]:
        place = place[part]
    wrong = f"{path[-1]}x"
    place[wrong] = place.pop(path[-1])
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(document, indent=1))
    with pytest.raises(ManifestError) as caught:
        Manifest.from_file(file)
    (found,) = [problem for problem in caught.value.problems if problem.got == f"'{wrong}'"]
    assert found.hint == f"did you mean '{path[-1]}'?"
    assert f'"{wrong}"' in file.read_text().splitlines()[found.line - 1]
    assert found.key.endswith(wrong)
