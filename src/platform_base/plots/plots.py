"""Which picture fits a result. What a plugin says is checked before anything is drawn from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from platform_base.plots.alignment import draw_alignment
from platform_base.plots.figure import Labels
from platform_base.plots.response import draw_filter
from platform_base.plots.series import draw_series

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_RECURSIVE_KEYS = ("cutoff", "cutoff_high")


class Drawable(Protocol):
    """What is drawn: a `ProcessingResult`; `core` stands above this room."""

    @property
    def values(self) -> Any:
        """The main result."""
        ...

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Named extras."""
        ...

    @property
    def execution(self) -> Any:
        """How it came about, or None."""
        ...


def draw_result(figure: Figure, result: Drawable, inputs: Mapping[str, Any], labels: Labels | None = None) -> None:
    """Draw a result: an alignment, a filter, or else its inputs and values.

    Args:
        figure: An empty figure.
        result: What a plugin returned.
        inputs: What it was given, by name.
        labels: Words for the axes.
    """
    words = labels or Labels()
    series = {name: array for name, value in inputs.items() if (array := _as_series(value)) is not None}
    for draw in (_try_alignment, _try_filter):
        if draw(figure, result, series, words):
            return
    values = _as_series(result.values)
    title = ""
    if values is None and isinstance(result.values, int | float) and not labels:
        title = f"{result.execution.plugin_id if result.execution else 'result'}: {result.values:.6g}"
    draw_series(
        figure,
        series,
        values,
        labels=Labels(title=title) if title else words,
        matrix=_largest_matrix(result.metadata),
    )


def _try_alignment(figure: Figure, result: Drawable, series: Mapping[str, NDArray[Any]], labels: Labels) -> bool:
    reference, target = series.get("reference"), series.get("target")
    path = result.metadata.get("path")
    if reference is None or target is None or not _is_path(path, len(reference), len(target)):
        return False
    window = result.metadata.get("window_size")
    normalized = result.metadata.get("normalized_distance")
    draw_alignment(
        figure,
        reference,
        target,
        np.asarray(path),
        labels=labels,
        window_size=window if type(window) is int and window >= 0 else None,
        caption=f"normalized distance {normalized:.4g}" if isinstance(normalized, float) else "",
    )
    return True


def _try_filter(figure: Figure, result: Drawable, series: Mapping[str, NDArray[Any]], labels: Labels) -> bool:
    before, after = series.get("series"), _as_series(result.values)
    metadata = result.metadata
    if before is None or after is None or before.shape != after.shape or "magnitude_db" not in metadata:
        return False
    freqs, gain = _as_series(metadata.get("freqs")), _as_series(metadata["magnitude_db"])
    matching = freqs is not None and gain is not None and freqs.shape == gain.shape and freqs.ndim == 1
    rate = metadata.get("sampling_rate")
    draw_filter(
        figure,
        before,
        after,
        labels=labels,
        sampling_rate=float(rate) if isinstance(rate, int | float) and rate > 0 else None,
        freqs=freqs if matching else None,
        magnitude_db=gain if matching else None,
        cutoffs=_cutoffs(result),
    )
    return True


def _cutoffs(result: Drawable) -> list[float]:
    """Return the edges of the band; a filter without a band, such as a median, has none."""
    if result.execution is None or result.metadata.get("btype") is None:
        return []
    given = (result.execution.parameters.get(key) for key in _RECURSIVE_KEYS)
    return [float(value) for value in given if isinstance(value, int | float)]


def _is_path(path: Any, n: int, m: int) -> bool:
    if not isinstance(path, np.ndarray) or path.dtype.kind not in "iu" or path.ndim != 2 or path.shape[1] != 2:
        return False
    return bool(len(path) and path.min() >= 0 and path[:, 0].max() < n and path[:, 1].max() < m)


def _as_series(value: Any) -> NDArray[np.float64] | None:
    """Return numbers as float64 ``(n,)`` or ``(n, channels)``, anything else as None."""
    try:
        array = np.asarray(value)
    except ValueError:
        return None
    if array.dtype.kind not in "biuf" or array.ndim not in (1, 2) or not array.size:
        return None
    return array.astype(np.float64)


def _largest_matrix(metadata: Mapping[str, Any]) -> tuple[str, NDArray[Any]] | None:
    matrices = [
        (name, value)
        for name, value in metadata.items()
        if isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype.kind in "biuf" and min(value.shape) > 1
    ]
    return max(matrices, key=lambda pair: pair[1].size, default=None)
