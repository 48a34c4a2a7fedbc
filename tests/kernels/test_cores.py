"""Sharing work out over the cores: everything is done once, news arrives in order, and the first failure ends it."""

from __future__ import annotations

import os
import threading

import pytest

pytest.importorskip("numba")

from platform_base.kernels.cores import count_cores, share_out


def test_cores_are_those_that_the_process_may_use() -> None:
    assert count_cores() == len(os.sched_getaffinity(0)) >= 1


@pytest.mark.parametrize("threads", [None, 1, 3])
def test_every_item_is_worked_on_once(threads: int | None) -> None:
    done: list[int] = []
    told: list[float] = []
    share_out(done.append, range(50), threads, told.append)
    assert sorted(done) == list(range(50))
    assert told == [k / 50 for k in range(1, 51)]


def test_threads_work_at_the_same_time() -> None:
    # Passes only if both are inside at once; a timeout of the barrier would be an error.
    meeting = threading.Barrier(2, timeout=60)
    share_out(lambda _item: meeting.wait() and None, range(2), 2, lambda _fraction: None)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_first_failure_ends_it(threads: int) -> None:
    begun: list[int] = []
    never = threading.Event()

    def work(item: int) -> None:
        begun.append(item)
        if item == 0:
            raise ArithmeticError(f"item {item}")
        never.wait(0.01)  # Work takes a while; the news of the failure arrives meanwhile.

    before = threading.active_count()
    with pytest.raises(ArithmeticError, match="item"):
        share_out(work, range(1000), threads, lambda _fraction: None)
    assert 1 <= len(begun) < 1000
    assert threading.active_count() == before


@pytest.mark.parametrize("threads", [1, 2])
def test_whoever_is_told_may_end_it(threads: int) -> None:
    told = threading.Event()
    begun: list[int] = []

    def work(item: int) -> None:
        # All but the first begin only after the news of the first has been told.
        begun.append(item)
        if item:
            told.wait(60)

    def report(_fraction: float) -> None:
        told.set()
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        share_out(work, range(50_000), threads, report)
    assert 0 in begun
    assert len(begun) < 50_000
    assert threading.active_count() == before
