"""Series cut from the recordings in `examples/data`, for comparing distances with other programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parents[2] / "examples" / "data"


def read(name: str) -> np.ndarray:
    return np.genfromtxt(DATA / name, delimiter=",", skip_header=1, usecols=1)


def univariate() -> list[np.ndarray]:
    """Four pieces of unequal lengths: two of sea temperature, two of sunspot numbers in tens."""
    sea, spots = read("elnino.csv"), read("sunspots.csv") / 10
    return [sea[:130], sea[250:350], spots[:100], spots[150:]]


def multivariate() -> list[np.ndarray]:
    """Two pieces of three channels, ``(n, 3)``."""
    sea, spots = read("elnino.csv"), read("sunspots.csv") / 10
    return [
        np.column_stack((sea[:90], spots[:90], sea[200:290])),
        np.column_stack((sea[400:490], spots[100:190], sea[300:390])),
    ]
