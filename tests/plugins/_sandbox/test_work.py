"""What scientific code does all day works inside the full confinement."""

from __future__ import annotations

import asyncio
import concurrent.futures
import datetime
import json
import sqlite3
import tempfile
import zoneinfo

import numpy as np
import pytest

from platform_base.plugins._sandbox.confine import confine, read_baseline
from platform_base.plugins._sandbox.prove import prove


def in_force(cell, work):
    """Run `work` confined and proven; skip where this user cannot read the interpreter at all."""
    if not cell.can_import:
        pytest.skip("the interpreter lies where this user cannot read it")
    policy = cell.policy()
    baseline = read_baseline()

    def act():
        prove(policy, confine(cell.readable(policy), baseline))
        return work()

    report = cell.fork(act)
    assert not report.error, report.text
    return report.value


def test_matrix_product_and_transform(cell):
    def work():
        matrix = np.random.default_rng(1).normal(size=(300, 300))
        return [
            float(np.abs(matrix @ np.linalg.inv(matrix) - np.eye(300)).max()),
            float(np.fft.ifft(np.fft.fft(matrix)).real.sum()),
        ]

    error, total = in_force(cell, work)

    assert error < 1e-8
    assert total == pytest.approx(np.random.default_rng(1).normal(size=(300, 300)).sum())


def test_threads(cell):
    def work():
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            return sum(pool.map(lambda seed: float(np.full(1000, seed).sum()), range(8)))

    assert in_force(cell, work) == 28000


def test_temporary_files(cell):
    def work():
        with tempfile.TemporaryDirectory(dir=".") as folder, tempfile.NamedTemporaryFile(dir=folder) as file:
            np.save(file, np.arange(5))
            file.seek(0)
            return np.load(file).tolist()

    assert in_force(cell, work) == [0, 1, 2, 3, 4]


def test_mapped_array(cell):
    def work():
        mapped = np.memmap("mapped", np.float64, "w+", shape=(100,))
        mapped[:] = 2
        mapped.flush()
        return float(np.memmap("mapped", np.float64, "r").sum())

    assert in_force(cell, work) == 200


def test_event_loop(cell):
    async def wait():
        await asyncio.sleep(0)
        return await asyncio.to_thread(lambda: 7)

    assert in_force(cell, lambda: asyncio.run(wait())) == 7


def test_database_in_scratch(cell):
    def work():
        connection = sqlite3.connect("data.db")
        connection.execute("create table t (x)")
        connection.executemany("insert into t values (?)", [(1,), (2,)])
        connection.commit()
        return connection.execute("select sum(x) from t").fetchone()[0]

    assert in_force(cell, work) == 3


def test_time_zones(cell):
    def work():
        moment = datetime.datetime(2024, 7, 1, 12, tzinfo=zoneinfo.ZoneInfo("Europe/Lisbon"))
        return moment.astimezone(datetime.UTC).hour

    assert in_force(cell, work) == 11


def test_scipy(cell):
    pytest.importorskip("scipy")

    def work():
        from scipy import linalg, signal

        sections = signal.butter(4, 0.2, output="sos")
        return [len(signal.sosfiltfilt(sections, np.ones(100))), float(linalg.det(np.eye(3)))]

    assert in_force(cell, work) == [100, 1]


def test_numba_is_imported_and_compiles(cell):
    pytest.importorskip("numba")

    def work():
        import numba

        @numba.njit
        def total(values):
            result = 0.0
            for value in values:
                result += value
            return result

        return total(np.arange(10.0))

    assert in_force(cell, work) == 45


def test_pandas(cell):
    pytest.importorskip("pandas")

    def work():
        import pandas

        frame = pandas.DataFrame({"a": [1, 2, 2], "b": [1.0, 2.0, 4.0]})
        return json.loads(frame.groupby("a").mean().to_json())

    assert in_force(cell, work) == {"b": {"1": 1.0, "2": 3.0}}
