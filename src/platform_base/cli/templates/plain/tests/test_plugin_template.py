"""Run with ``pytest`` from anywhere; the fixtures come with platform_base."""

import numpy as np
import pytest

from plugins.plugin_template.scaling import scale_series


def test_property(plugin_property):
    """What any caller may expect, one case for each property: the self-tests, the same bits twice, NaN and so on."""
    plugin_property.require()


def test_scaling_is_undone_by_scaling():
    series = np.arange(5.0)
    there = scale_series(series, multiplier=4.0, offset=1.0)
    np.testing.assert_array_equal(scale_series(there, multiplier=0.25, offset=-0.25), series)


def test_the_same_in_its_sandbox(run_plugin):
    series = np.random.default_rng(0).standard_normal(100)
    result = run_plugin({"series": series}, {"offset": 3.0})
    np.testing.assert_allclose(result.values, scale_series(series, offset=3.0), rtol=1e-12, atol=1e-12)


def test_what_is_refused():
    with pytest.raises(ValueError, match="series: expected at least one value"):
        scale_series([])
