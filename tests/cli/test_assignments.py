from __future__ import annotations

import math
from pathlib import Path

import pytest

from platform_base.cli.assignments import parse_value, read_parameters, split_assignments
from platform_base.cli.errors import UsageError
from platform_base.plugins.errors import ParameterError
from platform_base.plugins.manifest import Parameter

DECLARED = {
    "size": Parameter(type="integer", default=None),
    "rate": Parameter(type="float", default=1.0),
    "name": Parameter(type="string", default="a"),
    "deep": Parameter(type="boolean", default=False),
    "edges": Parameter(type="array", items="float", default=[]),
}


def test_only_the_first_equals_sign_divides() -> None:
    assert split_assignments(["a=1", "b=x=y", "c="], "--param") == {"a": "1", "b": "x=y", "c": ""}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a"], "got no ="),
        (["=1"], "got no name"),
        (["a=1", "b=2", "a=3"], "got 'a' again"),
    ],
)
def test_words_that_are_no_assignments(words: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        split_assignments(words, "--param")


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("100", "size", 100),
        ("-3", "size", -3),
        ("null", "size", None),
        ("1", "rate", 1.0),
        ("2.5e-3", "rate", 0.0025),
        ("null", "name", "null"),
        ("12", "name", "12"),
        ("true", "deep", True),
        ("False", "deep", False),
        ("[0.1, 2]", "edges", [0.1, 2]),
    ],
)
def test_values_get_the_declared_type(text: str, name: str, value: object) -> None:
    parsed = parse_value(text, DECLARED[name])
    assert parsed == value
    assert type(parsed) is type(value)


def test_not_a_number_is_left_for_the_registry_to_refuse() -> None:
    assert math.isnan(parse_value("nan", DECLARED["rate"]))


def test_all_values_that_cannot_be_read_are_reported_at_once() -> None:
    words = ["size=1.5", "rate=fast", "deep=yes", "edges=1,2", "edges2=[1]"]
    with pytest.raises(ParameterError) as caught:
        read_parameters(words, None, DECLARED)
    assert [problem.key for problem in caught.value.problems] == [
        "--param size",
        "--param rate",
        "--param deep",
        "--param edges",
    ]
    assert "expected integer or null, got '1.5'" in str(caught.value)
    assert "write JSON" in str(caught.value)


def test_unknown_names_are_passed_on() -> None:
    assert read_parameters(["sise=1"], None, DECLARED) == {"sise": "1"}


@pytest.mark.parametrize(
    ("name", "text"),
    [("p.json", '{"size": 5, "rate": 1e-3}'), ("p.yaml", "size: 5\nrate: 1e-3\n"), ("p.yml", "{size: 5, rate: 0.001}")],
)
def test_the_command_line_overrules_the_file(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read_parameters(["size=7"], tmp_path / name, DECLARED) == {"size": 7, "rate": 0.001}


@pytest.mark.parametrize(
    ("name", "text", "error", "said"),
    [
        ("p.toml", "size = 5", UsageError, "expected a name that ends in .json, .yaml or .yml"),
        ("p.json", "[1, 2]", ParameterError, "expected"),
        ("p.yaml", "- 1", ParameterError, "expected a mapping"),
        ("p.yaml", "size: 1\nsize: 2", ParameterError, "p.yaml:2"),
    ],
)
def test_files_that_are_no_parameters(tmp_path: Path, name: str, text: str, error: type[Exception], said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(error, match=said):
        read_parameters([], tmp_path / name, DECLARED)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"p\.json"):
        read_parameters([], tmp_path / "p.json", DECLARED)
