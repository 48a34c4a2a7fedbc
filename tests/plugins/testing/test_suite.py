"""A sound plugin passes every property; for each property there is a plugin that only lacks that one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.plugins.testing.conftest import MANIFEST, MakePlugin

from platform_base.plugins.errors import ManifestError, SettingsError
from platform_base.plugins.testing import PluginReport, check_plugin
from platform_base.plugins.testing.properties import PROPERTIES

pytestmark = pytest.mark.usefixtures("nothing_left")

NAMES = tuple(each.name for each in PROPERTIES)

#: For each property, code that breaks it, and what the fault must say.
BREAKERS = {
    "self_tests": ("values = values + 1", "expected 1.0, got 2.0"),
    "deterministic": ("import time; metadata['when'] = time.time_ns()", "metadata.when"),
    "inputs_unmodified": ("inputs['first'].reverse() if isinstance(inputs['first'], list) else None", "inputs"),
    "read_only": ("values = values if isinstance(inputs['first'], list) else values * 2", "values[0]: 1.0, then 2.0"),
    "non_contiguous": ("values = values if isinstance(inputs['first'], list) else values * 2", "values[0]"),
    "float32": ("assert getattr(inputs['first'], 'dtype', None) != np.float32, 'no floats'", "AssertionError"),
    "integers": ("values[getattr(inputs['first'], 'dtype', None) == np.int64 and 99 or 0]", "IndexError"),
    "constant": ("1 / int(np.ptp(first) * 10)", "ZeroDivisionError"),
    "one_point": ("values[1]", "IndexError"),
    "stateless": ("SEEN.append(1); values = values + (len(SEEN) > 1)", "expected the same bits"),
    "produces": ("values = values.astype(np.float32)", "got dtype float32"),
}
#: Properties that `series` takes care of: without it they are gone.
CHECKED = {
    "nan": ("np.isfinite(series).all()", "(np.isfinite(series).all() or 1 / 0)"),
    "infinite": ("np.isfinite(series).all()", "(np.isfinite(series).all() or 1 / 0)"),
    "empty": ("series.size == 0", "series[0] is None"),
    "dimensions": ("series.ndim != 1", "series.shape[1:] and {}[series.shape]"),
    "missing": ("inputs.get(name) is None", "inputs[name] is None"),
    "wrong_type": ('series.dtype.kind not in "iuf"', "series.dtype.kind == 'U' and series.nothing"),
    "unequal_lengths": ("if len(first) != len(second):", "if 1 // (len(first) == len(second)) > 1:"),
}


def faults(report: PluginReport, name: str) -> str:
    return " | ".join(finding.fault for finding in report[name].faults)


def test_a_sound_plugin_has_every_property(make_plugin: MakePlugin) -> None:
    seen = []
    report = check_plugin(make_plugin(), on_verdict=lambda verdict: seen.append(verdict.name))
    report.require()
    assert report.passed
    assert tuple(seen) == NAMES == tuple(verdict.name for verdict in report.verdicts)
    assert {verdict.state for verdict in report.verdicts} == {"passed"}
    assert (report.plugin_id, report.version) == ("blender", "1.0.0")
    assert "landlock" in report.protections
    assert json.loads(json.dumps(report.describe()))["passed"] is True
    assert all(verdict.findings for verdict in report.verdicts)


@pytest.mark.parametrize("name", BREAKERS)
def test_what_a_property_catches(make_plugin: MakePlugin, name: str) -> None:
    change, said = BREAKERS[name]
    report = check_plugin(make_plugin(change), only=["self_tests", name])
    assert report[name].state == "failed"
    assert said in faults(report, name)
    assert [verdict.name for verdict in report.failures] == [name]
    with pytest.raises(AssertionError, match=f"{name}: expected a plugin where"):
        report.require()


@pytest.mark.parametrize("name", CHECKED)
def test_what_a_property_catches_in_unchecked_inputs(make_plugin: MakePlugin, name: str) -> None:
    directory = make_plugin()
    file = directory / "blender.py"
    code = file.read_text()
    assert CHECKED[name][0] in code
    file.write_text(code.replace(*CHECKED[name]))
    report = check_plugin(directory, only=["self_tests", name])
    assert [verdict.name for verdict in report.failures] == [name]
    assert "expected a value, or a ValueError or TypeError that says what is wrong" in faults(report, name)


@pytest.mark.parametrize(
    ("change", "clear"),
    [
        ("raise ValueError('first: expected something else')", True),
        ("raise ValueError", False),
        ("class OwnError(Exception): pass\nraise OwnError('first: expected something else')", True),
        ("raise KeyError('first')", False),
        ("raise SystemExit(3)", False),
        ("import ctypes; ctypes.string_at(0)", False),
        ("while True: pass", False),
        ("values = object()", False),
    ],
)
def test_what_is_a_clear_error(make_plugin: MakePlugin, change: str, clear: bool) -> None:
    guarded = "if getattr(inputs['first'], 'dtype', None) == np.float32:\n    " + change.replace("\n", "\n    ")
    case = {**MANIFEST["self_test"][0], "timeout": 2.0}
    report = check_plugin(make_plugin(guarded, self_test=[case]), only=["float32"])
    assert report.passed is clear, report.describe()


def test_a_plugin_that_does_not_load_fails_once(make_plugin: MakePlugin) -> None:
    directory = make_plugin()
    (directory / "blender.py").write_text("class Blender(:\n")
    report = check_plugin(directory)
    assert [verdict.name for verdict in report.failures] == ["loads"]
    assert "SyntaxError" in faults(report, "loads")
    assert {verdict.state for verdict in report.verdicts[1:]} == {"skipped"}


@pytest.mark.parametrize("only", [(), ("nan",)])
def test_a_plugin_without_self_tests_is_not_all_right(make_plugin: MakePlugin, only: tuple[str, ...]) -> None:
    report = check_plugin(make_plugin(self_test=[]), only=only)
    assert [verdict.name for verdict in report.failures] == ["self_tests"]
    assert 'add "self_test"' in faults(report, "self_tests")


def test_a_self_test_that_ends_in_an_error_is_a_fault(make_plugin: MakePlugin) -> None:
    report = check_plugin(make_plugin("raise ValueError('no luck')"))
    assert [verdict.name for verdict in report.failures] == ["self_tests"]
    assert "ValueError: no luck" in faults(report, "self_tests")


def test_a_worker_that_dies_again_and_again_is_tried_on(make_plugin: MakePlugin) -> None:
    """Three deaths would disable the plugin; here each one is a finding of its own."""
    dies = "if not isinstance(inputs['first'], list): import ctypes; ctypes.string_at(0)"
    report = check_plugin(make_plugin(dies), only=["float32", "constant", "integers"])
    assert [verdict.name for verdict in report.failures] == ["float32", "integers", "constant"]
    assert all("SIGSEGV" in faults(report, verdict.name) for verdict in report.failures)


def test_questions_that_make_no_sense(make_plugin: MakePlugin, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="only: expected names out of loads, self_tests"):
        check_plugin(make_plugin(), only=["nann"])
    with pytest.raises(ManifestError):
        check_plugin(tmp_path)
    with pytest.raises(SettingsError):
        check_plugin(make_plugin(), config={"securitty": {}})


def test_settings_hold(make_plugin: MakePlugin) -> None:
    """What the operator forbids is forbidden here, too."""
    settings: dict[str, Any] = {"security": {"blocked_modules": ["numpy"]}}
    report = check_plugin(make_plugin(), config=settings)
    assert "numpy" in faults(report, "loads")


def test_settings_that_forbid_the_observer_are_no_fault_of_the_plugin(make_plugin: MakePlugin) -> None:
    settings = {"security": {"blocked_modules": ["resource"]}}
    report = check_plugin(make_plugin(), config=settings, only=["inputs_unmodified", "nan"])
    report.require()
    assert report["inputs_unmodified"].state == "skipped"
    assert "resource" in report["inputs_unmodified"].detail
    assert report["nan"].state == "passed"
