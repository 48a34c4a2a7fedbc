"""The inputs of a call at any size: made longer and shorter, so that they stay what they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from platform_base.plugins.generators import Generator, generate

MOST_GENERATED = 1_000_000
_SHORTEST = 2


@dataclass(frozen=True, slots=True)
class Sizes:
    """What inputs are made from: values, or recipes.

    Attributes:
        sources: By name; a `Generator` is carried out anew for each size.
        fixed: Names of inputs that stay as they are.
    """

    sources: Mapping[str, Any]
    fixed: Collection[str] = ()

    @property
    def base(self) -> int:
        """Length of the longest input that can be resized; 0: there is none."""
        return max((_length(each) for name, each in self.sources.items() if name not in self.fixed), default=0)

    def make(self, size: int) -> dict[str, Any]:
        """Return inputs of which the longest has so many samples, and the others keep their proportion to it."""
        base = self.base
        return {
            name: _carry_out(each)
            if name in self.fixed or not _length(each)
            else resize(each, max(_SHORTEST, round(size * _length(each) / base)))
            for name, each in self.sources.items()
        }


def _length(source: Any) -> int:
    """Return the length of what can be resized, else 0."""
    if isinstance(source, Generator):
        return source.length
    array = _as_array(source)
    return 0 if array is None or len(array) < _SHORTEST else len(array)


def _as_array(source: Any) -> NDArray[Any] | None:
    if isinstance(source, list):
        try:
            source = np.asarray(source)
        except ValueError:  # rows of unequal lengths
            return None
    numeric = isinstance(source, np.ndarray) and source.ndim > 0 and source.dtype.kind in "biufcmM"
    return source if numeric else None


def _carry_out(source: Any) -> Any:
    return generate(source) if isinstance(source, Generator) else source


def resize(source: Any, length: int) -> NDArray[Any]:
    """Make a series of some length from another one.

    A shorter one is its beginning. A longer one repeats it; but numbers that only rise, such as time stamps, go on
    rising with the mean step, because a plugin may refuse, or treat differently, those that fall back.

    Args:
        source: A generator, or ``(n,)`` or ``(n, ...)`` numbers, n at least 2.
        length: Samples.

    Returns:
        ``(length,)`` or ``(length, ...)``, the dtype of the source.
    """
    if isinstance(source, Generator):
        if length <= MOST_GENERATED:
            return generate(source.model_copy(update={"length": length}))
        source = generate(source.model_copy(update={"length": MOST_GENERATED}))
    array = _as_array(source)
    assert array is not None
    if length <= len(array):
        return array[:length].copy()
    turns, position = np.divmod(np.arange(length), len(array))
    repeated = array[position]
    if array.ndim == 1 and array.dtype.kind in "iufmM" and bool((array[1:] > array[:-1]).all()):
        span = array[-1] - array[0]
        period = span + span / (len(array) - 1) if array.dtype.kind == "f" else span + span // (len(array) - 1)
        return np.asarray(repeated + turns * period).astype(array.dtype)
    return repeated
