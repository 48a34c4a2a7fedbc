from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("numba")


@pytest.mark.parametrize(
    ("features", "live", "lanes"),
    [
        ("+sse2,+avx,+avx512f", 3, 64),
        ("+sse2,+avx,+avx512f", 6, 32),
        ("+sse2,+avx,+avx512f", "3, 4", 128),
        ("+sse2,+avx,-avx512f", "3, 4", 32),
        ("+sse2", "3, 4", 16),
        ("+sse2,+avx,-avx512f", 3, 16),
        ("+sse2", 3, 8),
        ("+sse2", 30, 8),
        ("+neon", 3, 16),
        ("", 3, 8),
    ],
)
def test_live_vectors_fill_three_quarters_of_the_registers(features, live, lanes):
    code = f"from platform_base.kernels.registers import count_lanes; print(count_lanes({live}))"
    environment = {**os.environ, "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": features}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert int(run.stdout) == lanes


@pytest.mark.parametrize(
    ("features", "lanes", "fuses"),
    [
        ("+sse2,+avx,+fma,+avx512f", (8, 16), True),
        ("+sse2,+avx,+fma,-avx512f", (4, 8), True),
        ("+sse2,+avx", (4, 8), False),
        ("+sse2", (2, 4), False),
        ("+neon", (2, 4), True),
    ],
)
def test_a_register_has_as_many_lanes_as_elements_fit(features, lanes, fuses):
    code = (
        "from platform_base.kernels.registers import *; print(count_register_lanes(), count_register_lanes(4), fuses())"
    )
    environment = {**os.environ, "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": features}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.split() == [str(lanes[0]), str(lanes[1]), str(fuses)]


@pytest.mark.parametrize(
    ("name", "features", "compares"),
    [
        ("znver5", "+sse2,+avx,+avx512f", True),
        ("znver3", "+sse2,+avx", False),
        ("sapphirerapids", "+sse2,+avx,+avx512f", False),
        ("generic", "+sse2,+avx,+avx512f", False),
    ],
)
def test_costs_are_compared_as_whole_numbers_where_that_is_faster(name, features, compares):
    code = "from platform_base.kernels.registers import compares_bits; print(compares_bits())"
    environment = {**os.environ, "NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(compares)
