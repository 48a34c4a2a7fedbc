"""Waiting for a worker together with other calls, in a thread or in a task: see `microbatch`."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import Self

from platform_base.core.models import ProcessingResult
from platform_base.plugins._engines.asynchronous import Turn
from platform_base.plugins._engines.base import Outcome
from platform_base.plugins._engines.delivery import Message, deliver, deliver_async, share_out
from platform_base.plugins._engines.lane import Lane
from platform_base.plugins._engines.microbatch import Passenger
from platform_base.plugins._host.connection import UndeliveredError
from platform_base.plugins._host.group import Wake
from platform_base.plugins._host.worker import Worker
from platform_base.plugins._wire.batch import join
from platform_base.plugins.errors import PluginError

logger = logging.getLogger(__name__)

_UNANSWERED = (UndeliveredError, PluginError, concurrent.futures.CancelledError)

Shared = tuple[Worker | None, ProcessingResult | None]
"""A worker for this call alone, or the result of the call; neither: the call is to be made on its own."""


def share(lane: Lane, message: Message[ProcessingResult]) -> Shared:
    """Wait for a worker together with other calls of a lane.

    Raises:
        BaseException: How the call ended, as `deliver`.
    """
    turn = threading.Lock()
    turn.acquire()
    passenger = _passenger(message, turn.release)
    if not lane.gathering.join(passenger, lane.room):
        return None, None
    try:
        if not passenger.leads:
            _stay_cancellable(lane, passenger)
            turn.acquire()
        if passenger.waits_to_lead:
            worker = lane.take(message.cancellation, step_aside=partial(lane.gathering.leave, passenger))
            party, together = _board(lane, worker, passenger)
            if together is None:
                return worker, None
            with _Distribution(party) as distribution:
                distribution.outcomes = deliver(together, lane, worker)
    except BaseException:  # also Ctrl-C
        _give_up(lane, passenger)
        raise
    return None, _end(passenger)


async def share_async(lane: Lane, message: Message[ProcessingResult]) -> Shared:
    """As `share`, in an event loop."""
    turn = Turn()
    passenger = _passenger(message, turn.wake, asyncio.get_running_loop())
    if not lane.gathering.join(passenger, lane.room):
        return None, None
    try:
        if not passenger.leads:
            _stay_cancellable(lane, passenger)
            await turn.come()
        if passenger.waits_to_lead:
            worker = await lane.take_async(message.cancellation, step_aside=partial(lane.gathering.leave, passenger))
            party, together = _board(lane, worker, passenger)
            if together is None:
                return worker, None
            with _Distribution(party) as distribution:
                distribution.outcomes = await deliver_async(together, lane, worker)
    except BaseException:  # also the end of the task
        _give_up(lane, passenger)
        raise
    return None, _end(passenger)


def _passenger(message: Message[ProcessingResult], wake: Wake, loop: object = None) -> Passenger:
    return Passenger(
        request=message.request,
        encoded=message.encoded,
        cancellation=message.cancellation,
        began=message.began,
        wake=wake,
        loop=loop,
    )


def _stay_cancellable(lane: Lane, passenger: Passenger) -> None:
    leave = partial(lane.gathering.leave, passenger, concurrent.futures.CancelledError())
    passenger.cancellation.on_request(leave)


def _give_up(lane: Lane, passenger: Passenger) -> None:
    """Let a call go whose caller is not there any more; work on it is stopped."""
    lane.gathering.leave(passenger)
    passenger.go_away()
    if not passenger.leads:
        passenger.cancellation.cancel()


def _board(lane: Lane, worker: Worker, leader: Passenger) -> tuple[list[Passenger], Message[list[Outcome]] | None]:
    """Return the calls that go with the leader's and their message; None: there are no others.

    Those that were cancelled in the last moment do not go. If there will be no message, nobody is left waiting for it.
    """
    gone = lane.gathering.depart(leader)
    party: list[Passenger] = []
    try:
        for each in gone:
            try:
                if each is not leader:
                    each.cancellation.bind(worker)
                party.append(each)
            except concurrent.futures.CancelledError as error:
                each.rouse(error)
        return party, _together(party) if len(party) > 1 else None
    except BaseException:  # also Ctrl-C
        for each in gone:
            if each is not leader:
                each.cancellation.release()
                each.rouse()
        lane.give_back(worker, fit=True)
        raise


def _together(party: Sequence[Passenger]) -> Message[list[Outcome]]:
    leader = party[0]
    requests = [each.request for each in party]
    return Message(
        request=leader.request,
        encoded=join([each.encoded.body for each in party]),
        cancellation=leader.cancellation,
        batch=[request.inputs for request in requests],
        began=leader.began,
        finish=partial(share_out, requests, [each.began for each in party]),
    )


class _Distribution:
    """Gives each call of a message what became of it, however the message ends."""

    def __init__(self, party: Sequence[Passenger]) -> None:
        self._party = party
        self.outcomes: Sequence[Outcome | None] = [None] * len(party)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        leader, *others = self._party
        leader.outcome = self.outcomes[0]
        for each, outcome in zip(others, self.outcomes[1:], strict=True):
            each.cancellation.release()
            each.rouse(outcome)
        if not isinstance(error, _UNANSWERED):
            return False
        plugin_id = leader.request.deployment.release.plugin_id
        logger.info("%d calls of %s are made one by one, together they failed: %s", len(self._party), plugin_id, error)
        return True


def _end(passenger: Passenger) -> ProcessingResult | None:
    """Return the result of a call, or None if it is to be made on its own; raise the error that it ended in."""
    if isinstance(passenger.outcome, BaseException):
        raise passenger.outcome
    if passenger.outcome is None and passenger.cancellation.requested:
        raise concurrent.futures.CancelledError
    return passenger.outcome
