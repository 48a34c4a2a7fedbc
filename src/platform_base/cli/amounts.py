"""Times and memory as people read them."""

from __future__ import annotations


def show_seconds(seconds: float | None) -> str:
    """Write a time with the unit that suits it; ``-`` where it is not known."""
    if seconds is None:
        return "-"
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} us"
    if seconds < 1:
        return f"{seconds * 1e3:.1f} ms"
    if seconds < 120:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02} min"


def show_memory(size_bytes: float | None) -> str:
    """Write an amount of memory in MB of 2**20 bytes; ``-`` where it is not known."""
    return "-" if not size_bytes else f"{size_bytes / (1 << 20):.1f} MB"


def write_count(number: int, noun: str) -> str:
    """Write how many there are.

    Example:
        >>> write_count(1, "parameter"), write_count(0, "parameter")
        ('1 parameter', '0 parameters')
    """
    return f"{number} {noun}{'s' * (number != 1)}"
