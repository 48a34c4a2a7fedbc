"""Filtering a series that comes in chunks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .design import design_filter
from .options import read_options
from .parameters import check_integer, check_option, check_positive
from .recursion import choose_kernel
from .series import as_lines

_POLICIES = ("raise", "propagate", "interpolate")


class FilterStream:
    """A filter that carries its state from one chunk to the next.

    The outputs of all chunks and of `finish`, one after the other, are those of `filter_series` over the whole
    series, bit for bit, however it is cut.

    Causal filters (``zero_phase=False``) answer at once: as many outputs as samples. Filters of a centred window
    (savgol, median, hampel, moving_average, the FIR filters) answer `delay` samples late. Recursive filters both ways,
    the Kalman smoother and whittaker need the whole series and are refused.

    Attributes:
        delay: How many samples the outputs come late.

    Example:
        >>> stream = FilterStream(filter_type="moving_average", window_length=3)
        >>> stream.delay
        1
        >>> [stream.push(chunk).round(6).tolist() for chunk in ([3.0], [6.0, 9.0], [12.0])]
        [[], [4.0, 6.0], [9.0]]
        >>> stream.finish().round(6).tolist()
        [11.0]
    """

    def __init__(
        self,
        *,
        sampling_rate: float | None = None,
        channels: int | None = None,
        nan_policy: str = "raise",
        kernel: str = "auto",
        **options: Any,
    ) -> None:
        """Design the filter.

        Args:
            sampling_rate: Hz; ``None``: frequencies are fractions of the Nyquist frequency.
            channels: Number of channels; ``None``: chunks are ``(m,)``, else ``(m, channels)``.
            nan_policy: ``"raise"``; ``"propagate"``; or for kalman ``"interpolate"``: the model fills.
            kernel: ``"auto"``, ``"numba"`` or ``"scipy"``.
            **options: Fields of `FilterOptions`.

        Raises:
            ValueError: If the filter cannot be designed, or needs the whole series.
            TypeError: If an option is unknown or of the wrong type.
        """
        rate = None if sampling_rate is None else check_positive(sampling_rate, "sampling_rate", "Hz")
        designed = design_filter(read_options(options), rate)
        self._policy = check_option(nan_policy, "nan_policy", _POLICIES)
        if self._policy == "interpolate" and not designed.fills_gaps:
            raise ValueError(
                "nan_policy: expected raise or propagate for a stream, got 'interpolate': what comes after a gap is "
                "not known yet; kalman can fill it"
            )
        # What a model fills is taken back; other filters make NaN themselves.
        self._marks = designed.fills_gaps and self._policy == "propagate"
        self._flat = channels is None
        self._channels = 1 if channels is None else check_integer(channels, "channels", 1)
        self._kernel = choose_kernel(kernel)
        self._state = designed.open(self._channels, self._kernel)
        self._finished = False
        self.delay: int = getattr(designed, "after", 0)

    def push(self, chunk: ArrayLike) -> NDArray[np.float64]:
        """Take the next samples.

        Args:
            chunk: ``(m,)``, or ``(m, channels)`` if the stream has channels; m may be 0.

        Returns:
            The outputs that are settled now, oldest first: ``(k,)`` or ``(k, channels)`` float64.

        Raises:
            ValueError: If the chunk is of another shape, holds what the policy refuses, or the stream is finished.
            TypeError: If it holds no real numbers.
        """
        if self._finished:
            raise ValueError("the stream is finished; open a new one")
        shape = np.shape(chunk)
        if len(shape) != (1 if self._flat else 2) or (not self._flat and shape[1] != self._channels):
            expected = "(m,)" if self._flat else f"(m, {self._channels})"
            raise ValueError(f"chunk: expected shape {expected}, got {shape}")
        if not shape[0]:
            return self._restore(self._state.push(np.empty((self._channels, 0))))
        lines = as_lines(chunk, 0, self._kernel, may_miss=self._policy != "raise")
        filtered = self._state.push(lines.values)
        if lines.missing and self._marks:
            filtered[np.isnan(lines.values)] = np.nan
        return self._restore(filtered)

    def finish(self) -> NDArray[np.float64]:
        """End the series.

        Returns:
            The last `delay` outputs.

        Raises:
            ValueError: If the series was too short for the filter, or the stream is finished already.
        """
        if self._finished:
            raise ValueError("the stream is finished; open a new one")
        filtered = self._state.finish()
        self._finished = True
        return self._restore(filtered)

    def _restore(self, lines: NDArray[np.float64]) -> NDArray[np.float64]:
        return lines[0] if self._flat else np.ascontiguousarray(lines.T)
