"""A place in a list, as an address or a form names it."""

from __future__ import annotations


def read_index(text: str, length: int) -> int | None:
    """Return the place that decimal digits name; None: they are none, or there is no such place.

    Example:
        >>> read_index("2", 3), read_index("3", 3)
        (2, None)
    """
    # The digits are counted first: Python refuses to read more than 4300 of them, and an address may have 60 000.
    if not text.isdecimal() or len(text) > len(str(length)):
        return None
    return int(text) if int(text) < length else None
