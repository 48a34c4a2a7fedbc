"""What a manifest promises about results: words, places, dtypes and shapes, and every fault with its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from platform_base.plugins.errors import ManifestError, Problem
from platform_base.plugins.manifest import Manifest
from platform_base.plugins.manifest_schema import manifest_schema

SMALLEST = {"plugin_id": "a", "version": "1.0.0", "entry_point": "a.A"}


def read(directory: Path, produces: Any) -> Manifest:
    file = directory / "manifest.json"
    file.write_text(json.dumps({**SMALLEST, "produces": produces}, indent=1))
    return Manifest.from_file(file)


def problem(directory: Path, produces: Any) -> Problem:
    with pytest.raises(ManifestError) as caught:
        read(directory, produces)
    (only,) = caught.value.problems
    return only


def test_a_word_is_an_object_with_a_name_and_is_written_as_a_word(tmp_path: Path) -> None:
    promise = {"name": "power", "at": "metadata.power", "dtype": "float32", "shape": ["n", 2, None, "series.1"]}
    manifest = read(tmp_path, ["distance", promise])
    assert [product.name for product in manifest.produces] == ["distance", "power"]
    assert manifest.produces[1].shape == ("n", 2, None, "series.1")
    word, written = manifest.model_dump(mode="json")["produces"]
    assert word == "distance"
    assert {key: written[key] for key in promise} == promise
    jsonschema.validate({**SMALLEST, "produces": ["distance", promise]}, manifest_schema())


@pytest.mark.parametrize(
    ("product", "key", "hint"),
    [
        ({"name": "a", "at": "values", "dtype": "flot64"}, "dtype", "did you mean 'float64'?"),
        ({"name": "a", "at": "values", "dtype": "object"}, "dtype", ""),
        ({"name": "a", "at": "value"}, "at", "for example values, values.0 or metadata.distance"),
        ({"name": "a", "type": "array"}, "at", 'add "at": "values", or a place such as metadata.distance'),
        ({"name": "a", "at": "values", "shape": ["n", -1]}, "shape[1]", ""),
        ({"name": "a", "at": "values", "shape": ["a.b"]}, "shape[0]", ""),
        ({"name": "a", "at": "values", "type": "float", "shape": []}, "shape", "remove it"),
        ({"name": "a", "tipe": "float"}, "tipe", "did you mean 'type'?"),
        ({"name": ""}, "name", ""),
    ],
)
def test_faults_have_their_line(tmp_path: Path, product: dict[str, Any], key: str, hint: str) -> None:
    found = problem(tmp_path, ["a word", product])
    assert (found.key, found.hint) == (f"produces[1].{key}", hint)
    written = (tmp_path / "manifest.json").read_text().splitlines()[found.line - 1]
    assert key.partition("[")[0] in written or found.line > 5


@pytest.mark.parametrize("product", [3, None, "", ["a"]])
def test_what_is_neither_a_word_nor_an_object(tmp_path: Path, product: Any) -> None:
    found = problem(tmp_path, [product])
    assert found.key == "produces[0]"
    assert found.expected.startswith("a word, or an object such as")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**SMALLEST, "produces": [product]}, manifest_schema())
