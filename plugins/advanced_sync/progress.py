"""Progress of work that has parts, each of which would report its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace

from platform_base.plugins.base import enter_context, get_context


@contextlib.contextmanager
def reporting_whole(message: str) -> Iterator[Callable[[float], None]]:
    """Give a function that reports which fraction of the whole is done; at the end all is.

    Each of the parts would report from 0 to 1; what they report is not passed on.
    """
    context = get_context()

    def report(fraction: float) -> None:
        context.report_progress(fraction, message)

    with enter_context(replace(context, report_progress=lambda fraction, message: None)):
        yield report
    report(1.0)
