"""Pictures written to files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from platform_base.cli.errors import MissingExtraError, OutputError
from platform_base.cli.result_files import replace_file
from platform_base.plots.figure import UndrawableError, render_figure
from platform_base.plots.figure import check_matplotlib as _check_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_figure(path: Path, draw: Callable[[Figure], None]) -> None:
    """Draw a picture and write it to a file.

    Args:
        path: Ends in one of `platform_base.plots.figure.SUFFIXES`.
        draw: Fills the empty figure that it is given.

    Raises:
        MissingExtraError: Matplotlib is not installed.
        OutputError: The numbers cannot be drawn, or the file cannot be written.
    """
    check_matplotlib()
    try:
        content = render_figure(draw, path.suffix.lower().removeprefix("."))
    except UndrawableError as error:
        raise OutputError(f"{path}: {error}; leave out the picture, or write the numbers to a file") from error
    replace_file(path, lambda stream: stream.write(content))


def check_matplotlib() -> None:
    """Make sure, before any work is done, that pictures can be drawn.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    try:
        _check_matplotlib()
    except ImportError as error:
        raise MissingExtraError("--plot", extra="plot", missing="matplotlib") from error
