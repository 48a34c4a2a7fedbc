"""Run with ``pytest`` from anywhere; the fixtures come with platform_base."""

import numpy as np
import pytest

from plugins.plugin_template.lowpass import design_taps, filter_series


def test_property(plugin_property):
    """What any caller may expect, one case for each property: the self-tests, the same bits twice, NaN and so on."""
    plugin_property.require()


@pytest.mark.parametrize(("frequency", "gain"), [(0.5, 1.0), (5.0, 0.5), (20.0, 0.0)])
def test_what_is_left_of_a_sine(frequency, gain):
    time = np.arange(1000) / 100
    sine = np.sin(2 * np.pi * frequency * time)
    filtered = filter_series(sine, design_taps(cutoff=5.0, sampling_rate=100.0, half_width=50))
    middle = slice(100, 900)
    np.testing.assert_allclose(filtered[middle], gain * sine[middle], atol=0.005)


def test_a_filter_is_linear():
    one, other = np.random.default_rng(1).standard_normal((2, 80))
    taps = design_taps(cutoff=0.2)
    np.testing.assert_allclose(
        filter_series(2 * one + other, taps), 2 * filter_series(one, taps) + filter_series(other, taps), atol=1e-12
    )


def test_the_same_in_its_sandbox(run_plugin):
    series = np.random.default_rng(2).standard_normal(100)
    result = run_plugin({"series": series}, {"cutoff": 0.2, "half_width": 8})
    np.testing.assert_allclose(
        result.values, filter_series(series, design_taps(cutoff=0.2, half_width=8)), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("cutoff", [0.0, 0.5, 3.0])
def test_a_cutoff_that_is_none(cutoff):
    with pytest.raises(ValueError, match="cutoff: expected a frequency above 0 and below half of the sampling rate"):
        design_taps(cutoff=cutoff)
