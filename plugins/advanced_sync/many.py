"""Comparing many series: what `pairwise` and `nearest` share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.gaps import REMEDY
from platform_base.kernels.series import as_series

from .precision import DTYPES, as_dtype
from .problem import check_problem

# Options that say something about two certain series.
_OF_ONE_PAIR = ("cost_matrix", "reference_times", "target_times", "band", "window_duration")
# Options with which the window of every pair is ``|i - j| <= window_size``.
_OF_STRIPS = frozenset({"distance_metric", "step_pattern", "window_size", "kernel", "dtype"})


@dataclass(frozen=True, slots=True)
class Many:
    """Checked series, one after the other.

    Attributes:
        samples: ``(total, channels)`` float64 or float32, C-contiguous, finite, writable (for others Numba
            compiles anew).
        starts: ``(count + 1,)`` int64: where each begins, and where the last one ends.
    """

    samples: NDArray[np.float64]
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, number: int) -> NDArray[np.float64]:
        if not 0 <= number < len(self):
            raise IndexError(number)
        return self.samples[self.starts[number] : self.starts[number + 1]]

    def reorder(self, order: NDArray[np.int64]) -> Many:
        """Return the series in another order.

        Args:
            order: ``(count,)``: which series comes first, and so on.
        """
        starts = np.zeros(len(order) + 1, dtype=np.int64)
        np.cumsum(np.diff(self.starts)[order], out=starts[1:])
        return Many(np.concatenate([self[int(number)] for number in order]), starts)

    @property
    def channels(self) -> int:
        """Values of each sample."""
        return self.samples.shape[1]

    def extremes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the shortest series and the longest."""
        lengths = np.diff(self.starts)
        return self[int(lengths.argmin())], self[int(lengths.argmax())]


def check_many(series: Any, name: str, dtype: str = "float64", *, look: bool = True) -> Many:
    """Check a collection of series.

    Args:
        series: ``(count, n)`` or ``(count, n, channels)`` real numbers, or a sequence of series of any lengths.
        name: What to call them in messages.
        dtype: Of the samples in the result.
        look: Whether to look for samples that are not finite in every series of an array; else in the first alone, and
            whoever reads the others finds them.

    Raises:
        ValueError: If there is none, one cannot be used, or their channels differ.
        TypeError: If they are no sequence, or one holds no real numbers.
    """
    if isinstance(series, (str, bytes)) or not isinstance(series, (Sequence, np.ndarray)):
        raise TypeError(f"{name}: expected a sequence of series, got {type(series).__name__}")
    if isinstance(series, np.ndarray) and series.ndim < 2 and series.dtype != object:
        raise ValueError(f"{name}: expected several series, got an array of shape {series.shape}; give (count, n)")
    taken = _take_block(series, dtype, look) or _take_arrays(series, dtype)
    if taken is not None:
        return taken
    labels = [f"{name}[{number}]" for number in range(len(series))]
    checked = [
        as_dtype(as_series(one, label, remedy=REMEDY), dtype, label) for one, label in zip(series, labels, strict=True)
    ]
    if not checked:
        raise ValueError(f"{name}: expected at least one series, got none")
    for number, one in enumerate(checked):
        if one.shape[1] != checked[0].shape[1]:
            raise ValueError(
                f"{name}[{number}]: expected {checked[0].shape[1]} channel(s) as in {name}[0], got {one.shape[1]}; "
                "give all series the same channels"
            )
    starts = np.zeros(len(checked) + 1, dtype=np.int64)
    np.cumsum([len(one) for one in checked], out=starts[1:])
    return Many(np.concatenate(checked), starts)


def _take_block(series: Any, dtype: str, look: bool) -> Many | None:
    """Return series in one array that are all right: then they need not be looked at one by one."""
    if type(series) is not np.ndarray or series.dtype not in DTYPES or series.ndim not in (2, 3) or series.size == 0:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        samples = np.require(series.reshape(series.shape[0] * series.shape[1], -1), dtype, ["C", "A", "W"])
        seen = samples if look else samples[: series.shape[1]]
        if not (np.isfinite(seen.sum()) or np.isfinite(seen).all()):
            return None
    return Many(samples, np.arange(len(series) + 1) * series.shape[1])


def _take_arrays(series: Any, dtype: str) -> Many | None:
    """Return series of one channel in arrays of their own, of any lengths, that are all right."""
    if type(series) not in (list, tuple) or not series:
        return None
    if not all(type(one) is np.ndarray and one.ndim == 1 and one.dtype in DTYPES and one.size for one in series):
        return None
    with np.errstate(over="ignore"):
        samples = np.concatenate(series, dtype=dtype, casting="same_kind")[:, np.newaxis]
    starts = np.zeros(len(series) + 1, dtype=np.int64)
    np.cumsum([one.size for one in series], out=starts[1:])
    return Many(samples, starts) if np.isfinite(samples).all() else None


def check_channels(series: Many, channels: int, name: str) -> None:
    """Raise a ValueError unless the series have so many channels."""
    if series.channels != channels:
        raise ValueError(
            f"{name}: expected {channels} channel(s), got {series.channels}; give all series the same channels"
        )


def check_options(first: Many, second: Many, options: Mapping[str, Any]) -> None:
    """Check options once for all pairs, with the pairs whose lengths differ most.

    Raises:
        ValueError: If an option is wrong or not for many series, or a window has no path for some pair.
        TypeError: If an option is of another type.
    """
    for name in _OF_ONE_PAIR:
        if name in options:
            raise ValueError(f"{name}: describes one pair of series, and there are many; compare pair by pair")
    rest = {name: value for name, value in options.items() if name != "kernel"}
    shortest, longest = first.extremes()
    other_shortest, other_longest = second.extremes()
    check_problem(shortest, other_longest, **rest)
    if len(shortest) != len(longest) or len(other_shortest) != len(other_longest):
        check_problem(longest, other_shortest, **rest)


def is_symmetric(options: Mapping[str, Any]) -> bool:
    """Return whether exchanging two series is known to change nothing: a slanted band, say, then is another one."""
    pattern = options.get("step_pattern", "symmetric")
    return options.keys() <= _OF_STRIPS and pattern in ("symmetric", "symmetric1", "symmetric2")


def find_radius(options: Mapping[str, Any]) -> int | None:
    """Return the radius of the window for the compiled strips, -1 for none; ``None`` where they do not apply."""
    if not options.keys() <= _OF_STRIPS:
        return None
    radius = options.get("window_size")
    return -1 if radius is None else int(radius)
