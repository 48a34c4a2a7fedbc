"""Pebble: a process pool with deadlines."""

from __future__ import annotations

import asyncio
import concurrent.futures

import pebble

from peers.base import CHUNK, PastDeadlineError, Peer
from peers.work import double, pause, spin


class Pebble(Peer):
    """``ProcessPool(n).schedule``."""

    def open(self):
        self._pool = pebble.ProcessPool(max_workers=self.workers)

    def call(self, series):
        return self._pool.schedule(double, args=(series,)).result()

    def map(self, many):
        return list(self._pool.map(double, many, chunksize=CHUNK).result())

    async def acall(self, series):
        return await asyncio.wrap_future(self._pool.schedule(double, args=(series,)))

    def pause(self, seconds):
        self._pool.schedule(pause, args=(seconds,)).result()

    def spin(self, timeout):
        try:
            self._pool.schedule(spin, timeout=timeout).result()
        except concurrent.futures.TimeoutError as error:
            raise PastDeadlineError from error

    def close(self):
        self._pool.stop()
        self._pool.join()
