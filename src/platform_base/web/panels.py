"""What the page draws of a run: which panels, and which series in each. The numbers follow on demand."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from platform_base.core.models import ProcessingResult
from platform_base.plots.recognition import Alignment, Filtered, as_series, largest_matrix, recognize
from platform_base.web.index import read_index

_MAX_CHANNELS = 8
"""A matrix with more columns is a picture rather than a bundle of lines."""

Kind: TypeAlias = Literal["lines", "alignment", "plane", "bode", "matrix"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One line.

    Attributes:
        key: Where its numbers are: ``input.NAME``, ``values`` or ``metadata.NAME``, then ``:CHANNEL``.
        name: What it is called.
    """

    key: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture.

    Attributes:
        kind: What sort.
        title: Key of its title in the catalogue of words; of a matrix, its name.
        traces: Its lines.
        length: Samples along its time axis.
        step: Time from sample to sample; in samples without a sampling rate.
        facts: What else the drawing needs.
    """

    kind: Kind
    title: str
    traces: tuple[Trace, ...]
    length: int
    step: float
    facts: Mapping[str, Any]


def make_panels(result: ProcessingResult, inputs: Mapping[str, Any]) -> list[Panel]:
    """Return what there is to see in a result."""
    subject = recognize(result, inputs)
    if isinstance(subject, Alignment):
        return _alignment(subject, result)
    if isinstance(subject, Filtered):
        return _filtered(subject)
    return _plain(result, inputs)


def find_series(key: str, result: ProcessingResult | None, inputs: Mapping[str, Any]) -> NDArray[np.float64] | None:
    """Return the numbers of a trace, ``(n,)`` float64; None: there is no such trace."""
    place, _, channel = key.rpartition(":")
    kind, _, name = place.partition(".")
    value: Any = None
    if kind == "input":
        value = inputs.get(name)
    elif result is not None:
        value = result.values if place == "values" else result.metadata.get(name) if kind == "metadata" else None
    series = as_series(value) if value is not None else None
    if series is None:
        return None
    columns = series.reshape(len(series), -1)
    index = read_index(channel, columns.shape[1])
    return columns[:, index] if index is not None else None


def _traces(key: str, name: str, series: NDArray[Any]) -> list[Trace]:
    channels = 1 if series.ndim == 1 else series.shape[1]
    shown = min(channels, _MAX_CHANNELS)
    return [
        Trace(key=f"{key}:{channel}", name=name if channels == 1 else f"{name} [{channel}]") for channel in range(shown)
    ]


def _lines(title: str, traces: list[Trace], length: int, *, step: float = 1.0, **facts: Any) -> Panel:
    return Panel(kind="lines", title=title, traces=tuple(traces), length=length, step=step, facts=facts)


def _alignment(subject: Alignment, result: ProcessingResult) -> list[Panel]:
    first, second = subject.names
    n, m = len(subject.reference), len(subject.target)
    pair = (Trace(key=f"input.{first}:0", name=first), Trace(key=f"input.{second}:0", name=second))
    panels = [
        Panel(
            kind="alignment", title="panel.alignment", traces=pair, length=max(n, m), step=1.0, facts={"n": n, "m": m}
        )
    ]
    matrix = largest_matrix({key: value for key, value in result.metadata.items() if key != "path"})
    fitting = matrix is not None and matrix[1].shape == (n, m)
    facts = {
        "n": n,
        "m": m,
        "window": subject.window_size,
        "matrix": matrix[0] if fitting and matrix is not None else "",
        "matrices": [key for key, value in result.metadata.items() if _is_plane(value, n, m)],
    }
    panels.append(Panel(kind="plane", title="panel.plane", traces=pair, length=n, step=1.0, facts=facts))
    values = as_series(result.values)
    if values is not None and len(values) in (n, m):
        onto, series = (first, subject.reference) if len(values) == n else (second, subject.target)
        traces = [*_traces(f"input.{onto}", onto, series), *_traces("values", "result", values)]
        panels.append(_lines("panel.aligned", traces, len(values)))
    return panels


def _is_plane(value: Any, n: int, m: int) -> bool:
    return isinstance(value, np.ndarray) and value.shape == (n, m) and value.dtype.kind in "biuf"


def _filtered(subject: Filtered) -> list[Panel]:
    step = 1.0 / subject.sampling_rate if subject.sampling_rate else 1.0
    before = _traces("input.series", "before", subject.before) if subject.before is not None else []
    traces = [*before, *_traces("values", "after", subject.after)]
    panels = [_lines("panel.filtered", traces, len(subject.after), step=step, rated=bool(subject.sampling_rate))]
    if subject.freqs is not None and subject.magnitude_db is not None:
        curves = [Trace(key="metadata.magnitude_db:0", name="magnitude_db")]
        if subject.phase is not None:
            curves.append(Trace(key="metadata.phase:0", name="phase"))
        facts = {"rated": bool(subject.sampling_rate), "cutoffs": list(subject.cutoffs)}
        length = len(subject.freqs)
        panels.append(
            Panel(kind="bode", title="panel.bode", traces=tuple(curves), length=length, step=1.0, facts=facts)
        )
    return panels


def _plain(result: ProcessingResult, inputs: Mapping[str, Any]) -> list[Panel]:
    panels: list[Panel] = []
    series = {name: array for name, value in inputs.items() if (array := as_series(value)) is not None}
    if series:
        traces = [trace for name, array in series.items() for trace in _traces(f"input.{name}", name, array)]
        panels.append(_lines("panel.inputs", traces, max(map(len, series.values()))))
    values = as_series(result.values) if not isinstance(result.values, int | float) else None
    if values is not None and values.ndim == 2 and values.shape[1] > _MAX_CHANNELS:
        panels.append(_matrix("values", values))
    elif values is not None and values.size > 1:
        panels.append(_lines("panel.result", _traces("values", "result", values), len(values)))
    matrix = largest_matrix(result.metadata)
    if matrix is not None:
        panels.append(_matrix(*matrix))
    return panels


def _matrix(name: str, matrix: NDArray[Any]) -> Panel:
    facts = {"n": matrix.shape[0], "m": matrix.shape[1], "matrix": name, "matrices": [name], "window": None}
    return Panel(kind="matrix", title=name, traces=(), length=matrix.shape[0], step=1.0, facts=facts)


def describe_panel(panel: Panel, find: Callable[[str], NDArray[np.float64] | None]) -> dict[str, Any]:
    """Return a panel as the script on the page reads it, and what a screen reader says of it.

    Args:
        panel: What to draw.
        find: Returns the numbers of a trace by its key; None: there are none.
    """
    summaries = []
    for trace in panel.traces:
        series = find(trace.key)
        if series is not None:
            summaries.append({"name": trace.name, **summarize(series)})
    return {**dataclasses.asdict(panel), "summaries": summaries}


def summarize(series: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, Any]:
    """Return ``minimum``, ``maximum``, ``mean`` (None without any number) and ``missing``, the number of NaN."""
    known = series[~np.isnan(series)]
    facts = {"samples": len(series), "missing": int(series.size - known.size)}
    if not known.size:
        return {**facts, "minimum": None, "maximum": None, "mean": None}
    return {**facts, "minimum": float(known.min()), "maximum": float(known.max()), "mean": float(known.mean())}
