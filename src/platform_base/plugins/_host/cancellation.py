"""Stopping a call, from any thread, at any time."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Callable

from platform_base.plugins._host.worker import Worker


class Cancellation:
    """The right to stop one call, from any thread, before it begins or while it runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._leave: Callable[[], None] | None = None
        self.requested = False

    def cancel(self) -> None:
        """Stop the call: its worker is killed; a call that has not begun never will."""
        with self._lock:
            self.requested = True
            if self._worker is not None:
                self._worker.connection.kill()
            leave, self._leave = self._leave, None
        if leave is not None:
            leave()

    def on_request(self, leave: Callable[[], None]) -> None:
        """Have `leave` called, in any thread, when the call is cancelled before `bind`; at once if it was already."""
        with self._lock:
            if not self.requested:
                self._leave = leave
                return
        leave()

    def bind(self, worker: Worker) -> None:
        """Say which worker runs the call.

        Raises:
            CancelledError: It was cancelled before.
        """
        with self._lock:
            if self.requested:
                raise concurrent.futures.CancelledError
            self._leave = None
            self._worker = worker

    def release(self) -> None:
        """Say that the call has ended: from now on, cancelling does nothing."""
        with self._lock:
            self._worker = None
