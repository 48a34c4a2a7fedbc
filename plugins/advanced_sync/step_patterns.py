"""Step patterns: by which steps a warping path may go on, and how often each local cost counts.

A pattern is a table of productions. Each production is a row of moves ``(di, dj, weight)``: from a cell of the
path, go `di` reference and `dj` target samples on and pay `weight` times the local cost of the cell that is
reached, and so on; the accumulated cost is known at the end of the last move. The production ``(1, 1, 2), (1, 0,
1)``, say, is the term ``D(i-2, j-1) + 2 c(i-1, j) + c(i, j)`` of the minimum. Of productions that cost the same,
the one that stands first is taken.

Names and normalization are those of the R package dtw (T. Giorgino, J. Stat. Softw. 31 (2009), doi
10.18637/jss.v031.i07). Sources of the tables: symmetric, asymmetric and their slope-constrained forms P0 to P2
are Table I of H. Sakoe and S. Chiba, IEEE TASSP 26 (1978), doi 10.1109/TASSP.1978.1163055; types I to IV with
weighting a to d are those of C. Myers, L. Rabiner and A. Rosenberg, IEEE TASSP 28 (1980), doi
10.1109/TASSP.1980.1163491, renumbered in the seven types of `rabiner_juang`; mori2006 is the pattern of A. Mori et
al., ICPR 2006, doi 10.1109/ICPR.2006.467.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Move = tuple[int, int, float]
Production = tuple[Move, ...]
Normalization = Literal["N", "M", "N+M", "NA"]

_MOST_PRODUCTIONS = 16  # a production's number is kept in at most four bits


@dataclass(frozen=True, slots=True)
class ProductionTable:
    """The productions of a pattern as arrays, for kernels.

    Attributes:
        origins: ``(productions, 2)`` int64: how far back the production begins, in reference and target samples.
        starts: ``(productions + 1,)`` int64: cells of production p are ``starts[p]`` to ``starts[p + 1] - 1``.
        offsets: ``(cells, 2)`` int64: how far back each cell that is paid for lies.
        weights: ``(cells,)`` float64.
    """

    origins: NDArray[np.int64]
    starts: NDArray[np.int64]
    offsets: NDArray[np.int64]
    weights: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPattern:
    """One step pattern.

    Attributes:
        name: Its canonical name.
        productions: Rows of moves. A move advances at least one sample and never goes back. Only ``(0, 1)`` may
            stay on the reference sample, in a production of its own that stands last.
        normalization: What the distance is divided by so that it no longer grows with the length: ``"N"`` the
            samples of the reference, ``"M"`` those of the target that are matched, ``"N+M"`` their sum, ``"NA"``
            where the sum of the weights differs from path to path.
        table: The productions as arrays.
        rows_back: Most reference samples that one production covers.
        columns_back: Most target samples that one production covers.
        stays: Whether a step may stay on the reference sample.
        elementary: Whether the steps (1, 1), (1, 0) and (0, 1) are all allowed.
        code_bits: Bits that hold the number of a production: 2 or 4.

    Raises:
        ValueError: If the productions break these rules.
    """

    name: str
    productions: tuple[Production, ...]
    normalization: Normalization
    table: ProductionTable = field(init=False, repr=False, compare=False)
    rows_back: int = field(init=False, repr=False, compare=False)
    columns_back: int = field(init=False, repr=False, compare=False)
    stays: bool = field(init=False, repr=False, compare=False)
    elementary: bool = field(init=False, repr=False, compare=False)
    code_bits: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the productions and lay them out for the kernels."""
        _check_productions(self.name, self.productions)
        if self.normalization not in ("N", "M", "N+M", "NA"):
            raise ValueError(
                f"step pattern {self.name}: expected normalization N, M, N+M or NA, got {self.normalization!r}"
            )
        table = _lay_out(self.productions)
        origins = {(int(di), int(dj)) for di, dj in table.origins}
        derived = {
            "table": table,
            "rows_back": max(di for di, _ in origins),
            "columns_back": max(dj for _, dj in origins),
            "stays": (0, 1) in origins,
            "elementary": {(1, 1), (1, 0), (0, 1)} <= origins,
            "code_bits": 2 if len(self.productions) <= 4 else 4,
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def divisor(self, n: int, m: int) -> int:
        """Return what the distance of a path over `n` reference and `m` target samples is divided by.

        Raises:
            ValueError: If the pattern has no such number.
        """
        if self.normalization == "NA":
            raise ValueError(f"step pattern {self.name}: the weights of its paths have no common sum")
        return {"N": n, "M": m, "N+M": n + m}[self.normalization]


def _check_productions(name: str, productions: tuple[Production, ...]) -> None:
    if not 1 <= len(productions) <= _MOST_PRODUCTIONS:
        raise ValueError(f"step pattern {name}: expected 1 to {_MOST_PRODUCTIONS} productions, got {len(productions)}")
    for number, moves in enumerate(productions):
        place = f"step pattern {name}, production {number}"
        if not moves:
            raise ValueError(f"{place}: expected at least one move, got none")
        for di, dj, weight in moves:
            if di < 0 or dj < 0 or di + dj == 0:
                raise ValueError(f"{place}: expected moves forward, got ({di}, {dj})")
            if not 0 <= weight < np.inf:
                raise ValueError(f"{place}: expected finite weights of at least 0, got {weight}")
        stays = moves[0][0] == 0
        if stays and ([move[:2] for move in moves] != [(0, 1)] or number != len(productions) - 1):
            raise ValueError(
                f"{place}: a production that begins on the same reference sample is expected to be the single move "
                f"(0, 1), in the last production, got {moves}"
            )


def _lay_out(productions: tuple[Production, ...]) -> ProductionTable:
    origins, starts, offsets, weights = [], [0], [], []
    for moves in productions:
        steps = np.array([move[:2] for move in moves], dtype=np.int64)
        reached = steps.cumsum(axis=0)
        origins.append(reached[-1])
        offsets.append(reached[-1] - reached)
        weights += [float(move[2]) for move in moves]
        starts.append(len(weights))
    return ProductionTable(
        origins=np.array(origins),
        starts=np.array(starts, dtype=np.int64),
        offsets=np.concatenate(offsets),
        weights=np.array(weights),
    )


# Table 4.5 of L. Rabiner and B.-H. Juang, Fundamentals of Speech Recognition, 1993: the moves of each type.
_RABINER_JUANG: dict[str, tuple[tuple[tuple[int, int], ...], ...]] = {
    "I": (((1, 1),), ((1, 0),), ((0, 1),)),
    "II": (((1, 1),), ((1, 1), (1, 0)), ((1, 1), (0, 1))),
    "III": (((1, 1),), ((2, 1),), ((1, 2),)),
    "IV": (((1, 1),), ((1, 1), (1, 0)), ((1, 2), (1, 0)), ((1, 2),)),
    "V": (
        ((1, 1),),
        ((1, 1), (1, 0)),
        ((1, 1), (1, 0), (1, 0)),
        ((1, 1), (0, 1)),
        ((1, 1), (0, 1), (0, 1)),
    ),
    "VI": (((1, 1),), ((1, 1), (1, 1), (1, 0)), ((1, 1), (1, 1), (0, 1))),
    "VII": tuple(((1, dj), *((1, 0),) * rest) for rest in (0, 1, 2) for dj in (1, 2, 3)),
}
_ROMAN = dict(enumerate(_RABINER_JUANG, start=1))
_WEIGHTING: dict[str, Normalization] = {"a": "NA", "b": "NA", "c": "N", "d": "N+M"}


def rabiner_juang(path_type: int, weighting: str = "d", *, smoothed: bool = False, name: str = "") -> StepPattern:
    """Return a step pattern of the scheme of Rabiner and Juang.

    Args:
        path_type: 1 to 7, the allowed moves.
        weighting: Weight of a move (di, dj): ``"a"`` min(di, dj), ``"b"`` max(di, dj), ``"c"`` di, ``"d"`` di + dj.
        smoothed: Whether the moves of a production share its weight evenly.
        name: Another name to give it than ``rabinerJuang`` with type, weighting and an ``s`` where smoothed.

    Raises:
        ValueError: If there is no such type or weighting.

    Example:
        >>> rabiner_juang(2, "c").productions
        (((1, 1, 1.0),), ((1, 1, 1.0), (1, 0, 1.0)), ((1, 1, 1.0), (0, 1, 0.0)))
    """
    if path_type not in _ROMAN:
        raise ValueError(f"path_type: expected 1 to 7, got {path_type!r}")
    if weighting not in _WEIGHTING:
        raise ValueError(f"weighting: expected one of {', '.join(_WEIGHTING)}, got {weighting!r}")
    productions = []
    for moves in _RABINER_JUANG[_ROMAN[path_type]]:
        weights = [float({"a": min(di, dj), "b": max(di, dj), "c": di, "d": di + dj}[weighting]) for di, dj in moves]
        if smoothed:
            weights = [sum(weights) / len(weights)] * len(weights)
        productions.append(tuple((di, dj, weight) for (di, dj), weight in zip(moves, weights, strict=True)))
    return StepPattern(
        name=name or f"rabinerJuang{_ROMAN[path_type]}{weighting}{'s' if smoothed else ''}",
        productions=tuple(productions),
        normalization=_WEIGHTING[weighting],
    )


def _pattern(name: str, normalization: Normalization, *productions: Production) -> StepPattern:
    return StepPattern(name=name, productions=productions, normalization=normalization)


def _collect() -> dict[str, StepPattern]:
    third, two_thirds = 1 / 3, 2 / 3
    symmetric2 = _pattern("symmetric2", "N+M", ((1, 1, 2),), ((1, 0, 1),), ((0, 1, 1),))
    patterns = [
        symmetric2,
        _pattern("symmetric1", "NA", ((1, 1, 1),), ((1, 0, 1),), ((0, 1, 1),)),
        _pattern("asymmetric", "N", ((1, 1, 1),), ((1, 0, 1),), ((1, 2, 1),)),
        _pattern("symmetricP0", "N+M", *symmetric2.productions),
        _pattern(
            "symmetricP05",
            "N+M",
            ((1, 1, 2),),
            ((1, 1, 2), (1, 0, 1)),
            ((1, 1, 2), (1, 0, 1), (1, 0, 1)),
            ((1, 1, 2), (0, 1, 1)),
            ((1, 1, 2), (0, 1, 1), (0, 1, 1)),
        ),
        _pattern("symmetricP1", "N+M", ((1, 1, 2),), ((1, 1, 2), (1, 0, 1)), ((1, 1, 2), (0, 1, 1))),
        _pattern(
            "symmetricP2", "N+M", ((1, 1, 2),), ((1, 1, 2), (1, 1, 2), (1, 0, 1)), ((1, 1, 2), (1, 1, 2), (0, 1, 1))
        ),
        _pattern("asymmetricP0", "N", ((1, 1, 1),), ((1, 0, 1),), ((0, 1, 0),)),
        _pattern(
            "asymmetricP05",
            "N",
            ((1, 1, 1),),
            ((1, 1, 1), (1, 0, 1)),
            ((1, 1, 1), (1, 0, 1), (1, 0, 1)),
            ((1, 1, 0.5), (0, 1, 0.5)),
            ((1, 1, third), (0, 1, third), (0, 1, third)),
        ),
        _pattern("asymmetricP1", "N", ((1, 1, 1),), ((1, 1, 1), (1, 0, 1)), ((1, 1, 0.5), (0, 1, 0.5))),
        _pattern(
            "asymmetricP2",
            "N",
            ((1, 1, 1),),
            ((1, 1, 1), (1, 1, 1), (1, 0, 1)),
            ((1, 1, two_thirds), (1, 1, two_thirds), (0, 1, two_thirds)),
        ),
        _pattern("mori2006", "M", ((1, 1, 3),), ((1, 1, 2), (1, 0, 1)), ((1, 1, 3), (0, 1, 3))),
        _pattern("rigid", "N", ((1, 1, 1),)),
    ]
    for weighting, smoothed in product("abcd", (False, True)):
        patterns.append(rabiner_juang(2, weighting, smoothed=smoothed, name=f"typeI{weighting}{'s' * smoothed}"))
    patterns += [rabiner_juang(3, weighting, name=f"typeII{weighting}") for weighting in "abcd"]
    patterns += [rabiner_juang(4, "c", name="typeIIIc"), rabiner_juang(7, "c", name="typeIVc")]
    for path_type, weighting, smoothed in product(_ROMAN, "abcd", (False, True)):
        patterns.append(rabiner_juang(path_type, weighting, smoothed=smoothed))
    return {"symmetric": symmetric2, **{pattern.name: pattern for pattern in patterns}}


STEP_PATTERNS: Mapping[str, StepPattern] = MappingProxyType(_collect())
