"""How results look in a notebook: a few lines of HTML, everything escaped, nothing fetched, no script.

Loaded when a notebook asks for it, and never in a worker.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from platform_base.core.description import show_value
from platform_base.core.models import ProcessingResult
from platform_base.core.plain import plain, shorten, visible

_WIDTH, _HEIGHT, _MARGIN = 360, 56, 3
_SHOWN = 40
"""So many extras are listed; a plugin may return thousands."""


def escape(text: object) -> str:
    """Return text that stands in HTML as it is, control characters made visible."""
    return html.escape(visible(text), quote=True)


def make_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table; the first cell of each row is its heading.

    Args:
        headings: One per column; none: a table without a head.
        rows: Cells, escaped here.
    """
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in headings)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'
        for first, *cells in rows
    )
    return f"<table>{f'<thead><tr>{head}</tr></thead>' if headings else ''}<tbody>{body}</tbody></table>"


def show_result(result: ProcessingResult) -> str:
    """Return a result: what came out, the extras, and how it came about."""
    execution = result.execution
    title = f"{execution.plugin_id} {execution.version}" if execution is not None else "ProcessingResult"
    parts = [f"<p><strong>{escape(title)}</strong>: {escape(show_value(result.values))}</p>", _sparkline(result.values)]
    extras = [(shorten(name, 40), show_value(item)) for name, item in list(result.metadata.items())[:_SHOWN]]
    if len(result.metadata) > _SHOWN:
        extras.append(("...", f"{len(result.metadata) - _SHOWN} more"))
    if extras:
        parts.append(make_table((), extras))
    if execution is not None:
        parts.append(f"<details><summary>{_used(result)}</summary>{make_table((), _facts(result))}</details>")
    return f"<div>{''.join(parts)}</div>"


def _used(result: ProcessingResult) -> str:
    execution = result.execution
    assert execution is not None
    memory = execution.peak_memory_bytes / (1 << 20)
    return f"{execution.wall_seconds:.3g} s, CPU {execution.cpu_seconds:.3g} s, peak memory {memory:.0f} MB"


def _facts(result: ProcessingResult) -> list[tuple[str, str]]:
    execution = result.execution
    assert execution is not None
    return [
        ("parameters", _words(execution.parameters)),
        ("protections", ", ".join(execution.protections) or "none: sandboxing is switched off"),
        ("digest", execution.digest),
        ("run id", execution.run_id),
        *(("warning", each) for each in execution.warnings),
    ]


def _words(parameters: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={shorten(plain(value), 40)}" for name, value in parameters.items()) or "none"


def _sparkline(values: Any) -> str:
    """Return a small picture of a series; empty for anything else."""
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "biuf" or values.ndim != 1 or len(values) < 2:
        return ""
    # Both ends of what each column of pixels spans, so that no peak is lost.
    edges = np.unique(np.linspace(0, len(values), min(_WIDTH // 2, len(values)) + 1).astype(np.int64))[:-1]
    series = values.astype(np.float64)
    finite = np.isfinite(series)
    if not finite.any():
        return ""
    low = np.minimum.reduceat(np.where(finite, series, np.inf), edges)
    high = np.maximum.reduceat(np.where(finite, series, -np.inf), edges)
    known = low <= high
    y = np.column_stack([low, high])[known]
    x = np.repeat(edges[known], 2) * (_WIDTH - 2 * _MARGIN) / (len(values) - 1) + _MARGIN
    span = (y.max() - y.min()) or 1.0
    heights = _HEIGHT - _MARGIN - (y.reshape(-1) - y.min()) / span * (_HEIGHT - 2 * _MARGIN)
    points = " ".join(f"{left:.1f},{top:.1f}" for left, top in zip(x.tolist(), heights.tolist(), strict=True))
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(show_value(values))}">'
        f'<polyline points="{points}" fill="none" stroke="#0072B2" stroke-width="1.2"/></svg>'
    )
