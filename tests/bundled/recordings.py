"""Recorded series for comparing distances with other programs: pieces of `examples/data`, and of published archives.

`archive.npz` holds the first series of data sets that aeon and tslearn distribute: GunPoint, Trace and
ItalyPowerDemand of the UCR time series archive (H. A. Dau et al., IEEE/CAA J. Autom. Sinica 6 (2019), doi
10.1109/JAS.2019.1911747), PickupGestureWiimoteZ of the same, of unequal lengths, and BasicMotions of the UEA archive
(A. Bagnall et al., arXiv:1811.00075), of six channels.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parents[2] / "examples" / "data"
ARCHIVE = Path(__file__).with_name("archive.npz")


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


def rounded() -> list[np.ndarray]:
    """The univariate ones to one decimal, so that many samples are equal."""
    return [np.round(one, 1) for one in univariate()]


@cache
def series() -> dict[str, list[np.ndarray]]:
    """Return every group of series by name: ``(n,)``, or ``(n, channels)``."""
    with np.load(ARCHIVE) as archive:
        groups = {name: list(archive[name]) for name in ("gun", "motions", "power", "trace")}
        groups["gesture"] = [archive["gesture_0"], archive["gesture_1"]]
    return {"univariate": univariate(), "multivariate": multivariate(), "rounded": rounded(), **groups}


def spell(path: Iterable[Iterable[int]]) -> str:
    """Return a path as its first pair and its steps: 1 is (1, 1), 0 is (1, 0), | is (0, 1), 2 is (1, 2)."""
    cells = np.array([list(pair) for pair in path])
    names = {(1, 1): "1", (1, 0): "0", (0, 1): "|", (1, 2): "2"}
    steps = "".join(names[di, dj] for di, dj in np.diff(cells, axis=0).tolist())
    return f"{cells[0, 0]},{cells[0, 1]} {steps}"
