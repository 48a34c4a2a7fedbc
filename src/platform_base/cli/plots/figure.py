"""One look for every picture, and the way to a file. Needs the extra `plot`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platform_base.cli.errors import MissingExtraError
from platform_base.cli.result_files import replace_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")

# Okabe and Ito, "Color Universal Design", 2008: told apart by people who see fewer colours too.
BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW)
GREY, FAINT, INK = "#8A8F98", "#C9CDD3", "#222831"

_STYLE: Any = {
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


def save_figure(path: Path, draw: Callable[[Figure], None]) -> None:
    """Draw a picture and write it to a file.

    Args:
        path: Ends in one of `SUFFIXES`.
        draw: Fills the empty figure that it is given.

    Raises:
        MissingExtraError: Matplotlib is not installed.
        OutputError: The file cannot be written.
    """
    check_matplotlib()
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # No pyplot: it keeps figures in module-level state and asks for a display.
    with mpl.rc_context(_STYLE):
        figure = Figure(layout="constrained")
        draw(figure)
        kind = path.suffix.lower().removeprefix(".")
        replace_file(path, lambda stream: figure.savefig(stream, format=kind))


def check_matplotlib() -> None:
    """Make sure, before any work is done, that pictures can be drawn.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("--plot", extra="plot", missing="matplotlib") from error


def draw_channels(axes: Axes, x: Any, series: Any, *, color: str, label: str, width: float = 1.6) -> None:
    """Draw a series ``(n,)`` or ``(n, channels)``; further channels are paler."""
    columns = series.reshape(len(series), -1).T
    for index, channel in enumerate(columns):
        alpha = 1.0 if index == 0 else max(0.25, 0.7 - 0.15 * index)
        marker = "o" if len(channel) == 1 else ""
        axes.plot(x, channel, color=color, lw=width, alpha=alpha, label=label if index == 0 else None, marker=marker)
