"""Manifests: every field, every fault with its line, and the published schema."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.version import Version

from platform_base.plugins.core_version import check_core_version, parse_core_version
from platform_base.plugins.errors import IncompatiblePluginError, ManifestError, Problem
from platform_base.plugins.manifest import Manifest
from platform_base.plugins.manifest_schema import manifest_schema

#: A busy machine is no fault of the code.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

REPOSITORY = Path(__file__).resolve().parents[2]

# The two manifests of the specification, as it prints them.
SCHEMA_EXAMPLE = """\
{
  "plugin_id": "unique_plugin_id",
  "version": "1.0.0",
  "core_min_version": "2.0.0",
  "core_max_version": null,
  "requires": ["numpy", "scipy"],
  "produces": ["result_type"],
  "entry_point": "module.PluginClass",
  "description": "Plugin description",
  "author": "Author Name",
  "license": "MIT",
  "tags": ["tag1", "tag2"],
  "documentation": {
    "readme": "README.md",
    "examples": ["examples/example.py"]
  },
  "configuration": {
    "param_name": {
      "type": "string|integer|float|boolean|array",
      "default": null,
      "options": ["opt1", "opt2"],
      "description": "Parameter description"
    }
  }
}
"""
MEU_PLUGIN = """\
{
  "plugin_id": "meu_plugin",
  "version": "1.0.0",
  "core_min_version": "2.0.0",
  "requires": ["numpy"],
  "produces": ["processed_series"],
  "entry_point": "meu_plugin.MeuPlugin",
  "description": "Plugin de exemplo que dobra os valores",
  "author": "Seu Nome",
  "configuration": {
    "multiplier": {
      "type": "float",
      "default": 2.0,
      "description": "Fator de multiplicação"
    }
  }
}
"""
SMALLEST = {"plugin_id": "p", "version": "1.0.0", "entry_point": "m.C"}


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(content: str | bytes | dict[str, Any]) -> Path:
        path = tmp_path / "manifest.json"
        if isinstance(content, dict):
            content = json.dumps(content, indent=1)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return write


def problems_of(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(ManifestError) as caught:
        Manifest.from_file(path)
    return caught.value.problems


def the_problem(path: Path) -> Problem:
    problems = problems_of(path)
    assert len(problems) == 1, problems
    return problems[0]


def with_parameter(**declaration: Any) -> dict[str, Any]:
    return {**SMALLEST, "configuration": {"size": declaration}}


def test_specification_example_is_read(write: Any) -> None:
    manifest = Manifest.from_file(write(MEU_PLUGIN))

    assert (manifest.plugin_id, manifest.version, manifest.core_min_version) == (
        "meu_plugin",
        "1.0.0",
        "2.0.0",
    )
    assert (manifest.module_name, manifest.class_name) == ("meu_plugin", "MeuPlugin")
    assert manifest.configuration["multiplier"].default == 2.0
    assert manifest.requires == ("numpy",)
    assert manifest.documentation.readme is None


def test_specification_schema_with_a_chosen_type_is_read_in_every_field(write: Any) -> None:
    manifest = Manifest.from_file(write(SCHEMA_EXAMPLE.replace("string|integer|float|boolean|array", "string")))

    assert manifest.core_max_version is None
    assert manifest.documentation.examples == ("examples/example.py",)
    parameter = manifest.configuration["param_name"]
    assert parameter.options == ("opt1", "opt2")
    assert parameter.accepts_null
    assert not parameter.required


def test_placeholder_type_says_choose_one(write: Any) -> None:
    problem = the_problem(write(SCHEMA_EXAMPLE))

    assert (problem.key, problem.line) == ("configuration.param_name.type", 19)
    assert problem.expected == "one of string, integer, float, boolean, array"
    assert problem.hint == "choose one of them"


def test_defaults_of_the_optional_fields(write: Any) -> None:
    manifest = Manifest.from_file(write(SMALLEST))

    assert manifest.configuration == {}
    assert (manifest.core_min_version, manifest.core_max_version) == (None, None)
    assert (manifest.description, manifest.author, manifest.license) == ("", "", "")
    assert manifest.permissions.network is None


def test_manifest_is_frozen(write: Any) -> None:
    manifest = Manifest.from_file(write(SMALLEST))

    with pytest.raises(ValueError, match="frozen"):
        manifest.version = "2.0.0"  # type: ignore[misc]


def test_every_problem_is_reported_at_once_with_its_line(write: Any) -> None:
    path = write(
        """{
  "plugin_id": "Meu-Plugin",
  "version": "1.0",
  "entrypoint": "m.C",
  "requires": ["numpy", "not a requirement"],
  "configuration": {
    "window_size": {
      "type": "integer",
      "default": "100"
    },
    "other": {"type": "int", "maximun": 3}
  }
}
"""
    )
    found = {(problem.key, problem.line): problem for problem in problems_of(path)}

    assert set(found) == {
        ("plugin_id", 2),
        ("version", 3),
        ("entrypoint", 4),
        ("entry_point", 1),
        ("requires[1]", 5),
        ("configuration.window_size.default", 9),
        ("configuration.other.type", 11),
        ("configuration.other.maximun", 11),
    }
    assert all(problem.file == str(path) for problem in found.values())
    assert found["plugin_id", 2].hint == "for example 'meu_plugin'"
    assert found["version", 3].hint == "write '1.0.0'"
    assert found["entrypoint", 4].hint == "did you mean 'entry_point'?"
    assert found["configuration.other.type", 11].hint == "did you mean 'integer'?"
    assert found["configuration.other.maximun", 11].hint == "did you mean 'maximum'?"
    window = found["configuration.window_size.default", 9]
    assert str(window) == (
        f'{path}:9 configuration.window_size.default: expected integer, got "100"; remove the quotes'
    )


@pytest.mark.parametrize(
    "place", [(), ("documentation",), ("configuration",), ("configuration", "size"), ("permissions",)]
)
def test_schema_key_and_x_keys_are_allowed_at_every_level(write: Any, place: tuple[str, ...]) -> None:
    content: dict[str, Any] = {
        **SMALLEST,
        "documentation": {},
        "configuration": {"size": {"type": "float"}},
        "permissions": {},
    }
    target = content
    for key in place:
        target = target[key]
    target.update({"$schema": "urn:example", "x-editor": {"any": [1, None]}})

    manifest = Manifest.from_file(write(content))

    assert list(manifest.configuration) == ["size"]
    jsonschema.validate(content, manifest_schema())


@pytest.mark.parametrize(
    ("text", "expected", "line"),
    [
        ('{"plugin_id": "p",\n "version": "1.0.0",\n}', "JSON", (2, 3)),
        ("{'plugin_id': 'p'}", "JSON", (1,)),
        ("", "JSON", (1,)),
        ("[]", "an object in braces", (1,)),
        ('{"a": 1,\n "b": {"c": 1,\n\n "c": 2}}', "each key once", (4,)),
        ('{"a": 1,\n "b": [1,\n NaN]}', "a finite number", (3,)),
        ('{"a": 1,\n "b": -Infinity}', "a finite number", (2,)),
        ('{"a": 1e999}', "a finite number", (1,)),
        ('{"a":\n "\\ud800"}', "Unicode text", (1,)),
        ('{"a": ' + "9" * 5000 + "}", "numbers of sensible length", (0,)),
    ],
)
def test_text_that_is_no_strict_json(write: Any, text: str, expected: str, line: tuple[int, ...]) -> None:
    problem = the_problem(write(text))

    assert problem.expected == expected
    assert problem.line in line


def test_duplicate_key_names_both_lines(write: Any) -> None:
    problem = the_problem(write('{\n"plugin_id": "a",\n"version": "1.0.0",\n"plugin_id": "b"}'))

    assert (problem.key, problem.line) == ("plugin_id", 4)
    assert "line 2" in problem.hint


def test_bytes_that_are_no_utf8(write: Any) -> None:
    problem = the_problem(write(b'{"author": "x",\n"description": "\xe7"}'))

    assert (problem.line, problem.got) == (2, "byte 0xe7 at offset 32")


def test_byte_order_mark_is_accepted(write: Any) -> None:
    assert Manifest.from_file(write(b"\xef\xbb\xbf" + MEU_PLUGIN.encode())).plugin_id == "meu_plugin"


@pytest.mark.parametrize("depth", [33, 5_000, 400_000])
def test_nesting_is_bounded(write: Any, depth: int) -> None:
    problem = the_problem(write('{"x-deep": ' + "[" * depth + "]" * depth + "}"))

    assert problem.expected == "at most 32 levels of nesting"


def test_size_is_bounded(write: Any) -> None:
    problem = the_problem(write({**SMALLEST, "description": "a" * (1 << 20)}))

    assert problem.got == "more than 1048576 bytes"


def test_number_of_problems_is_bounded(write: Any) -> None:
    problems = problems_of(write({**SMALLEST, **{f"key{number}": 1 for number in range(5_000)}}))

    assert len(problems) == 101
    assert problems[-1].got == "4900 more"


def test_missing_file(tmp_path: Path) -> None:
    problem = the_problem(tmp_path / "manifest.json")

    assert problem.got == "No such file or directory"


def test_directory_instead_of_a_file(tmp_path: Path) -> None:
    assert the_problem(tmp_path).got == "a directory"


def test_link_and_pipe_are_refused_without_waiting(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text(MEU_PLUGIN)
    (tmp_path / "link.json").symlink_to("real.json")
    os.mkfifo(tmp_path / "pipe.json")

    assert the_problem(tmp_path / "link.json").got == "a symbolic link"
    assert the_problem(tmp_path / "pipe.json").got == "no regular file"


def test_control_characters_are_made_visible(write: Any) -> None:
    problem = the_problem(write({**SMALLEST, "plugin_id": "a\x1b[31m\u202eb\nc", "configuration": {}}))

    assert str(problem).isprintable()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("plugin_id", ""),
        ("plugin_id", "1abc"),
        ("plugin_id", "a" * 65),
        ("plugin_id", "abc\n"),
        ("plugin_id", 5),
        ("version", "v1.0.0"),
        ("version", "01.0.0"),
        ("version", "1.0.0.0"),
        ("version", "1.0.0-" + "a" * 200),
        ("version", "9" * 5000 + ".0.0"),
        ("core_min_version", "2"),
        ("core_max_version", True),
        ("entry_point", "PluginClass"),
        ("entry_point", "dir/module.PluginClass"),
        ("entry_point", "module:PluginClass"),
        ("entry_point", "..module.PluginClass"),
        ("entry_point", "module.class"),
        ("requires", "numpy"),
        ("requires", ["numpy >= "]),
        ("requires", [3]),
        ("tags", {"a": 1}),
        ("documentation", {"readme": "../README.md"}),
        ("documentation", {"readme": "/etc/passwd"}),
        ("documentation", {"examples": ["a\\b"]}),
        ("documentation", {"exmples": []}),
        ("configuration", []),
        ("configuration", {"a b": {"type": "float"}}),
        ("configuration", {"a": {}}),
        ("configuration", {"a": 5}),
        ("permissions", {"network": "all"}),
        ("permissions", {"network": {"tcp": ["host"]}}),
        ("permissions", {"network": {"tcp": ["host:0"]}}),
        ("permissions", {"network": {"tcp": ["a@b:80"]}}),
        ("permissions", {"filesystem": {"read": ["data"]}}),
        ("permissions", {"filesystem": {"read": ["/data/../etc"]}}),
        ("permissions", {"threads": 0}),
        ("permissions", {"threads": True}),
        ("permissions", {"gpu": "yes"}),
    ],
)
def test_value_that_does_not_fit_is_refused_by_its_field(write: Any, field: str, value: Any) -> None:
    problems = problems_of(write({**SMALLEST, field: value}))

    assert all(problem.key.startswith(field) for problem in problems), problems
    assert all(problem.expected and problem.line for problem in problems)


def test_permissions_are_read(write: Any) -> None:
    asked = {
        "network": {"tcp": ["data.example.org:443", "[::1]:80"]},
        "filesystem": {"read": ["/data", "~/models"]},
        "processes": 0,
        "threads": 4,
        "memory_mb": 1024,
        "gpu": False,
    }
    permissions = Manifest.from_file(write({**SMALLEST, "permissions": asked})).permissions

    assert permissions.network is not None
    assert permissions.network.destinations == (("data.example.org", 443), ("::1", 80))
    assert permissions.filesystem is not None
    assert permissions.filesystem.read == ("/data", "~/models")
    assert permissions.threads == 4
    jsonschema.validate({**SMALLEST, "permissions": asked}, manifest_schema())


@pytest.mark.parametrize(
    ("declaration", "key"),
    [
        ({"type": "integer", "default": 1.0}, "default"),
        ({"type": "integer", "default": True}, "default"),
        ({"type": "integer", "default": 5, "minimum": 6}, "default"),
        ({"type": "float", "default": 0, "exclusive_minimum": 0}, "default"),
        ({"type": "string", "default": "c", "options": ["a", "b"]}, "default"),
        ({"type": "array", "default": 3}, "default"),
        ({"type": "array", "default": [1, "a"], "items": "integer"}, "default[1]"),
        ({"type": "array", "default": [[1]]}, "default[0]"),
        ({"type": "array", "items": "array"}, "items"),
        ({"type": "float", "items": "float"}, "items"),
        ({"type": "string", "minimum": 1}, "minimum"),
        ({"type": "array", "minimum": 1}, "minimum"),
        ({"type": "integer", "minimum": "1"}, "minimum"),
        ({"type": "integer", "minimum": 5, "maximum": 4}, "maximum"),
        ({"type": "integer", "options": []}, "options"),
        ({"type": "integer", "options": [1, "2"]}, "options[1]"),
        ({"type": "string", "options": ["a", None]}, "options[1]"),
        ({"type": "string", "default": None, "nullable": False}, "nullable"),
        ({"type": "number"}, "type"),
    ],
)
def test_declaration_agrees_with_itself(write: Any, declaration: dict[str, Any], key: str) -> None:
    problem = the_problem(write(with_parameter(**declaration)))

    assert problem.key == f"configuration.size.{key}"
    assert problem.line > 1


@pytest.mark.parametrize(
    "declaration",
    [
        {"type": "float", "default": 1},
        {"type": "integer", "default": 3, "minimum": 3, "maximum": 3},
        {"type": "float", "default": 0.5, "exclusive_minimum": 0, "exclusive_maximum": 1, "unit": "Hz"},
        {"type": "array", "default": [1, 2.5], "items": "float", "minimum": 0},
        {"type": "array", "default": ["a", 1, True]},
        {"type": "array", "default": ["a"], "options": ["a", "b"], "items": "string"},
        {"type": "boolean", "default": None},
        {"type": "string", "nullable": True},
        {"type": "string", "default": None, "options": ["a"]},
    ],
)
def test_declaration_that_agrees_is_accepted_and_fits_the_schema(write: Any, declaration: dict[str, Any]) -> None:
    manifest = Manifest.from_file(write(with_parameter(**declaration)))

    assert manifest.configuration["size"].type == declaration["type"]
    jsonschema.validate(with_parameter(**declaration), manifest_schema())


def test_core_range_upside_down(write: Any) -> None:
    content = {**SMALLEST, "core_min_version": "3.0.0", "core_max_version": "2.9.9", "descripton": ""}

    assert {problem.key for problem in problems_of(write(content))} == {"core_max_version", "descripton"}


@pytest.mark.parametrize(
    ("lowest", "highest", "core", "fits"),
    [
        (None, None, "2.0.0", True),
        ("2.0.0", None, "2.0.0", True),
        ("2.0.0", "2.1.0", "2.1.0", True),
        ("2.0.0", None, "2.1.0-rc.1", True),
        ("2.0.0", None, "2.1.0rc1", True),
        ("2.0.0", None, "2.0.0-rc.1", False),
        ("2.0.1", None, "2.0.0", False),
        (None, "2.0.0", "2.0.1", False),
        (None, "2.0.0", "2.0.0+local", True),
        ("10.0.0", None, "9.0.0", False),
    ],
)
def test_core_version_range_is_inclusive(lowest: str | None, highest: str | None, core: str, fits: bool) -> None:
    manifest = Manifest.model_validate({**SMALLEST, "core_min_version": lowest, "core_max_version": highest})

    if fits:
        check_core_version(manifest, core)
        return
    with pytest.raises(IncompatiblePluginError, match="expected platform_base at ") as caught:
        check_core_version(manifest, core)
    assert (caught.value.plugin_id, caught.value.version) == ("p", "1.0.0")
    assert core in str(caught.value)


@UNHURRIED
@given(st.integers(0, 99), st.integers(0, 99), st.sampled_from(["", "a1", "b2", "rc3", ".dev4", "rc1.dev2"]))
def test_core_version_in_pythons_spelling_keeps_its_order(major: int, minor: int, tail: str) -> None:
    text = f"{major}.{minor}.0{tail}"
    parsed = parse_core_version(text)

    assert (parsed < f"{major}.{minor}.0") == Version(text).is_prerelease
    assert parsed.prerelease is None or tail


def test_core_version_that_is_none() -> None:
    with pytest.raises(ValueError, match="expected a version such as"):
        parse_core_version("two")


def test_committed_schema_is_the_generated_one() -> None:
    committed = REPOSITORY / "docs/plugins/reference/manifest.schema.json"

    assert json.loads(committed.read_text(encoding="utf-8")) == manifest_schema(), "run `make schema`"


def test_schema_is_valid_and_describes_every_key() -> None:
    schema = manifest_schema()
    jsonschema.Draft202012Validator.check_schema(schema)

    models = [schema, *schema["$defs"].values()]
    undescribed = [
        name
        for model in models
        for name, value in model["properties"].items()
        if name != "$schema" and not value.get("description")
    ]
    assert undescribed == []


def test_schema_accepts_the_specification() -> None:
    jsonschema.validate(json.loads(MEU_PLUGIN), manifest_schema())
    jsonschema.validate(
        json.loads(SCHEMA_EXAMPLE.replace("string|integer|float|boolean|array", "array")), manifest_schema()
    )
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(SCHEMA_EXAMPLE), manifest_schema())


@pytest.mark.parametrize(
    "content",
    [
        {**SMALLEST, "plugin_id": "A"},
        {**SMALLEST, "version": "1.0"},
        {**SMALLEST, "entry_point": "C"},
        {**SMALLEST, "entrypoint": "m.C"},
        {**SMALLEST, "requires": "numpy"},
        {**SMALLEST, "configuration": {"a": {}}},
        {**SMALLEST, "configuration": {"a": {"type": "integer", "default": "1"}}},
        {**SMALLEST, "configuration": {"a": {"type": "integer", "minimun": 1}}},
        {**SMALLEST, "permissions": {"network": "any"}},
        {"plugin_id": "p", "version": "1.0.0"},
    ],
)
def test_schema_refuses_what_the_model_refuses(write: Any, content: dict[str, Any]) -> None:
    assert problems_of(write(content))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, manifest_schema())


@UNHURRIED
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_give_problems_and_no_other_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.json"
    path.write_bytes(content)

    assert all(problem.expected for problem in problems_of(path))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from([*Manifest.model_fields, "$schema", "x-note", "other"])


@UNHURRIED
@given(st.dictionaries(KEYS, JSON_VALUES, max_size=8))
def test_any_object_is_read_or_gives_problems_and_the_schema_accepts_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, Any]
) -> None:
    path = tmp_path_factory.getbasetemp() / "object.json"
    path.write_text(json.dumps({**SMALLEST, **content}), encoding="utf-8")
    try:
        Manifest.from_file(path)
    except ManifestError as error:
        problems = error.problems
    else:
        problems = ()
        content = json.loads(path.read_text(encoding="utf-8"))
        content.pop("$schema", None)  # an editor's key; the schema asks for text, the host does not look at it
        jsonschema.validate(content, manifest_schema())
    assert all(problem.line >= 1 for problem in problems)
