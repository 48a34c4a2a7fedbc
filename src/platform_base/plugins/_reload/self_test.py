"""Trying a release on the calls whose results its manifest knows, each in a fresh confined worker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platform_base.core.models import ProcessingResult
from platform_base.plugins._engines.base import Deployment, Engine, Request
from platform_base.plugins._host.cancellation import Cancellation
from platform_base.plugins.comparison import Tolerance, compare
from platform_base.plugins.documents.array_file import ArrayFileError, read_array
from platform_base.plugins.errors import PluginError, SelfTestError
from platform_base.plugins.generators import generate
from platform_base.plugins.parameters import resolve
from platform_base.plugins.self_test import Expectation, SelfTest, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How one call of a self-test fared.

    Attributes:
        name: Of the self-test.
        findings: What was wrong; empty: it passed.
        seconds: What it took, the start of its worker included.
        traceback: Where the plugin's own code raised; empty: it did not.
    """

    name: str
    findings: tuple[str, ...]
    seconds: float
    traceback: str = ""


def run_self_tests(engine: Engine, deployment: Deployment) -> Iterator[Trial]:
    """Carry out every self-test of a release, in the order of its manifest.

    Raises:
        CancelledError: The engine was closed meanwhile.
    """
    for each in deployment.release.manifest.self_test:
        began = time.monotonic()
        directory = engine.content(deployment.release)
        trace = ""
        try:
            findings = tuple(_run(engine, deployment, each, directory))
        except (PluginError, ArrayFileError) as error:
            findings = (f"{type(error).__name__}: {error}".replace("\n", "; "),)
            trace = getattr(error, "remote_traceback", "")
        yield Trial(name=each.name, findings=findings, seconds=time.monotonic() - began, traceback=trace)


def check_self_tests(engine: Engine, deployment: Deployment) -> None:
    """Carry out the self-tests of a release until one fails.

    Raises:
        SelfTestError: One did.
    """
    release = deployment.release
    for trial in run_self_tests(engine, deployment):
        if trial.findings:
            raise SelfTestError(
                f"plugin {release.plugin_id!r} {release.version} failed its self-test {trial.name!r}: "
                f"{'; '.join(trial.findings)}",
                plugin_id=release.plugin_id,
                self_test=trial.name,
                findings=trial.findings,
                remote_traceback=trial.traceback,
            )


def _run(engine: Engine, deployment: Deployment, case: SelfTest, directory: Path) -> Iterator[str]:
    inputs = read_inputs(directory, case)
    declared = deployment.release.manifest.configuration
    parameters = resolve(declared, case.parameters, plugin_id=deployment.release.plugin_id)
    request = Request(
        deployment=deployment,
        inputs={**inputs, "params": parameters},
        parameters=parameters,
        timeout_s=case.timeout,
        compile_timeout_s=deployment.workers.compile_timeout,
        fresh=True,
    )
    yield from find_faults(directory, case, engine.run(request, Cancellation()))


def find_faults(directory: Path, case: SelfTest, result: ProcessingResult) -> Iterator[str]:
    """Say where a result is not what a self-test knows that it must be.

    Args:
        directory: The files of the release.
        case: The self-test.
        result: What came of its call.

    Raises:
        ArrayFileError: A file does not hold the array that it should.
    """
    expected = {place: _expected(directory, each) for place, each in case.expected.items()}
    for place, value in expected.items():
        found, actual = find_part(result, place)
        if not found:
            yield f"{place}: expected a value, got nothing there"
            continue
        tolerance = Tolerance(rtol=case.expected[place].rtol, atol=case.expected[place].atol)
        yield from compare(actual, value, tolerance, place=place).findings


def read_inputs(directory: Path, case: SelfTest) -> dict[str, Any]:
    """Return the inputs of a self-test, without its parameters.

    Args:
        directory: The files of the release.
        case: The self-test.

    Raises:
        ArrayFileError: A file does not hold the array that it should.
    """
    return {name: _input(directory, source) for name, source in case.inputs.items()}


def _input(directory: Path, source: Source) -> Any:
    if source.generator is not None:
        return generate(source.generator)
    return _read(directory, source.file, source.part) if source.file is not None else source.value


def _expected(directory: Path, expectation: Expectation) -> Any:
    if expectation.file is not None:
        return _read(directory, expectation.file, expectation.part)
    return expectation.value


def _read(directory: Path, file: str, part: str | None) -> Any:
    try:
        return read_array(directory / file, part)
    except ArrayFileError as error:
        raise ArrayFileError(f"{file}: {error}") from error


def find_part(result: ProcessingResult, place: str) -> tuple[bool, Any]:
    """Return whether there is a value at a place such as ``metadata.path.0``, and the value."""
    first, *rest = place.split(".")
    value: Any = result.values if first == "values" else result.metadata
    for key in rest:
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list | tuple) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return False, None
    return True, value
