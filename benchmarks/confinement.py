"""What confinement costs: NumPy work and the start of a worker, with and without the sandbox, interleaved.

Run ``python benchmarks/confinement.py``. The goal: at most 3 % on NumPy work, 1 ms at the start of a worker, and
the share of a core within 5 points.
Both kinds of worker run the same code in a process of their own; they differ in ``enable_sandboxing`` only. Rounds
alternate, so that whatever else the machine does falls on both alike; medians are compared.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

from platform_base.plugins.registry import PluginRegistry

PLUGIN = Path(__file__).parent / "confinement_plugin"
KERNELS = {"matmul 400x400": 4, "fft 2^19": 4, "sort 2^19": 1, "ufunc 4 MB": 8}
ROUNDS = 60
STARTS = 60


def make_registry(*, confined: bool) -> PluginRegistry:
    """Return a registry whose workers differ in nothing but confinement."""
    registry = PluginRegistry({"security": {"enable_sandboxing": confined, "max_cpu_percent": None}})
    registry.discover_plugins(PLUGIN)
    return registry


def run(registry: PluginRegistry, kernel: str, times: int) -> float:
    """Return the seconds that the work took, measured inside the worker."""
    return float(registry.execute_plugin("confinement_plugin", {"kernel": kernel, "times": times}).values)


def start(registry: PluginRegistry) -> float:
    """Return the seconds from asking for a worker until it has loaded the plugin."""
    registry.unload_plugin("confinement_plugin")
    began = time.perf_counter()
    registry.load_plugin("confinement_plugin")
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    out = sys.stdout
    with make_registry(confined=True) as confined, make_registry(confined=False) as free:
        for registry in (confined, free):
            for kernel, times in KERNELS.items():
                run(registry, kernel, times)
        out.write(f"{'':16} {'confined':>12} {'free':>12} {'ratio':>8}\n")
        for kernel, times in KERNELS.items():
            pairs = [(run(confined, kernel, times), run(free, kernel, times)) for _ in range(ROUNDS)]
            with_it, without = (statistics.median(side) for side in zip(*pairs, strict=True))
            out.write(f"{kernel:16} {1e3 * with_it:9.3f} ms {1e3 * without:9.3f} ms {with_it / without:8.3f}\n")
        pairs = [(start(confined), start(free)) for _ in range(STARTS)]
        with_it, without = (statistics.median(side) for side in zip(*pairs, strict=True))
        more = 1e3 * (with_it - without)
        out.write(f"{'worker start':16} {1e3 * with_it:9.3f} ms {1e3 * without:9.3f} ms {more:+7.2f} ms\n")
    for percent in (25, 50):
        out.write(f"{f'share {percent} %':16} {share(percent):9.1f} % of one core\n")


def share(percent: int) -> float:
    """Return the share of a core that a worker got which could use all of one, percent; median of five calls."""
    with PluginRegistry({"security": {"max_cpu_percent": percent}}) as registry:
        registry.discover_plugins(PLUGIN)
        shares = []
        for _ in range(5):
            done = registry.execute_plugin("confinement_plugin", {"kernel": "matmul 400x400", "times": 7 * percent})
            assert done.execution is not None
            shares.append(100 * done.execution.cpu_seconds / done.execution.wall_seconds)
    return statistics.median(shares)


if __name__ == "__main__":
    main()
