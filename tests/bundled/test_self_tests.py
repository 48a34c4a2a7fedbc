"""The bundled plugins pass their self-tests, and what these expect comes from elsewhere."""

from __future__ import annotations

import dtw
import numpy as np
import pytest
from scipy import signal
from tests.conftest import REPOSITORY

from platform_base.plugins.documents.array_file import read_array
from platform_base.plugins.generators import generate
from platform_base.plugins.manifest import Manifest
from platform_base.plugins.registry import PluginRegistry

PLUGINS = REPOSITORY / "plugins"
MANIFESTS = {path.parent.name: Manifest.from_file(path) for path in sorted(PLUGINS.glob("*/manifest.json"))}


def inputs_of(directory, case):
    return {name: generate(source.generator) for name, source in MANIFESTS[directory].self_test[case].inputs.items()}


def expected_in(directory, case, place):
    expectation = MANIFESTS[directory].self_test[case].expected[place]
    if expectation.file is None:
        return expectation.value
    return read_array(PLUGINS / directory / expectation.file, expectation.part)


@pytest.mark.timeout(600)
def test_every_bundled_plugin_passes_its_self_test(nothing_left):
    with PluginRegistry({"security": {"max_cpu_percent": None}}) as registry:
        registry.discover_plugins(PLUGINS)
        trials = {info["id"]: registry.run_self_test(info["id"]) for info in registry.list_plugins()}
    # The template is there to be edited: a test of what it computes would stand in the way.
    assert {name for name, found in trials.items() if not found} == {"plugin_template"}
    assert [(name, trial) for name, found in trials.items() for trial in found if not trial["passed"]] == []


def test_dtw_expects_what_dtw_python_finds():
    inputs = inputs_of("advanced_sync", 0)
    reference = dtw.dtw(inputs["reference"], inputs["target"], step_pattern="symmetric2")
    path = np.column_stack([reference.index1, reference.index2])
    assert expected_in("advanced_sync", 0, "metadata.distance") == pytest.approx(reference.distance, rel=1e-12)
    np.testing.assert_array_equal(expected_in("advanced_sync", 0, "metadata.path"), path)


def test_dtw_expects_what_dtw_python_finds_in_a_window():
    inputs, parameters = inputs_of("advanced_sync", 1), MANIFESTS["advanced_sync"].self_test[1].parameters
    reference = dtw.dtw(
        inputs["reference"],
        inputs["target"],
        step_pattern="symmetric2",
        window_type="sakoechiba",
        window_args={"window_size": parameters["window_size"]},
    )
    assert expected_in("advanced_sync", 1, "metadata.distance") == pytest.approx(reference.distance, rel=1e-12)


def test_dtw_expects_the_same_of_single_precision_but_for_rounding():
    assert inputs_of("advanced_sync", 2).keys() == inputs_of("advanced_sync", 0).keys()
    whole, single = (expected_in("advanced_sync", case, "metadata.distance") for case in (0, 2))
    assert single == whole


def test_filters_expect_what_scipy_computes():
    series = inputs_of("custom_filters", 0)["series"]
    butterworth = signal.sosfiltfilt(signal.butter(4, 0.1, output="sos"), series)
    np.testing.assert_allclose(expected_in("custom_filters", 0, "values"), butterworth, rtol=1e-10, atol=1e-13)
    savgol = signal.savgol_filter(series, 11, 3)
    np.testing.assert_allclose(expected_in("custom_filters", 1, "values"), savgol, rtol=1e-10, atol=1e-13)


def test_twed_expects_what_the_recursion_of_the_paper_gives():
    """Marteau 2009, definition 5 with nu = lambda = 1, cell by cell; samples stand at 1, 2, 3, ..."""
    inputs = inputs_of("time_elastic", 0)
    a, b = (np.concatenate([[0.0], inputs[name]]) for name in ("series1", "series2"))
    cost = np.full((len(a), len(b)), np.inf)
    cost[0, 0] = 0.0
    for i in range(1, len(a)):
        for j in range(1, len(b)):
            delete_a = cost[i - 1, j] + abs(a[i] - a[i - 1]) + 1 + 1
            delete_b = cost[i, j - 1] + abs(b[j] - b[j - 1]) + 1 + 1
            match = cost[i - 1, j - 1] + abs(a[i] - b[j]) + abs(a[i - 1] - b[j - 1]) + 2 * abs(i - j)
            cost[i, j] = min(delete_a, delete_b, match)
    assert expected_in("time_elastic", 0, "values") == pytest.approx(cost[-1, -1], rel=1e-12)
