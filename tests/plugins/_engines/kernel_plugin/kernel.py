"""A compiled kernel of the plugin's own."""

from __future__ import annotations

import numba


@numba.njit(cache=True)
def add_up(series):
    total = 0.0
    for value in series:
        total += value
    return total
