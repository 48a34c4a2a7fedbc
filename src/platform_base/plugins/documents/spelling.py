"""The nearest valid name to one that was mistyped."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MAX_LISTED = 12


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known name closest to `word`, or None when none is close.

    Method: Ratcliff and Obershelp, Dr. Dobb's Journal, July 1988 (`difflib`), capitals and dashes ignored.

    Example:
        >>> nearest("entrypoint", ["entry_point", "requires"])
        'entry_point'
    """
    plain = {_plain(name): name for name in known}
    found = difflib.get_close_matches(_plain(word[:100]), plain, n=1, cutoff=0.6)
    return plain[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint: the nearest known name, else all of them, else the empty string.

    Example:
        >>> did_you_mean("reqires", ["entry_point", "requires"])
        "did you mean 'requires'?"
        >>> did_you_mean("colour", ["entry_point", "requires"])
        'known: entry_point, requires'
    """
    names = list(known)
    close = nearest(word, names)
    if close is not None:
        return f"did you mean '{close}'?"
    if not names:
        return ""
    listed = ", ".join(names[:_MAX_LISTED])
    return f"known: {listed}, ..." if len(names) > _MAX_LISTED else f"known: {listed}"


def _plain(name: str) -> str:
    return name.casefold().replace("-", "_")
