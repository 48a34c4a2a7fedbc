"""How far a long call is: a bar on the terminal, and nothing where there is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from platform_base.cli.render import shorten


@contextmanager
def show_progress(title: str, *, wanted: bool = True) -> Iterator[Callable[[float, str], None] | None]:
    """Show a bar on standard error while the block runs, if that is a terminal.

    Args:
        title: What is being done.
        wanted: False shows nothing.

    Yields:
        What to report a fraction from 0 to 1 and a text to; None where nothing is shown.
    """
    if not wanted or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    text = TextColumn("{task.description}", markup=False)
    with Progress(SpinnerColumn(), text, BarColumn(), TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task(title, total=None)

        def report(fraction: float, message: str) -> None:
            bar.update(
                task,
                total=1.0,
                completed=min(max(fraction, 0.0), 1.0),
                description=f"{title} {shorten(message, 40)}",
            )

        yield report
