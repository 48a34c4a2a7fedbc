"""Figures as Prometheus reads them: text format 0.0.4.

See https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Sample:
    """One figure.

    Attributes:
        labels: What it is of.
        value: The figure.
        suffix: What its name has behind that of its family, such as ``"_bucket"``.
    """

    labels: Mapping[str, str]
    value: float
    suffix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Figures of one name.

    Attributes:
        name: Such as ``"platform_base_calls_total"``, with its unit.
        kind: Counters only ever rise.
        help: What they mean, on one line.
        samples: The figures.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    samples: list[Sample] = field(default_factory=list)

    def add(self, value: float, /, suffix: str = "", **labels: str) -> None:
        """Add one figure."""
        self.samples.append(Sample(labels, value, suffix))


def expose(families: Iterable[Family]) -> str:
    """Write families as text, each with its figures; those without any are left out.

    Example:
        >>> family = Family(name="calls_total", kind="counter", help="Calls")
        >>> family.add(3, plugin="dtw")
        >>> print(expose([family]), end="")
        # HELP calls_total Calls
        # TYPE calls_total counter
        calls_total{plugin="dtw"} 3
    """
    parts: list[str] = []
    for family in families:
        if family.samples:
            text = family.help.replace("\\", "\\\\").replace("\n", "\\n")
            parts += [f"# HELP {family.name} {text}\n", f"# TYPE {family.name} {family.kind}\n"]
            parts += [_line(f"{family.name}{sample.suffix}", sample) for sample in family.samples]
    return "".join(parts)


def _line(name: str, sample: Sample) -> str:
    labels = ",".join(f'{key}="{_escaped(value)}"' for key, value in sample.labels.items())
    return f"{name}{{{labels}}} {_number(sample.value)}\n" if labels else f"{name} {_number(sample.value)}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) else repr(float(value))
