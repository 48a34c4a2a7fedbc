"""Two runs side by side: what differs between them; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from platform_base.core.json_text import to_json
from platform_base.core.plain import shorten
from platform_base.history.run import InputFact, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line of a comparison.

    Attributes:
        label: Key in the catalogues, or the name of an input or a parameter.
        first: What is known of the one run.
        second: What is known of the other.
        kind: ``text``, ``seconds`` or ``bytes``.
        is_name: Whether the label is a name.
    """

    label: str
    first: Any
    second: Any
    kind: str = "text"
    is_name: bool = False

    @property
    def differs(self) -> bool:
        """Whether it matters that they are not the same: figures never are."""
        return self.kind == "text" and self.first != self.second

    @property
    def ratio(self) -> float | None:
        """The second figure over the first; None for text, and where one is missing."""
        return self.second / self.first if self.kind != "text" and self.first and self.second else None


def compare(first: Run, second: Run) -> list[Fact]:
    """Return what is known of two runs, line by line."""
    return [
        Fact(label="runs.plugin", first=first.plugin_id, second=second.plugin_id),
        Fact(label="plugins.version", first=first.version, second=second.version),
        Fact(label="run.digest", first=first.digest, second=second.digest),
        Fact(label="runs.cause", first=first.cause or first.error_type, second=second.cause or second.error_type),
        *_inputs(first, second),
        *_parameters(first, second),
        Fact(label="run.wall", first=first.wall_seconds, second=second.wall_seconds, kind="seconds"),
        Fact(label="run.queue", first=first.queue_seconds, second=second.queue_seconds, kind="seconds"),
        Fact(label="run.cpu", first=first.cpu_seconds, second=second.cpu_seconds, kind="seconds"),
        Fact(label="run.memory", first=first.peak_memory_bytes, second=second.peak_memory_bytes, kind="bytes"),
        Fact(label="run.protections", first=", ".join(first.protections), second=", ".join(second.protections)),
        Fact(label="history.host", first=first.host, second=second.host),
    ]


def _inputs(one: Run, other: Run) -> Iterator[Fact]:
    ones, others = ({fact.name: fact for fact in run.inputs} for run in (one, other))
    for name in dict.fromkeys([*ones, *others]):
        first, second = describe_input(ones.get(name)), describe_input(others.get(name))
        yield Fact(label=name, first=first, second=second, is_name=True)


def _parameters(first: Run, second: Run) -> Iterator[Fact]:
    for name in dict.fromkeys([*first.parameters, *second.parameters]):
        yield Fact(label=name, first=_word(first, name), second=_word(second, name), is_name=True)


def describe_input(fact: InputFact | None) -> str:
    """Return what the history knows of an input, in words; empty: there was none."""
    if fact is None:
        return ""
    shape = f" {' × '.join(map(str, fact.shape))}" if fact.shape else ""
    return f"{fact.type}{shape} {fact.dtype}".rstrip() + (f", sha256 {fact.sha256[:16]}" if fact.sha256 else "")


def _word(run: Run, name: str) -> str:
    return shorten(to_json(run.parameters[name]), 100) if name in run.parameters else ""
