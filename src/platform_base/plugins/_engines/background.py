"""Calls in the background: a few threads that wait for them, and a way to stop every one."""

from __future__ import annotations

import concurrent.futures
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeVar

from platform_base.plugins._engines.submission import Submission
from platform_base.plugins._host.cancellation import Cancellation

Outcome = TypeVar("Outcome")


class Background:
    """Threads are started with the first call, and never more than `threads`. Thread-safe."""

    def __init__(self, *, threads: int) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._executor: concurrent.futures.ThreadPoolExecutor | None = None
        self._submissions: set[Submission[Any]] = set()

    def submit(self, call: Callable[[Cancellation], Outcome]) -> concurrent.futures.Future[Outcome]:
        """Carry out a call in a thread; the future's ``cancel`` stops it at any time."""
        submission: Submission[Outcome] = Submission()
        with self._lock:
            if self._executor is None:
                self._executor = concurrent.futures.ThreadPoolExecutor(
                    max_workers=self._threads, thread_name_prefix="platform_base-call"
                )
            self._submissions.add(submission)
            executor = self._executor
        submission.add_done_callback(self._forget)
        executor.submit(submission.carry_out, call)
        return submission

    def map(self, calls: Iterable[Callable[[Cancellation], Outcome]], *, ahead: int) -> Generator[Outcome, None, None]:
        """Carry out calls with at most `ahead` of them begun before they are asked for; yield results in order."""
        pending: deque[concurrent.futures.Future[Outcome]] = deque()
        try:
            for call in calls:
                pending.append(self.submit(call))
                if len(pending) > ahead:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()

    def cancel_all(self) -> None:
        """Stop every call that is not done."""
        with self._lock:
            submissions = tuple(self._submissions)
        for submission in submissions:
            submission.cancel()

    def close(self) -> None:
        """Wait until the threads have ended; call `cancel_all` first."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def _forget(self, submission: concurrent.futures.Future[Any]) -> None:
        with self._lock:
            self._submissions.discard(submission)
