"""Designed filters, kept for calls that ask for the same one again.

Designing takes longer than filtering a short series.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .base import Filter
from .cascade import Cascade
from .design import RECURSIVE, design_filter, passes
from .options import read_options
from .sliding_window import SlidingWindow

# Plans that are kept, those that were used last.
_KEPT = 32
# A transient of this size beside the signal is worth a warning.
NOTICEABLE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A designed filter. It may be used by any number of calls: its arrays are read-only.

    Attributes:
        filter: The filter.
        btype: Canonical name of what passes; ``None`` for types without bands.
        recursive: Whether it is a recursion, which never forgets what is not finite.
        settles: After how many samples a transient is no longer noticeable; 0 where there is none.
    """

    filter: Filter
    btype: str | None
    recursive: bool
    settles: float


def find_plan(options: Mapping[str, Any], sampling_rate: float | None) -> Plan:
    """Return the filter that options describe, designed now or before.

    Args:
        options: Fields of `FilterOptions` by name.
        sampling_rate: Hz; ``None`` where frequencies are fractions of the Nyquist frequency.

    Raises:
        ValueError: As `design_filter`.
        TypeError: As `design_filter` and `read_options`.
    """
    edges = options.get("cutoff")
    if type(edges) in (list, tuple):
        # Looked up by their values, so only where these say all: True is no frequency.
        if not all(type(edge) in (float, int) for edge in edges):
            return _design(sampling_rate, options)
        options = {**options, "cutoff": tuple(edges)}
    try:
        return _keep_plan(sampling_rate, **options)
    except TypeError:
        # An option that is of the wrong type, or a list, which cannot be looked up.
        return _design(sampling_rate, options)


def _design(sampling_rate: float | None, options: Mapping[str, Any]) -> Plan:
    wanted = read_options(options)
    designed = design_filter(wanted, sampling_rate)
    settles = 0.0
    if isinstance(designed, Cascade):
        designed.sections.setflags(write=False)
        settles = designed.samples_until(NOTICEABLE)
    elif isinstance(designed, SlidingWindow):
        for array in (designed.taps, designed.basis):
            if array is not None:
                array.setflags(write=False)
    return Plan(filter=designed, btype=passes(wanted), recursive=wanted.filter_type in RECURSIVE, settles=settles)


# By the types of the options too: True is no 1 here, although it is in a dictionary.
@functools.lru_cache(maxsize=_KEPT, typed=True)
def _keep_plan(sampling_rate: float | None, /, **options: Any) -> Plan:
    return _design(sampling_rate, options)
