"""Which picture fits a result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from platform_base.plots.alignment import draw_alignment
from platform_base.plots.figure import Labels, check_range
from platform_base.plots.recognition import Alignment, Drawable, Filtered, as_series, largest_matrix, recognize
from platform_base.plots.response import draw_filter
from platform_base.plots.series import draw_series

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_result(figure: Figure, result: Drawable, inputs: Mapping[str, Any], labels: Labels | None = None) -> None:
    """Draw a result: an alignment, a filter, or else its inputs and values.

    Args:
        figure: An empty figure.
        result: What a plugin returned.
        inputs: What it was given, by name; without them an alignment cannot be drawn, and of a filter only the result.
        labels: Words for the axes.

    Raises:
        UndrawableError: The numbers have no picture.
    """
    words = labels or Labels()
    subject = recognize(result, inputs)
    if isinstance(subject, Alignment):
        check_range(dict(zip(subject.names, (subject.reference, subject.target), strict=True)))
        draw_alignment(figure, subject, labels=words)
    elif isinstance(subject, Filtered):
        curves = {"before": subject.before, "after": subject.after, "magnitude_db": subject.magnitude_db}
        check_range({name: curve for name, curve in curves.items() if curve is not None})
        draw_filter(figure, subject, labels=words)
    else:
        _draw_plain(figure, result, inputs, words, titled=labels is not None)


def _draw_plain(figure: Figure, result: Drawable, inputs: Mapping[str, Any], labels: Labels, *, titled: bool) -> None:
    series = {name: array for name, value in inputs.items() if (array := as_series(value)) is not None}
    values = as_series(result.values)
    title = ""
    if values is None and isinstance(result.values, int | float) and not titled:
        title = f"{result.execution.plugin_id if result.execution else 'result'}: {result.values:.6g}"
    matrix = largest_matrix(result.metadata)
    results = {"result": values} if values is not None else {}
    check_range({**series, **results, **({matrix[0]: matrix[1]} if matrix is not None else {})})
    draw_series(figure, series, values, labels=Labels(title=title) if title else labels, matrix=matrix)
