"""What `platform-base bench` prints, for people and for programs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from platform_base.plots.growth import Curve
    from platform_base.plugins.scaling.growth import Growth
    from platform_base.plugins.scaling.measurement import Measurement, Plan, Step

_SURE = 0.8


def describe_bench(measured: list[Measurement], plan: Plan, origin: str) -> dict[str, Any]:
    """Describe what was measured: of the first release in full, of the second one as ``compared``."""
    first, *others = [_describe(each) for each in measured]
    compared = None
    if others:
        steps = [
            {"size": one["size"], "wall_ratio": other["wall_seconds"] / one["wall_seconds"]}
            for one, other in zip(first["steps"], others[0]["steps"], strict=True)
        ]
        compared = {**others[0], "ratios": steps}
    return {**first, "inputs": origin, "parameters": dict(plan.parameters), "compared": compared}


def _describe(measurement: Measurement) -> dict[str, Any]:
    from platform_base.plugins.scaling.growth import fit_growth
    from platform_base.plugins.scaling.limits import suggest_limits

    steps = measurement.steps
    sizes = [step.size for step in steps]
    growth = {
        "wall": fit_growth(sizes, [step.wall_seconds for step in steps]),
        "cpu": fit_growth(sizes, [[max(each, 1e-6) for each in step.cpu_seconds] for step in steps]),
        "memory": fit_growth(sizes, [step.peak_bytes for step in steps]),
    }
    return {
        "plugin": measurement.plugin_id,
        "version": measurement.version,
        "digest": measurement.digest,
        "steps": [_describe_step(step) for step in steps],
        "ended": measurement.ended,
        "growth": {name: None if fit is None else dataclasses.asdict(fit) for name, fit in growth.items()},
        "limits": dataclasses.asdict(suggest_limits(measurement)),
    }


def _describe_step(step: Step) -> dict[str, Any]:
    return {
        "size": step.size,
        "calls": len(step.wall_seconds),
        "wall_seconds": median(step.wall_seconds),
        "cpu_seconds": median(step.cpu_seconds),
        "peak_bytes": max(step.peak_bytes),
    }


def show_growth(fit: Growth | dict[str, Any] | None) -> str:
    """Say in words how something grows."""
    if fit is None:
        return "not known: fewer than four sizes; give more time with --budget"
    if not isinstance(fit, dict):
        fit = dataclasses.asdict(fit)
    if fit["law"] == "constant":
        return "constant: no growth that could be told from chance"
    text = f"{fit['law']}; exponent {fit['exponent']:.2f}, 95 % from {fit['low']:.2f} to {fit['high']:.2f}"
    return text if fit["share"] >= _SURE else f"{text}; another law fits about as well"


def print_bench(described: dict[str, Any], *, cpu_percent: float | None, files: dict[str, Any]) -> None:
    """Print everything for people."""
    from platform_base.cli import render

    facts = {
        "plugin": f"{described['plugin']} {described['version']}",
        "inputs": described["inputs"],
        "ended at": described["ended"],
    }
    if cpu_percent is not None and cpu_percent < 100:
        facts["note"] = f"it may use {cpu_percent:g} % of a core: longer calls are paused, which counts as wall time"
    render.print_facts(facts)
    print()
    render.print_table(["size", "calls", "wall", "CPU", "peak memory", ""], _rows(described), fixed=range(5))
    render.print_heading("growth")
    for name in ("wall", "cpu", "memory"):
        print(f"  {name:<7} {show_growth(described['growth'][name])}")
    _print_limits(described)
    for name, path in files.items():
        print(f"{name}: {path}")


def make_curves(measured: Sequence[Measurement]) -> tuple[list[Curve], list[Curve]]:
    """Return what is drawn: wall times in seconds, and peaks in MiB."""
    times = [_make_curve(each, [step.wall_seconds for step in each.steps]) for each in measured]
    memory = [
        _make_curve(each, [[peak / (1 << 20) for peak in step.peak_bytes] for step in each.steps]) for each in measured
    ]
    return times, memory


def _make_curve(measurement: Measurement, samples: list[list[float]]) -> Curve:
    import numpy as np

    from platform_base.plots.growth import Curve
    from platform_base.plugins.scaling.growth import fit_growth

    sizes = [step.size for step in measurement.steps]
    fit = fit_growth(sizes, samples)
    dense = np.geomspace(sizes[0], sizes[-1], 200)
    return Curve(
        name=measurement.version,
        sizes=sizes,
        samples=samples,
        fitted=None if fit is None else np.stack([dense, fit.predict(dense)]),
        law=show_growth(fit).partition(", 95 %")[0].partition(":")[0],
    )


def _rows(described: dict[str, Any]) -> list[list[str]]:
    from platform_base.cli.profiles.memory_report import show_bytes

    compared = described["compared"]
    rows = []
    for at, step in enumerate(described["steps"]):
        row = [
            f"{step['size']:,}",
            str(step["calls"]),
            show_seconds(step["wall_seconds"]),
            show_seconds(step["cpu_seconds"]),
            show_bytes(step["peak_bytes"]),
        ]
        ratio = compared["ratios"][at]["wall_ratio"] if compared is not None else None
        rows.append([*row, "" if ratio is None else f"{compared['version']} takes {ratio:.2f} of the wall time"])
    return rows


def show_seconds(seconds: float) -> str:
    """Return a duration with a unit.

    Example:
        >>> show_seconds(0.00123)
        '1.23 ms'
    """
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1e3:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f} us"


def _print_limits(described: dict[str, Any]) -> None:
    from platform_base.cli import render

    limits = described["limits"]
    print(f"\nlimits that suit inputs of up to {limits['size']:,} samples")
    print(f'  manifest.json  "permissions": {json.dumps({"memory_mb": limits["max_memory_mb"]})}')
    settings = f"max_memory_mb: {limits['max_memory_mb']}, default_timeout: {limits['timeout_s']:g}"
    tried = f"NOT enough: {limits['fault']}" if limits["fault"] else "the largest call runs under them"
    print(render.visible(f"  settings       plugins: {{{described['plugin']}: {{{settings}}}}}"))
    print(render.visible(f"  tried          {tried}"))
