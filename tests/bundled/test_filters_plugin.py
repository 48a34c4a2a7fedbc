"""The plugin around the filters: manifest, metadata, README and a confined worker agree with the functions."""

from __future__ import annotations

import dataclasses
import json
import logging
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plugins.custom_filters import FilterOptions, filter_series
from plugins.custom_filters.design import FILTERS
from plugins.custom_filters.filters_plugin import FiltersPlugin
from plugins.custom_filters.fir import TAPERS
from plugins.custom_filters.gaps import POLICIES
from plugins.custom_filters.parameters import BAND_TYPES
from plugins.custom_filters.sampling import METHODS

from platform_base.plugins.base import PluginContext, enter_context
from platform_base.plugins.registry import PluginRegistry

HOME = Path(__file__).resolve().parents[2] / "plugins" / "custom_filters"
WAVE = np.sin(np.arange(400) / 7.0)
# Parameters of `filter_series` itself.
OWN = {"sampling_rate", "nan_policy", "resampling", "axis", "kernel"}


def configuration() -> dict[str, Any]:
    declared: dict[str, Any] = json.loads((HOME / "manifest.json").read_text("utf-8"))["configuration"]
    return declared


def test_manifest_declares_every_option_with_its_default() -> None:
    declared = configuration()
    defaults = {field.name: field.default for field in dataclasses.fields(FilterOptions)}
    assert declared.keys() == {*defaults, "cutoff_high", *OWN}
    for name, default in defaults.items():
        assert declared[name]["default"] == default
        assert declared[name]["description"]


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("filter_type", FILTERS),
        ("btype", BAND_TYPES),
        ("taper", TAPERS),
        ("nan_policy", POLICIES),
        ("resampling", METHODS),
    ],
)
def test_manifest_lists_every_choice(name: str, table: Any) -> None:
    assert sorted(configuration()[name]["options"]) == sorted(table)


@pytest.mark.parametrize("filter_type", FILTERS)
def test_readme_names_the_type_and_every_key_of_its_metadata(filter_type: str) -> None:
    text = (HOME / "README.md").read_text("utf-8")
    result = FiltersPlugin().execute({"series": WAVE, "params": {"filter_type": filter_type}})
    assert f"`{filter_type}`" in text
    for key in result.metadata:
        assert f"`{key}`" in text
    assert result.metadata["filter_type"] == filter_type
    assert result.values.shape == WAVE.shape


def test_metadata_of_a_recursive_filter() -> None:
    metadata = FiltersPlugin().execute({"series": WAVE, "params": {"order": 2}}).metadata
    (section,) = metadata["sos"]
    assert metadata["pole_radius"] == pytest.approx(np.abs(np.roots(section[3:])).max())
    assert metadata["pole_radius"] ** metadata["settling_samples"] == pytest.approx(1e-6)
    assert metadata["impulse_times"].shape == metadata["impulse_response"].shape
    assert metadata["impulse_response"].sum() == pytest.approx(1.0, abs=1e-6)
    assert metadata["warnings"] == []
    assert metadata["standard_error"] is None


def test_warnings_are_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("test.filters")
    with enter_context(PluginContext(log=log)), caplog.at_level(logging.WARNING, "test.filters"):
        result = FiltersPlugin().execute({"series": WAVE, "params": {"cutoff": 0.0005, "order": 2}})
    assert [record.getMessage() for record in caplog.records] == result.metadata["warnings"]
    assert "a transient of this filter takes" in caplog.records[0].getMessage()


def test_progress_is_reported_channel_by_channel() -> None:
    for filter_type in ("butterworth", "median", "kalman", "whittaker"):
        seen: list[tuple[float, str]] = []
        context = PluginContext(report_progress=lambda fraction, text, seen=seen: seen.append((fraction, text)))
        with enter_context(context):
            filter_series(np.column_stack([WAVE, WAVE]), filter_type=filter_type)
        # Short lines go together.
        assert filter_type != "kalman" or (0.5, "channel 1 of 2") in seen
        assert (1.0, "channel 2 of 2") in seen


def test_in_a_confined_worker() -> None:
    """The same values as in this process, over gaps and uneven times, with the kernels that the worker finds."""
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.01, 0.03, 400))
    gapped = WAVE.copy()
    gapped[[5, 6, 200]] = math.nan
    calls = [
        ({"series": WAVE}, {}),
        ({"series": np.column_stack([WAVE, -WAVE])}, {"filter_type": "fir_window", "numtaps": 31}),
        ({"series": gapped, "times": times}, {"cutoff": 2.0, "nan_policy": "interpolate"}),
        ({"series": gapped, "times": times}, {"filter_type": "kalman", "nan_policy": "interpolate"}),
        ({"series": WAVE.reshape(20, 20).astype("f4")}, {"filter_type": "hampel", "axis": 1}),
    ]
    with PluginRegistry() as registry:
        registry.discover_plugins(HOME)
        for inputs, params in calls:
            result = registry.execute_plugin("custom_filters", inputs, params)
            expected = filter_series(**inputs, **params, kernel=result.metadata["kernel"])
            assert np.array_equal(result.values, expected.values)
            assert result.metadata["missing"] == expected.missing
            assert result.metadata["warnings"] == list(expected.warnings)
