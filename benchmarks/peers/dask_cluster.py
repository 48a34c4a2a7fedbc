"""Dask distributed: a scheduler and worker processes on this machine."""

from __future__ import annotations

import distributed

from peers.base import CHUNK, PastDeadlineError, Peer
from peers.work import double, double_all, pause, spin


class Dask(Peer):
    """``Client.submit`` on a `LocalCluster` of processes with one thread each."""

    def open(self):
        self._cluster = distributed.LocalCluster(
            n_workers=self.workers, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        )
        self._client = distributed.Client(self._cluster)

    def call(self, series):
        # pure=False: else it would hash the series and answer a second time from memory.
        return self._client.submit(double, series, pure=False).result()

    def map(self, many):
        batches = [many[start : start + CHUNK] for start in range(0, len(many), CHUNK)]
        answers = self._client.gather(self._client.map(double_all, batches, pure=False))
        return [doubled for batch in answers for doubled in batch]

    def pause(self, seconds):
        self._client.submit(pause, seconds, pure=False).result()

    def spin(self, timeout):
        future = self._client.submit(spin, pure=False, retries=0)
        try:
            future.result(timeout)
        except (TimeoutError, distributed.TimeoutError) as error:
            raise PastDeadlineError from error
        finally:
            future.cancel(force=True)

    def repair(self):
        self._client.restart()

    def close(self):
        self._client.close()
        self._cluster.close()
