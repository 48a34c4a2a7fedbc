"""Series for self-tests, made by name from a few numbers instead of being kept in files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from platform_base.plugins.documents.model import DocumentModel

GeneratorName: TypeAlias = Literal["sine", "chirp", "ramp", "step", "noise", "random_walk"]
Series: TypeAlias = NDArray[np.float64]


class Generator(DocumentModel):
    """A series made from numbers; i counts its samples from 0.

    Attributes:
        name: ``sine``: sin(2 pi i / period). ``chirp``: sin(2 pi i (1 + i / length) / period), which begins with that
            period and ends with a third of it. ``ramp``: i / length. ``step``: 0 in the first half, 1 in the second.
            ``noise``: independent standard normal numbers. ``random_walk``: their cumulative sum.
        length: Samples.
        channels: Columns, each with random numbers of its own; without this key the series has one dimension.
        period: Samples of one turn, for ``sine`` and ``chirp``.
        amplitude: What the series is multiplied by.
        offset: What is added to it afterwards.
        noise: Standard deviation of normal numbers that are added at the end.
        seed: Seed of the random numbers, 0 to 2**32 - 1.
    """

    name: GeneratorName
    length: Annotated[int, Field(ge=1, le=1_000_000)]
    channels: Annotated[int, Field(ge=1, le=64)] | None = None
    period: Annotated[float, Field(gt=0, le=1e9)] = 25.0
    amplitude: float = 1.0
    offset: float = 0.0
    noise: Annotated[float, Field(ge=0)] = 0.0
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0


def generate(recipe: Generator) -> Series:
    """Make the series.

    Random numbers come from the Mersenne Twister ``numpy.random.RandomState``, whose stream is frozen, where that of
    ``numpy.random.Generator`` may change between versions of NumPy (NEP 19): expected values written today hold.

    Returns:
        ``(length,)`` or ``(length, channels)`` float64.

    Example:
        >>> generate(Generator(name="ramp", length=4, amplitude=8.0)).tolist()
        [0.0, 2.0, 4.0, 6.0]
    """
    random = np.random.RandomState(recipe.seed)
    columns = [_column(recipe, random) for _ in range(recipe.channels or 1)]
    return columns[0] if recipe.channels is None else np.column_stack(columns)


def _column(recipe: Generator, random: np.random.RandomState) -> Series:
    series = recipe.amplitude * _SHAPES[recipe.name](recipe, random) + recipe.offset
    return series + recipe.noise * random.standard_normal(recipe.length) if recipe.noise else series


def _sine(recipe: Generator, random: np.random.RandomState) -> Series:
    turns: Series = np.arange(recipe.length) / recipe.period
    return np.sin(2 * np.pi * turns)


def _chirp(recipe: Generator, random: np.random.RandomState) -> Series:
    samples: Series = np.arange(recipe.length, dtype=np.float64)
    return np.sin(2 * np.pi * samples * (1 + samples / recipe.length) / recipe.period)


def _ramp(recipe: Generator, random: np.random.RandomState) -> Series:
    return np.arange(recipe.length) / recipe.length


def _step(recipe: Generator, random: np.random.RandomState) -> Series:
    return (np.arange(recipe.length) >= recipe.length / 2).astype(np.float64)


def _noise(recipe: Generator, random: np.random.RandomState) -> Series:
    return random.standard_normal(recipe.length)


def _random_walk(recipe: Generator, random: np.random.RandomState) -> Series:
    return np.cumsum(random.standard_normal(recipe.length))


_SHAPES: Mapping[str, Callable[[Generator, np.random.RandomState], Series]] = MappingProxyType(
    dict(zip(get_args(GeneratorName), (_sine, _chirp, _ramp, _step, _noise, _random_walk), strict=True))
)
