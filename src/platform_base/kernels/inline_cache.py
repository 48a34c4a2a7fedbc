"""Calls with the options of the call before: to look at them again would take longer than to compare short series.

An inline cache, as interpreters have one at each place of a call: L. P. Deutsch and A. M. Schiffman, Efficient
implementation of the Smalltalk-80 system, POPL 1984, doi 10.1145/800017.800542.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .shortcut import Shortcut, ShortcutByLength


class InlineCache:
    """What a public function calls with two series and all its options.

    It remembers no result. Options are the same only if they are the same objects, all of which it holds on to.

    Attributes:
        ask: Returns what the function returns. Another one from time to time, so it is to be looked up for each call.
    """

    __slots__ = ("ask",)

    ask: Callable[..., Any]

    def __init__(
        self, find_shortcut: Callable[..., Shortcut | ShortcutByLength | None], ask_fully: Callable[..., Any]
    ) -> None:
        """Prepare it.

        Args:
            find_shortcut: Returns the short way for options, or ``None`` where there is none. What it returned for the
                last 256 choices is kept, because checking them takes longer than comparing, too.
            ask_fully: Answers, or raises an error that says what is wrong, given two series and options.
        """
        find = functools.lru_cache(maxsize=256, typed=True)(find_shortcut)  # by type, because 1 is True elsewhere
        builtin: Any = None
        bound: Shortcut | None = None
        before: Shortcut | None = None

        def ask_beyond(found: Shortcut | ShortcutByLength | None, first: Any, second: Any, *options: Any) -> Any:
            shortcut = None if found is None else found.choose(first, second)
            answer = None if shortcut is None else shortcut.take_plain(first, second)
            return ask_fully(first, second, *options) if answer is None else answer

        def look_up(first: Any, second: Any, *options: Any) -> Any:
            nonlocal builtin, bound, before
            try:
                found = find(*options)
            except TypeError:  # of an option that cannot be looked up: what follows says what is wrong with it
                found = None
            shortcut = None if found is None else found.choose(first, second)
            if shortcut is None:
                return ask_fully(first, second, *options)
            answer = shortcut.take(first, second)
            # Twice in a row: of calls that take turns with two choices of options, each would throw out the other.
            if shortcut is before and shortcut is not bound and shortcut.brief is not None:
                beyond = functools.partial(ask_beyond, found)
                builtin, bound = shortcut.brief.bind(builtin, beyond, look_up, options), shortcut
                self.ask = builtin
            before = shortcut
            return ask_fully(first, second, *options) if answer is None else answer

        self.ask = look_up
