"""Missing samples: what is filled, and from what."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from platform_base.kernels import gaps


def test_each_channel_is_filled_by_itself_along_the_times() -> None:
    times = np.array([0.0, 1.0, 4.0, 10.0])
    series = np.array([[0.0, np.nan], [np.nan, 2.0], [8.0, np.nan], [np.nan, np.nan]])
    filled = gaps.fill_gaps(series, times, "series1")
    assert filled.tolist() == [[0.0, 2.0], [2.0, 2.0], [8.0, 2.0], [8.0, 2.0]]
    assert np.isnan(series).sum() == 5


def test_nothing_is_made_of_nothing() -> None:
    with pytest.raises(ValueError, match=r"series1: expected at least one value in channel 1 .*drop the channel"):
        gaps.fill_gaps(np.array([[0.0, np.nan]]), np.zeros(1), "series1")


def test_other_policies_are_refused() -> None:
    for policy in gaps.NAN_POLICIES:
        gaps.check_nan_policy(policy)
    with pytest.raises(ValueError, match=r"nan_policy: expected one of raise, propagate, interpolate, got 'omit'"):
        gaps.check_nan_policy("omit")


def test_doctests() -> None:
    outcome = doctest.testmod(gaps)
    assert outcome.attempted >= 1
    assert outcome.failed == 0
