"""What a body holds, counted before a single object is made of it.

msgspec builds what it is told: deep nesting until Python's recursion limit, an object per byte, dicts of any
keys. A small body can do little of that; any other is walked here first, which costs about 0.1 microseconds
per item.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass

from platform_base.plugins._wire.values.base import DecodeError, Limits

SMALL_BODY = 64 * 2**10
"""Bodies up to this size are walked only when they hold more containers than may be nested, bytes."""

_DESCRIPTION_LEVELS = 16  # an array's own description nests a few levels below the array
_RUN = 256


def _fixed_sizes() -> list[int]:
    sizes = [0] * 256
    sizes[0x00:0x80] = [1] * 128
    sizes[0xA0:0xC0] = range(1, 33)
    sizes[0xE0:] = [1] * 32
    for lead, size in {
        0xC0: 1,
        0xC2: 1,
        0xC3: 1,
        0xCA: 5,
        0xCB: 9,
        0xCC: 2,
        0xCD: 3,
        0xCE: 5,
        0xCF: 9,
    }.items():
        sizes[lead] = size
    sizes[0xD0:0xD4] = [2, 3, 5, 9]
    return sizes


def _run_pattern() -> re.Pattern[bytes]:
    by_size: dict[int, bytes] = {}
    for lead, size in enumerate(_SIZES):
        if size:
            by_size[size] = by_size.get(size, b"") + re.escape(bytes([lead]))
    order = sorted(by_size, key=lambda size: (size not in (1, 9), size))
    tokens = b"|".join(b"[%b].{%d}" % (by_size[size], size - 1) for size in order)
    return re.compile(b"(?:%b){%d}" % (tokens, _RUN), re.DOTALL)


_SIZES = _fixed_sizes()
_LONG_RUN = _run_pattern()
_CONTAINERS = frozenset([*range(0x80, 0xA0), 0xDC, 0xDD, 0xDE, 0xDF])
_NO_CONTAINER = bytes(lead for lead in range(256) if lead not in _CONTAINERS)
_TEXT = frozenset([*range(0xA0, 0xC0), 0xD9, 0xDA, 0xDB])
_LENGTH_BYTES = {
    lead: width
    for width, leads in {
        1: (0xC4, 0xC7, 0xD9),
        2: (0xC5, 0xC8, 0xDA, 0xDC, 0xDE),
        4: (0xC6, 0xC9, 0xDB, 0xDD, 0xDF),
    }.items()
    for lead in leads
}
_EXTENSIONS = {0xC7, 0xC8, 0xC9}


@dataclass(slots=True)
class _Level:
    remaining: int
    is_map: bool
    depth: int


def check(body: bytes, nested: Set[int], limits: Limits) -> None:
    """Refuse a body that would cost its reader more than the limits allow.

    Args:
        body: One msgpack value.
        nested: Extension codes whose payload is msgpack again.
        limits: What is allowed.

    Raises:
        DecodeError: Too large, too deep, too many items, or malformed in a way that this walk notices.
    """
    if len(body) > limits.max_body_bytes:
        raise DecodeError(f"body: expected at most {limits.max_body_bytes} bytes, got {len(body)}")
    if len(body) <= limits.max_depth and len(body) <= limits.max_items:
        return  # Not even if every byte began a container.
    small = len(body) <= SMALL_BODY and len(body) <= limits.max_items
    if small and len(body.translate(None, _NO_CONTAINER)) <= limits.max_depth:
        return
    try:
        _walk(body, nested, limits)
    except IndexError:
        raise DecodeError("body: expected more bytes, it was truncated") from None


def _walk(body: bytes, nested: Set[int], limits: Limits) -> None:
    position, items = 0, 1
    deepest = limits.max_depth + _DESCRIPTION_LEVELS
    levels = [_Level(1, False, 0)]
    while levels:
        level = levels[-1]
        if level.remaining >= _RUN and not level.is_map and not level.remaining % _RUN:
            run = _LONG_RUN.match(body, position)
            if run:
                position = run.end()
                level.remaining -= _RUN
                continue
        if not level.remaining:
            levels.pop()
            continue
        level.remaining -= 1
        lead = body[position]
        if level.is_map and level.remaining % 2 and lead not in _TEXT:
            raise DecodeError("dict: expected keys of text; other keys travel as an extension")
        size = _SIZES[lead]
        if size:
            position += size
            continue
        position, inner = _long_token(body, position, lead, nested)
        if inner is None:
            continue
        inner.depth = level.depth + (lead in _CONTAINERS)
        items += inner.remaining
        if items > limits.max_items:
            raise DecodeError(f"body: expected at most {limits.max_items} items, got more; send arrays")
        if inner.depth > deepest:
            raise DecodeError(f"body: expected at most {limits.max_depth} levels")
        if inner.remaining > len(body) - position:
            raise IndexError
        levels.append(inner)
    if position != len(body):
        raise DecodeError(f"body: expected {position} bytes, got {len(body)}")


def _long_token(body: bytes, position: int, lead: int, nested: Set[int]) -> tuple[int, _Level | None]:
    """Step over one token whose size is not in its first byte; a container's items are left to be walked."""
    if 0x80 <= lead < 0x90:
        return position + 1, _Level(2 * (lead - 0x80), True, 0)
    if 0x90 <= lead < 0xA0:
        return position + 1, _Level(lead - 0x90, False, 0)
    if 0xD4 <= lead <= 0xD8:
        if body[position + 1] in nested:
            return position + 2, _Level(1, False, 0)
        return position + 2 + (1 << (lead - 0xD4)), None
    width = _LENGTH_BYTES.get(lead)
    if width is None:
        raise DecodeError(f"body: expected msgpack, got byte {lead:#x}")
    start = position + 1 + width
    length = int.from_bytes(body[position + 1 : start], "big")
    if lead in _CONTAINERS:
        is_map = lead >= 0xDE
        return start, _Level(length * (2 if is_map else 1), is_map, 0)
    if lead not in _EXTENSIONS:
        return start + length, None
    if body[start] in nested:
        return start + 1, _Level(1, False, 0)
    return start + 1 + length, None
