"""What a sender is told about a value that cannot cross, and what to send instead."""

from __future__ import annotations

import dataclasses
import enum
import json
import types
from collections.abc import Iterator

import numpy as np

_PLAIN = "send numbers, text, lists, dicts, dates, NumPy arrays or tables"
_SHOWN_STEPS = 16
_EXACT = (
    (bool | int, "int(value)"),
    (float, "float(value)"),
    (complex, "complex(value)"),
    (str, "str(value)"),
    (bytes | bytearray | memoryview, "bytes(value)"),
    (set | frozenset, "sorted(value), a list"),
    (dict | types.MappingProxyType, "dict(value)"),
    (list, "list(value)"),
    (tuple, "tuple(value)"),
    (np.ma.MaskedArray, "np.ma.MaskedArray(value)"),
    (np.ndarray, "np.asarray(value)"),
    (Iterator, "list(value)"),
)
_NAMED = {
    "Decimal": "send str(value)",
    "Fraction": "send [value.numerator, value.denominator]",
    "UUID": "send str(value)",
    "PosixPath": "send str(value)",
    "Timestamp": "send value.to_pydatetime() or value.to_datetime64()",
    "Timedelta": "send value.to_timedelta64()",
    "NaTType": "send numpy.datetime64('NaT', 'ns')",
    "NAType": "send None",
    "Index": "send value.to_numpy()",
    "LazyFrame": "send value.collect()",
}


class Refusal(Exception):  # noqa: N818 - it never reaches a caller: the codec makes an EncodingError of it
    """A value that cannot be sent; gathers its path on the way out."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self._steps: list[str] = []

    def within(self, key: object) -> Refusal:
        """Note that the refused value stands at `key` of what is around it; returns itself, to be raised."""
        if type(key) is str:
            shown = json.dumps(key, ensure_ascii=not key.isprintable())
        elif type(key) in (int, float, bool, bytes, tuple, type(None)):
            shown = repr(key)
        else:
            shown = type(key).__qualname__
        self._steps.append(f"[{shown if len(shown) <= 80 else shown[:77] + '...'}]")
        return self

    def path(self, root: str) -> str:
        """Spell the place, such as ``inputs["series"][3]``; without a root the first name is the root."""
        steps = self._steps[::-1]
        if len(steps) > _SHOWN_STEPS:
            steps = [*steps[: _SHOWN_STEPS - 1], "[...]", steps[-1]]
        if not root and steps and steps[0].startswith('["') and steps[0][2:-2].isidentifier():
            steps[0] = steps[0][2:-2]
        return root + "".join(steps)


def type_name(value: object) -> str:
    """Name the type of `value` with its module, builtins without."""
    kind_of = type(value)
    module = str(kind_of.__module__)
    return kind_of.__qualname__ if module == "builtins" else f"{module}.{kind_of.__qualname__}"


def refusal(value: object) -> Refusal:
    """Say that a value of this type cannot be sent, and what to send instead."""
    return Refusal(f"{type_name(value)} cannot be sent; {_remedy(value)}")


def _remedy(value: object) -> str:
    named = _NAMED.get(type(value).__name__)
    if named:
        return named
    if isinstance(value, enum.Enum):
        return "send its value or its name"
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return "send tuple(value) or value._asdict()"
    for kind_of, expression in _EXACT:
        if isinstance(value, kind_of):
            return f"send {expression}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return "send dataclasses.asdict(value)"
    if callable(value):
        return "only data can be sent, no code"
    return _PLAIN
