"""A worker waits for its next call without sleeping only at the cost of a share that it does not need."""

from __future__ import annotations

import time

from platform_base.plugins._worker.usage import UsageMeter


def test_a_whole_core_may_be_spent_and_a_share_that_is_used_up_may_not():
    meter = UsageMeter(-1)
    assert meter.spare_s(1.0) > 0
    assert meter.spare_s(float("inf")) > 0
    began = time.process_time()
    while time.process_time() < began + 0.01:
        pass  # only CPU time counts
    assert meter.spare_s(1e-9) == 0.0


def test_waiting_in_vain_is_remembered():
    meter = UsageMeter(-1)
    meter.note_spin(worthwhile=False, took_s=meter.spare_s(1.0))
    assert meter.spare_s(1.0) == 0.0
    assert meter.spare_s(1.0) > 0


def test_usage_is_that_of_the_call():
    meter = UsageMeter(-1)
    meter.begin()
    began = time.process_time()
    while time.process_time() < began + 0.05:
        pass
    usage = meter.end()
    assert 0.05 <= usage.cpu_seconds <= time.process_time() - began + 0.05
    assert usage.peak_memory_bytes > 1 << 20
