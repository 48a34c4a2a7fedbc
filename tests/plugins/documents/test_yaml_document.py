"""Strict YAML: what a plain word means, and what is refused with its line and column."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platform_base.plugins.documents.yaml_document import parse_yaml, read_yaml
from platform_base.plugins.errors import Problem, SettingsError

#: A busy machine is no fault of the code.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def yaml_of(text: str) -> Any:
    return parse_yaml(text, file="f.yaml", error=SettingsError).data


def problems_of(text: str) -> tuple[Problem, ...]:
    with pytest.raises(SettingsError) as caught:
        yaml_of(text)
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("12:30", "12:30"),
        ("010", "010"),
        ("0x10", "0x10"),
        ("0o7", "0o7"),
        ("1_000", "1_000"),
        ("0", 0),
        ("-5", -5),
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("-1.5e+2", -150.0),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("2024-01-01", "2024-01-01"),
        ("'5'", "5"),
        ('"true"', "true"),
        ("=", "="),
        ("none", "none"),
        ("", None),
        ("[a, 1, {b: c}]", ["a", 1, {"b": "c"}]),
        ("5: x\nno: y\n", {"5": "x", "no": "y"}),
        ("a: |\n  1\n", {"a": "1\n"}),
    ],
)
def test_meaning(text: str, value: Any) -> None:
    got = yaml_of(text)

    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("text", "line", "column", "got"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, "a second one"),
        ("x:\n  - k: 1\n    k: 2\n", 3, 5, "a second one"),
        ("a: &x 1\nb: *x\n", 2, 4, "the alias *x"),
        (
            "a: !!python/object/apply:os.system ['true']\n",
            1,
            4,
            "tag:yaml.org,2002:python/object/apply:os.system",
        ),
        ("a: !!int '3'\n", 1, 4, "tag:yaml.org,2002:int"),
        ("a: 1\n---\nb: 2\n", 2, 1, "a second one"),
        ("a: 1e999\n", 1, 4, "1e999"),
        ("a: [1\nb: 2\n", 2, 2, "expected ',' or ']'"),
        ("a:\n\t- 1\n", 2, 1, "cannot start any token"),
        ("? [a]\n: 1\n", 1, 3, "a key that is no text"),
        ("{a: 1}}", 1, 7, "expected"),
    ],
)
def test_refused_with_line_and_column(text: str, line: int, column: int, got: str) -> None:
    problem = problems_of(text)[0]

    assert (problem.file, problem.line) == ("f.yaml", line)
    assert got in problem.got
    assert f"at column {column}" in problem.got


def test_faults_of_meaning_are_collected() -> None:
    problems = problems_of("a: *x\nb: 1\nb: 2\nc: !t 1\n".replace("*x", "&x 0").replace("c:", "d: *x\nc:"))

    assert [problem.key for problem in problems] == ["b", "d", "c"]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_nesting_is_bounded(opening: str) -> None:
    assert "levels of nesting" in problems_of(opening * 100_000)[0].got


def test_alias_bomb_is_refused() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))

    assert len(problems_of(bomb)) == 16


def test_digits_are_bounded() -> None:
    assert problems_of("a: " + "9" * 10_000)[0].expected == "at most 30 digits"


def test_control_characters_are_refused() -> None:
    assert problems_of("a: \x00")[0].expected == "YAML"


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    (tmp_path / "link.yaml").symlink_to(path)
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe7")
    (tmp_path / "large.yaml").write_bytes(b"#" * (1 << 20) + b"\n")

    assert read_yaml(tmp_path / "link.yaml", error=SettingsError).data == {"a": 1}
    with pytest.raises(SettingsError, match="UTF-8"):
        read_yaml(tmp_path / "latin.yaml", error=SettingsError)
    with pytest.raises(SettingsError, match="more than 1048576 bytes"):
        read_yaml(tmp_path / "large.yaml", error=SettingsError)
    with pytest.raises(SettingsError, match="a directory"):
        read_yaml(tmp_path, error=SettingsError)


@UNHURRIED
@given(st.text(max_size=60))
def test_any_text_gives_data_or_problems(text: str) -> None:
    try:
        parse_yaml(text, file="f.yaml", error=SettingsError)
    except SettingsError as error:
        problems = error.problems
    else:
        problems = ()
    assert all(problem.expected for problem in problems)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="ascii", categories=("L", "N", "P", "Zs")), max_size=8)
)
KEYS = st.from_regex(r"[a-z]{1,6}", fullmatch=True)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@UNHURRIED
@given(DATA)
def test_what_pyyaml_writes_is_read_back(data: Any) -> None:
    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    got = yaml_of(yaml.dump(data, Dumper=Plain))

    assert _rounded(got) == _rounded(data)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return math.copysign(1, value), value
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return value
