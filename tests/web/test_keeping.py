"""What is kept is bounded: files and runs."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from platform_base.web.runs import BusyError, Runs
from platform_base.web.uploads import Uploads


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def column(size: int) -> dict[str, np.ndarray]:
    return {"x": np.zeros(size)}


def test_the_oldest_files_go_first_by_number_and_by_size() -> None:
    uploads = Uploads(max_files=2, max_bytes=1000)
    for name in ("a", "b", "c"):
        uploads.add(name, column(10), {}, "")
    assert [each.name for each in uploads.all()] == ["c", "b"]
    uploads.add("large", column(120), {}, "")
    assert [each.name for each in uploads.all()] == ["large"]


def test_a_file_that_is_larger_than_all_may_be_stays_until_the_next_one() -> None:
    uploads = Uploads(max_bytes=10)
    kept = uploads.add("huge", column(1000), {}, "")
    assert uploads.get(kept.upload_id) is kept
    uploads.add("next", column(1), {}, "")
    assert uploads.get(kept.upload_id) is None


def test_a_file_expires() -> None:
    clock = Clock()
    uploads = Uploads(max_age_s=60.0, clock=clock)
    kept = uploads.add("a", column(1), {}, "")
    clock.now = 59.0
    assert uploads.get(kept.upload_id) is kept
    clock.now = 61.0
    assert uploads.get(kept.upload_id) is None


def start(runs: Runs, act: str, size: int = 8):
    return runs.start(
        "hostile", "1.0.0", inputs={"series": np.zeros(size)}, sources={}, origins={},
        given={"factor": 1.0, "act": act}, texts={}, timeout_s=100.0,
    )  # fmt: skip


def test_runs_are_kept_up_to_a_number_and_a_size(registry) -> None:
    async def check() -> None:
        runs = Runs(registry, max_runs=2, max_bytes=100_000)
        for _ in range(3):
            run = start(runs, "scale")
            await run.task
        assert len(runs.all()) == 2
        assert runs.get(run.key) is run
        large = start(runs, "scale", size=20_000)
        await large.task
        assert runs.all() == [large]

    asyncio.run(check())


def test_no_more_run_at_once_than_may_and_closing_stops_them(registry) -> None:
    async def check() -> None:
        runs = Runs(registry)
        started = [start(runs, "hang") for _ in range(16)]
        with pytest.raises(BusyError, match="at most 16"):
            start(runs, "scale")
        await runs.close()
        assert {run.state for run in started} == {"cancelled"}

    asyncio.run(check())
    assert [each for each in registry.list_workers() if each["state"] == "busy"] == []
