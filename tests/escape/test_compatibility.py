"""What honest plugins do works inside the default sandbox."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any

import pytest

from platform_base.plugins._catalog.discovery import read_release
from tests.escape.harness import HERE, Host

EXPECTED: dict[str, Any] = {
    "numpy_linear_algebra": [True, 400, 400, True],
    "numpy_files": [499500.0] * 4,
    "databases": 4950,
    "asynchronous": [1, 2, [0, 1, 2]],
    "temporary_files": 100,
    "time_zones": -10800.0,
    "many_threads": [32, True],
    "odds_and_ends": [1, [1], "2d711642", b"x", b"x", "0.3", 32, 8, "Linux", "utf-8", True, "x"],
    "scipy_linalg": True,
    "scipy_signal": 5000,
    "scipy_optimize": [3.0, 3.0, 3.0, 3.0],
    "scipy_fft": True,
    "scipy_stats": True,
    "scipy_others": [2.0, 6.25, 50.0, 3],
    "numba_threads": [100_000.0] * 4,
    "numba_vectorize": 20.0,
    "pandas_tables": [499500, 999.0, "2026-01-01 09:00:00+00:00", 998],
    "pandas_parquet": True,
    "scikit_learn": [[1.0, 2.0, 3.0], 3, 2],
}
#: The build that PyPI has reserves 671 MB of writable data for its CUDA libraries while it is imported.
MEMORY = {"torch_on_processor": "a gigabyte"}
NEEDS = {"scipy": "scipy", "numba": "numba", "pandas": "pandas", "scikit": "sklearn", "torch": "torch"}


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Host]:
    """A host with the shipped limits, but for the processor share, which only makes things slower."""
    host = Host(
        security={
            "allowed_modules": None,
            "max_memory_mb": 512,
            "max_cpu_percent": None,
            "max_scratch_mb": 64,
            "max_result_mb": 256,
            "max_threads": 32,
        }
    )
    host.releases["scientist"] = read_release(HERE / "scientist")
    yield host
    host.close()


def _work(host: Host, do: str) -> Any:
    for prefix, module in NEEDS.items():
        if do.startswith(prefix) and importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    if do == "pandas_parquet" and importlib.util.find_spec("pyarrow") is None:
        pytest.skip("pyarrow is not installed")
    _end_workers(host)
    return host.call("scientist", {"do": do}, timeout_s=60, special=MEMORY.get(do, "default")).values


def _end_workers(host: Host) -> None:
    """Let the next call begin in a fresh process: thread pools and compilers keep memory that counts."""
    host.engine._pool.retire(lambda key: isinstance(key, tuple) and key[0] == "scientist")
    host.engine._pool.revive(host._deployment("scientist").key)


@pytest.mark.parametrize("do", EXPECTED)
def test_libraries_work(laboratory: Host, do: str) -> None:
    assert _work(laboratory, do) == EXPECTED[do]


def test_torch_works_with_a_gigabyte(laboratory: Host) -> None:
    assert _work(laboratory, "torch_on_processor") == 2.0 * 64 * 64 * 64


def test_openblas_computes_with_threads(laboratory: Host) -> None:
    result = _work(laboratory, "numpy_threads")
    if result == "no OpenBLAS of its own":
        pytest.skip("this NumPy brings no OpenBLAS")
    assert result is True


def test_numba_compiles_once_for_all_workers_of_a_release(laboratory: Host) -> None:
    """The second worker finds what the first one compiled."""
    total, hits, misses = _work(laboratory, "numba_compile")
    assert total == 499500.0
    assert hits + misses == 1
    assert _work(laboratory, "numba_compile") == [499500.0, 1, 0]
