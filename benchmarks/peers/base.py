"""The shape of a peer: a library that runs a function in another process, as its own documentation would have it used.

Every adapter is one module; `peers.PEERS` is the table. A turn of the benchmark makes one peer in a process of its own,
opens it, measures, and closes it. Peers keep their defaults but for the number of workers.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

CHUNK = 256
"""Series in one message of a map, where the peer leaves that to its user."""


class UnsupportedError(Exception):
    """The peer has no such thing; the report says so."""


class PastDeadlineError(Exception):
    """A call took longer than it was given, and has been stopped."""


class Peer(abc.ABC):
    """One way to run the work in another process."""

    concurrent: ClassVar[bool] = True
    """Whether several threads may call at once."""

    def __init__(self, *, workers: int, largest_bytes: int = 0) -> None:
        """Import the library; start nothing.

        Args:
            workers: How many processes serve.
            largest_bytes: The largest array that will be sent, for peers that must be told.
        """
        self.workers = workers
        self.largest_bytes = largest_bytes

    @abc.abstractmethod
    def open(self) -> None:
        """Start what there is to start."""

    @abc.abstractmethod
    def call(self, series: Any) -> Any:
        """Return twice the series that `prepare` gave; None: do nothing."""

    @abc.abstractmethod
    def close(self) -> None:
        """End everything."""

    def prepare(self, series: np.ndarray) -> tuple[Any, np.ndarray | None]:
        """Return what `call` takes for this series, and the array to change between calls (None: it is fixed).

        Not timed: variants that keep their inputs in shared memory put them there now.
        """
        return series, series

    def caller(self, series: np.ndarray | None) -> Callable[[], Any]:
        """Return a function that makes one call, for one of several threads."""
        handle = None if series is None else self.prepare(series)[0]
        return lambda: self.call(handle)

    def map(self, many: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return twice every series, in order."""
        raise UnsupportedError("it has no map")

    async def acall(self, series: np.ndarray | None) -> Any:
        """Return twice the series, from asyncio."""
        raise UnsupportedError("it cannot be awaited")

    def pause(self, seconds: float) -> None:
        """Occupy one worker for some seconds."""
        raise UnsupportedError("it was not asked to")

    def spin(self, timeout: float | None) -> None:
        """Compute without end, at most for `timeout` seconds.

        Raises:
            PastDeadlineError: That time is over.
            Exception: The worker is dead.
        """
        raise UnsupportedError("it was not asked to")

    def repair(self) -> None:  # noqa: B027  most have nothing to do
        """Do what the peer's user must do after `spin` has failed and before the next call."""
