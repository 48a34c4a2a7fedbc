"""A filtered series: before and after above, what the filter lets through below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from platform_base.plots.figure import BLUE, GREY, INK, ORANGE, SKY, Labels, draw_channels
from platform_base.plots.recognition import Filtered

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FLOOR_DB = -100.0
"""Gains below this are as good as nothing, and would flatten the rest of the curve."""


def draw_filter(figure: Figure, filtered: Filtered, *, labels: Labels) -> None:
    """Draw a filtered series and the frequency response, the cutoffs marked.

    Args:
        figure: An empty figure.
        filtered: What to draw.
        labels: Words for the axes.
    """
    rate, freqs, gain = filtered.sampling_rate, filtered.freqs, filtered.magnitude_db
    responds = freqs is not None and gain is not None
    figure.set_size_inches(11.0, 7.2 if responds else 4.2)
    if freqs is not None and gain is not None:
        upper, lower = figure.subplots(2, 1, height_ratios=[1.25, 1])
        _draw_response(lower, freqs, gain, rate, filtered.cutoffs, labels)
    else:
        upper = figure.subplots()
    _draw_series(upper, filtered.before, filtered.after, rate, labels)
    upper.set_title(labels.title or "Filtered series")
    figure.align_ylabels()


def _draw_series(
    axes: Axes, before: NDArray[Any] | None, after: NDArray[Any], sampling_rate: float | None, labels: Labels
) -> None:
    x = labels.start + np.arange(len(after)) / (sampling_rate or 1.0)
    if before is not None:
        draw_channels(axes, x, before, color=SKY, label=labels.name("before"), width=1.0)
    draw_channels(axes, x, after, color=ORANGE, label=labels.name("after"), width=2.0)
    axes.set_xlabel(labels.time or ("time (s)" if sampling_rate else "sample"))
    axes.set_ylabel(labels.value)
    axes.margins(x=0.01)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0.2)


def _draw_response(
    axes: Axes,
    freqs: NDArray[Any],
    magnitude_db: NDArray[Any],
    sampling_rate: float | None,
    cutoffs: Sequence[float],
    labels: Labels,
) -> None:
    positive = freqs > 0 if sampling_rate else np.ones(len(freqs), dtype=bool)
    low = max(_FLOOR_DB, float(magnitude_db.min()) - 4.0)
    axes.plot(freqs[positive], magnitude_db[positive], color=BLUE, lw=2.0)
    axes.fill_between(freqs[positive], magnitude_db[positive], low, color=BLUE, alpha=0.08, lw=0)
    unit = labels.frequency_unit if sampling_rate else ""
    for cutoff in cutoffs:
        below, gain, above = np.interp([cutoff / 1.5, cutoff, cutoff * 1.5], freqs, magnitude_db)
        _mark_cutoff(axes, cutoff, float(gain), unit, passes_below=bool(below > above))
    if sampling_rate:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_xlim(freqs[positive][0], freqs[-1])
    else:
        axes.set_xlim(0.0, 1.0)
    axes.set_ylim(low, max(3.0, float(magnitude_db.max()) + 3.0))
    axes.set_xlabel(f"frequency ({unit or '1 = Nyquist frequency'})")
    axes.set_ylabel("gain (dB)")
    axes.set_title("Frequency response")


def _mark_cutoff(axes: Axes, cutoff: float, gain: float, unit: str, *, passes_below: bool) -> None:
    """Mark a cutoff; its words stand below the curve, on the side that the filter lets through."""
    axes.axvline(cutoff, color=GREY, lw=1.0, ls=(0, (4, 3)))
    axes.plot([cutoff], [gain], "o", color=ORANGE, ms=6, zorder=3)
    axes.annotate(
        f"cutoff {cutoff:g} {unit}".rstrip() + f"\n{gain:.1f} dB",
        (cutoff, 0.06),
        xycoords=("data", "axes fraction"),
        xytext=(-7 if passes_below else 7, 0),
        textcoords="offset points",
        ha="right" if passes_below else "left",
        color=INK,
        fontsize=9,
    )
