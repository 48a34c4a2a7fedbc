"""Text from a worker, made safe to print: no escape sequence reaches a terminal, no line forges another log record."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def make_visible(text: str) -> str:
    """Replace control characters and those that reorder text by escapes; keep newlines and tabs."""
    return _CONTROL.sub(lambda match: ascii(match.group())[1:-1], text)


def split_lines(output: bytes) -> list[str]:
    """Return the lines that a plugin printed, each safe to log."""
    text = output.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
    return [make_visible(line) for line in text.split("\n") if line.strip()]
