"""Whether a path exists at all, and if not, what would have to be given so that one does.

The cells that can be reached in one row of the cost matrix are the bits of a Python integer: a step is a shift, a
window a mask. That is n times a few operations on m bits, a small part of what the costs take.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from .step_patterns import StepPattern
from .windows import Band, full_band


def reachable_rows(pattern: StepPattern, band: Band, *, open_begin: bool) -> Iterator[int]:
    """Yield, row by row, which cells of the band some path reaches, as the bits of an integer from its first cell on.

    Args:
        pattern: The step pattern.
        band: The cells that a path may visit; steps begin and end in them.
        open_begin: Whether a path may begin at any target sample.
    """
    moves = [(int(di), int(dj)) for di, dj in pattern.table.origins if di > 0]
    # Row -1 is where paths with an open begin come from; it counts as reached in every column.
    above = [(0, (1 << (int(band.last[-1]) + 1)) - 1 if open_begin else 0)]
    for i, (first, last) in enumerate(zip(band.first.tolist(), band.last.tolist(), strict=True)):
        row = 1 if i == 0 and first == 0 and not open_begin else 0
        for di, dj in moves:
            if di <= len(above):
                origin, reached = above[-di]
                shift = origin + dj - first
                row |= reached << shift if shift >= 0 else reached >> -shift
        mask = (1 << (last - first + 1)) - 1
        row &= mask
        if pattern.stays and row:
            # One sample of the target after the other: everything from the first reached cell on.
            row = mask & ~((row & -row) - 1)
        above.append((first, row))
        if len(above) > pattern.rows_back:
            del above[0]
        yield row


def reachable_ends(pattern: StepPattern, band: Band, *, open_begin: bool) -> int:
    """Return the columns of the last row that some path reaches, as the bits of an integer."""
    last_row = deque(reachable_rows(pattern, band, open_begin=open_begin), maxlen=1)[0]
    return last_row << int(band.first[-1])


def is_feasible(pattern: StepPattern, band: Band | None, m: int, *, open_begin: bool, open_end: bool) -> bool:
    """Say whether a path exists under `pattern` in `band`; ``None`` is a band with an empty row."""
    if band is None or not (open_begin or band.first[0] == 0) or not (open_end or band.last[-1] == m - 1):
        return False
    if pattern.elementary and not open_begin:
        # Then a monotone band needs only to touch itself from row to row.
        return bool((band.first[1:] <= band.last[:-1] + 1).all())
    ends = reachable_ends(pattern, band, open_begin=open_begin)
    return ends != 0 if open_end else bool(ends >> (m - 1) & 1)


def smallest_integer(feasible: Callable[[int], bool], largest: int) -> int | None:
    """Return the smallest number from 0 to `largest` that is feasible, where every larger one is as well.

    Returns:
        The number; ``None`` if `largest` is not feasible.
    """
    if not feasible(largest):
        return None
    low, high = 0, largest
    while low < high:
        middle = (low + high) // 2
        if feasible(middle):
            high = middle
        else:
            low = middle + 1
    return high


def smallest_number(feasible: Callable[[float], bool], low: float, high: float) -> float | None:
    """Return the smallest feasible number between `low` and `high`, rounded up to four significant digits.

    Returns:
        The number; ``None`` if `high` is not feasible.
    """
    if not feasible(high):
        return None
    while high - low > 1e-6 * high:
        middle = low + (high - low) / 2
        if feasible(middle):
            high = middle
        else:
            low = middle
    digits = float(f"{high:.4g}")
    return digits if feasible(digits) else float(f"{digits * 1.001:.4g}")


def feasible_target_lengths(pattern: StepPattern, n: int) -> tuple[int, int | None]:
    """Return which target lengths some path over `n` reference samples can have, without a window.

    Returns:
        The lengths as the bits of an integer (bit m - 1 is length m), and the largest of them; ``None`` where
        there is no largest one, and then the integer holds only the smallest.
    """
    reach = pattern.columns_back * n + 1

    ends = reachable_ends(pattern, full_band(n, reach), open_begin=False)
    if pattern.stays:
        return ends & -ends, None
    return ends, ends.bit_length()
