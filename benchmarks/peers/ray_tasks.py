"""Ray: tasks on a cluster of one machine, arrays in its object store."""

from __future__ import annotations

import ray

from peers.base import CHUNK, PastDeadlineError, Peer
from peers.work import double, double_all, pause, spin


class Ray(Peer):
    """``ray.get(task.remote(ray.put(series)))``."""

    def open(self):
        store = max(1 << 30, 4 * self.largest_bytes)
        ray.init(
            num_cpus=self.workers,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="error",
            object_store_memory=store,
        )
        self._double = ray.remote(double)

    def call(self, series):
        return ray.get(self._double.remote(None if series is None else ray.put(series)))

    def map(self, many):
        task = ray.remote(double_all)
        batches = [task.remote(many[start : start + CHUNK]) for start in range(0, len(many), CHUNK)]
        return [doubled for batch in ray.get(batches) for doubled in batch]

    async def acall(self, series):
        return await self._double.remote(series)

    def pause(self, seconds):
        ray.get(ray.remote(pause).remote(seconds))

    def spin(self, timeout):
        task = ray.remote(spin).options(max_retries=0).remote()
        try:
            ray.get(task, timeout=timeout)
        except ray.exceptions.GetTimeoutError as error:
            ray.cancel(task, force=True)
            raise PastDeadlineError from error

    def close(self):
        ray.shutdown()


class StoredInputs(Ray):
    """The input put into the object store once, before it is used."""

    def prepare(self, series):
        return ray.put(series), None

    def call(self, series):
        return ray.get(self._double.remote(series))
