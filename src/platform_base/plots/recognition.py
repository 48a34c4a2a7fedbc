"""What a result shows. What a plugin says is checked before anything is drawn from it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

_RECURSIVE_KEYS = ("cutoff", "cutoff_high")
_PAIRS = (("reference", "target"), ("series1", "series2"))

Series: TypeAlias = NDArray[np.float64]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """Two series and the pairs of samples that belong together.

    Attributes:
        names: Of the inputs.
        reference: ``(n,)`` or ``(n, channels)``.
        target: ``(m,)`` or ``(m, channels)``.
        path: ``(k, 2)`` pairs of samples, from 0.
        window_size: Radius of the window, samples; None: none is known.
        caption: The distance in words; may be empty.
    """

    names: tuple[str, str]
    reference: Series
    target: Series
    path: NDArray[Any]
    window_size: int | None
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filtered:
    """A series before and after a filter.

    Attributes:
        before: ``(n,)`` or ``(n, channels)``; None: it is not known.
        after: Likewise.
        sampling_rate: Samples per unit of time; None: time is counted in samples, and frequencies are fractions of the
            Nyquist frequency.
        freqs: ``(points,)`` from 0; None: there is no frequency response.
        magnitude_db: ``(points,)``, dB; None likewise.
        phase: ``(points,)``, radians; None: it is not known.
        cutoffs: Edges of the band, in the unit of `freqs`.
    """

    before: Series | None
    after: Series
    sampling_rate: float | None
    freqs: Series | None
    magnitude_db: Series | None
    phase: Series | None
    cutoffs: tuple[float, ...]


def recognize(result: Drawable, inputs: Mapping[str, Any]) -> Alignment | Filtered | None:
    """Return what a result shows; None: inputs and values, nothing more is known of them."""
    series = {name: array for name, value in inputs.items() if (array := as_series(value)) is not None}
    return _find_alignment(result, series) or _find_filter(result, series)


def _find_alignment(result: Drawable, series: Mapping[str, Series]) -> Alignment | None:
    path = result.metadata.get("path")
    for first, second in _PAIRS:
        reference, target = series.get(first), series.get(second)
        if reference is None or target is None or not _is_path(path, len(reference), len(target)):
            continue
        window = result.metadata.get("window_size")
        return Alignment(
            names=(first, second),
            reference=reference,
            target=target,
            path=np.asarray(path),
            window_size=window if type(window) is int and window >= 0 else None,
            caption=_distance(result.metadata),
        )
    return None


def _distance(metadata: Mapping[str, Any]) -> str:
    for key in ("normalized_distance", "distance"):
        if isinstance(metadata.get(key), float):
            return f"{key.replace('_', ' ')} {metadata[key]:.4g}"
    return ""


def _find_filter(result: Drawable, series: Mapping[str, Series]) -> Filtered | None:
    before, after = series.get("series"), as_series(result.values)
    metadata = result.metadata
    if after is None or "magnitude_db" not in metadata or (before is not None and before.shape != after.shape):
        return None
    freqs, gain, phase = (as_series(metadata.get(key)) for key in ("freqs", "magnitude_db", "phase"))
    matching = freqs is not None and gain is not None and freqs.shape == gain.shape and freqs.ndim == 1
    rate = metadata.get("sampling_rate")
    return Filtered(
        before=before,
        after=after,
        sampling_rate=float(rate) if isinstance(rate, int | float) and 0 < rate <= sys.float_info.max else None,
        freqs=freqs if matching else None,
        magnitude_db=gain if matching else None,
        phase=phase if matching and freqs is not None and phase is not None and phase.shape == freqs.shape else None,
        cutoffs=_cutoffs(result),
    )


def _cutoffs(result: Drawable) -> tuple[float, ...]:
    """Return the edges of the band; a filter without a band, such as a median, has none."""
    if result.execution is None or result.metadata.get("btype") is None:
        return ()
    given = (result.execution.parameters.get(key) for key in _RECURSIVE_KEYS)
    return tuple(float(value) for value in given if isinstance(value, int | float))


def _is_path(path: Any, n: int, m: int) -> bool:
    if not isinstance(path, np.ndarray) or path.dtype.kind not in "iu" or path.ndim != 2 or path.shape[1] != 2:
        return False
    return bool(len(path) and path.min() >= 0 and path[:, 0].max() < n and path[:, 1].max() < m)


def as_series(value: Any) -> Series | None:
    """Return numbers as float64 ``(n,)`` or ``(n, channels)``, anything else as None."""
    try:
        array = np.asarray(value)
    except ValueError:
        return None
    if array.dtype.kind not in "biuf" or array.ndim not in (1, 2) or not array.size:
        return None
    return array.astype(np.float64, copy=False)


def largest_matrix(metadata: Mapping[str, Any]) -> tuple[str, NDArray[Any]] | None:
    """Return the matrix with the most elements among the extras, and its name."""
    matrices = [
        (name, value)
        for name, value in metadata.items()
        if isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype.kind in "biuf" and min(value.shape) > 2
    ]
    return max(matrices, key=lambda pair: pair[1].size, default=None)
