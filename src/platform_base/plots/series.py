"""Any other result: the inputs, the values, and the largest matrix that came with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from platform_base.plots.figure import CYCLE, Labels, draw_channels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MAX_CHANNELS = 8
"""A matrix with more columns is a picture rather than a bundle of lines."""
_MAX_SIDE = 1500
"""Pixels of a drawn matrix; more rows would only be thrown away when it is scaled."""


def draw_series(
    figure: Figure,
    inputs: Mapping[str, NDArray[Any]],
    values: NDArray[Any] | None,
    *,
    labels: Labels,
    matrix: tuple[str, NDArray[Any]] | None = None,
) -> None:
    """Draw inputs and values over the sample number.

    Args:
        figure: An empty figure.
        inputs: Series ``(n,)`` or ``(n, channels)`` by name.
        values: The result, one or two axes; None: nothing that could be drawn.
        labels: Words for the axes.
        matrix: A name and a matrix to show beside them.
    """
    is_image = values is not None and values.ndim == 2 and values.shape[1] > _MAX_CHANNELS
    if matrix is None and is_image and values is not None:
        matrix, values = ("result", values), None
    rows = [part for part in (inputs, values) if part is not None and len(part)]
    if matrix is None:
        figure.set_size_inches(11.0, 3.6 * max(1, len(rows)))
        panels = np.atleast_1d(figure.subplots(max(1, len(rows)), 1))
    else:
        figure.set_size_inches(12.0, 5.0)
        grid = figure.add_gridspec(max(1, len(rows)), 2, width_ratios=[1.5, 1])
        panels = np.array([figure.add_subplot(grid[row, 0]) for row in range(max(1, len(rows)))])
        _draw_matrix(figure, figure.add_subplot(grid[:, 1]), *matrix)
    if inputs:
        _draw_inputs(panels[0], inputs, labels)
    if values is not None:
        draw_channels(panels[-1], np.arange(len(values)), values, color=CYCLE[1], label="result")
        _finish(panels[-1], labels, "Result")
    if labels.title:
        panels[0].set_title(labels.title)


def _draw_inputs(axes: Axes, inputs: Mapping[str, NDArray[Any]], labels: Labels) -> None:
    for index, (name, series) in enumerate(inputs.items()):
        color = CYCLE[index % len(CYCLE)]
        draw_channels(axes, labels.start + np.arange(len(series)), series, color=color, label=labels.name(name))
    _finish(axes, labels, "Inputs")


def _finish(axes: Axes, labels: Labels, title: str) -> None:
    axes.set_title(title)
    axes.set_xlabel(labels.time or "sample")
    axes.set_ylabel(labels.value)
    axes.margins(x=0.01)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=4, borderaxespad=0.2)


def _draw_matrix(figure: Figure, axes: Axes, name: str, matrix: NDArray[Any]) -> None:
    step = max(1, -(-max(matrix.shape) // _MAX_SIDE))
    rows, columns = matrix.shape
    image = axes.imshow(
        matrix[::step, ::step],
        origin="lower",
        cmap="cividis",
        interpolation="nearest",
        extent=(-0.5, columns - 0.5, -0.5, rows - 0.5),
        aspect="equal" if 0.4 < rows / columns < 2.5 else "auto",
    )
    axes.set_anchor("N")
    axes.locator_params(integer=True, nbins=6)
    axes.grid(visible=False)
    axes.set_title(name.replace("_", " "))
    axes.set_xlabel("column")
    axes.set_ylabel("row")
    figure.colorbar(image, ax=axes, shrink=0.85).outline.set_visible(False)
