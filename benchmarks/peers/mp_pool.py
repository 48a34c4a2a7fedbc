"""multiprocessing.Pool, of the standard library."""

from __future__ import annotations

import multiprocessing

from peers.base import PastDeadlineError, Peer
from peers.work import double, pause, spin


class MultiprocessingPool(Peer):
    """``Pool(n)`` and ``apply``."""

    def open(self):
        self._pool = multiprocessing.Pool(self.workers)

    def call(self, series):
        return self._pool.apply(double, (series,))

    def map(self, many):
        return self._pool.map(double, many)

    def pause(self, seconds):
        self._pool.apply(pause, (seconds,))

    def spin(self, timeout):
        try:
            self._pool.apply_async(spin).get(timeout)
        except multiprocessing.TimeoutError as error:
            raise PastDeadlineError from error

    def repair(self):
        self._pool.terminate()
        self._pool.join()
        self.open()

    def close(self):
        self._pool.terminate()
        self._pool.join()
