"""What is measured: each case takes a peer that is open and warm, and returns the seconds of every call it made."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from peers.base import PastDeadlineError, Peer, UnsupportedError
from peers.processes import find_busy, proportional_bytes

CALLERS = 8
DEADLINE_S = 0.2
NOTICED_WITHIN_S = 10.0
SERIES = 10_000
SERIES_LENGTH = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to go on with one case in one turn: after `seconds`, or after `calls` of them."""

    calls: int
    seconds: float
    warm: int


class WrongAnswerError(Exception):
    """A peer did not return twice what it was given."""


def check(series: np.ndarray | None, result: Any) -> None:
    """Look at both ends and the middle: looking everywhere would take longer than the call."""
    if series is None:
        return
    places = [0, series.size // 2, series.size - 1]
    if result.shape != series.shape or any(result[place] != 2 * series[place] for place in places):
        raise WrongAnswerError(f"{result[places]} is not twice {series[places]}")


def one_caller(size_bytes: int, *, read: bool = False) -> Callable[[Peer, Effort], list[float]]:
    """Call after call; the first element changes every time, so that nobody can answer from memory.

    Args:
        size_bytes: Of the series; 0: no series at all.
        read: Whether the caller looks at the whole result, so that memory that was only promised must be there.
    """

    def measure(peer: Peer, effort: Effort) -> list[float]:
        series = None if not size_bytes else np.arange(size_bytes // 8, dtype=np.float64)
        handle, changing = (None, None) if series is None else peer.prepare(series)
        took: list[float] = []
        over = 0.0
        for number in range(effort.warm + effort.calls):
            if series is not None and changing is not None:
                series[0] = changing[0] = number
            began = time.perf_counter()
            result = peer.call(handle)
            if read:
                result.sum()
            ended = time.perf_counter()
            check(series, result)
            if number == effort.warm:
                over = began + effort.seconds
            if number >= effort.warm:
                took.append(ended - began)
                if ended > over:
                    break
        return took

    return measure


def many_callers(size_bytes: int) -> Callable[[Peer, Effort], list[float]]:
    """Eight threads, each with a series of its own, one call after the other."""

    def measure(peer: Peer, effort: Effort) -> list[float]:
        if not peer.concurrent:
            raise UnsupportedError("one caller at a time")
        took: list[float] = []
        errors: list[BaseException] = []
        together = threading.Barrier(CALLERS)

        def work(number: int) -> None:
            series = None if not size_bytes else np.full(size_bytes // 8, float(number))
            try:
                call = peer.caller(series)
                for _ in range(effort.warm):
                    check(series, call())
                together.wait()
                over = time.perf_counter() + effort.seconds
                for _ in range(effort.calls):
                    began = time.perf_counter()
                    result = call()
                    took.append(time.perf_counter() - began)
                    check(series, result)
                    if took[-1] + began > over:
                        break
            except BaseException as error:
                together.abort()
                errors.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(CALLERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for error in errors:
            if not isinstance(error, threading.BrokenBarrierError):
                raise error
        return took

    return measure


def many_tasks(peer: Peer, effort: Effort) -> list[float]:
    """Eight tasks of one event loop, each awaiting one empty call after the other."""
    took: list[float] = []

    async def work() -> None:
        for _ in range(effort.warm):
            await peer.acall(None)
        over = time.perf_counter() + effort.seconds
        for _ in range(effort.calls):
            began = time.perf_counter()
            await peer.acall(None)
            took.append(time.perf_counter() - began)
            if took[-1] + began > over:
                break

    async def all_of_them() -> None:
        await asyncio.gather(*(work() for _ in range(CALLERS)))

    asyncio.run(all_of_them())
    return took


def small_series(peer: Peer, effort: Effort) -> list[float]:
    """A map over 10,000 series of 1 KB; seconds for each series."""
    many = [np.arange(SERIES_LENGTH, dtype=np.float64) + number for number in range(SERIES)]
    peer.map(many[:500])
    began = time.perf_counter()
    answers = peer.map(many)
    took = time.perf_counter() - began
    if len(answers) != len(many):
        raise WrongAnswerError(f"{len(answers)} answers to {len(many)} series")
    for series, answer in zip(many, answers, strict=True):
        check(series, answer)
    return [took / SERIES]


def after_death(peer: Peer, effort: Effort) -> list[float]:
    """Seconds from the death of the worker in the middle of a call until the next call has its result."""
    noticed = threading.Event()
    ends: list[float] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            try:
                peer.spin(None)
            except UnsupportedError:
                raise
            except BaseException:
                noticed.set()
            peer.repair()
            peer.call(None)
            ends.append(time.perf_counter())
        except BaseException as error:
            errors.append(error)
            noticed.set()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        busy = find_busy(lambda: not errors)
    except TimeoutError:
        if errors:
            raise errors[0] from None
        raise
    died = time.perf_counter()
    os.kill(busy, signal.SIGKILL)
    if not noticed.wait(NOTICED_WITHIN_S):
        raise UnsupportedError(f"does not notice a worker's death within {NOTICED_WITHIN_S:g} s")
    thread.join(60)
    if errors:
        raise errors[0]
    return [ends[0] - died]


def after_deadline(peer: Peer, effort: Effort) -> list[float]:
    """Seconds from a deadline that passed until the next call has its result."""
    began = time.perf_counter()
    try:
        peer.spin(DEADLINE_S)
    except PastDeadlineError:
        peer.repair()
    peer.call(None)
    return [time.perf_counter() - began - DEADLINE_S]


def memory(peer: Peer, effort: Effort) -> list[float]:
    """Proportional set size of all processes together once every worker has been at work, bytes."""
    for _ in range(2):
        threads = [threading.Thread(target=peer.pause, args=(1.0,)) for _ in range(peer.workers)]
        if not peer.concurrent:
            threads = threads[:1]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return [float(proportional_bytes())]


def further_worker(plugin_id: str) -> Callable[[Peer, Effort], list[float]]:
    """Seconds from asking for one more worker until it is confined and has loaded the plugin."""

    def measure(peer: Peer, effort: Effort) -> list[float]:
        if not hasattr(peer, "start_another"):
            raise UnsupportedError("its workers are not confined")
        took = []
        peer.start_another(plugin_id)
        for _ in range(min(effort.calls, 20)):
            peer.stop_idle(plugin_id)
            began = time.perf_counter()
            peer.start_another(plugin_id)
            took.append(time.perf_counter() - began)
        return took

    return measure
