"""Many small inputs: several travel in one message, and none is lost when a worker dies.

A message costs a hundred microseconds, an item of a few hundred numbers a few. So inputs go out in groups that hold a
few milliseconds of work; how long an item takes is learned on the way, beginning with one. The answers of a group come
together: when its worker dies, none has arrived, and the group's items are run again one by one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from platform_base.core.models import ProcessingResult
from platform_base.plugins._engines.base import Engine, Outcome, Request
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

Inputs = Mapping[str, Any]


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

    def groups(self, stream: Iterable[Inputs]) -> Iterator[list[Inputs]]:
        """Yield copies of the inputs in groups: whoever makes them may use one dictionary for all."""
        group: list[Inputs] = []
        weight = 0
        for inputs in stream:
            if isinstance(inputs, Mapping):
                copied = dict(inputs)
                group.append(copied)
                for value in copied.values():
                    weight += value.nbytes if type(value) is np.ndarray else _size_of(value)
                weight += _ITEM_BYTES
            else:
                group.append(inputs)
            if len(group) >= self._size or weight >= _MOST_BYTES:
                yield group
                group, weight = [], 0
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
        note_successes: Callable[[Sequence[Request], Sequence[ProcessingResult]], None],
        note_failure: Callable[[Request, BaseException], None],
    ) -> None:
        """Begin.

        Args:
            engine: Runs the calls.
            retry: Run the items of a worker that died once more.
            note_successes: Called with the results that one message brought.
            note_failure: Called for each error, also for those after which an item is run again.
        """
        self.grouping = Grouping()
        self._engine = engine
        self._retry = retry
        self._note_successes = note_successes
        self._note_failure = note_failure

    def carry_out(self, first: int, requests: Sequence[Request], cancellation: Cancellation) -> list[Outcome]:
        """Return one outcome for each item, in order; after an error there may be none.

        Args:
            first: Number of the first item.
            requests: At least one.
            cancellation: Stops all of them.
        """
        if len(requests) > 1 and _belong_together(requests):
            answered = self._together(requests, cancellation)
            if answered is not None:
                return self._noted(first, requests, answered)
            again = True
        else:
            again = False
        outcomes: list[Outcome] = []
        for number, request in enumerate(requests, first):
            outcomes.append(self._alone(number, request, cancellation, again=again))
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

    def _noted(self, first: int, requests: Sequence[Request], answered: list[Outcome]) -> list[Outcome]:
        """Note how each item of a group ended, and name those that failed."""
        good = [end for end in answered if isinstance(end, ProcessingResult)]
        if len(good) == len(answered):
            self._note_successes(requests, good)
            return answered
        for place, (request, end) in enumerate(zip(requests, answered, strict=True)):
            if isinstance(end, BaseException):
                self._note_failure(request, end)
                answered[place] = _named(end, first + place)
            else:
                self._note_successes([request], [end])
        return answered

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
            self._note_successes([request], [result])
            return result


def _belong_together(requests: Sequence[Request]) -> bool:
    """Whether one worker may run them all: no switch lies between them, and workers are used more than once."""
    deployment = requests[0].deployment
    return deployment.reuse == "worker" and all(request.deployment is deployment for request in requests)


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
