"""The short way of plain calls: for short series Python's checks would take many times as long as the kernel."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

# More samples go the long way however few cells there are: it reports progress, and refuses more than float32 counts.
_SAMPLES = 1 << 22

# Up to so many cells unless it is said: a longer run reports progress, and may leave cells out.
_CELLS = 1 << 22

_ROUNDED = (np.dtype(np.float64), np.dtype(np.float32))

# Wider than any matrix.
UNBOUNDED = 1 << 40


class Brief(Protocol):
    """How short series get into compiled code; see `builtin.Entry`."""

    def bind(
        self,
        builtin: Any,
        beyond: Callable[..., Any],
        otherwise: Callable[..., Any],
        options: tuple[Any, ...] = (),
    ) -> Callable[..., Any]:
        """Return what answers for two short series, and hands other plain ones to `beyond`, all else to `otherwise`."""
        ...


class Shortcut:
    """The short way for one choice of options. What it is made of is compiled when series ask for it.

    Attributes:
        take: For two series, what a compiled function gives; or ``None`` for series that are not plain, which must be
            checked. Another one from the first short series on, so it is to be looked up for each call.
        take_plain: Does so for arrays of which it is known that they have one dimension and the right precision.
        brief: How short series get into compiled code, once some have; else ``None``.
    """

    __slots__ = ("brief", "take", "take_plain")

    brief: Brief | None
    take: Callable[[Any, Any], Any]
    take_plain: Callable[[Any, Any], Any]

    def __init__(
        self,
        few_cells: int,
        make_brief: Callable[[], Brief] | None,
        compile_long: Callable[[], Callable[[Any, Any], Any]],
        width: int = UNBOUNDED,
        cells_at_once: int = _CELLS,
        dtype: np.dtype[Any] = _ROUNDED[0],
        beyond: Shortcut | None = None,
    ) -> None:
        """Prepare it.

        Args:
            few_cells: Up to how many cells there is a brief way.
            make_brief: Compiles it, for two ``(n,)`` series of `dtype`; raises ImportError where there cannot be one.
                ``None`` for none.
            compile_long: Returns a function of two series with the same results, bit for bit: a cost, or a tuple with
                the cost last. It checks no types; the cost is not finite if a call is not right.
            width: Of the window, in cells of each row.
            cells_at_once: Up to how many cells inside the window the long one is called; a longer run reports progress.
            dtype: Precision, float64 or float32; to the latter, series of float64 are rounded.
            beyond: What answers for more cells than `cells_at_once`; ``None`` for nothing.
        """
        element = dtype
        long: Any = None

        def take_plain(first: Any, second: Any) -> Any:
            nonlocal long
            n, m = len(first), len(second)
            if n + m > _SAMPLES:
                return None
            if n * (width if width < m else m) > cells_at_once:
                return None if beyond is None else beyond.take_plain(first, second)
            if long is None:
                long = compile_long()
            answer = long(first, second)
            cost = answer[-1] if type(answer) is tuple else answer
            return answer if -math.inf < cost < math.inf else None

        def take_any(first: Any, second: Any) -> Any:
            if not (type(first) is type(second) is np.ndarray and first.ndim == second.ndim == 1):
                return None
            # There is one object for each type of native numbers, so it can be told by looking which one it is.
            if first.dtype is second.dtype is element:
                return take_plain(first, second)
            if element == np.float64 or not (first.dtype in _ROUNDED and second.dtype in _ROUNDED):
                return None
            with np.errstate(over="ignore"):  # what becomes infinite is not plain, and looked at by the checks
                return self.take(first.astype(element), second.astype(element))

        def take_first(first: Any, second: Any) -> Any:
            plain = type(first) is type(second) is np.ndarray
            if make_brief is None or not plain or first.size * second.size > few_cells:
                return take_any(first, second)
            try:
                self.brief = make_brief()
            except ImportError:  # of a Python or a NumPy that are not known: then there is no brief way
                self.take = take_any
            else:
                self.take = self.brief.bind(None, take_plain, take_any)
            return self.take(first, second)

        self.brief = None
        self.take, self.take_plain = take_first, take_plain

    def choose(self, _first: Any, _second: Any) -> Shortcut:
        """Return this one: it is for series of any length."""
        return self


class ShortcutByLength:
    """Short ways for one choice of options where a table depends on how long the longer series is."""

    def __init__(self, find: Callable[[int], Shortcut]) -> None:
        """Prepare them.

        Args:
            find: Returns the one for a length.
        """
        self._find = functools.lru_cache(maxsize=16)(find)

    def choose(self, first: Any, second: Any) -> Shortcut | None:
        """Return the short way for two series, ``None`` if they are no arrays."""
        if not type(first) is type(second) is np.ndarray:
            return None
        return self._find(max(first.size, second.size))
