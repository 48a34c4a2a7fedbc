"""concurrent.futures.ProcessPoolExecutor, of the standard library."""

from __future__ import annotations

import asyncio
import concurrent.futures

from peers.base import CHUNK, PastDeadlineError, Peer
from peers.work import double, pause, spin


class ProcessPool(Peer):
    """``ProcessPoolExecutor(n)`` and ``submit``."""

    def open(self):
        self._executor = concurrent.futures.ProcessPoolExecutor(self.workers)

    def call(self, series):
        return self._executor.submit(double, series).result()

    def map(self, many):
        return list(self._executor.map(double, many, chunksize=CHUNK))

    async def acall(self, series):
        return await asyncio.get_running_loop().run_in_executor(self._executor, double, series)

    def pause(self, seconds):
        self._executor.submit(pause, seconds).result()

    def spin(self, timeout):
        try:
            self._executor.submit(spin).result(timeout)
        except concurrent.futures.TimeoutError as error:
            raise PastDeadlineError from error

    def repair(self):
        # Nothing public stops a worker that computes.
        for process in list((self._executor._processes or {}).values()):
            process.kill()
        self._executor.shutdown(wait=True, cancel_futures=True)
        self.open()

    def close(self):
        self._executor.shutdown(wait=True, cancel_futures=True)
