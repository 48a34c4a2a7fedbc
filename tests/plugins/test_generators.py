"""Generated series against SciPy, against plain formulas, and against numbers published long ago."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import signal

from platform_base.plugins.generators import Generator, generate


def test_sine_and_its_parameters():
    series = generate(Generator(name="sine", length=50, period=20.0, amplitude=3.0, offset=-1.0))
    expected = [3.0 * math.sin(2 * math.pi * index / 20.0) - 1.0 for index in range(50)]
    np.testing.assert_allclose(series, expected, rtol=0, atol=1e-13)


def test_chirp_is_the_linear_one_of_scipy():
    times = np.arange(400)
    expected = signal.chirp(times, f0=1 / 50, t1=400, f1=3 / 50, method="linear", phi=-90)
    np.testing.assert_allclose(generate(Generator(name="chirp", length=400, period=50.0)), expected, atol=1e-10)


def test_ramp_and_step():
    assert generate(Generator(name="ramp", length=4)).tolist() == [0.0, 0.25, 0.5, 0.75]
    assert generate(Generator(name="step", length=5, amplitude=2.0)).tolist() == [0.0, 0.0, 0.0, 2.0, 2.0]


def test_noise_is_the_stream_that_numpy_has_frozen():
    # The first numbers of numpy.random.seed(0); numpy.random.randn(3), in textbooks since 2006.
    noise = generate(Generator(name="noise", length=3, seed=0))
    np.testing.assert_allclose(noise, [1.764052345967664, 0.4001572083672233, 0.9787379841057392], rtol=1e-15)
    walk = generate(Generator(name="random_walk", length=3, seed=0))
    np.testing.assert_allclose(walk, [1.764052345967664, 2.1642095543348873, 3.1429475384406265], rtol=1e-15)


def test_channels_and_added_noise():
    recipe = Generator(name="ramp", length=1000, channels=3, noise=0.5, seed=7)
    series = generate(recipe)
    rest = series - (np.arange(1000) / 1000)[:, None]
    assert series.shape == (1000, 3)
    assert series.dtype == np.float64
    np.testing.assert_allclose(rest.std(axis=0), 0.5, atol=0.05)
    np.testing.assert_allclose(np.corrcoef(rest.T)[np.triu_indices(3, 1)], 0.0, atol=0.15)
    np.testing.assert_array_equal(series, generate(recipe))
    assert not np.array_equal(series, generate(recipe.model_copy(update={"seed": 8})))


@pytest.mark.parametrize("change", [{"length": 0}, {"length": 10**7}, {"name": "saw"}, {"seed": -1}, {"periods": 2}])
def test_bad_recipes_are_refused(change):
    with pytest.raises(ValueError):
        Generator.model_validate({"name": "sine", "length": 10, **change})
