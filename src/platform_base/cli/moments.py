"""Points in time as people write and read them."""

from __future__ import annotations

import datetime
import re

from platform_base.cli.errors import UsageError

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d|w)")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}


def read_since(text: str | None) -> datetime.datetime | None:
    """Return the moment that ``--since`` names: so long ago, such as ``15m``, or a date and time in ISO 8601.

    Raises:
        UsageError: It names none.
    """
    if text is None:
        return None
    if ago := _AGO.fullmatch(text.strip()):
        seconds = float(ago[1]) * _SECONDS[ago[2]]
        try:
            return datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds)
        except OverflowError:
            return datetime.datetime.min.replace(year=1970, tzinfo=datetime.UTC)
    try:
        return datetime.datetime.fromisoformat(text).astimezone()
    except ValueError:
        expected = "so long ago (30s, 15m, 2h, 7d, 4w) or a date (2026-03-01, 2026-03-01T12:00)"
        raise UsageError(f"--since: expected {expected}, got {text!r}") from None


def show_moment(moment: datetime.datetime) -> str:
    """Write a moment in local time, to the second."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def show_ago(moment: datetime.datetime) -> str:
    """Say how long ago a moment is, in the largest unit that fits."""
    seconds = max(0, int((datetime.datetime.now(datetime.UTC) - moment).total_seconds()))
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"
