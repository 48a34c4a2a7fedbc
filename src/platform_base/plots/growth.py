"""Costs against the size of the inputs, with the fitted growth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from platform_base.plots.figure import BLUE, GREY, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLORS = (BLUE, ORANGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One cost of one release.

    Attributes:
        name: What to call it.
        sizes: Samples, ascending.
        samples: For each size, what was measured.
        fitted: Sizes and fitted costs, ``(2, n)``; None: there is no fit.
        law: What the fit is called.
    """

    name: str
    sizes: Sequence[int]
    samples: Sequence[Sequence[float]]
    fitted: NDArray[np.float64] | None
    law: str = ""


def draw_growth(figure: Figure, title: str, times: Sequence[Curve], memory: Sequence[Curve]) -> None:
    """Draw every call, the medians and the fit; one colour for each release.

    Args:
        figure: An empty figure.
        title: The plugin.
        times: Wall times, seconds.
        memory: Peaks, MiB.
    """
    figure.set_size_inches(11.0, 4.8)
    left, right = figure.subplots(1, 2)
    _draw(left, times)
    left.set(xscale="log", yscale="log", title=f"{title}: wall time of a call", ylabel="seconds")
    _draw(right, memory)
    right.set(xscale="log", title="Peak memory of the worker", ylabel="MiB")
    right.set_ylim(0, 1.25 * max(max(each) for curve in memory for each in curve.samples))
    for axes in (left, right):
        axes.set_xlabel("size of the inputs, samples")
        axes.legend(loc="upper left", fontsize=9)


def _draw(axes: Axes, curves: Sequence[Curve]) -> None:
    for color, curve in zip(_COLORS, curves, strict=False):
        x: Any = np.repeat(curve.sizes, [len(each) for each in curve.samples])
        axes.plot(x, np.concatenate(curve.samples), ".", color=GREY, alpha=0.35, markersize=4)
        medians = [float(np.median(each)) for each in curve.samples]
        axes.plot(curve.sizes, medians, "o", color=color, label=f"{curve.name}, median")
        if curve.fitted is not None:
            axes.plot(curve.fitted[0], curve.fitted[1], color=color, lw=1.2, label=curve.law)
