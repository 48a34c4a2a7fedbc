"""Whether two results agree, number by number, and how far apart they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NUMBERS = "biufc"
_MAX_FINDINGS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far a number may be from the expected one: abs(actual - expected) <= atol + rtol abs(expected).

    That is the rule of `numpy.isclose` and of `numpy.testing.assert_allclose`.
    """

    rtol: float = 1e-7
    atol: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a comparison found.

    Attributes:
        findings: What does not agree, with its place; at most five.
        largest_difference: Largest abs(actual - expected) over all numbers; infinity where one of them is not finite
            and the other one differs from it, or where shapes or kinds differ.
        largest_relative_difference: Largest abs(actual - expected) / abs(expected) over those that are not 0.
    """

    findings: tuple[str, ...] = ()
    largest_difference: float = 0.0
    largest_relative_difference: float = 0.0

    @property
    def agrees(self) -> bool:
        """Whether everything is within the tolerance."""
        return not self.findings


def compare(actual: object, expected: object, tolerance: Tolerance, *, place: str = "values") -> Comparison:
    """Compare two values.

    Arrays agree with lists of the same shape. Tables are compared column by column. Everything that is no number must
    be equal.

    Args:
        actual: What came.
        expected: What should have come.
        tolerance: For numbers.
        place: What the value is called in findings.

    Example:
        >>> compare([1.0, 2.5], [1.0, 2.0], Tolerance(), place="values").findings
        ('values[1]: expected 2.0, got 2.5 (1 of 2 numbers differ, by at most 0.5)',)
    """
    actual, expected = _plain(actual), _plain(expected)
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        return _compare_mappings(actual, expected, tolerance, place)
    left, right = _array(actual), _array(expected)
    if left is not None and right is not None:
        return _compare_arrays(left, right, tolerance, place)
    if isinstance(actual, list | tuple) and isinstance(expected, list | tuple):
        if len(actual) != len(expected):
            return _differs(place, f"{len(expected)} elements", f"{len(actual)}")
        pairs = enumerate(zip(actual, expected, strict=True))
        return _join([compare(a, e, tolerance, place=f"{place}[{index}]") for index, (a, e) in pairs])
    if type(actual) is type(expected) and actual == expected:
        return Comparison()
    return _differs(place, _show(expected), _show(actual))


def _compare_mappings(
    actual: Mapping[Any, Any], expected: Mapping[Any, Any], tolerance: Tolerance, place: str
) -> Comparison:
    if set(actual) != set(expected):
        return _differs(place, f"the keys {sorted(map(str, expected))}", f"{sorted(map(str, actual))}")
    return _join([compare(actual[key], expected[key], tolerance, place=f"{place}.{key}") for key in expected])


def _compare_arrays(actual: NDArray[Any], expected: NDArray[Any], tolerance: Tolerance, place: str) -> Comparison:
    if actual.shape != expected.shape:
        return _differs(place, f"shape {expected.shape}", f"shape {actual.shape}")
    numbers = actual.dtype.kind in _NUMBERS and expected.dtype.kind in _NUMBERS
    if (actual.dtype.kind == "b") != (expected.dtype.kind == "b"):
        return _differs(place, f"an array of {expected.dtype}", f"one of {actual.dtype}")
    if not numbers:
        same = actual.dtype.kind == expected.dtype.kind and np.array_equal(
            actual, expected, equal_nan=actual.dtype.kind in "mM"
        )
        return Comparison() if same else _differs(place, f"equal elements of {expected.dtype}", f"{actual.dtype}")
    return _compare_numbers(actual, expected, tolerance, place)


def _compare_numbers(actual: NDArray[Any], expected: NDArray[Any], tolerance: Tolerance, place: str) -> Comparison:
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        same = (actual == expected) | ((actual != actual) & (expected != expected))
        # Integers beyond 2**53 that differ are not equal above, even where their difference vanishes here.
        wide = np.complex128 if "c" in (actual.dtype.kind, expected.dtype.kind) else np.float64
        gap = np.where(same, 0.0, np.abs(actual.astype(wide) - expected.astype(wide)))
        gap = np.where(np.isnan(gap), np.inf, gap)
        size = np.abs(expected.astype(wide))
        allowed = tolerance.atol + tolerance.rtol * np.where(np.isfinite(size), size, 0.0)
        relative = np.where(gap == 0, 0.0, np.where(size > 0, gap / size, 0.0))
    far = ~same & ((gap > allowed) | ((gap == 0) & (allowed == 0)))
    findings: tuple[str, ...] = ()
    largest = float(gap.max(initial=0.0))
    if far.any():
        first = tuple(int(index) for index in np.argwhere(far)[0])
        where = f"{place}[{', '.join(map(str, first))}]" if first else place
        count = f" ({int(far.sum())} of {far.size} numbers differ, by at most {largest:g})" if far.size > 1 else ""
        findings = (f"{where}: expected {expected[first]!s}, got {actual[first]!s}{count}",)
    return Comparison(
        findings=findings,
        largest_difference=largest,
        largest_relative_difference=float(np.nan_to_num(relative, nan=np.inf, posinf=np.inf).max(initial=0.0)),
    )


def _plain(value: Any) -> Any:
    """Take tables apart into columns, and masked arrays into numbers and mask."""
    if isinstance(value, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(value)
        return {"mask": mask, "data": np.where(mask, np.zeros((), value.dtype), value.data)}
    if hasattr(value, "column_names") and hasattr(value, "to_pydict"):  # PyArrow
        return value.to_pydict()
    if hasattr(value, "columns") and hasattr(value, "to_numpy"):  # pandas, polars
        names = list(value.columns)
        index = {"index": value.index.to_numpy()} if hasattr(value, "index") else {}
        return {**index, **{f"column {name}": value[name].to_numpy() for name in names}}
    if not isinstance(value, np.ndarray | np.generic) and hasattr(value, "to_numpy"):
        return value.to_numpy()
    return value


def _array(value: object) -> NDArray[Any] | None:
    """Return the array that a value stands for; None where it is no array."""
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, bool | int | float | complex | np.generic | list | tuple):
        try:
            array = np.asarray(value)
        except (ValueError, OverflowError):
            return None  # a ragged list
        return array if array.dtype.kind in _NUMBERS + "mM" else None
    return None


def _join(parts: list[Comparison]) -> Comparison:
    return Comparison(
        findings=tuple(finding for part in parts for finding in part.findings)[:_MAX_FINDINGS],
        largest_difference=max((part.largest_difference for part in parts), default=0.0),
        largest_relative_difference=max((part.largest_relative_difference for part in parts), default=0.0),
    )


def _differs(place: str, expected: str, got: str) -> Comparison:
    return Comparison(
        findings=(f"{place}: expected {expected}, got {got}",),
        largest_difference=float("inf"),
        largest_relative_difference=float("inf"),
    )


def _show(value: object) -> str:
    text = repr(value) if isinstance(value, str | bytes | int | float | complex | None) else f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."
