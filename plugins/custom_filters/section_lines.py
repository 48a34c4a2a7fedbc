"""Second-order sections along lines: sample by sample, or in vectors, where each lane runs through a chunk of its own.

A recursion goes from one output to the next and leaves vectors nothing to do. But it is linear: what a chunk's outputs
owe to its samples and what they owe to the state before it add up. A block of LANES consecutive chunks of CHUNK
samples is therefore laid out with a chunk in every lane and passed over twice. The first pass sums up the state that
the samples alone leave at the end of each chunk, ``sum of A^(CHUNK - 1 - t) B x[t]``; the states at the begin of the
chunks follow one from the other, ``s' = A^CHUNK s + sum``; the second pass is the recursion itself, every lane from its
own state. Exact but for rounding (Blelloch 1990, Prefix Sums and Their Applications, 1.4.1, recurrences; Parhi and
Messerschmitt 1989, IEEE Trans. Acoust. Speech Signal Process. 37, 1118, block filtering).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.compilation import kernel
from platform_base.kernels.registers import count_lanes
from platform_base.kernels.vectors import load, splat, store, transpose_tile

# The state's two vectors, a sample's and an output's.
LANES = count_lanes(4)
# Samples in a chunk, a power of two: so many that the way from chunk to chunk costs little, so few that a block stays
# in the first-level cache.
CHUNK = 128
BLOCK = LANES * CHUNK
_TILE = 8


@kernel
def run_line(
    line: NDArray[np.float64],
    out: NDArray[np.float64],
    backwards: bool,
    sections: NDArray[np.float64],
    state: NDArray[np.float64],
) -> None:
    """Filter a line once, one sample after the other.

    The sections go through the line in pairs: what bounds the speed is the way from one output to the next, and two
    such ways run beside each other in one loop.

    Args:
        line: ``(n,)``.
        out: ``(n,)``, written; may be `line`.
        backwards: From the last sample to the first.
        sections: ``(sections, 6)``.
        state: ``(sections, 2)``, read and written.
    """
    n = line.shape[0]
    count = sections.shape[0]
    source = line
    for first in range(0, count, 2):
        b0, b1, b2 = sections[first, 0], sections[first, 1], sections[first, 2]
        a1, a2 = sections[first, 4], sections[first, 5]
        z0, z1 = state[first, 0], state[first, 1]
        if first + 1 == count:
            for k in range(n):
                i = n - 1 - k if backwards else k
                x = source[i]
                y = b0 * x + z0
                z0 = b1 * x - a1 * y + z1
                z1 = b2 * x - a2 * y
                out[i] = y
        else:
            second = first + 1
            c0, c1, c2 = sections[second, 0], sections[second, 1], sections[second, 2]
            d1, d2 = sections[second, 4], sections[second, 5]
            w0, w1 = state[second, 0], state[second, 1]
            for k in range(n):
                i = n - 1 - k if backwards else k
                x = source[i]
                y = b0 * x + z0
                z0 = b1 * x - a1 * y + z1
                z1 = b2 * x - a2 * y
                v = c0 * y + w0
                w0 = c1 * y - d1 * v + w1
                w1 = c2 * y - d2 * v
                out[i] = v
            state[second, 0], state[second, 1] = w0, w1
        state[first, 0], state[first, 1] = z0, z1
        source = out


@kernel
def gather(line: NDArray[np.float64], start: int, block: NDArray[np.float64]) -> None:
    """Copy ``line[start : start + BLOCK]`` so that ``block[t, lane]`` is sample t of the lane's chunk."""
    for lane in range(0, LANES, _TILE):
        for t in range(0, CHUNK, _TILE):
            transpose_tile(line, start + lane * CHUNK + t, CHUNK, block, t * LANES + lane, LANES, _TILE)


@kernel
def scatter(block: NDArray[np.float64], line: NDArray[np.float64], start: int) -> None:
    """Copy back what `gather` took."""
    for lane in range(0, LANES, _TILE):
        for t in range(0, CHUNK, _TILE):
            transpose_tile(block, t * LANES + lane, LANES, line, start + lane * CHUNK + t, CHUNK, _TILE)


@kernel
def run_section(
    block: NDArray[np.float64],
    backwards: bool,
    section: NDArray[np.float64],
    weights: NDArray[np.float64],
    transfer: NDArray[np.float64],
    state: NDArray[np.float64],
    ends: NDArray[np.float64],
) -> None:
    """Run one section over a block, in place.

    Args:
        block: ``(CHUNK, LANES)``.
        backwards: From the last sample of the last chunk to the first of the first.
        section: ``(6,)``.
        weights: ``(CHUNK, 2)``, ``A^(CHUNK - 1 - t) B``: what sample t leaves in the state.
        transfer: ``(3, 2)``, see `state_tables`.
        state: ``(2,)``, read and written.
        ends: ``(2, LANES)``, scratch.
    """
    first = splat(0.0, LANES)
    second = splat(0.0, LANES)
    for k in range(CHUNK):
        x = load(block, (CHUNK - 1 - k if backwards else k) * LANES, LANES)
        first = first + weights[k, 0] * x
        second = second + weights[k, 1] * x
    store(ends, 0, first)
    store(ends, LANES, second)
    z0, z1 = state[0], state[1]
    for k in range(LANES):
        lane = LANES - 1 - k if backwards else k
        small = z0 + transfer[2, 0] * z1
        next0 = ends[0, lane] + (z0 + (transfer[0, 0] * small + transfer[0, 1] * z0))
        next1 = ends[1, lane] + (z1 + (transfer[1, 0] * small + transfer[1, 1] * z1))
        ends[0, lane], ends[1, lane] = z0, z1
        z0, z1 = next0, next1
    state[0], state[1] = z0, z1
    b0, b1, b2, a1, a2 = section[0], section[1], section[2], section[4], section[5]
    first = load(ends, 0, LANES)
    second = load(ends, LANES, LANES)
    for k in range(CHUNK):
        at = (CHUNK - 1 - k if backwards else k) * LANES
        x = load(block, at, LANES)
        y = b0 * x + first
        first = (b1 * x + second) - a1 * y
        second = b2 * x - a2 * y
        store(block, at, y)


@kernel
def run_blocks(
    line: NDArray[np.float64],
    out: NDArray[np.float64],
    backwards: bool,
    sections: NDArray[np.float64],
    state: NDArray[np.float64],
    weights: NDArray[np.float64],
    transfers: NDArray[np.float64],
    block: NDArray[np.float64],
    ends: NDArray[np.float64],
) -> int:
    """Run sections over the whole blocks of a line, from its begin or, backwards, from its end.

    Args:
        line: ``(n,)``.
        out: ``(n,)``, written where there are whole blocks; may be `line`.
        backwards: Direction.
        sections: ``(sections, 6)``.
        state: ``(sections, 2)``, read and written.
        weights: ``(sections, CHUNK, 2)``.
        transfers: ``(sections, 3, 2)``.
        block: ``(CHUNK, LANES)``, scratch.
        ends: ``(2, LANES)``, scratch.

    Returns:
        How many samples were filtered.
    """
    count = line.shape[0] // BLOCK
    for k in range(count):
        start = line.shape[0] - (k + 1) * BLOCK if backwards else k * BLOCK
        gather(line, start, block)
        for index in range(sections.shape[0]):
            run_section(block, backwards, sections[index], weights[index], transfers[index], state[index], ends)
        scatter(block, out, start)
    return count * BLOCK


@kernel
def run_lines(
    lines: NDArray[np.float64], out: NDArray[np.float64], sections: NDArray[np.float64], states: NDArray[np.float64]
) -> None:
    """Filter lines once, in an order that does not depend on their length.

    Args:
        lines: ``(channels, n)``.
        out: ``(channels, n)``, written.
        sections: ``(sections, 6)``.
        states: ``(channels, sections, 2)``, read and written.
    """
    for channel in range(lines.shape[0]):
        run_line(lines[channel], out[channel], False, sections, states[channel])


@kernel
def run_lines_both_ways(
    lines: NDArray[np.float64],
    out: NDArray[np.float64],
    sections: NDArray[np.float64],
    steady: NDArray[np.float64],
    edge: int,
    weights: NDArray[np.float64],
    transfers: NDArray[np.float64],
) -> None:
    """Filter lines forwards and then backwards, extended by odd symmetry at both ends.

    Args:
        lines: ``(channels, n)``, n more than `edge`.
        out: ``(channels, n)``, written.
        sections: ``(sections, 6)``.
        steady: ``(sections, 2)``, the state after an input of 1 for ever.
        edge: Samples of extension, at least 1.
        weights: From `state_tables`, to run in chunks; of no length where lines hold no block.
        transfers: Likewise.
    """
    n = lines.shape[1]
    before, beyond = np.empty(edge), np.empty(edge)
    blocks = weights.shape[0] > 0
    block, ends = np.empty((CHUNK if blocks else 0, LANES)), np.empty((2, LANES))
    for channel in range(lines.shape[0]):
        line, filtered = lines[channel], out[channel]
        for k in range(edge):
            before[k] = 2.0 * line[0] - line[edge - k]
            beyond[k] = 2.0 * line[n - 1] - line[n - 2 - k]
        state = steady * before[0]
        run_line(before, before, False, sections, state)
        done = run_blocks(line, filtered, False, sections, state, weights, transfers, block, ends) if blocks else 0
        run_line(line[done:], filtered[done:], False, sections, state)
        run_line(beyond, beyond, False, sections, state)
        state = steady * beyond[edge - 1]
        run_line(beyond, beyond, True, sections, state)
        if blocks:
            run_blocks(filtered, filtered, True, sections, state, weights, transfers, block, ends)
        run_line(filtered[: n - done], filtered[: n - done], True, sections, state)


def state_tables(sections: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what each sample of a chunk leaves in the state, and what becomes of the state before the chunk.

    With poles close to 1 or -1, ``A^CHUNK`` has entries as large as CHUNK, which all but cancel: the two states are
    large, and nearly opposite or nearly equal. What is small, their sum or difference, is formed first::

        q = z0 + sign z1
        z0' = z0 + sign p01 q + (p00 - 1 - sign p01) z0
        z1' = z1 + p10 q + (p11 - 1 - sign p10) z1

    with p the entries of the power, so that a chunk adds no larger error than its samples one by one would.

    Args:
        sections: ``(sections, 6)``.

    Returns:
        Weights ``(sections, CHUNK, 2)``, and for each section the rows ``(sign p01, p00 - 1 - sign p01)``,
        ``(p10, p11 - 1 - sign p10)``, ``(sign, 0)``; computed in extended precision where there is one.
    """
    b0, b1, b2, _, a1, a2 = sections.astype(np.longdouble).T
    power = np.zeros((len(sections), 2, 2), dtype=np.longdouble)
    power[:, 0, 0], power[:, 0, 1], power[:, 1, 0] = -a1, 1, -a2
    # Columns A^(k - 1) B, ..., A B, B: twice as many on every turn.
    columns = np.stack([b1 - a1 * b0, b2 - a2 * b0], axis=1)[:, :, np.newaxis]
    while columns.shape[2] < CHUNK:
        columns = np.concatenate([power @ columns, columns], axis=2)
        power = power @ power
    sign = np.where(a1 <= 0, 1, -1)
    transfers = np.zeros((len(sections), 3, 2), dtype=np.longdouble)
    transfers[:, 0, 0], transfers[:, 0, 1] = sign * power[:, 0, 1], power[:, 0, 0] - 1 - sign * power[:, 0, 1]
    transfers[:, 1, 0], transfers[:, 1, 1] = power[:, 1, 0], power[:, 1, 1] - 1 - sign * power[:, 1, 0]
    transfers[:, 2, 0] = sign
    return np.ascontiguousarray(columns.transpose(0, 2, 1), dtype=np.float64), transfers.astype(np.float64)
