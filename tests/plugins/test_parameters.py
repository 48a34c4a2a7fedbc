"""Parameters: strict types, defaults, ranges, every problem at once."""

from __future__ import annotations

import enum
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platform_base.plugins.declaration import Parameter
from platform_base.plugins.errors import ParameterError, Problem
from platform_base.plugins.parameters import resolve

#: A busy machine is no fault of the code.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def declare(**declarations: dict[str, Any]) -> dict[str, Parameter]:
    return {name: Parameter.model_validate(each) for name, each in declarations.items()}


def resolve_one(declaration: dict[str, Any], value: object) -> Any:
    return resolve(declare(x=declaration), {"x": value}, plugin_id="p")["x"]


def problems_of(declared: dict[str, Parameter], values: Any) -> tuple[Problem, ...]:
    with pytest.raises(ParameterError) as caught:
        resolve(declared, values, plugin_id="p")
    return caught.value.problems


class Colour(enum.StrEnum):
    RED = "red"


class Size(enum.IntEnum):
    LARGE = 3


@pytest.mark.parametrize(
    ("kind", "value", "result"),
    [
        ("string", "a", "a"),
        ("string", "", ""),
        ("string", Colour.RED, "red"),
        ("string", np.str_("a"), "a"),
        ("integer", 3, 3),
        ("integer", 10**40, 10**40),
        ("integer", Size.LARGE, 3),
        ("integer", np.int8(3), 3),
        ("integer", np.uint64(2**64 - 1), 2**64 - 1),
        ("float", 1, 1.0),
        ("float", 1.5, 1.5),
        ("float", np.float32(0.5), 0.5),
        ("float", np.float64(0.5), 0.5),
        ("float", np.longdouble(0.5), 0.5),
        ("float", np.int16(2), 2.0),
        ("boolean", True, True),
        ("boolean", np.bool_(False), False),
        ("array", [1, 2.5, "a", True], [1, 2.5, "a", True]),
        ("array", (1, 2), [1, 2]),
        ("array", [], []),
        ("array", [np.float32(0.5), np.int8(1)], [0.5, 1]),
        ("array", np.arange(3), [0, 1, 2]),
        ("array", np.arange(6, dtype=">f8")[::2], [0.0, 2.0, 4.0]),
        ("array", np.array(["a", "bc"]), ["a", "bc"]),
        ("array", np.array([True, False]), [True, False]),
    ],
)
def test_value_is_accepted_as_an_exact_python_value(kind: str, value: object, result: object) -> None:
    got = resolve_one({"type": kind}, value)

    assert got == result
    assert type(got) is type(result)
    if isinstance(got, list):
        assert [type(each) for each in got] == [type(each) for each in result]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", 1),
        ("string", b"a"),
        ("string", None),
        ("string", "\ud800"),
        ("integer", True),
        ("integer", np.bool_(True)),
        ("integer", 1.0),
        ("integer", "1"),
        ("integer", np.float64(1)),
        ("float", True),
        ("float", "1.5"),
        ("float", float("nan")),
        ("float", float("inf")),
        ("float", np.float32("nan")),
        ("float", 10**400),
        ("float", 1j),
        ("float", np.complex128(1)),
        ("float", np.datetime64("2020-01-01")),
        ("float", np.timedelta64(1, "ns")),
        ("float", np.array(1.0)),
        ("boolean", 1),
        ("boolean", 0),
        ("boolean", "true"),
        ("array", "abc"),
        ("array", {1, 2}),
        ("array", {"a": 1}),
        ("array", 3),
        ("array", [[1]]),
        ("array", [None]),
        ("array", [float("nan")]),
        ("array", [object()]),
        ("array", np.zeros((2, 2))),
        ("array", np.array([1j])),
        ("array", np.array([object()], dtype=object)),
        ("array", np.array([1.0, np.nan])),
        ("array", np.ma.array([1, 2], mask=[False, True])),
        ("integer", object()),
    ],
)
def test_value_of_another_type_is_refused(kind: str, value: object) -> None:
    problems = problems_of(declare(x={"type": kind}), {"x": value})

    assert all(problem.key.startswith("p.params.x") for problem in problems)
    assert all(problem.expected and problem.got for problem in problems)


def test_defaults_are_filled_in_and_converted() -> None:
    declared = declare(
        a={"type": "float", "default": 2},
        b={"type": "string", "default": None},
        c={"type": "array", "default": [1]},
    )
    first = resolve(declared, {}, plugin_id="p")
    first["c"].append(2)
    second = resolve(declared, {}, plugin_id="p")

    assert second == {"a": 2.0, "b": None, "c": [1]}
    assert type(second["a"]) is float


def test_values_come_in_the_order_of_the_manifest() -> None:
    declared = declare(b={"type": "integer", "default": 1}, a={"type": "integer", "default": 2})

    assert list(resolve(declared, {"a": 5}, plugin_id="p")) == ["b", "a"]


def test_null_where_it_is_declared_or_the_default() -> None:
    assert resolve_one({"type": "integer", "nullable": True}, None) is None
    assert resolve_one({"type": "integer", "default": None}, None) is None
    assert problems_of(declare(x={"type": "integer", "default": 1}), {"x": None})[0].got == "null"


def test_parameter_without_a_default_must_be_given() -> None:
    problem = problems_of(declare(x={"type": "integer", "minimum": 1}), {})[0]

    assert (problem.key, problem.expected, problem.got) == ("p.params.x", "integer >= 1", "nothing")


def test_all_problems_at_once() -> None:
    declared = declare(
        window_size={"type": "integer", "default": 100},
        metric={"type": "string", "default": "euclidean", "options": ["euclidean", "manhattan"]},
        rate={"type": "float", "exclusive_minimum": 0, "unit": "Hz"},
    )
    problems = problems_of(declared, {"windowsize": 3, "metric": "euclidian", "rate": 0.0, 5: 1})
    found = {problem.key: problem for problem in problems}

    assert found["p.params.windowsize"].hint == "did you mean 'window_size'?"
    assert found["p.params.metric"].hint == "did you mean 'euclidean'?"
    assert found["p.params.rate"].expected == "float > 0 in Hz"
    assert found["p.params"].expected == "names that are text"
    assert len(problems) == 4


@pytest.mark.parametrize(
    ("limits", "inside", "outside"),
    [
        ({"minimum": 2}, [2, 3], [1.9, -5]),
        ({"exclusive_minimum": 2}, [2.1], [2, 1]),
        ({"maximum": 2}, [2, -7], [2.01]),
        ({"exclusive_maximum": 2}, [1.9], [2, 3]),
        ({"minimum": 0, "maximum": 1}, [0, 1, 0.5], [-0.1, 1.1]),
        ({"options": [0.5, 1]}, [0.5, 1.0], [0.7]),
    ],
)
def test_ranges(limits: dict[str, Any], inside: list[float], outside: list[float]) -> None:
    declaration = {"type": "float", **limits}

    assert [resolve_one(declaration, value) for value in inside] == inside
    for value in outside:
        assert len(problems_of(declare(x=declaration), {"x": value})) == 1


def test_ranges_and_options_hold_for_each_element() -> None:
    declared = declare(x={"type": "array", "items": "integer", "minimum": 0, "options": [1, 2, 5]})
    problems = problems_of(declared, {"x": [1, -1, 3, True]})

    assert [problem.key for problem in problems] == ["p.params.x[1]", "p.params.x[2]", "p.params.x[3]"]


def test_options_do_not_take_true_for_one() -> None:
    assert problems_of(declare(x={"type": "array", "options": [1, 0]}), {"x": [True]})


def test_problems_of_a_long_array_are_bounded() -> None:
    problems = problems_of(declare(x={"type": "array", "items": "integer"}), {"x": ["a"] * 100_000})

    assert len(problems) == 6
    assert problems[-1].got == "more elements that do not fit"


def test_parameters_that_are_no_mapping() -> None:
    assert problems_of({}, [1])[0].expected == "a mapping of parameter names to values"


def test_plugin_without_parameters() -> None:
    assert resolve({}, {}, plugin_id="p") == {}
    assert problems_of({}, {"a": 1})[0].hint == "this plugin has no parameters"


def test_error_is_a_value_error_and_prints_every_problem() -> None:
    with pytest.raises(ValueError, match=r"p\.params\.a.*\n.*p\.params\.b"):
        resolve({}, {"a": 1, "b": 2}, plugin_id="p")


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.lists(st.integers() | st.text() | st.floats(), max_size=4)
    | st.builds(np.float32, st.floats(width=32))
)


@UNHURRIED
@given(st.sampled_from(["string", "integer", "float", "boolean", "array"]), VALUES)
def test_any_value_is_of_the_declared_type_afterwards_or_refused(kind: str, value: object) -> None:
    types = {"string": str, "integer": int, "float": float, "boolean": bool, "array": list}
    declared = declare(x={"type": kind})
    try:
        got = resolve(declared, {"x": value}, plugin_id="p")["x"]
    except ParameterError as error:
        problems = error.problems
    else:
        problems = ()
        assert type(got) is types[kind]
        assert resolve(declared, {"x": got}, plugin_id="p") == {"x": got}
    assert all(problem.expected and problem.got for problem in problems)
