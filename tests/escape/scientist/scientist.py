"""One method for each library that must work inside the default sandbox."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import datetime
import faulthandler
import io
import json
import pickle
import sqlite3
import tempfile
import threading
import zoneinfo

import numpy as np

from platform_base.core.models import ProcessingResult
from platform_base.plugins.base import get_context


class Scientist:
    def execute(self, inputs):
        return ProcessingResult(values=getattr(self, inputs["do"])(inputs))

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {"plugin_id": "scientist", "version": "1.0.0"}

    def numpy_linear_algebra(self, inputs):
        matrix = np.random.default_rng(0).random((400, 400))
        product = matrix @ np.linalg.inv(matrix)
        values, vectors = np.linalg.eigh(matrix + matrix.T)
        u, s, v = np.linalg.svd(matrix[:100])
        return [
            bool(np.allclose(product, np.eye(400))),
            values.size,
            vectors.shape[0],
            bool(np.allclose(u * s @ v[:100], matrix[:100])),
        ]

    def numpy_threads(self, inputs):
        """OpenBLAS with a pool of threads, as it is outside."""
        import ctypes
        import pathlib

        library = next(iter(sorted((pathlib.Path(np.__file__).parent.parent / "numpy.libs").glob("*openblas*"))), None)
        if library is None:
            return "no OpenBLAS of its own"
        blas = ctypes.CDLL(str(library))
        setter = next(
            getattr(blas, name)
            for name in ("scipy_openblas_set_num_threads64_", "openblas_set_num_threads64_", "openblas_set_num_threads")
            if hasattr(blas, name)
        )
        setter(4)
        matrix = np.random.default_rng(0).random((800, 800))
        first = matrix @ matrix
        setter(1)
        return bool(np.allclose(first, matrix @ matrix))

    def numpy_files(self, inputs):
        place = get_context().scratch
        array = np.arange(1000.0)
        np.save(place / "a.npy", array)
        np.savez_compressed(place / "a.npz", array=array)
        mapped = np.memmap(place / "m", dtype=np.float64, mode="w+", shape=(1000,))
        mapped[:] = array
        mapped.flush()
        return [
            float(np.load(place / "a.npy").sum()),
            float(np.load(place / "a.npz")["array"].sum()),
            float(np.load(place / "a.npy", mmap_mode="r").sum()),
            float(mapped.sum()),
        ]

    def scipy_linalg(self, inputs):
        from scipy import linalg

        matrix = np.random.default_rng(0).random((100, 100))
        lu = linalg.lu_factor(matrix)
        return bool(np.allclose(matrix @ linalg.lu_solve(lu, np.ones(100)), 1))

    def scipy_signal(self, inputs):
        from scipy import signal

        sos = signal.butter(4, 0.2, output="sos")
        return signal.sosfiltfilt(sos, np.random.default_rng(0).random(5000)).shape[0]

    def scipy_optimize(self, inputs):
        from scipy import optimize

        found = optimize.minimize(lambda x: ((x - 3) ** 2).sum(), np.zeros(4), method="BFGS")
        return [round(float(value), 3) for value in found.x]

    def scipy_fft(self, inputs):
        from scipy import fft

        series = np.random.default_rng(0).random(1 << 14)
        return bool(np.allclose(fft.ifft(fft.fft(series, workers=4), workers=4).real, series))

    def scipy_stats(self, inputs):
        from scipy import stats

        return bool(stats.norm.cdf(0.0) == 0.5 and stats.ks_2samp(np.arange(50), np.arange(50)).pvalue > 0.99)

    def scipy_others(self, inputs):
        from scipy import integrate, interpolate, sparse, spatial
        from scipy.sparse import linalg as sparse_linalg

        area = integrate.quad(np.sin, 0, np.pi)[0]
        spline = interpolate.CubicSpline(np.arange(10.0), np.arange(10.0) ** 2)(2.5)
        solved = sparse_linalg.spsolve(sparse.identity(50, format="csc"), np.ones(50))
        near = spatial.cKDTree(np.arange(20.0).reshape(-1, 1)).query([[3.2]], workers=2)[1]
        return [round(area, 6), round(float(spline), 6), float(solved.sum()), int(near[0])]

    def numba_compile(self, inputs):
        """Compile, keep the result in the cache, and say whether it came from there."""
        from . import kernel

        total = kernel.add_up(np.arange(1000.0))
        return [
            float(total),
            sum(kernel.add_up.stats.cache_hits.values()),
            sum(kernel.add_up.stats.cache_misses.values()),
        ]

    def numba_threads(self, inputs):
        """One compiled function in several threads, without the interpreter's lock."""
        import numba

        @numba.njit(nogil=True)
        def add_up(series):
            total = 0.0
            for value in series:
                total += value
            return total

        add_up(np.ones(1))
        with concurrent.futures.ThreadPoolExecutor(4) as executor:
            return [float(total) for total in executor.map(add_up, [np.ones(100_000)] * 4)]

    def numba_vectorize(self, inputs):
        import numba

        @numba.vectorize(["float64(float64)"])
        def double(value):
            return 2 * value

        return float(double(np.ones(10)).sum())

    def pandas_tables(self, inputs):
        import pandas as pd

        place = get_context().scratch
        table = pd.DataFrame({"a": np.arange(1000), "b": np.arange(1000.0), "c": ["x", "y"] * 500})
        table.to_csv(place / "t.csv", index=False)
        read = pd.read_csv(place / "t.csv")
        times = pd.date_range("2026-01-01", periods=10, freq="h", tz="Europe/Lisbon")
        return [
            int(read["a"].sum()),
            float(read.groupby("c")["b"].mean().sum()),
            str(times[-1]),
            int(table.rolling(3, on="a")["b"].sum().count()),
        ]

    def pandas_parquet(self, inputs):
        import pandas as pd

        place = get_context().scratch
        table = pd.DataFrame({"a": np.arange(1000), "c": ["x", "y"] * 500})
        table.to_parquet(place / "t.parquet")
        return bool(pd.read_parquet(place / "t.parquet").equals(table))

    def databases(self, inputs):
        with contextlib.closing(sqlite3.connect(get_context().scratch / "d.sqlite")) as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("create table t (a integer)")
            database.executemany("insert into t values (?)", [(number,) for number in range(100)])
            database.commit()
            return database.execute("select sum(a) from t").fetchone()[0]

    def asynchronous(self, inputs):
        async def main():
            queue = asyncio.Queue()
            await queue.put(1)
            inner = await asyncio.to_thread(lambda: 2)
            done = await asyncio.gather(*(asyncio.sleep(0, number) for number in range(3)))
            return [await queue.get(), inner, done]

        return asyncio.run(main())

    def temporary_files(self, inputs):
        with tempfile.TemporaryDirectory() as place, open(f"{place}/x", "w+") as file:
            file.write("text")
        with tempfile.SpooledTemporaryFile(max_size=10) as file:
            file.write(b"x" * 100)
            file.seek(0)
            return len(file.read())

    def time_zones(self, inputs):
        there = datetime.datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo("America/Sao_Paulo"))
        return there.utcoffset().total_seconds()

    def many_threads(self, inputs):
        lock, total = threading.Lock(), []
        with concurrent.futures.ThreadPoolExecutor(8) as executor:

            def work(number):
                with lock:
                    total.append(number)
                return float(np.sort(np.random.default_rng(number).random(10_000))[0])

            least = list(executor.map(work, range(32)))
        return [len(total), all(0 <= value < 1 for value in least)]

    def odds_and_ends(self, inputs):
        with open(get_context().scratch / "trace", "w") as file:
            faulthandler.enable(file)
            faulthandler.disable()
        import decimal
        import hashlib
        import locale
        import lzma
        import platform
        import random
        import secrets
        import subprocess  # noqa: F401 - to import it is no harm
        import time
        import uuid
        import zlib

        time.sleep(0.001)
        return [
            pickle.loads(pickle.dumps({"a": 1}))["a"],
            json.loads(json.dumps([1])),
            hashlib.sha256(b"x").hexdigest()[:8],
            zlib.decompress(zlib.compress(b"x")),
            lzma.decompress(lzma.compress(b"x")),
            str(decimal.Decimal("0.1") * 3),
            len(uuid.uuid4().hex),
            len(secrets.token_bytes(8)),
            platform.system(),
            locale.getpreferredencoding(False).lower(),
            isinstance(random.random(), float),
            io.StringIO("x").read(),
        ]

    def scikit_learn(self, inputs):
        from sklearn.cluster import KMeans
        from sklearn.ensemble import RandomForestRegressor
        from sklearn.linear_model import LinearRegression

        dice = np.random.default_rng(0)
        features = dice.random((200, 3))
        target = features @ [1.0, 2.0, 3.0]
        line = LinearRegression().fit(features, target)
        clusters = KMeans(3, n_init=2, random_state=0).fit(features)
        forest = RandomForestRegressor(10, n_jobs=2, random_state=0).fit(features, target)
        return [
            [round(float(value), 6) for value in line.coef_],
            len(set(clusters.labels_)),
            forest.predict(features[:2]).shape[0],
        ]

    def torch_on_processor(self, inputs):
        import torch

        torch.set_num_threads(2)
        matrix = torch.ones((64, 64), requires_grad=True)
        (matrix @ matrix).sum().backward()
        return float(matrix.grad.sum())
