"""Run with ``pytest`` from anywhere; the fixtures come with platform_base."""

import numpy as np
import pytest

from plugins.plugin_template.standardizing import standardize


def test_property(plugin_property):
    """What any caller may expect, one case for each property: the self-tests, the same bits twice, NaN and so on."""
    plugin_property.require()


def test_the_result_has_no_centre_and_a_spread_of_one():
    values, center, spread = standardize(np.arange(10.0))
    assert values.mean() == pytest.approx(0, abs=1e-15)
    assert values.std() == pytest.approx(1)
    np.testing.assert_allclose(values * spread + center, np.arange(10.0))


def test_outliers_do_not_move_quantiles():
    calm = np.arange(101.0)
    wild = np.where(calm == 100, 1e6, calm)
    np.testing.assert_array_equal(
        standardize(calm, method="quantiles")[0][:100], standardize(wild, method="quantiles")[0][:100]
    )


def test_the_same_in_its_sandbox(run_plugin):
    series = np.random.default_rng(0).standard_normal(100)
    result = run_plugin({"series": series}, {"degrees_of_freedom": 1})
    np.testing.assert_allclose(result.values, standardize(series, degrees_of_freedom=1)[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("series", [[], [1.0], [2.0, 2.0], [[1.0, 2.0]], [1.0, float("nan")]])
def test_what_is_refused(series):
    with pytest.raises(ValueError, match="series"):
        standardize(series)
