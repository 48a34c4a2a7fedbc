"""A release that computes nonsense never takes the place of one that does not."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import OPEN_IMPORTS, eventually, workers

from platform_base.plugins.errors import SelfTestError
from platform_base.plugins.registry import PluginRegistry

CODE = """
import numpy as np
from platform_base.core.models import ProcessingResult

CALLS = []

class Scaler:
    def execute(self, inputs):
        CALLS.append(1)
        series = np.asarray(inputs["series"], dtype=float)
        {statement}
        values = series * {factor} * inputs["params"]["gain"]
        return ProcessingResult(values=values, metadata={{"calls": len(CALLS), "parts": [{{"mean": values.mean()}}]}})
    def validate_inputs(self, inputs):
        return "series" in inputs
    def get_manifest(self):
        return {{}}
"""
RAMP = {"generator": {"name": "ramp", "length": 4, "amplitude": 4.0}}
DOUBLES = {"name": "doubles", "inputs": {"series": RAMP}, "expected": {"values": {"value": [0, 2, 4, 6]}}}


def write_plugin(directory, factor, *, version="1.0.0", self_test=(DOUBLES,), statement="pass"):
    directory.mkdir(parents=True, exist_ok=True)
    manifest = {
        "plugin_id": "scaler",
        "version": version,
        "entry_point": "scaler.Scaler",
        "configuration": {"gain": {"type": "float", "default": 1.0}},
        "self_test": list(self_test),
    }
    (directory / "manifest.json").write_text(json.dumps(manifest))
    temporary = directory / ".scaler.py.tmp"
    temporary.write_text(CODE.format(factor=factor, statement=statement))
    temporary.rename(directory / "scaler.py")
    return directory


@pytest.fixture
def root(tmp_path):
    write_plugin(tmp_path / "plugins" / "v1", 2)
    return tmp_path / "plugins"


@pytest.fixture
def registry(root, nothing_left):
    with PluginRegistry(OPEN_IMPORTS) as made:
        made.discover_plugins(root)
        yield made


def answer(registry):
    return registry.execute_plugin("scaler", {"series": [1.0]}).values.tolist()


def findings(registry):
    return [finding for trial in registry.run_self_test("scaler") for finding in trial["findings"]]


class TestGate:
    @pytest.mark.parametrize("switch", ["update_plugin", "load_plugin"])
    def test_a_version_that_fails_is_not_switched_to(self, registry, root, switch, caplog):
        assert answer(registry) == [2.0]
        write_plugin(root / "v2", 3, version="2.0.0")
        if switch == "load_plugin":
            # Discovery would try the higher version at once; a named one is tried by the call.
            registry.load_plugin("scaler", version="1.0.0")
            registry.discover_plugins(root)
        with caplog.at_level(logging.ERROR), pytest.raises(SelfTestError) as caught:
            getattr(registry, switch)("scaler", version="2.0.0")
        assert caught.value.self_test == "doubles"
        assert caught.value.findings == ("values[1]: expected 2, got 3.0 (3 of 4 numbers differ, by at most 3)",)
        assert answer(registry) == [2.0]
        assert [record.message for record in caplog.records if "doubles" in record.message] == [
            f"scaler is not loaded: {caught.value}"
        ]
        assert [problem.got for problem in registry.problems] == [str(caught.value)]

    def test_hot_reload_keeps_the_release_that_passes(self, registry, root):
        registry.enable_hot_reload()
        assert answer(registry) == [2.0]
        write_plugin(root / "v1", 5)
        assert eventually(lambda: registry.problems)
        assert "failed its self-test 'doubles'" in registry.problems[0].got
        assert answer(registry) == [2.0]
        write_plugin(root / "v1", "(1 + 1)")
        assert eventually(lambda: not registry.problems)
        assert answer(registry) == [2.0]

    def test_a_new_version_that_fails_stays_a_problem_until_it_is_corrected(self, registry, root):
        assert answer(registry) == [2.0]
        write_plugin(root / "v2", 3, version="2.0.0")
        for _ in range(2):
            registry.discover_plugins(root)
            assert len(registry.problems) == 1
            assert answer(registry) == [2.0]
        write_plugin(root / "v2", "(2 + 0)", version="2.0.0")
        registry.discover_plugins(root)
        assert registry.problems == ()
        assert registry.execute_plugin("scaler", {"series": [1.0]}).execution.version == "2.0.0"

    def test_a_candidate_that_fails_leaves_no_worker(self, registry, root):
        assert answer(registry) == [2.0]
        before = set(workers(registry))
        write_plugin(root / "v2", 3, version="2.0.0")
        with pytest.raises(SelfTestError):
            registry.update_plugin("scaler", version="2.0.0")
        assert eventually(lambda: set(workers(registry)) == before)

    def test_the_first_call_waits_for_no_self_test(self, nothing_left, tmp_path):
        write_plugin(tmp_path / "plugins", 3)
        with PluginRegistry(OPEN_IMPORTS) as registry:
            registry.discover_plugins(tmp_path / "plugins")
            assert answer(registry) == [3.0]
            write_plugin(tmp_path / "plugins", 4)
            with pytest.raises(SelfTestError):
                registry.update_plugin("scaler")
            assert answer(registry) == [3.0]

    def test_a_candidate_that_hangs_is_stopped(self, registry, root):
        assert answer(registry) == [2.0]
        write_plugin(
            root / "v2", 2, version="2.0.0", self_test=[{**DOUBLES, "timeout": 0.2}], statement="while True: pass"
        )
        with pytest.raises(SelfTestError, match=r"did not answer within 0\.2 s"):
            registry.update_plugin("scaler", version="2.0.0")
        assert answer(registry) == [2.0]


class TestCases:
    def test_each_call_has_a_fresh_worker(self, registry, root):
        one = {**DOUBLES, "expected": {"metadata.calls": {"value": 1}}}
        write_plugin(root / "v1", 2, self_test=[{**one, "name": str(number)} for number in range(3)])
        registry.update_plugin("scaler")
        assert answer(registry) == [2.0]
        assert [trial["passed"] for trial in registry.run_self_test("scaler")] == [True] * 3
        assert registry.execute_plugin("scaler", {"series": [1.0]}).metadata["calls"] == 2

    @pytest.mark.parametrize("name", ["data.npy", "data.npz", "data.csv"])
    def test_inputs_and_expected_values_from_files(self, registry, root, name):
        values = np.array([1.5, -2.25, 1e300])
        path = root / "v1" / name
        if name == "data.npy":
            np.save(path, values)
        elif name == "data.npz":
            np.savez_compressed(path, raw=values, other=values * 2)
        else:
            np.savetxt(path, np.column_stack([values, values * 2]), delimiter=",", header="raw,other", comments="")
        part = None if name == "data.npy" else "raw"
        case = {
            "name": "file",
            "inputs": {"series": {"file": name, "part": part}},
            "parameters": {"gain": 0.5},
            "expected": {"values": {"file": name, "part": part, "rtol": 0}},
        }
        write_plugin(root / "v1", 2, self_test=[case])
        registry.update_plugin("scaler")
        assert findings(registry) == []

    def test_nested_places_and_tolerances(self, registry, root):
        inputs = {"series": {"value": [1.0, 2.0]}}
        case = {"name": "c", "inputs": inputs, "expected": {"metadata.parts.0.mean": {"value": 3.001, "rtol": 1e-3}}}
        strict = {"name": "s", "inputs": inputs, "expected": {"metadata.parts.0.mean": {"value": 3.001, "rtol": 1e-4}}}
        absent = {"name": "a", "inputs": inputs, "expected": {"metadata.parts.1.mean": {"value": 3.0}}}
        write_plugin(root / "v1", 2, self_test=[case, strict, absent])
        registry.discover_plugins(root)
        assert findings(registry) == [
            "metadata.parts.0.mean: expected 3.001, got 3.0",
            "metadata.parts.1.mean: expected a value, got nothing there",
        ]

    @pytest.mark.parametrize(
        ("change", "finding"),
        [
            ({"inputs": {}}, "InvalidInputsError"),
            ({"inputs": {"series": {"file": "absent.npy"}}}, "absent.npy: No such file"),
            ({"inputs": {"series": {"value": "text"}}}, "PluginFailedError: plugin 'scaler' raised ValueError"),
            ({"parameters": {"gian": 1.0}}, "did you mean 'gain'"),
            ({"expected": {"values": {"value": [0, 2, 4]}}}, r"values: expected shape (3,), got shape (4,)"),
        ],
    )
    def test_what_can_be_wrong_is_said(self, registry, root, change, finding):
        write_plugin(root / "v1", 2, self_test=[{**DOUBLES, **change}])
        registry.discover_plugins(root)
        (found,) = findings(registry)
        assert finding in found
        assert "\n" not in found

    def test_a_dead_worker_is_a_finding(self, registry, root):
        write_plugin(root / "v1", 2, statement="import os; os._exit(3)")
        registry.discover_plugins(root)
        (found,) = findings(registry)
        assert "WorkerCrashedError" in found
        assert "exit status 3" in found


def test_a_plugin_without_a_self_test_has_nothing_to_fail(registry, root):
    write_plugin(root / "v1", 7, self_test=())
    registry.update_plugin("scaler")
    assert registry.run_self_test("scaler") == []
    assert answer(registry) == [7.0]


def test_the_content_that_was_discovered_is_tested_not_what_lies_there_now(registry, root: Path):
    np.save(root / "v1" / "expected.npy", np.array([0.0, 2.0, 4.0, 6.0]))
    write_plugin(root / "v1", 2, self_test=[{**DOUBLES, "expected": {"values": {"file": "expected.npy"}}}])
    registry.update_plugin("scaler")
    np.save(root / "v1" / "expected.npy", np.array([9.0, 9.0, 9.0, 9.0]))
    assert findings(registry) == []
