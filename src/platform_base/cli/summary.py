"""A result in a few lines: what it is, how it came about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from platform_base.cli.render import plain, shorten
from platform_base.cli.series.source import LoadedInput
from platform_base.core.models import Execution, ProcessingResult


def summarize_value(value: Any) -> dict[str, Any]:
    """Describe a value for a program: ``type``, and for arrays ``dtype``, ``shape``, and their range.

    The range is ``minimum`` and ``maximum`` without NaN, which are counted as ``missing``. A number or a short text
    stands under ``value``.
    """
    if isinstance(value, np.ndarray) and value.ndim:
        described: dict[str, Any] = {
            "type": "array", "dtype": str(value.dtype), "shape": list(value.shape)
        }  # fmt: skip
        return {**described, **_range(value)} if value.dtype.kind in "biuf" else described
    if isinstance(value, np.ndarray | np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | complex):
        return {"type": type(value).__name__ if value is not None else "null", "value": plain(value)}
    if isinstance(value, str):
        return {"type": "text", "value": shorten(value, 200)}
    if isinstance(value, list | tuple | dict | bytes):
        return {"type": type(value).__name__, "length": len(value)}
    shape = getattr(value, "shape", None)
    table = {"type": type(value).__name__}
    return {**table, "shape": list(shape)} if isinstance(shape, tuple) else table


def _range(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    finite = array[~np.isnan(array)] if array.dtype.kind == "f" else array
    return {
        "minimum": plain(finite.min()) if finite.size else None,
        "maximum": plain(finite.max()) if finite.size else None,
        "missing": int(array.size - finite.size),
    }


def show_value(value: Any) -> str:
    """Describe a value for people, on one line."""
    facts = summarize_value(value)
    if "value" in facts:
        number = facts["value"]
        return f"{number:.6g}" if isinstance(number, float) else shorten(number)
    if facts["type"] != "array":
        size = facts.get("length", facts.get("shape", ""))
        return f"{facts['type']} of {size}" if size != "" else facts["type"]
    text = f"{' x '.join(map(str, facts['shape']))} {facts['dtype']}"
    if facts.get("minimum") is not None:
        text += f", from {facts['minimum']:.6g} to {facts['maximum']:.6g}"
    return text + (f", {facts['missing']} missing" if facts.get("missing") else "")


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
