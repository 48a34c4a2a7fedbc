"""Running a candidate beside the release that answers, and comparing what both say.

::

    caller ─► active release ─► result ─► caller
                  │ one in 1 / fraction
                  └─► copy of inputs and result ─► background: candidate ─► compare ─► report
"""

from __future__ import annotations

import concurrent.futures
import threading
from collections import Counter, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, TypedDict

from platform_base.core.models import Execution, ProcessingResult
from platform_base.plugins._engines.base import Deployment, Engine, Request
from platform_base.plugins._host.cancellation import Cancellation
from platform_base.plugins._wire.codec import decode, encode
from platform_base.plugins.comparison import Comparison, Tolerance, compare
from platform_base.plugins.errors import ParameterError, PluginError, Problem
from platform_base.plugins.parameters import resolve

_WINDOW = 1000
"""The speed ratio is over so many of the latest runs."""

_MAX_FINDINGS = 10


class ShadowReport(TypedDict):
    """What `PluginRegistry.shadow_report` returns."""

    id: str
    candidate_version: str
    candidate_digest: str
    fraction: float
    calls: int
    runs: int
    agreed: int
    differed: int
    failed: dict[str, int]
    skipped: int
    largest_difference: float
    largest_relative_difference: float
    speed_ratio: float | None
    findings: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One call of the active release, copied so that neither the caller nor a plugin can change it any more."""

    inputs: dict[str, Any]
    given: Mapping[str, Any]
    timeout_s: float | None
    values: Any
    metadata: dict[str, Any]
    execution: Execution


class Shadow:
    """One candidate, and what was found out about it. Thread-safe."""

    def __init__(
        self, candidate: Deployment, *, fraction: float, tolerance: Tolerance, ignore: Collection[str] = ()
    ) -> None:
        """Begin with nothing known.

        Args:
            candidate: What is tried.
            fraction: The share of calls that it is tried on, above 0 and at most 1.
            tolerance: How far its numbers may be from those of the active release.
            ignore: Keys of the metadata that are not compared.

        Raises:
            ParameterError: The fraction or a tolerance is no such number.
        """
        _check_numbers(fraction, tolerance)
        self.candidate = candidate
        self._fraction = fraction
        self._tolerance = tolerance
        self._ignore = frozenset(ignore)
        self._lock = threading.Lock()
        self._running = False
        self._calls = self._agreed = self._differed = self._skipped = 0
        self._failed: Counter[str] = Counter()
        self._largest = self._largest_relative = 0.0
        self._seconds: deque[tuple[float, float]] = deque(maxlen=_WINDOW)
        self._findings: list[str] = []

    def take(self, request: Request, result: ProcessingResult) -> Sample | None:
        """Return a copy of a call if the candidate is to be tried on it; `run` must follow.

        Every n-th call is taken, not a random one: a share of 0.1 is one in ten exactly. While the candidate is at
        work on another call this one is skipped, so that a slow candidate cannot make work pile up.
        """
        if request.deployment.release.key == self.candidate.release.key or result.execution is None:
            return None
        with self._lock:
            self._calls += 1
            if int(self._calls * self._fraction) == int((self._calls - 1) * self._fraction):
                return None
            if self._running:
                self._skipped += 1
                return None
            self._running = True
        try:
            copied = _copy({"inputs": request.inputs, "values": result.values, "metadata": result.metadata})
        except BaseException:
            self._running = False
            raise
        return Sample(
            inputs=copied["inputs"],
            given=dict(request.given),
            timeout_s=request.timeout_s,
            values=copied["values"],
            metadata=copied["metadata"],
            execution=result.execution,
        )

    def run(self, engine: Engine, sample: Sample, cancellation: Cancellation) -> ProcessingResult:
        """Try the candidate on a call, and keep what was found; return its result for whoever wants it.

        Raises:
            PluginError: It failed.
            CancelledError: The engine was closed meanwhile.
        """
        try:
            release = self.candidate.release
            parameters = resolve(release.manifest.configuration, sample.given, plugin_id=release.plugin_id)
            request = Request(
                deployment=self.candidate,
                inputs={**sample.inputs, "params": parameters},
                parameters=parameters,
                timeout_s=sample.timeout_s,
            )
            result = engine.run(request, cancellation)
            found = self._compare(sample, result)
        except PluginError as error:
            with self._lock:
                self._failed[type(error).__name__] += 1
                self._note(f"{type(error).__name__}: {error}".replace("\n", "; "))
            raise
        else:
            self._keep(sample, result, found)
        finally:
            self._running = False
        return result

    def skip(self) -> None:
        """Say that a call that was taken will not be run after all."""
        with self._lock:
            self._running = False
            self._skipped += 1

    def report(self) -> ShadowReport:
        """Return what was found out so far."""
        with self._lock:
            active, candidate = zip(*self._seconds, strict=True) if self._seconds else ((), ())
            ratio = median(active) / median(candidate) if candidate and median(candidate) > 0 else None
            return ShadowReport(
                id=self.candidate.release.plugin_id,
                candidate_version=self.candidate.release.version,
                candidate_digest=self.candidate.release.digest,
                fraction=self._fraction,
                calls=self._calls,
                runs=self._agreed + self._differed + self._failed.total(),
                agreed=self._agreed,
                differed=self._differed,
                failed=dict(self._failed),
                skipped=self._skipped,
                largest_difference=self._largest,
                largest_relative_difference=self._largest_relative,
                speed_ratio=ratio,
                findings=list(self._findings),
            )

    def _compare(self, sample: Sample, result: ProcessingResult) -> Comparison:
        values = compare(result.values, sample.values, self._tolerance, place="values")
        metadata = compare(
            {key: value for key, value in result.metadata.items() if key not in self._ignore},
            {key: value for key, value in sample.metadata.items() if key not in self._ignore},
            self._tolerance,
            place="metadata",
        )
        return Comparison(
            findings=values.findings + metadata.findings,
            largest_difference=max(values.largest_difference, metadata.largest_difference),
            largest_relative_difference=max(values.largest_relative_difference, metadata.largest_relative_difference),
        )

    def _keep(self, sample: Sample, result: ProcessingResult, found: Comparison) -> None:
        assert result.execution is not None
        with self._lock:
            self._agreed += found.agrees
            self._differed += not found.agrees
            self._largest = max(self._largest, found.largest_difference)
            self._largest_relative = max(self._largest_relative, found.largest_relative_difference)
            self._seconds.append((sample.execution.wall_seconds, result.execution.wall_seconds))
            for finding in found.findings:
                self._note(f"run {sample.execution.run_id}: {finding}")

    def _note(self, finding: str) -> None:
        if len(self._findings) < _MAX_FINDINGS:
            self._findings.append(finding)


def carry_out(shadow: Shadow, engine: Engine, sample: Sample, cancellation: Cancellation) -> ProcessingResult:
    """Run a sample where nobody waits for the end: what went wrong stands in the report.

    Raises:
        CancelledError: The engine was closed meanwhile.
    """
    try:
        return shadow.run(engine, sample, cancellation)
    except PluginError as error:
        raise concurrent.futures.CancelledError from error


def _check_numbers(fraction: object, tolerance: Tolerance) -> None:
    problems = []
    if not _is_number(fraction) or not 0 < fraction <= 1:  # type: ignore[operator]
        problems.append(Problem(key="fraction", expected="a number above 0 and at most 1", got=repr(fraction)))
    for key, value in (("rtol", tolerance.rtol), ("atol", tolerance.atol)):
        if not _is_number(value) or not value >= 0:
            problems.append(Problem(key=key, expected="a number that is not negative", got=repr(value)))
    if problems:
        raise ParameterError(problems)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _copy(value: dict[str, Any]) -> dict[str, Any]:
    """Copy whatever can cross to a plugin and back, the way it crosses."""
    encoded = encode(value, root="")
    memory = bytearray(encoded.size)
    encoded.write_into(memoryview(memory))
    copied: dict[str, Any] = decode(encoded.body, memoryview(memory) if memory else None)
    return copied
