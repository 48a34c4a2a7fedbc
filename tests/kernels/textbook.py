"""Dynamic time warping as the books write it, one cell after the other in plain Python."""

from __future__ import annotations

import math

import numpy as np

WEIGHTS = {"symmetric1": 1.0, "symmetric2": 2.0}


def local_cost(metric, a, b, element):
    total = element(0)
    for p, q in zip(a, b, strict=True):
        total += abs(p - q) if metric == "manhattan" else (p - q) * (p - q)
    return element(math.sqrt(total)) if metric == "euclidean" else total


def align(pattern, metric, x, y, first, last, element=float):
    """Return the path and the cost; of steps that cost the same the diagonal, then the one up.

    Every operation is rounded to the type `element`, float or np.float32.
    """
    weight = element(WEIGHTS[pattern])
    x, y = ([[element(number) for number in sample] for sample in series.tolist()] for series in (x, y))
    n, m = len(x), len(y)
    costs, steps = {}, {}
    for i in range(n):
        for j in range(first[i], last[i] + 1):
            c = local_cost(metric, x[i], y[j], element)
            if i == j == 0:
                costs[0, 0] = c
                continue
            best = costs.get((i - 1, j - 1), math.inf) + weight * c
            step = (1, 1)
            if costs.get((i - 1, j), math.inf) + c < best:
                best, step = costs[i - 1, j] + c, (1, 0)
            if costs.get((i, j - 1), math.inf) + c < best:
                best, step = costs[i, j - 1] + c, (0, 1)
            costs[i, j], steps[i, j] = best, step
    cell = (n - 1, m - 1)
    path = [cell]
    while cell != (0, 0):
        step = steps[cell]
        cell = (cell[0] - step[0], cell[1] - step[1])
        path.append(cell)
    return np.array(path[::-1]), costs[n - 1, m - 1]


def slanted(n, m, radius):
    """A band around the line from corner to corner, in which a path exists."""
    centre = np.arange(n) * (m - 1) // max(1, n - 1)
    reach = radius + -(-m // n)
    first = np.maximum(0, centre - reach)
    last = np.minimum(m - 1, centre + reach)
    first[0], last[-1] = 0, m - 1
    return first, last
