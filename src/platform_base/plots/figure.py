"""One look for every picture. Needs the extra `plot`."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LARGEST = 1e300
"""Far enough below the largest float64 for the range of an axis, its margins and its ticks."""

SUFFIXES = (".png", ".svg", ".pdf")

# Okabe and Ito, "Color Universal Design", 2008: told apart by people who see fewer colours too.
BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW)
GREY, FAINT, INK = "#8A8F98", "#C9CDD3", "#222831"

STYLE: Any = {
    "figure.dpi": 100,
    "savefig.dpi": 160,
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E8EAED",
    "grid.linewidth": 0.7,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "legend.frameon": False,
    "lines.solid_capstyle": "round",
    "agg.path.chunksize": 20_000,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What a picture says in words; empty words are filled in from the result.

    Attributes:
        title: Above everything.
        value: What the series measure, with the unit.
        time: What the samples count, with the unit.
        frequency_unit: Unit of frequencies, where there is a sampling rate.
        start: Time of the first sample, in the unit of `time`.
        names: What to call inputs, by their name in the plugin.
    """

    title: str = ""
    value: str = "value"
    time: str = ""
    frequency_unit: str = "Hz"
    start: float = 0.0
    names: Mapping[str, str] = field(default_factory=dict)

    def name(self, of: str) -> str:
        """Return what to call an input."""
        return self.names.get(of, of)


class UndrawableError(ValueError):
    """Matplotlib cannot draw these numbers."""


def render_figure(draw: Callable[[Figure], None], kind: str) -> bytes:
    """Draw a picture and return the content of a file that shows it.

    Args:
        draw: Fills the empty figure that it is given.
        kind: ``png``, ``svg`` or ``pdf``.

    Raises:
        ImportError: Matplotlib is not installed.
        UndrawableError: The numbers have no picture.
    """
    check_matplotlib()
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # No pyplot: it keeps figures in module-level state and asks for a display.
    with mpl.rc_context(STYLE):
        figure = Figure(layout="constrained")
        content = io.BytesIO()
        try:
            draw(figure)
            figure.savefig(content, format=kind)
        except (ValueError, OverflowError) as error:  # a range of more than 1.8e308 has no ticks
            raise UndrawableError(f"expected numbers that Matplotlib can draw, got: {error}") from error
    return content.getvalue()


def check_range(named: Mapping[str, NDArray[Any]]) -> None:
    """Make sure that what is to be drawn has a range that an axis can show.

    Args:
        named: Numbers by what they are called; what is not finite is a gap and may be anywhere.

    Raises:
        UndrawableError: A number is too large: the difference of two is no float64, or the margins around them are not.
    """
    for name, numbers in named.items():
        finite = numbers[np.isfinite(numbers)]
        largest = max(-float(finite.min()), float(finite.max())) if finite.size else 0.0
        if largest > _LARGEST:
            raise UndrawableError(
                f"{name}: expected numbers that Matplotlib can draw, up to {_LARGEST:g}, got {largest:g}"
            )


def check_matplotlib() -> None:
    """Make sure, before any work is done, that pictures can be drawn.

    Raises:
        ImportError: Matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            'pictures: expected matplotlib, got none installed; run: python -m pip install "platform-base[plot]"'
        ) from error


def draw_channels(axes: Axes, x: Any, series: Any, *, color: str, label: str, width: float = 1.6) -> None:
    """Draw a series ``(n,)`` or ``(n, channels)``; further channels are paler."""
    columns = series.reshape(len(series), -1).T
    for index, channel in enumerate(columns):
        alpha = 1.0 if index == 0 else max(0.25, 0.7 - 0.15 * index)
        marker = "o" if len(channel) == 1 else ""
        axes.plot(x, channel, color=color, lw=width, alpha=alpha, label=label if index == 0 else None, marker=marker)
