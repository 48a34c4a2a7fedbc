from __future__ import annotations

import datetime
import json

import numpy as np
import pytest

from platform_base.cli.errors import InputError, MissingExtraError, exit_status
from platform_base.cli.render import describe_error, plain, print_error, shorten, to_json, visible
from platform_base.core.description import show_value, summarize_value
from platform_base.plugins import errors


def test_control_characters_show() -> None:
    assert visible("a\x1b[31mb\x07\nc\td\u202e") == "a\\x1b[31mb\\x07\nc    d\\u202e"
    assert shorten("a\nb  c", 10) == "a b c"
    assert shorten("x" * 20, 10) == "x" * 7 + "..."
    assert shorten("x" + " " * 1000, 10) == "x..."


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), None),
        ((1, [2.5]), [1, [2.5]]),
        ({1: b"\xff"}, {"1": "/w=="}),
        (datetime.datetime(2020, 1, 2, 3), "2020-01-02T03:00:00"),
        (datetime.timedelta(seconds=1.5), 1.5),
        (np.array([[1, 2]], dtype=np.uint8), [[1, 2]]),
        (np.array([1.5, np.inf]), [1.5, None]),
        (np.longdouble(0.5), 0.5),
        (np.array([0.5], dtype=np.longdouble), [0.5]),
        (np.ma.masked_array([1.0, 2.0], [False, True]), [1.0, None]),
        (np.array(["2020-01-02", "NaT"], dtype="M8[D]"), ["2020-01-02", "NaT"]),
        (np.complex64(1j), {"real": 0.0, "imag": 1.0}),
        (np.True_, True),
        (np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), [[1, 2.0]]),
        (2**80, 2**80),
        ([2**20_000], ["0x1" + "0" * 5000]),
        ({"a\ud800": "\udfff\u00e9"}, {"a\\ud800": "\\udfff\u00e9"}),
    ],
)
def test_everything_becomes_json(value: object, expected: object) -> None:
    assert plain(value) == expected
    assert json.loads(to_json({"x": value})) == {"x": expected}


def test_tables_become_columns() -> None:
    pandas, polars, pyarrow = (pytest.importorskip(name) for name in ("pandas", "polars", "pyarrow"))
    for table in (pandas.DataFrame, polars.DataFrame, pyarrow.table):
        assert plain(table({"a": [1, 2], "b": ["x", None]})) == {"a": [1, 2], "b": ["x", None]}
    for series in (pandas.Series, polars.Series):
        assert plain(series([1.5, 2.5])) == [1.5, 2.5]


@pytest.mark.parametrize(
    ("value", "facts", "text"),
    [
        (
            np.array([1.0, np.nan, 3.0]),
            {"type": "array", "dtype": "float64", "shape": [3], "minimum": 1.0, "maximum": 3.0, "missing": 1},
            "3 float64, from 1 to 3, 1 missing",
        ),
        (
            np.zeros((0, 2)),
            {"type": "array", "dtype": "float64", "shape": [0, 2], "minimum": None, "maximum": None, "missing": 0},
            "0 x 2 float64",
        ),
        (np.array(["a"]), {"type": "array", "dtype": "<U1", "shape": [1]}, "1 <U1"),
        (np.float64(0.5), {"type": "float", "value": 0.5}, "0.5"),
        (np.array(7), {"type": "int", "value": 7}, "7"),
        (None, {"type": "null", "value": None}, "None"),
        ("a\x1b", {"type": "text", "value": "a\\x1b"}, "a\\x1b"),
        ([1, 2], {"type": "list", "length": 2}, "list of 2"),
    ],
)
def test_values_in_short(value: object, facts: dict[str, object], text: str) -> None:
    assert summarize_value(value) == facts
    assert show_value(value) == text


PROBLEM = errors.Problem(file="m.json", line=3, key="a", expected="b", got="c", hint="d")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InputError("x"), 2),
        (MissingExtraError("x", extra="io", missing="pyarrow"), 2),
        (errors.ParameterError([PROBLEM]), 2),
        (errors.SettingsError([PROBLEM]), 2),
        (errors.PluginNotFoundError("x", plugin_id="p"), 2),
        (errors.InvalidInputsError("x", plugin_id="p"), 2),
        (errors.ManifestError([PROBLEM]), 1),
        (errors.PluginTimeoutError("x", plugin_id="p", timeout_s=1.0), 1),
        (errors.SandboxUnavailableError("x", protection="landlock"), 1),
    ],
)
def test_exit_statuses(error: Exception, status: int) -> None:
    assert exit_status(error) == status


def test_an_error_keeps_its_facts() -> None:
    failure = errors.PluginFailedError(
        "it raised", plugin_id="p", remote_type="ValueError", remote_message="m", remote_traceback="t"
    )
    failure.add_note("look elsewhere")
    assert describe_error(failure) == {
        "type": "PluginFailedError",
        "message": "it raised",
        "plugin_id": "p",
        "remote_type": "ValueError",
        "remote_message": "m",
        "remote_traceback": "t",
        "notes": ["look elsewhere"],
    }
    described = describe_error(errors.ManifestError([PROBLEM]))
    assert described["problems"] == [
        {"file": "m.json", "line": 3, "key": "a", "expected": "b", "got": "c", "hint": "d"}
    ]


def test_errors_go_where_they_are_looked_for(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(InputError("bad \x1b"), as_json=False)
    assert capsys.readouterr() == ("", "error: bad \\x1b\n")
    print_error(InputError("bad"), as_json=True)
    out, err = capsys.readouterr()
    assert json.loads(out) == {"error": {"type": "InputError", "message": "bad"}}
    assert err == ""


def test_infinities_are_counted_beside_the_range() -> None:
    array = np.array([1.0, np.inf, np.nan, -np.inf, 3.0])
    assert summarize_value(array) == {
        "type": "array", "dtype": "float64", "shape": [5], "minimum": 1.0, "maximum": 3.0, "missing": 1, "infinite": 2
    }  # fmt: skip
    assert show_value(array) == "5 float64, from 1 to 3, 1 missing, 2 infinite"
    assert show_value(np.array([np.inf])) == "1 float64, 1 infinite"
