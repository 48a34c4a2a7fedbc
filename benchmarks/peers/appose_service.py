"""Appose: scripts in a worker process, arrays in named shared memory."""

from __future__ import annotations

import contextlib
import itertools
import queue
import sys
import threading
from pathlib import Path

import appose
import numpy as np

from peers.base import PastDeadlineError, Peer

_NOTHING = "None"
_DOUBLE_INTO = """
import numpy
numpy.multiply(series.ndarray(), 2, out=doubled.ndarray())
series.shm.close()
doubled.shm.close()
"""


def _shared(series: np.ndarray) -> appose.NDArray:
    return appose.NDArray(str(series.dtype), list(series.shape))


class Appose(Peer):
    """Services that take one task at a time, its input copied into shared memory, its result copied out.

    Both blocks are kept from call to call, which costs a third of making them anew. A service would take several tasks
    at once, each in a thread, but loses answers when many end together.
    """

    def open(self):
        self._services = [_Service() for _ in range(self.workers)]
        self._idle: queue.LifoQueue[_Service] = queue.LifoQueue()
        for service in self._services:
            self._idle.put(service)

    @contextlib.contextmanager
    def _service(self):
        service = self._idle.get()
        try:
            yield service
        finally:
            self._idle.put(service)

    def call(self, series):
        with self._service() as service:
            if series is None:
                service.run(_NOTHING)
                return None
            block, doubled = service.blocks_for(series)
            block.ndarray()[...] = series
            service.run(_DOUBLE_INTO, {"series": block, "doubled": doubled})
            return doubled.ndarray().copy()

    def map(self, many):
        return [self.call(series) for series in many]

    def pause(self, seconds):
        with self._service() as service:
            service.run(f"import time; time.sleep({seconds})")

    def spin(self, timeout):
        with self._service() as service:
            service.spin(timeout)

    def repair(self):
        self.close()
        self.open()

    def close(self):
        for service in self._services:
            service.end()


class KeptArrays(Appose):
    """The input lies in shared memory already, and the result is looked at where it lies."""

    def prepare(self, series):
        blocks = self._services[0].blocks_for(series)
        blocks[0].ndarray()[...] = series
        return blocks, blocks[0].ndarray()

    def call(self, series):
        if series is None:
            return super().call(None)
        block, doubled = series
        with self._service() as service:
            service.run(_DOUBLE_INTO, {"series": block, "doubled": doubled})
        return doubled.ndarray()


class _Service:
    """One worker process and the blocks that it was given."""

    def __init__(self):
        environment = appose.custom().bin_paths(str(Path(sys.executable).parent)).build()
        self._service = environment.python().init("import numpy, appose")
        self._blocks = {}

    def run(self, script, inputs=None):
        self._service.task(script, inputs).wait_for()

    def blocks_for(self, series):
        if series.shape not in self._blocks:
            self._blocks[series.shape] = (_shared(series), _shared(series))
        return self._blocks[series.shape]

    def spin(self, timeout):
        task = self._service.task("while True: pass")
        done = threading.Event()
        task.listen(lambda event: done.set() if task.status.is_finished() else None)
        task.start()
        if done.wait(timeout):
            raise RuntimeError(task.error)
        raise PastDeadlineError

    def end(self):
        if self._service.is_alive():
            self._service.kill()
            self._service.wait_for()
        for block in itertools.chain.from_iterable(self._blocks.values()):
            block.shm.unlink()
