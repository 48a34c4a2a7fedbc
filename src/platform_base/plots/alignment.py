"""Two series and the path that aligns them: connectors on the left, the path in the plane on the right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from platform_base.plots.figure import BLUE, FAINT, GREY, INK, ORANGE, SKY, Labels, draw_channels
from platform_base.plots.recognition import Alignment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CONNECTORS = 90
"""More connectors than this become a grey surface."""
_GAP = 0.3
"""Distance between the two series, as a share of the larger of their ranges."""


def draw_alignment(figure: Figure, alignment: Alignment, *, labels: Labels) -> None:
    """Draw an alignment; the connectors begin at the first channel, the window is a band in the plane of the path.

    Args:
        figure: An empty figure.
        alignment: What to draw.
        labels: Words for the axes.
    """
    figure.set_size_inches(12.0, 5.0)
    left, right = figure.subplots(1, 2, width_ratios=[1.9, 1])
    _draw_series(left, alignment, labels)
    _draw_path(right, alignment, labels)
    left.set_title(labels.title or "Alignment")
    right.set_title("Warping path")
    right.text(0.98, 0.03, alignment.caption, transform=right.transAxes, ha="right", va="bottom", fontsize=9)


def _draw_series(axes: Axes, alignment: Alignment, labels: Labels) -> None:
    from matplotlib.collections import LineCollection

    reference, target, path = alignment.reference, alignment.target, alignment.path
    span = max(np.ptp(reference), np.ptp(target)) or 1.0
    shift = float(np.min(reference) - np.max(target) - _GAP * span)
    shifted = target + shift
    first, second = reference.reshape(len(reference), -1)[:, 0], shifted.reshape(len(target), -1)[:, 0]
    step = max(1, -(-len(path) // _CONNECTORS))
    shown = path[::step]
    pairs = np.stack(
        [
            np.column_stack([labels.start + shown[:, 0], first[shown[:, 0]]]),
            np.column_stack([labels.start + shown[:, 1], second[shown[:, 1]]]),
        ],
        axis=1,
    )
    axes.add_collection(LineCollection(list(pairs), colors=GREY, linewidths=0.6, alpha=0.55, zorder=1))
    for series, color, name in ((reference, BLUE, alignment.names[0]), (shifted, ORANGE, alignment.names[1])):
        draw_channels(
            axes,
            labels.start + np.arange(len(series)),
            series,
            color=color,
            label=labels.name(name),
            width=2.0,
        )
    _label_two_scales(axes, reference, target, shift)
    axes.set_xlabel(labels.time or "sample")
    axes.set_ylabel(labels.value)
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.02, y=0.06)
    # Below the axis, so that no series can run through it.
    every = f", 1 in {step} shown" if step > 1 else ""
    handles, names = axes.get_legend_handles_labels()
    handles.append(axes.plot([], [], color=GREY, lw=0.8)[0])
    axes.legend(
        handles,
        [*names, f"matched samples{every}"],
        loc="upper center",
        bbox_to_anchor=(0.5, -0.13),
        ncols=3,
    )


def _label_two_scales(axes: Axes, reference: NDArray[Any], target: NDArray[Any], shift: float) -> None:
    """Give each series its own numbers, in its own colour: the lower one is drawn shifted."""
    from matplotlib.ticker import MaxNLocator

    lowest, highest = float(min(reference.min(), target.min())), float(max(reference.max(), target.max()))
    ticks = MaxNLocator(nbins=5).tick_values(lowest, highest)
    places: list[float] = []
    texts: list[str] = []
    colors: list[str] = []
    for series, offset, color in ((reference, 0.0, BLUE), (target, shift, ORANGE)):
        low, high = float(np.min(series)), float(np.max(series))
        inside = [tick for tick in ticks if low - 1e-9 <= tick <= high + 1e-9]
        if len(inside) < 2:  # a series that hardly moves beside the other one
            inside = [float(np.mean(series))]
        places += [tick + offset for tick in inside]
        texts += [f"{tick:.4g}" for tick in inside]
        colors += [color] * len(inside)
    axes.set_yticks(places, labels=texts)
    for text, color in zip(axes.get_yticklabels(), colors, strict=True):
        text.set_color(color)


def _draw_path(axes: Axes, alignment: Alignment, labels: Labels) -> None:
    start, path, window_size = labels.start, alignment.path, alignment.window_size
    n, m = len(alignment.reference), len(alignment.target)
    if window_size is not None:
        i = np.arange(n, dtype=float)
        low, high = np.clip(i - window_size, 0, m - 1), np.clip(i + window_size, 0, m - 1)
        axes.fill_between(
            start + i,
            start + low,
            start + high,
            color=SKY,
            alpha=0.16,
            lw=0,
            label=f"window \u00b1{window_size}",
        )
    axes.plot(
        [start, start + n - 1],
        [start, start + m - 1],
        color=FAINT,
        lw=1.4,
        ls=(0, (5, 3)),
        label="no warping",
    )
    axes.plot(start + path[:, 0], start + path[:, 1], color=INK, lw=1.9, label="path")
    unit = labels.time or "sample"
    axes.set_xlabel(f"{labels.name(alignment.names[0])}, {unit}", color=BLUE)
    axes.set_ylabel(f"{labels.name(alignment.names[1])}, {unit}", color=ORANGE)
    if 0.75 < n / m < 1.34:
        axes.set_aspect("equal", adjustable="box", anchor="N")
    axes.margins(0.03)
    axes.locator_params(integer=True, nbins=6)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3, handlelength=1.4, columnspacing=1.2)
