"""What one call of the soak does, chosen by its number, and whether its answer is right."""

from __future__ import annotations

import asyncio
import concurrent.futures
import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from platform_base.plugins.errors import PluginFailedError, PluginTimeoutError
from platform_base.plugins.registry import PluginRegistry

#: Long enough for the busiest machine: no call but those that are meant to may reach it.
PATIENCE_S = 300.0
TIMEOUT_S = 0.02
LENGTHS = {0: 5, 1: 20, 100: 40, 5_000: 20, 20_000: 10, 200_000: 4, 2_000_000: 0.1}
MAPPED = 20
AWAITED = 4


class WrongAnswerError(Exception):
    """A call ended otherwise than it must."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One way to use the registry.

    Attributes:
        carry_out: Makes the call and checks what came; raises `WrongAnswerError`, or what the registry raised.
        weight: How often it is chosen.
        calls: So many calls it counts for.
    """

    carry_out: Callable[[PluginRegistry, random.Random], None]
    weight: float
    calls: int = 1


def _series(dice: random.Random) -> np.ndarray:
    (length,) = dice.choices(list(LENGTHS), list(LENGTHS.values()))
    return np.arange(length) * dice.random() + dice.random()


def _expect(came: object, wanted: np.ndarray) -> None:
    if not isinstance(came, np.ndarray) or came.dtype != wanted.dtype or not np.array_equal(came, wanted):
        raise WrongAnswerError(f"expected {wanted!r}, got {came!r}")


def scale(registry: PluginRegistry, dice: random.Random) -> None:
    series, factor = _series(dice), dice.random()
    result = registry.execute_plugin("behaviours", {"series": series}, {"factor": factor}, timeout=PATIENCE_S)
    _expect(result.values, series * factor)


def pass_on(registry: PluginRegistry, dice: random.Random) -> None:
    """The result of one call is the input of the next, while the first input is gone."""
    series = _series(dice)
    once = registry.execute_plugin("behaviours", {"series": series}, timeout=PATIENCE_S).values
    wanted = series * 4
    del series
    _expect(registry.execute_plugin("behaviours", {"series": once}, timeout=PATIENCE_S).values, wanted)


def share(registry: PluginRegistry, dice: random.Random) -> None:
    """An array that both sides see is changed between calls; results of before stay what they were."""
    shared = registry.empty(dice.choice([1, 5_000, 200_000]), np.float64)
    wanted, came = [], []
    for _ in range(3):
        shared[:] = dice.random()
        wanted.append(shared * 2)
        came.append(registry.execute_plugin("behaviours", {"series": shared}, timeout=PATIENCE_S).values)
    for left, right in zip(came, wanted, strict=True):
        _expect(left, right)


def keep(registry: PluginRegistry, dice: random.Random) -> None:
    """Results stay what they were while later calls run."""
    many = [_series(dice) for _ in range(3)]
    kept = [registry.execute_plugin("behaviours", {"series": series}, timeout=PATIENCE_S).values for series in many]
    for series, came in zip(many, kept, strict=True):
        _expect(came, series * 2)


def patchwork(registry: PluginRegistry, dice: random.Random) -> None:
    parts, name = [_series(dice) for _ in range(dice.randrange(5))], f"é{dice.random()}"
    result = registry.execute_plugin("patchwork", {"parts": parts, "name": name}, timeout=PATIENCE_S)
    if list(result.values) != list(range(len(parts))) or result.metadata != {
        "name": name,
        "lengths": tuple(map(len, parts)),
    }:
        raise WrongAnswerError(f"{list(result.values)}, {result.metadata}")
    for number, part in enumerate(parts):
        _expect(result.values[number], part + 1.0)


def submit(registry: PluginRegistry, dice: random.Random) -> None:
    series = _series(dice)
    future = registry.submit_plugin("behaviours", {"series": series}, timeout=PATIENCE_S)
    _expect(future.result(PATIENCE_S).values, series * 2)


def cancel(registry: PluginRegistry, dice: random.Random) -> None:
    """A call that never ends is cancelled, at once or once it runs."""
    future = registry.submit_plugin("behaviours", {"do": "sleep", "seconds": 3600}, timeout=PATIENCE_S)
    if dice.random() < 0.5:
        concurrent.futures.wait([future], timeout=dice.random() * 0.01)
    if future.cancel():
        if not future.cancelled():
            raise WrongAnswerError("a call that was cancelled says that it was not")
        return
    # It ended before: then only because its worker was killed, which this raises.
    raise WrongAnswerError(f"a call without end brought {future.result(0)!r}")


def time_out(registry: PluginRegistry, dice: random.Random) -> None:
    try:
        result = registry.execute_plugin("behaviours", {"do": "sleep", "seconds": 3600}, timeout=TIMEOUT_S)
    except PluginTimeoutError:
        return
    raise WrongAnswerError(f"a call without end brought {result!r}")


def fail(registry: PluginRegistry, dice: random.Random) -> None:
    try:
        result = registry.execute_plugin("behaviours", {"do": "raise_error"}, timeout=PATIENCE_S)
    except PluginFailedError as error:
        if error.remote_type != "ValueError":
            raise WrongAnswerError(f"expected ValueError, got {error.remote_type}") from error
        return
    raise WrongAnswerError(f"a call that fails brought {result!r}")


def map_many(registry: PluginRegistry, dice: random.Random) -> None:
    many = [np.full(dice.randrange(1, 200), float(number)) for number in range(MAPPED)]
    results = registry.map_plugin("behaviours", ({"series": series} for series in many), timeout=PATIENCE_S)
    came = [result.values for result in results]
    if len(came) != len(many):
        raise WrongAnswerError(f"{len(came)} results for {len(many)} inputs")
    for series, values in zip(many, came, strict=True):
        _expect(values, series * 2)


def await_many(registry: PluginRegistry, dice: random.Random) -> None:
    """Several calls of one event loop, and one among them that has no end and is given up."""
    many = [_series(dice) for _ in range(AWAITED - 1)]

    async def give_up() -> None:
        endless = registry.aexecute_plugin("behaviours", {"do": "sleep", "seconds": 3600}, timeout=PATIENCE_S)
        try:
            result = await asyncio.wait_for(endless, TIMEOUT_S)
        except TimeoutError:
            return
        raise WrongAnswerError(f"a call without end brought {result!r}")

    async def run() -> list[np.ndarray]:
        calls = [registry.aexecute_plugin("behaviours", {"series": series}, timeout=PATIENCE_S) for series in many]
        *results, _ = await asyncio.gather(*calls, give_up())
        return [result.values for result in results]

    for series, came in zip(many, asyncio.run(run()), strict=True):
        _expect(came, series * 2)


OPERATIONS = (
    Operation(carry_out=scale, weight=75),
    Operation(carry_out=pass_on, weight=3, calls=2),
    Operation(carry_out=share, weight=2, calls=3),
    Operation(carry_out=keep, weight=3, calls=3),
    Operation(carry_out=patchwork, weight=10),
    Operation(carry_out=submit, weight=5),
    Operation(carry_out=cancel, weight=0.3),
    Operation(carry_out=time_out, weight=0.3),
    Operation(carry_out=fail, weight=1),
    Operation(carry_out=await_many, weight=1, calls=AWAITED),
    Operation(carry_out=map_many, weight=1, calls=MAPPED),
)


def choose(seed: int, number: int) -> tuple[Operation, random.Random]:
    """Return what the operation of this number is, and the dice that decide the rest: the same in every run."""
    dice = random.Random(f"{seed}/{number}")
    (operation,) = dice.choices(OPERATIONS, [operation.weight for operation in OPERATIONS])
    return operation, dice
