"""Measuring calls over growing inputs until a time budget is used up.

First a ladder upwards: sizes double until a call takes a twentieth of the budget, a limit is met, or the largest size
is reached. It is climbed twice, each time in a worker that has not served a larger call, because a worker keeps what it
has freed: only so is its peak that of the call. Then rounds: every size once, in an order drawn anew, until the budget
is used up; so what disturbs the machine for a while disturbs all sizes alike.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from platform_base.core.models import Execution
from platform_base.plugins.errors import PluginError, PluginTimeoutError, ResourceLimitError
from platform_base.plugins.registry import PluginRegistry
from platform_base.plugins.scaling.resizing import Sizes

_FACTOR = 2
_LARGEST_SHARE = 1 / 20
_LADDERS = 2
_FEWEST_ROUNDS = 3
_MOST_ROUNDS = 40

ReportProgress = Callable[[float, str], None]


@dataclass(slots=True, kw_only=True)
class Step:
    """What was measured at one size.

    Attributes:
        size: Samples of the longest input.
        wall_seconds: Of each call, from the hand-over to the answer.
        cpu_seconds: Of each call, as the worker says.
        peak_bytes: Resident memory of the worker at its peak, of the calls on the ladders.
    """

    size: int
    wall_seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    peak_bytes: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What was measured of one release.

    Attributes:
        plugin_id: The plugin.
        version: Its version.
        digest: Its digest.
        steps: Ascending.
        ended: Why there is no larger size.
    """

    plugin_id: str
    version: str
    digest: str
    steps: tuple[Step, ...]
    ended: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is measured.

    Attributes:
        sizes: Makes the inputs.
        parameters: Of every call.
        smallest: Size of the first step.
        largest: No step is larger.
        budget_s: Time for everything, seconds; a last round may take longer.
        timeout_s: Of each call; None: what the settings say.
    """

    sizes: Sizes
    parameters: Mapping[str, Any]
    smallest: int
    largest: int
    budget_s: float
    timeout_s: float | None = None


class Bench:
    """One release, measured in the registry that holds it."""

    def __init__(self, registry: PluginRegistry, plugin_id: str, plan: Plan) -> None:
        self._registry = registry
        self._plugin_id = plugin_id
        self._plan = plan
        self.steps: list[Step] = []
        self.ended = ""
        self._release = ("", "")

    def climb(self, sizes: Sequence[int] | None = None) -> None:
        """Measure sizes upwards, `sizes` or those that the budget allows, after a call that is not measured.

        Raises:
            PluginError: No size works.
        """
        for ladder in range(_LADDERS):
            self._registry.unload_plugin(self._plugin_id)
            if ladder == 0 and sizes is None:
                self._find_sizes()
                continue
            self._call(Step(size=0), (sizes or [each.size for each in self.steps])[0])
            if not self.steps:
                self.steps = [Step(size=size) for size in sizes or ()]
            for step in self.steps:
                self._call(step, step.size)

    def _find_sizes(self) -> None:
        size, refusal = self._plan.smallest, None
        before = 0.0
        while size <= self._plan.largest:
            step = Step(size=size)
            try:
                if not self.steps:
                    self._call(Step(size=0), size)
                self._call(step, size)
            except (PluginTimeoutError, ResourceLimitError) as error:
                if not self.steps:
                    raise
                self.ended = f"{size:,} samples: {error}"
                return
            except PluginError as error:
                if self.steps:
                    self.ended = f"{size:,} samples: {error}"
                    return
                # Some plugins want a certain length at least; that they work at all the next sizes will show.
                refusal = refusal or error
                size *= _FACTOR
                continue
            self.steps.append(step)
            took = step.wall_seconds[-1]
            ratio = max(1.0, min(2.0 * _FACTOR**2, took / before)) if before else _FACTOR
            if took * ratio > _LARGEST_SHARE * self._plan.budget_s:
                self.ended = "the time budget: a larger size would take more than a twentieth of it for one call"
                return
            before = took
            size *= _FACTOR
        if not self.steps and refusal is not None:
            raise refusal
        self.ended = "the largest size: --max-size"

    def _call(self, step: Step, size: int) -> None:
        execution = self.call_once(step, size)
        step.peak_bytes.append(float(execution.peak_memory_bytes))

    def call_once(self, step: Step, size: int) -> Execution:
        """Make one call and note its times."""
        result = self._registry.execute_plugin(
            self._plugin_id, self._plan.sizes.make(size), self._plan.parameters, self._plan.timeout_s
        )
        execution = result.execution
        assert execution is not None
        step.wall_seconds.append(execution.wall_seconds)
        step.cpu_seconds.append(execution.cpu_seconds)
        self._release = (execution.version, execution.digest)
        return execution

    def finish(self) -> Measurement:
        """Return what was measured."""
        version, digest = self._release
        return Measurement(
            plugin_id=self._plugin_id,
            version=version,
            digest=digest,
            steps=tuple(self.steps),
            ended=self.ended,
        )


def measure(
    registries: Sequence[PluginRegistry], plugin_id: str, plan: Plan, report: ReportProgress | None = None
) -> list[Measurement]:
    """Measure the active release of each registry, at the same sizes and in turns.

    Args:
        registries: The first decides which sizes there are.
        plugin_id: Which plugin.
        plan: What is measured.
        report: Told how much of the budget is used.

    Raises:
        PluginError: A call failed at every size.
    """
    began = time.monotonic()
    benches = [Bench(registry, plugin_id, plan) for registry in registries]
    for bench in benches:
        bench.climb([step.size for step in benches[0].steps] or None)
    order = [(bench, at) for bench in benches for at in range(len(benches[0].steps))]
    draw = random.Random(0)  # noqa: S311 - an order, no secret
    for done in range(_MOST_ROUNDS):
        used = (time.monotonic() - began) / plan.budget_s
        if used >= 1 and done >= _FEWEST_ROUNDS:
            break
        draw.shuffle(order)
        for bench, at in order:
            step = bench.steps[at]
            bench.call_once(step, step.size)
        if report is not None:
            report(min(1.0, used), f"round {done + 1}, {len(benches[0].steps)} sizes")
    return [bench.finish() for bench in benches]
