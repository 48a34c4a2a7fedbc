"""A call in the background whose `cancel` really stops the work."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Callable
from typing import TypeVar

from platform_base.plugins._host.cancellation import Cancellation

Outcome = TypeVar("Outcome")
Kept = TypeVar("Kept")


class Submission(concurrent.futures.Future[Outcome]):
    """A future that can be cancelled at any time before it is done: its worker is killed.

    The base class cannot cancel once a call runs, so its state stays pending until the call has ended; `running` says
    what the state would.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cancellation = Cancellation()
        self._begun = False
        self._cancelling = threading.RLock()

    def cancel(self) -> bool:
        """Stop the call. False only when it is done already."""
        with self._cancelling:
            if self.cancelled():
                return True
            if not super().cancel():
                return False
            self.cancellation.cancel()
            self.set_running_or_notify_cancel()
            return True

    def running(self) -> bool:
        """Whether the call runs now."""
        return self._begun and not self.done()

    def carry_out(self, call: Callable[[Cancellation], Outcome]) -> None:
        """Run the call in this thread and keep how it ended."""
        if self.cancelled():
            return
        self._begun = True
        try:
            result = call(self.cancellation)
        except concurrent.futures.CancelledError:
            self.cancel()
        except BaseException as error:  # noqa: BLE001  it belongs to whoever asks for the result
            self._keep(self.set_exception, error)
        else:
            self._keep(self.set_result, result)

    def _keep(self, store: Callable[[Kept], None], outcome: Kept) -> None:
        try:
            store(outcome)
        except concurrent.futures.InvalidStateError:
            return  # It was cancelled in the last moment; the caller has been told so.
