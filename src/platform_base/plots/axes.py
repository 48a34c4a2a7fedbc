"""A result drawn where a notebook shows it. Needs the extra `plot`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from platform_base.plots.figure import STYLE, Labels, check_matplotlib
from platform_base.plots.plots import draw_result
from platform_base.plots.recognition import Drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_result(
    result: Drawable, inputs: Mapping[str, Any], *, labels: Labels | None = None, figure: Figure | None = None
) -> list[Axes]:
    """Draw a result; takes, returns and raises what `ProcessingResult.plot` does."""
    check_matplotlib()
    import matplotlib as mpl

    with mpl.rc_context(STYLE):
        if figure is None:
            # Unlike everywhere else by way of pyplot: what it knows of is what a notebook shows below the cell.
            from matplotlib import pyplot

            figure = pyplot.figure(layout="constrained")
        draw_result(figure, result, inputs, labels)
        return list(figure.axes)
