"""One call of the local engine inside an event loop: the same steps as in a thread, with nothing that blocks the loop.

No call has a thread of its own. Only what takes milliseconds goes to the loop's executor for that long: starting a
worker, ending one, copying megabytes.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Generator
from functools import partial
from typing import TypeVar

from platform_base.plugins._host.connection import Connection
from platform_base.plugins._host.group import Place
from platform_base.plugins._host.pool import Pool
from platform_base.plugins._host.supervisor import LONG, Answer, Step, Supervisor
from platform_base.plugins._host.worker import Worker
from platform_base.plugins._wire.codec import Encoded

Outcome = TypeVar("Outcome")


class Turn:
    """What a pool wakes when a place's turn has come, and a task waits for."""

    def __init__(self, forsaken: Callable[[], None] = lambda: None) -> None:
        """Begin to wait.

        Args:
            forsaken: Called, in any thread, if the turn comes after the loop was closed with the task in it.
        """
        self._forsaken = forsaken
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._come: asyncio.Future[None] = self._loop.create_future()

    def wake(self) -> bool:
        """Say that the turn has come; from any thread. False: nobody waits any more."""
        try:
            if self._loop.is_closed() or threading.get_ident() != self._thread:
                self._loop.call_soon_threadsafe(self._settle)
            else:
                self._settle()  # Another task of this loop has given its worker back: no need to rouse the loop.
        except RuntimeError:  # The loop was closed with the task in it.
            self._come = self._loop.create_future()  # Whoever knows the turn shall not keep the task alive.
            self._forsaken()
            return False
        return True

    def _settle(self) -> None:
        if not self._come.done():
            self._come.set_result(None)

    async def come(self) -> None:
        """Wait for the turn."""
        await self._come

    async def collect(
        self, pool: Pool, key: tuple[str, ...], place: Place, step_aside: Callable[[], None]
    ) -> Worker | None:
        """Wait for the turn and return what `Pool.collect` returns; a cancelled task leaves nothing behind.

        `step_aside` is called if that will start a worker.
        """
        give_back = partial(_give_back, pool, key)
        try:
            await self._come
        except asyncio.CancelledError:
            pool.leave(key, place)
            if not place.gone:  # The turn came in the same moment.
                give_back(await in_thread(partial(pool.collect, key, place), unwanted=give_back))
            raise
        if place.may_start:
            step_aside()
            return await in_thread(partial(pool.collect, key, place), unwanted=give_back)
        return pool.collect(key, place)


def _give_back(pool: Pool, key: tuple[str, ...], worker: Worker | None) -> None:
    if worker is not None:
        pool.give_back(key, worker)


async def conduct(supervisor: Supervisor, connection: Connection, encoded: Encoded) -> Answer:
    """Carry out a call.

    Raises:
        UndeliveredError: As `Supervisor.run`.
        CallEndedError: As `Supervisor.run`.
        asyncio.CancelledError: The task was cancelled; the worker is in the middle of the call.
    """
    steps = supervisor.conduct(encoded)
    try:
        step, answer = _advance(steps)
        while answer is None:
            if step is LONG:
                step, answer = await in_thread(partial(_advance, steps))
            else:
                await _readable(connection, step)
                step, answer = _advance(steps)
    except asyncio.CancelledError:
        supervisor.abandon()
        raise
    finally:
        steps.close()
    return answer


def _advance(steps: Generator[Step, None, Answer]) -> tuple[Step, Answer | None]:
    """Return the next step, or the answer: `StopIteration` cannot leave a thread or a coroutine."""
    try:
        return next(steps), None
    except StopIteration as end:
        return None, end.value


async def _readable(connection: Connection, deadline: float | None) -> None:
    """Wait until the worker has said something, has died, or the deadline has passed; read its output meanwhile."""
    loop = asyncio.get_running_loop()
    over = False
    while not over:
        woken: asyncio.Future[None] = loop.create_future()
        # A bare timer: `asyncio.timeout` takes as long as the rest of waiting.
        timer = loop.call_later(deadline - time.monotonic(), _settle, woken) if deadline is not None else None
        loop.add_reader(connection.fileno(), _settle, woken)
        try:
            await woken
        finally:
            loop.remove_reader(connection.fileno())
            if timer is not None:
                timer.cancel()
        over = connection.look(0.0) or (deadline is not None and time.monotonic() >= deadline)


def _settle(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)


async def in_thread(
    work: Callable[[], Outcome], *, unwanted: Callable[[Outcome], None] = lambda outcome: None
) -> Outcome:
    """Do something in a thread. A cancelled task waits for its end and hands the outcome to `unwanted`."""
    future = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            try:
                await asyncio.wait([future])
            except asyncio.CancelledError:
                continue  # It cannot be stopped, and what it brings must not be lost.
        if future.exception() is None:
            unwanted(future.result())
        raise
