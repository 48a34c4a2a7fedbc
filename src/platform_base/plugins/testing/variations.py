"""What is done to the inputs of a self-test: the shapes and values that users' data have and examples lack.

Each variation is a pure function from inputs to further inputs, one for each place where it applies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Inputs: TypeAlias = dict[str, Any]
Varied: TypeAlias = tuple[str, Inputs]
"""What was changed, in words, and the inputs afterwards."""

_NUMBERS = "iuf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """One kind of change.

    Attributes:
        name: Of the property that a plugin has if it copes with it.
        title: The property in words.
        vary: Yields changed inputs; none where the change does not apply.
        same: Whether the result must stay the same, bit for bit, because only the layout in memory changes.
    """

    name: str
    title: str
    vary: Callable[[Mapping[str, Any]], Iterator[Varied]]
    same: bool = False


def series_in(inputs: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return the inputs that are arrays of real numbers, or lists of them, as arrays of one dimension or more."""
    found = {}
    for name, value in inputs.items():
        if not isinstance(value, np.ndarray | list | tuple) or isinstance(value, np.ma.MaskedArray):
            continue
        try:
            array = np.asarray(value)
        except ValueError:  # rows of different lengths
            continue
        if array.dtype.kind in _NUMBERS and array.ndim and array.size:
            found[name] = array
    return found


def _each(change: Callable[[NDArray[Any]], Any], words: str) -> Callable[[Mapping[str, Any]], Iterator[Varied]]:
    """Make a variation that changes one series at a time, and then all of them."""

    def vary(inputs: Mapping[str, Any]) -> Iterator[Varied]:
        changed = {name: change(array) for name, array in series_in(inputs).items()}
        changed = {name: array for name, array in changed.items() if array is not None}
        for name, array in changed.items():
            yield f"{name} {words}", {**inputs, name: array}
        if len(changed) > 1:
            yield f"{' and '.join(changed)} {words}", {**inputs, **changed}

    return vary


def _with_value(value: float) -> Callable[[NDArray[Any]], Any]:
    def change(array: NDArray[Any]) -> NDArray[Any]:
        changed = array.astype(np.float64) if array.dtype.kind != "f" else array.copy()
        changed[len(changed) // 2] = value
        return changed

    return change


def _constant(array: NDArray[Any]) -> NDArray[Any]:
    return np.full_like(array, array.flat[0])


def _apart(array: NDArray[Any]) -> NDArray[Any]:
    """Return the same values, of which neighbours do not lie side by side in memory."""
    wide = np.empty((*array.shape[:-1], 2 * array.shape[-1]), dtype=array.dtype)
    wide[..., 1::2] = 0
    apart: NDArray[Any] = wide[..., ::2]
    apart[...] = array
    return apart


def _by_columns(array: NDArray[Any]) -> NDArray[Any] | None:
    return np.asfortranarray(array) if array.ndim > 1 else None


def _layouts(inputs: Mapping[str, Any]) -> Iterator[Varied]:
    yield from _each(_apart, "with gaps between its elements in memory")(inputs)
    yield from _each(_by_columns, "in column-major order")(inputs)


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    # Workers get every array read-only: what is tried here is that lists may be such arrays, too.
    locked = array.copy()
    locked.flags.writeable = False
    return locked


def _unequal(inputs: Mapping[str, Any]) -> Iterator[Varied]:
    """Shorten one of two series of the same length; where none are, make the lengths differ more."""
    for first, second in combinations(series_in(inputs), 2):
        for longer, shorter in ((first, second), (second, first)):
            array = np.asarray(inputs[shorter])
            length = max(1, len(array) * 2 // 3)
            if length != len(array):
                yield (
                    f"{shorter} cut to {length}, {longer} of {len(inputs[longer])}",
                    {**inputs, shorter: array[:length]},
                )


def _missing(inputs: Mapping[str, Any]) -> Iterator[Varied]:
    for name in inputs:
        yield f"no {name}", {other: value for other, value in inputs.items() if other != name}
    if len(inputs) > 1:
        yield "no inputs at all", {}


def _wrong_type(inputs: Mapping[str, Any]) -> Iterator[Varied]:
    for name in inputs:
        for words, wrong in (("null", None), ("a text", "abc"), ("an object", {"a": 1})):
            yield f"{name}: {words}", {**inputs, name: wrong}
    for name in series_in(inputs):
        yield f"{name}: texts", {**inputs, name: ["a", "b", "c"]}
        yield f"{name}: complex numbers", {**inputs, name: np.asarray(inputs[name]) * 1j}


def _dimensions(inputs: Mapping[str, Any]) -> Iterator[Varied]:
    for name, array in series_in(inputs).items():
        yield f"{name} with one more axis, {(*array.shape, 1)}", {**inputs, name: array[..., np.newaxis]}
        yield f"{name} with one more axis, {(1, *array.shape)}", {**inputs, name: array[np.newaxis]}
        yield f"{name}: a single number", {**inputs, name: float(array.flat[0])}


VARIATIONS = (
    Variation(
        name="read_only",
        title="read-only arrays give the same result",
        vary=_each(_read_only, "as an array that cannot be written to"),
        same=True,
    ),
    Variation(
        name="non_contiguous", title="arrays of any layout in memory give the same result", vary=_layouts, same=True
    ),
    Variation(
        name="float32",
        title="float32 gives a value or a clear error",
        vary=_each(lambda array: array.astype(np.float32), "as float32"),
    ),
    Variation(
        name="integers",
        title="integers give a value or a clear error",
        vary=_each(lambda array: np.rint(array).astype(np.int64), "as int64"),
    ),
    Variation(name="nan", title="NaN gives a value or a clear error", vary=_each(_with_value(np.nan), "with a NaN")),
    Variation(
        name="infinite",
        title="infinity gives a value or a clear error",
        vary=_each(_with_value(np.inf), "with an infinity"),
    ),
    Variation(
        name="constant", title="a constant series gives a value or a clear error", vary=_each(_constant, "all the same")
    ),
    Variation(
        name="empty",
        title="an empty series gives a value or a clear error",
        vary=_each(lambda array: array[:0], "empty"),
    ),
    Variation(
        name="one_point",
        title="a series of one point gives a value or a clear error",
        vary=_each(lambda array: array[:1] if len(array) > 1 else None, "cut to one point"),
    ),
    Variation(name="unequal_lengths", title="series of unequal lengths give a value or a clear error", vary=_unequal),
    Variation(name="dimensions", title="other dimensions give a value or a clear error", vary=_dimensions),
    Variation(name="missing", title="a missing input gives a value or a clear error", vary=_missing),
    Variation(name="wrong_type", title="inputs of other types give a value or a clear error", vary=_wrong_type),
)
"""Every variation, the harmless ones first."""
