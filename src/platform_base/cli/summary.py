"""A result in a few lines: what it is, how it came about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from platform_base.cli.series.source import LoadedInput
from platform_base.core.description import show_value, summarize_value
from platform_base.core.models import Execution, ProcessingResult
from platform_base.core.plain import plain, shorten


def summarize_run(
    result: ProcessingResult, inputs: Mapping[str, LoadedInput], files: Mapping[str, str]
) -> dict[str, Any]:
    """Describe a call for a program.

    Returns:
        ``plugin``, ``version``, ``inputs`` (each with ``origin``), ``result``, ``metadata`` (each as
        `summarize_value` describes it), ``execution`` (the fields of `Execution`), ``files`` by option.
    """
    execution = _of(result)
    return {
        "plugin": execution.plugin_id,
        "version": execution.version,
        "inputs": {name: {"origin": each.origin, **summarize_value(each.values)} for name, each in inputs.items()},
        "result": summarize_value(result.values),
        "metadata": {name: summarize_value(item) for name, item in result.metadata.items()},
        "execution": msgspec.structs.asdict(execution),
        "files": dict(files),
    }


def summarize_for_people(
    result: ProcessingResult, inputs: Mapping[str, LoadedInput], files: Mapping[str, str]
) -> dict[str, str]:
    """Describe a call for people: names and one-line values."""
    execution = _of(result)
    facts = {"plugin": f"{execution.plugin_id} {execution.version}"}
    for name, each in inputs.items():
        remark = f" ({each.remark})" if each.remark else ""
        facts[f"input {name}"] = f"{show_value(each.values)}{remark}, from {each.origin}"
    facts["parameters"] = ", ".join(f"{name}={_word(item)}" for name, item in execution.parameters.items())
    facts["result"] = show_value(result.values)
    for name, item in result.metadata.items():
        facts[f"  {shorten(name, 30)}"] = show_value(item)
    waited = f", after {execution.queue_seconds:.3f} s for a worker" if execution.queue_seconds >= 0.001 else ""
    facts["time"] = f"{execution.wall_seconds:.3f} s, CPU {execution.cpu_seconds:.3f} s{waited}"
    facts["peak memory"] = f"{execution.peak_memory_bytes / (1 << 20):.1f} MiB"
    facts["digest"] = execution.digest
    facts["run"] = execution.run_id
    facts["protections"] = ", ".join(execution.protections) or "none: sandboxing is switched off"
    for warning in execution.warnings:
        facts["warning"] = warning
    for option, path in files.items():
        facts[option] = path
    return facts


def _of(result: ProcessingResult) -> Execution:
    assert result.execution is not None
    return result.execution


def _word(value: object) -> str:
    """Write a parameter as it would be given on the command line."""
    if isinstance(value, str):
        return shorten(value, 40)
    return shorten(json.dumps(plain(value)), 40)
