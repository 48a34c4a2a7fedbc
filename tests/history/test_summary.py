"""Many runs in a few figures, beside NumPy's."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from platform_base.history.history import History
from platform_base.history.store import Store
from platform_base.history.summary import percentile
from tests.history.runs import BEGAN, run


@pytest.mark.parametrize("count", [1, 2, 3, 10, 101])
def test_percentiles_are_numpys(count):
    values = sorted(np.random.default_rng(count).exponential(size=count).tolist())
    for percent in (0, 1, 50, 95, 99, 100):
        assert percentile(values, percent) == pytest.approx(np.percentile(values, percent), rel=1e-12)
    assert percentile([], 50) is None


def test_a_summary(tmp_path):
    seconds = np.random.default_rng(0).exponential(size=50)
    runs = [run(number, wall_seconds=float(value), cpu_seconds=0.5) for number, value in enumerate(seconds)]
    runs += [
        run(50, outcome="failure", cause="deadline", wall_seconds=99.0, peak_memory_bytes=1 << 30, version="1.1.0"),
        run(51, outcome="failure", cause="deadline", cpu_seconds=None, peak_memory_bytes=None),
        run(52, outcome="cancelled", cause="cancelled"),
        run(53, outcome="refused", cause="", error_type="ParameterError"),
        run(54, plugin_id="another"),
    ]
    store = Store(tmp_path / "runs.db", max_rows=1000, max_bytes=1 << 30)
    store.add(runs)
    store.close()
    history = History(tmp_path / "runs.db")
    another, mean = history.summary()
    assert (another["plugin_id"], another["count"]) == ("another", 1)
    assert mean["versions"] == ["1.0.0", "1.1.0"]
    assert (mean["count"], mean["success_count"], mean["failure_count"]) == (54, 50, 2)
    assert (mean["cancelled_count"], mean["refused_count"]) == (1, 1)
    assert mean["causes"] == {"deadline": 2, "cancelled": 1, "ParameterError": 1}
    assert mean["p50_seconds"] == pytest.approx(np.percentile(seconds, 50), rel=1e-12)
    assert mean["p95_seconds"] == pytest.approx(np.percentile(seconds, 95), rel=1e-12)
    assert mean["p99_seconds"] == pytest.approx(np.percentile(seconds, 99), rel=1e-12)
    assert mean["cpu_seconds"] == pytest.approx(50 * 0.5 + 3 * 0.25)
    assert mean["peak_memory_bytes"] == 1 << 30
    assert (mean["first"], mean["last"]) == ("2026-03-01T12:00:00.250+00:00", "2026-03-01T12:00:53.250+00:00")
    (late,) = history.summary("mean", since=BEGAN + datetime.timedelta(seconds=52))
    assert (late["count"], late["p50_seconds"]) == (2, None)
    assert history.summary("nobody") == []
