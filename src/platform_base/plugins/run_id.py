"""Names of calls."""

from __future__ import annotations

import secrets
import time


def make_run_id() -> str:
    """Return 32 hexadecimal digits: the time in milliseconds, then 80 random bits, so that sorting is by time.

    The layout is that of UUID version 7 (RFC 9562) without its marks.

    Example:
        >>> len(make_run_id())
        32
    """
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"
