"""One thing to compute, and the programs that can."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing to compute.

    Attributes:
        name: What.
        ours: Our function, without arguments.
        peers: Those of other programs, by name; each gives the same result, up to the tolerance.
        exact: Our function in float64, where `ours` is in float32.
        tolerance: How far, relative to the largest number, results may differ.
        target: How many times as fast as the best peer ours is to be on a processor with AVX-512; half of it on AVX2.
        quick: Whether it belongs to the short run.
        compare: What of a result is compared with that of a peer: a number, or an array. ``None``: nothing, because the
            programs mean different things by the same word, as the case's module says.
    """

    name: str
    ours: Callable[[], Any]
    peers: dict[str, Callable[[], Any]] = field(default_factory=dict)
    exact: Callable[[], Any] | None = None
    tolerance: float = 1e-9
    target: float | None = None
    quick: bool = False
    compare: Callable[[Any], Any] | None = float


def find(module: str) -> Any:
    """Return a peer's module; ``None`` if it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def bind(function: Callable[..., Any], *arguments: Any, **options: Any) -> Callable[[], Any]:
    """Return the call, ready to be made."""
    return lambda: function(*arguments, **options)
