"""Many small inputs: several travel in one message, and none is lost when a worker dies.

A message costs a hundred microseconds, an item of a few hundred numbers a few. So inputs go out in groups that hold a
few milliseconds of work; how long an item takes is learned on the way, beginning with one. The answers of a group come
together: when its worker dies, none has arrived, and the group's items are run again one by one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from platform_base.core.models import ProcessingResult
from platform_base.plugins._engines.base import Engine, Request
from platform_base.plugins._host.cancellation import Cancellation
from platform_base.plugins.errors import (
    EncodingError,
    ExecutionError,
    InvalidInputsError,
    PluginError,
    PluginFailedError,
    PluginTimeoutError,
    QueueFullError,
)

Outcome = ProcessingResult | BaseException

_MOST_ITEMS = 1024
_MOST_BYTES = 256 << 10
_GROUP_S = 0.010
"""Time that a group should take: long against the cost of a message, short against everything that waits for it."""

_GROWTH = 8
_ITEM_BYTES = 100
_ANSWERED = (PluginFailedError, InvalidInputsError, PluginTimeoutError, QueueFullError)
"""Ends of a call in which the worker did not die by itself: running it once more would bring nothing new."""


class Grouping:
    """Cuts a stream of inputs into groups; their size follows what `learn` is told, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._size = 1

    def groups(self, inputs: Iterable[tuple[int, Request]]) -> Iterator[list[tuple[int, Request]]]:
        """Yield the numbered inputs in groups."""
        group: list[tuple[int, Request]] = []
        size = 0
        for numbered in inputs:
            if group and not _belong_together(group[-1][1], numbered[1]):
                yield group
                group, size = [], 0
            group.append(numbered)
            size += _weight(numbered[1])
            if len(group) >= self._size or size >= _MOST_BYTES:
                yield group
                group, size = [], 0
        if group:
            yield group

    def learn(self, count: int, seconds: float) -> None:
        """Take note that `count` items together took so long."""
        wanted = int(_GROUP_S * count / max(seconds, 1e-9))
        with self._lock:
            self._size = max(1, min(wanted, _GROWTH * count, _MOST_ITEMS))


class Batches:
    """Carries out the groups of one `PluginRegistry.map_plugin`."""

    def __init__(
        self,
        engine: Engine,
        *,
        retry: bool,
        note_success: Callable[[Request, ProcessingResult], None],
        note_failure: Callable[[Request, BaseException], None],
    ) -> None:
        """Begin.

        Args:
            engine: Runs the calls.
            retry: Run the items of a worker that died once more.
            note_success: Called for each result.
            note_failure: Called for each error, also for those after which an item is run again.
        """
        self.grouping = Grouping()
        self._engine = engine
        self._retry = retry
        self._note_success = note_success
        self._note_failure = note_failure

    def carry_out(self, group: Sequence[tuple[int, Request]], cancellation: Cancellation) -> list[Outcome]:
        """Return one outcome for each item, in order; an error is the last one."""
        requests = [request for _, request in group]
        if len(group) > 1:
            answered = self._together(requests, cancellation)
            if answered is not None:
                return [
                    self._noted(number, request, end) for (number, request), end in zip(group, answered, strict=True)
                ]
        outcomes: list[Outcome] = []
        for number, request in group:
            outcomes.append(self._alone(number, request, cancellation, again=len(group) > 1))
            if isinstance(outcomes[-1], BaseException):
                break
        return outcomes

    def _together(self, requests: Sequence[Request], cancellation: Cancellation) -> list[Outcome] | None:
        """Run a group in one message; None: it brought no answers, and its items are to be run one by one."""
        try:
            outcomes, seconds = self._engine.run_batch(requests, cancellation)
        except EncodingError:
            return None  # One item cannot be sent, or all are too much together; alone each says what is wrong.
        except ExecutionError as error:
            self.grouping.learn(1, _GROUP_S)
            self._note_failure(requests[0], error)
            if not self._retry:
                raise
            return None
        self.grouping.learn(len(requests), seconds)
        return outcomes

    def _noted(self, number: int, request: Request, outcome: Outcome) -> Outcome:
        if isinstance(outcome, ProcessingResult):
            self._note_success(request, outcome)
            return outcome
        self._note_failure(request, outcome)
        return _named(outcome, number)

    def _alone(self, number: int, request: Request, cancellation: Cancellation, *, again: bool) -> Outcome:
        """Run one item; `again`: the worker of its group has died, perhaps because of it."""
        while True:
            try:
                result = self._engine.run(request, cancellation)
            except BaseException as error:
                self._note_failure(request, error)
                died = isinstance(error, ExecutionError) and not isinstance(error, _ANSWERED)
                if died and self._retry and not again:
                    again = True
                    continue
                if isinstance(error, PluginError):
                    return _named(error, number, "; it was run twice" if died and again else "")
                raise
            assert result.execution is not None
            self.grouping.learn(1, result.execution.wall_seconds)
            self._note_success(request, result)
            return result


def _belong_together(one: Request, other: Request) -> bool:
    """Whether one worker may run both: no switch lies between them, and workers are used more than once."""
    return one.deployment is other.deployment and one.deployment.reuse == "worker"


def _weight(request: Request) -> int:
    return _ITEM_BYTES + sum(_size_of(value) for value in request.inputs.values())


def _size_of(value: Any) -> int:
    size = getattr(value, "nbytes", None)
    if type(size) is int:
        return size
    return 8 * len(value) if isinstance(value, list | tuple | str | bytes) else 0


def _named(error: BaseException, number: int, remark: str = "") -> BaseException:
    """Say which item an error belongs to."""
    if error.args and isinstance(error.args[0], str):
        error.args = (f"input {number} (counted from 0): {error.args[0]}{remark}", *error.args[1:])
    return error
