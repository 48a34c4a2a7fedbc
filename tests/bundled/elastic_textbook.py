"""The elastic distances as their papers write them, cell by cell in plain Python: what kernels are held against.

Each function returns the costs (match, delete in a, delete in b) of the step into cell (i, j), counted from 1 as in the
papers; the costs of a step that may not be taken are infinite. `fill` does the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

Series = list[list[float]]
Cost = Callable[[int, int], tuple[float, float, float]]


def norm(p: list[float], q: list[float]) -> float:
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(p, q, strict=True)))


def erp(a: Series, b: Series, gap_value: float = 0.0) -> Cost:
    gap = [gap_value] * len(a[0])

    def cost(i: int, j: int) -> tuple[float, float, float]:
        match = norm(a[i - 1], b[j - 1]) if i and j else math.inf
        return match, norm(a[i - 1], gap) if i else math.inf, norm(b[j - 1], gap) if j else math.inf

    return cost


def _tolerance(a: Series, b: Series, epsilon: float | None) -> float:
    return max(float(np.std(a)), float(np.std(b))) / 4 if epsilon is None else epsilon


def edr(a: Series, b: Series, epsilon: float | None = None) -> Cost:
    limit = _tolerance(a, b, epsilon)

    def cost(i: int, j: int) -> tuple[float, float, float]:
        match = float(norm(a[i - 1], b[j - 1]) > limit) if i and j else math.inf
        return match, 1.0 if i else math.inf, 1.0 if j else math.inf

    return cost


def lcss(a: Series, b: Series, epsilon: float | None = None) -> Cost:
    """Costs of -L: the longest common subsequence is the cheapest; two samples may be passed over at once."""
    limit = _tolerance(a, b, epsilon)

    def cost(i: int, j: int) -> tuple[float, float, float]:
        same = i and j and norm(a[i - 1], b[j - 1]) <= limit
        return -float(bool(same)) if i and j else math.inf, 0.0 if i else math.inf, 0.0 if j else math.inf

    return cost


def common(a: Series, b: Series, epsilon: float, window: int) -> np.ndarray:
    """Return L as Vlachos and others define it, ``(n, m)``: the window bounds matches, and nothing else."""
    length = np.zeros((len(a) + 1, len(b) + 1))
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            if norm(a[i - 1], b[j - 1]) <= epsilon and abs(i - j) <= window:
                length[i, j] = length[i - 1, j - 1] + 1
            else:
                length[i, j] = max(length[i - 1, j], length[i, j - 1])
    return length[1:, 1:]


def msm(a: Series, b: Series, cost: float = 1.0) -> Cost:
    def split(x: list[float], y: list[float], z: list[float]) -> float:
        middle = [(p + q) / 2 for p, q in zip(y, z, strict=True)]
        if len(x) == 1:
            between = min(y[0], z[0]) <= x[0] <= max(y[0], z[0])
        else:
            between = norm(x, middle) <= norm(y, z) / 2
        return cost if between else cost + min(norm(x, y), norm(x, z))

    def costs(i: int, j: int) -> tuple[float, float, float]:
        if not (i and j):
            return math.inf, math.inf, math.inf
        x, y = a[i - 1], b[j - 1]
        merge = split(x, a[i - 2], y) if i > 1 else math.inf
        return norm(x, y), merge, split(y, b[j - 2], x) if j > 1 else math.inf

    return costs


def wdtw(a: Series, b: Series, steepness: float = 0.05) -> Cost:
    def costs(i: int, j: int) -> tuple[float, float, float]:
        if not (i and j):
            return math.inf, math.inf, math.inf
        weight = 1 / (1 + math.exp(-steepness * (abs(i - j) - max(len(a), len(b)) / 2)))
        cell = weight * norm(a[i - 1], b[j - 1]) ** 2
        return cell, cell, cell

    return costs


def adtw(a: Series, b: Series, warp_penalty: float = 1.0) -> Cost:
    def costs(i: int, j: int) -> tuple[float, float, float]:
        if not (i and j):
            return math.inf, math.inf, math.inf
        cell = norm(a[i - 1], b[j - 1]) ** 2
        return cell, cell + warp_penalty, cell + warp_penalty

    return costs


def twed(
    a: Series, b: Series, nu: float = 1.0, lmbda: float = 1.0, times: tuple[list[float], list[float]] | None = None
) -> Cost:
    zero = [0.0] * len(a[0])
    a, b = [zero, *a], [zero, *b]
    given = times or ([*map(float, range(1, len(a)))], [*map(float, range(1, len(b)))])
    ta, tb = [0.0, *given[0]], [0.0, *given[1]]

    def costs(i: int, j: int) -> tuple[float, float, float]:
        if not (i and j):
            return math.inf, math.inf, math.inf
        match = norm(a[i], b[j]) + norm(a[i - 1], b[j - 1])
        match += nu * (abs(ta[i] - tb[j]) + abs(ta[i - 1] - tb[j - 1]))
        delete_a = norm(a[i], a[i - 1]) + nu * (ta[i] - ta[i - 1]) + lmbda
        return match, delete_a, norm(b[j], b[j - 1]) + nu * (tb[j] - tb[j - 1]) + lmbda

    return costs


def fill(cost: Cost, n: int, m: int, window: int | None = None) -> np.ndarray:
    """Return D without its borders, ``(n, m)``; cells with ``|i - j|`` above `window` are infinite."""
    return _fill(cost, n, m, window)[1:, 1:]


def _fill(cost: Cost, n: int, m: int, window: int | None) -> np.ndarray:
    reach = n + m if window is None else window
    total = np.full((n + 1, m + 1), math.inf)
    total[0, 0] = 0.0
    for i in range(n + 1):
        for j in range(m + 1):
            if (i or j) and abs(i - j) <= reach:
                match, delete_a, delete_b = cost(i, j)
                ways = []
                if i and j:
                    ways.append(total[i - 1, j - 1] + match)
                if i:
                    ways.append(total[i - 1, j] + delete_a)
                if j:
                    ways.append(total[i, j - 1] + delete_b)
                total[i, j] = min(ways)
    return total


def follow(cost: Cost, n: int, m: int) -> list[list[int]]:
    """Return the best path, cells counted from 0: of steps that cost the same a match, then a deletion in a."""
    total = _fill(cost, n, m, None)
    path, i, j = [], n, m
    while i or j:
        path.append([i - 1, j - 1])
        for step, (di, dj) in zip(cost(i, j), ((1, 1), (1, 0), (0, 1)), strict=True):
            if i >= di and j >= dj and total[i - di, j - dj] + step == total[i, j]:
                i, j = i - di, j - dj
                break
    return path[::-1]


def price(cost: Cost, path: np.ndarray) -> float:
    """Return what the steps of a path cost, from (-1, -1) on; cells are counted from 0."""
    total = 0.0
    before = (-1, -1)
    for i, j in path.tolist():
        step = i - before[0], j - before[1]
        total += cost(i + 1, j + 1)[{(1, 1): 0, (1, 0): 1, (0, 1): 2}[step]]
        before = i, j
    return total
