"""The names of what a caller hands to a plugin."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any


def refuse_unknown_inputs(inputs: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raise an error where an input has a name that means nothing: left out in silence, it would seem to count.

    Args:
        inputs: By name, as a plugin is given them; ``params`` is none.
        known: The names that mean something.

    Raises:
        ValueError: If another name is there.

    Example:
        >>> refuse_unknown_inputs({"series": [1.0], "time": [0.0]}, ("series", "times"))
        Traceback (most recent call last):
        ValueError: inputs: expected series, times, got 'time'; did you mean 'times'?
    """
    names = tuple(known)
    for name in inputs:
        if name not in names and name != "params":
            close = difflib.get_close_matches(str(name), names, n=1)
            hint = f"did you mean {close[0]!r}?" if close else "leave it out, or give it as a parameter"
            raise ValueError(f"inputs: expected {', '.join(names)}, got {name!r}; {hint}")
