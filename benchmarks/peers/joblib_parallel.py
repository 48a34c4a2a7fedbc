"""joblib: parallel loops, large arrays through memory-mapped files."""

from __future__ import annotations

import multiprocessing

import joblib

from peers.base import PastDeadlineError, Peer
from peers.work import double, pause, spin


class Joblib(Peer):
    """``Parallel(n)`` as a context, so that its workers stay warm."""

    concurrent = False

    def open(self):
        # One job would run in this very process.
        self.workers = max(2, self.workers)
        self._parallel = joblib.Parallel(n_jobs=self.workers).__enter__()

    def call(self, series):
        # joblib remembers the file of an array that it has sent before and does not see that it has changed: a new view
        # is a new array to it.
        (result,) = self._parallel([joblib.delayed(double)(series if series is None else series[:])])
        return result

    def map(self, many):
        return self._parallel(joblib.delayed(double)(series) for series in many)

    def pause(self, seconds):
        self._parallel([joblib.delayed(pause)(seconds) for _ in range(self.workers)])

    def spin(self, timeout):
        try:
            joblib.Parallel(n_jobs=self.workers, timeout=timeout)([joblib.delayed(spin)()])
        except (TimeoutError, multiprocessing.TimeoutError) as error:
            raise PastDeadlineError from error

    def repair(self):
        self.close()
        self.open()

    def close(self):
        # Its executor belongs to the process, and is ended with it.
        self._parallel.__exit__(None, None, None)
