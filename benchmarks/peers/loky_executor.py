"""loky: the executor below joblib, which survives its workers."""

from __future__ import annotations

import asyncio
import concurrent.futures

import loky

from peers.base import CHUNK, PastDeadlineError, Peer
from peers.work import double, pause, spin


class Loky(Peer):
    """``get_reusable_executor(n)``."""

    def open(self):
        self._executor = loky.get_reusable_executor(max_workers=self.workers)

    def call(self, series):
        return self._executor.submit(double, series).result()

    def map(self, many):
        return list(self._executor.map(double, many, chunksize=CHUNK))

    async def acall(self, series):
        return await asyncio.wrap_future(self._executor.submit(double, series))

    def pause(self, seconds):
        self._executor.submit(pause, seconds).result()

    def spin(self, timeout):
        try:
            self._executor.submit(spin).result(timeout)
        except concurrent.futures.TimeoutError as error:
            raise PastDeadlineError from error

    def repair(self):
        self._executor = loky.get_reusable_executor(max_workers=self.workers, kill_workers=True)

    def close(self):
        self._executor.shutdown(wait=True, kill_workers=True)
