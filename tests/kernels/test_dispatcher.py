"""What kernels call and what Python calls are compiled, and kept, apart from each other."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

numba = pytest.importorskip("numba")

from platform_base.kernels.compilation import inlined, kernel  # noqa: E402
from platform_base.kernels.matrix import LANES  # noqa: E402


@kernel
def scale(series, factor):
    return series * factor


@kernel
def scale_twice(series):
    return scale(scale(series, 2), 3)


@inlined
def add_up(series):
    total = 0.0
    for value in series:
        if value < 0.0:
            return -1.0
        total += value
    return total


@kernel
def add_up_scaled(series):
    return add_up(scale(series, 2)) + add_up(series)


def test_a_kernel_is_called_from_kernels_and_from_python():
    series = np.array([1.0, 2.0])
    np.testing.assert_array_equal(scale_twice(series), [6.0, 12.0])
    np.testing.assert_array_equal(scale(series, 2), [2.0, 4.0])
    np.testing.assert_array_equal(scale(series, factor=5), [5.0, 10.0])


def test_numbers_in_the_source_share_what_is_compiled():
    scale_twice(np.ones(1, dtype=np.float32))
    of_float32 = [signature for signature in scale.overloads if signature[0].dtype == numba.float32]
    assert len(of_float32) == 1


def test_an_inlined_function_is_compiled_where_it_is_called():
    assert add_up_scaled(np.array([1.0, 2.0])) == 9.0
    assert add_up_scaled(np.array([1.0, -2.0])) == -2.0
    assert not add_up.overloads
    assert add_up(np.array([1.0, 2.0])) == 3.0


SCRIPT = """
import json, sys, numpy as np
from platform_base.kernels.at_once import prune
from platform_base.kernels.matrix import count_strips, lay_out, span
from platform_base.kernels.rules import Rules
from platform_base.kernels.strips import sweep
none = np.empty(0, np.int64)
matrix = lay_out(np.zeros((70, 1)), np.zeros((3, 1)), none, none)
if sys.argv[1] == "kernels":  # what is called in there is kept without a way in from Python
    sweep.compile((prune.for_python.typeof_pyval(Rules(0, 0, 0, 0, 1.0, False, False)),
                   *map(prune.for_python.typeof_pyval, (matrix, matrix.rows, 0, 0))))
    print(json.dumps([sum(span.stats.cache_hits.values()), sum(span.stats.cache_misses.values())]))
else:
    found = list(span(matrix, 0)), count_strips(matrix)
    print(json.dumps([*found, sum(span.for_python.stats.cache_hits.values())]))
"""


def test_python_does_not_find_what_is_kept_for_kernels(tmp_path):
    def run(caller):
        command = [sys.executable, "-c", SCRIPT, caller]
        done = subprocess.run(
            command, env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}, capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    expected = [[0, 3 + min(LANES, 70) - 1], -(-70 // LANES)]
    assert run("kernels") == [0, 1]
    assert run("python") == [*expected, 0]
    assert run("python") == [*expected, 1]
