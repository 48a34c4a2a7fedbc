"""Run with ``pytest`` from anywhere; the fixtures come with platform_base."""

import numpy as np
import pytest

from plugins.plugin_template.lagging import correlate_lags


def test_property(plugin_property):
    """What any caller may expect, one case for each property: the self-tests, the same bits twice, NaN and so on."""
    plugin_property.require()


@pytest.mark.parametrize("lag", [-4, 0, 7])
def test_a_delay_is_found(lag):
    series = np.random.default_rng(1).standard_normal(220)
    lags, correlations = correlate_lags(series[10:210], series[10 - lag : 210 - lag], max_lag=9)
    assert lags[correlations.argmax()] == lag
    assert correlations.max() == pytest.approx(1)


def test_every_correlation_is_the_one_of_numpy():
    reference, target = np.random.default_rng(2).standard_normal((2, 50))
    lags, correlations = correlate_lags(reference, target, max_lag=3)
    for lag, correlation in zip(lags, correlations, strict=True):
        pairs = [(reference[i], target[i + lag]) for i in range(50) if 0 <= i + lag < 50]
        assert correlation == pytest.approx(np.corrcoef(np.array(pairs).T)[0, 1])


def test_exchanging_the_series_turns_the_lags_around():
    reference, target = np.random.default_rng(3).standard_normal((2, 50))
    np.testing.assert_allclose(
        correlate_lags(reference, target, max_lag=5)[1], correlate_lags(target, reference, max_lag=5)[1][::-1]
    )


def test_the_same_in_its_sandbox(run_plugin):
    reference, target = np.random.default_rng(4).standard_normal((2, 100))
    result = run_plugin({"reference": reference, "target": target}, {"max_lag": 20})
    np.testing.assert_allclose(result.values, correlate_lags(reference, target, max_lag=20)[1], rtol=1e-12, atol=1e-12)


def test_what_is_refused():
    with pytest.raises(ValueError, match="target: expected 3 samples as in reference, got 2"):
        correlate_lags([1, 2, 3], [1, 2], max_lag=0)
    with pytest.raises(ValueError, match="max_lag: expected at most 1"):
        correlate_lags([1, 2, 3], [1, 2, 4], max_lag=2)
