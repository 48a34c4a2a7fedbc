"""MPIRE: a process pool that keeps its workers alive and shows progress."""

from __future__ import annotations

import mpire

from peers.base import PastDeadlineError, Peer
from peers.work import double, pause, spin


class Mpire(Peer):
    """``WorkerPool(n, keep_alive=True)`` and ``apply``."""

    concurrent = False

    def open(self):
        self._pool = mpire.WorkerPool(n_jobs=self.workers, keep_alive=True)
        self._mapping = None

    def call(self, series):
        return self._pool.apply(double, (series,))

    def map(self, many):
        # A pool that has served `apply` and is kept alive passes arguments of `map` wrongly: this one is for maps only.
        if self._mapping is None:
            self._mapping = mpire.WorkerPool(n_jobs=self.workers, keep_alive=True)
        return self._mapping.map(double, many, concatenate_numpy_output=False)

    def pause(self, seconds):
        waiting = [self._pool.apply_async(pause, (seconds,)) for _ in range(self.workers)]
        for each in waiting:
            each.get()

    def spin(self, timeout):
        try:
            self._pool.apply_async(spin, task_timeout=timeout).get()
        except TimeoutError as error:
            raise PastDeadlineError from error

    def repair(self):
        self._pool.terminate()
        self.open()

    def close(self):
        self._pool.terminate()
        if self._mapping is not None:
            self._mapping.terminate()
