"""How many lanes of a vector the processor's registers hold at once."""

from __future__ import annotations

import functools

from llvmlite import binding
from numba import config

# Bytes of one vector register and how many there are, by the feature that brings them, widest first.
_REGISTER_FILES = (("avx512f", 64, 32), ("avx", 32, 16), ("neon", 16, 32), ("sse2", 16, 16))

_NARROWEST = 8


@functools.cache
def count_lanes(live: int, itemsize: int = 8) -> int:
    """Return the number of lanes with which `live` vectors stay in registers.

    A quarter of the register file is left to the temporaries of the loop. Measured for dynamic time warping, which
    keeps three vectors of float64: 64 lanes are best on AVX-512, 16 or 32 on AVX2, 8 on SSE2; twice as many lanes,
    and the processor moves them to memory and back on every turn, at up to twice the time.

    Args:
        live: Vectors that live across the turns of the innermost loop.
        itemsize: Bytes of an element: 8 for float64, 4 for float32.

    Returns:
        A power of two, at least 8: directions are stored eight lanes to the byte.
    """
    size, count = _find_registers()
    lanes = _NARROWEST
    while 4 * live * 2 * lanes * itemsize <= 3 * size * count:
        lanes *= 2
    return lanes


def count_register_lanes(itemsize: int = 8) -> int:
    """Return the number of lanes of one register, for elements of 8 bytes (float64) or 4 (float32)."""
    return _find_registers()[0] // itemsize


def compares_bits() -> bool:
    """Return whether the smaller of two whole numbers is found faster than that of two floating-point ones.

    AMD's with AVX-512 have twice as many units for the former, and those for the latter also do the additions:
    dynamic time warping takes 0.87 of the time (measured on Zen 5). On Intel's it is one instruction too, but a slow
    one; with AVX2 it takes two.
    """
    return "avx512f" in _read_features() and _read_name().startswith("znver")


def fuses() -> bool:
    """Return whether a product and a sum are one instruction, rounded once."""
    return bool(_read_features() & {"fma", "neon"})


def _find_registers() -> tuple[int, int]:
    """Bytes of one vector register, and how many there are."""
    features = _read_features()
    return next(((size, count) for feature, size, count in _REGISTER_FILES if feature in features), (16, 16))


def _read_name() -> str:
    """Name of the processor that Numba compiles for: this one, unless ``NUMBA_CPU_NAME`` says another one."""
    return str(config.CPU_NAME or binding.get_host_cpu_name())


def _read_features() -> frozenset[str]:
    """Features that Numba compiles for: those of this processor, unless ``NUMBA_CPU_FEATURES`` says other ones."""
    chosen = config.CPU_FEATURES
    text = chosen if chosen is not None else binding.get_host_cpu_features().flatten()
    return frozenset(feature[1:] for feature in text.split(",") if feature.startswith("+"))
