"""Fitting how a cost grows: y = a + b n^p, with a and b not negative, and the named law that is nearest.

The constant a is part of the model because every call has a cost that does not depend on its size; a straight line
through logarithms takes that for a smaller exponent. Residuals are relative, so a short call counts as much as a long
one. For each p on a grid a and b follow in closed form, and the best p is taken: variable projection (Golub and
Pereyra, SIAM Journal on Numerical Analysis 10, 1973). The confidence interval is that of the percentile bootstrap
(Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 9 and 13): the repetitions at each size are
drawn anew, and so are the residuals, because costs that grow in steps are not of the form that is fitted, however often
they are measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_EXPONENTS = np.linspace(0.0, 4.0, 401)
_RESAMPLES = 400
_SMALLEST_GROWTH = 1.05
_NOISE_FACTOR = 4.0
_COEFFICIENTS = 3
_FEWEST_SIZES = _COEFFICIENTS + 1

_LAWS: Mapping[str, Callable[[Floats], Floats]] = MappingProxyType(
    {
        "log n": np.log,
        "n": lambda n: n,
        "n log n": lambda n: n * np.log(n),
        "n^2": lambda n: n**2,
        "n^2 log n": lambda n: n**2 * np.log(n),
        "n^3": lambda n: n**3,
    }
)
CONSTANT = "constant"
_FAR = 2.0
"""A law whose squared error is so many times that of the best power is not the law."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How a cost grows.

    Attributes:
        law: The nearest of ``constant``, ``log n``, ``n``, ``n log n``, ``n^2``, ``n^2 log n``, ``n^3``; where none of
            them comes near, the power itself, such as ``n^1.5``.
        share: The share of resamples in which that law was the nearest; below 0.8 another one may as well be right.
        exponent: p of n^p; 0 for ``constant``.
        low: Lower end of its 95 % confidence interval.
        high: Upper end.
        constant: a, in the unit of the cost.
        factor: b, likewise.
    """

    law: str
    share: float
    exponent: float
    low: float
    high: float
    constant: float
    factor: float

    def predict(self, sizes: Floats) -> Floats:
        """Return the fitted cost at some sizes."""
        return self.constant + self.factor * np.asarray(sizes, dtype=np.float64) ** self.exponent


def fit_growth(sizes: Sequence[int], samples: Sequence[Sequence[float]], *, seed: int = 0) -> Growth | None:
    """Fit a cost that was measured several times at each size.

    Args:
        sizes: Ascending, at least 2 each.
        samples: For each size, what was measured; positive.
        seed: Of the resampling.

    Returns:
        None: fewer than four sizes say nothing.
    """
    if len(sizes) < _FEWEST_SIZES:
        return None
    n = np.asarray(sizes, dtype=np.float64)
    medians = np.array([np.median(each) for each in samples])
    if not _is_visible(medians, samples):
        return Growth(
            law=CONSTANT, share=1.0, exponent=0.0, low=0.0, high=0.0, constant=float(np.median(medians)), factor=0.0
        )
    exponent, constant, factor, _ = _fit_exponent(n, medians)
    random = np.random.default_rng(seed)
    drawn = np.array([[np.median(random.choice(each, len(each))) for each in samples] for _ in range(_RESAMPLES)])
    around = _add_misfit(drawn, medians, constant + factor * n**exponent, random)
    exponents = np.array([_fit_exponent(n, each)[0] for each in around])
    law = _name_law(n, medians)
    named = [_name_law(n, each) for each in drawn]
    low, high = np.quantile(exponents, [0.025, 0.975])
    return Growth(
        law=law,
        share=named.count(law) / len(named),
        exponent=exponent,
        low=float(low),
        high=float(high),
        constant=constant,
        factor=factor,
    )


def _add_misfit(drawn: Floats, medians: Floats, fitted: Floats, random: np.random.Generator) -> Floats:
    """Return ``(resamples, sizes)`` costs that might have been measured if the fit were the truth."""
    # Three coefficients were fitted, so the residuals are smaller than the errors are.
    residuals = (medians / fitted - 1) * np.sqrt(len(medians) / (len(medians) - _COEFFICIENTS))
    misfit = random.choice(residuals, drawn.shape)
    return np.asarray(np.maximum(fitted * (1 + misfit), 1e-3 * fitted) * (drawn / medians))


def _is_visible(medians: Floats, samples: Sequence[Sequence[float]]) -> bool:
    """Whether the cost of the largest sizes is above that of the smallest by more than chance would have it."""
    first, last = np.median(medians[:2]), np.median(medians[-2:])
    spread = np.median([np.median(np.abs(np.asarray(each) - np.median(each))) / np.sqrt(len(each)) for each in samples])
    return bool(last > _SMALLEST_GROWTH * first and last - first > _NOISE_FACTOR * spread)


def _fit_exponent(n: Floats, y: Floats) -> tuple[float, float, float, float]:
    """Return p, a, b and the squared error."""
    scaled = (n / n[-1])[None, :] ** _EXPONENTS[1:, None]
    constants, factors, errors = _fit_lines(scaled, y)
    best = int(np.argmin(errors))
    exponent = float(_EXPONENTS[1:][best])
    return exponent, float(constants[best]), float(factors[best] / n[-1] ** exponent), float(errors[best])


def _name_law(n: Floats, y: Floats) -> str:
    exponent, _, _, error = _fit_exponent(n, y)
    shapes = np.array([law(n) / law(n[-1:]) for law in _LAWS.values()])
    errors = _fit_lines(shapes, y)[2]
    best = int(np.argmin(errors))
    return list(_LAWS)[best] if errors[best] <= _FAR * error else f"n^{exponent:.1f}"


def _fit_lines(shapes: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """Fit y = a + b shape by relative least squares, a and b not negative.

    Args:
        shapes: ``(k, sizes)``.
        y: ``(sizes,)``, positive.

    Returns:
        a, b and the sum of squared relative residuals, ``(k,)`` each.
    """
    weights = 1 / y
    x, ones = shapes * weights, np.broadcast_to(weights, shapes.shape)
    xx, x1, eleven = (x * x).sum(1), (x * ones).sum(1), (ones * ones).sum(1)
    xy, y1 = x.sum(1), ones.sum(1)
    determinant = xx * eleven - x1 * x1
    safe = np.where(determinant > 1e-12 * xx * eleven, determinant, 1.0)
    a, b = (y1 * xx - xy * x1) / safe, (xy * eleven - y1 * x1) / safe
    degenerate = determinant <= 1e-12 * xx * eleven
    a, b = np.where(degenerate, y1 / eleven, a), np.where(degenerate, 0.0, b)
    # A negative coefficient lies outside: then the best fit is on the edge where that one is 0.
    b, a = np.where(a < 0, xy / xx, b), np.maximum(a, 0.0)
    a, b = np.where(b < 0, y1 / eleven, a), np.maximum(b, 0.0)
    return a, b, ((a[:, None] * ones + b[:, None] * x - 1) ** 2).sum(1)
