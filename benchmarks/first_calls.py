"""What the first call of a fresh worker costs more than its tenth, with compiled kernels and the shipped settings.

Run: python benchmarks/first_calls.py [rounds]

Each round ends every worker and takes the plugins in turn. The cache of compiled kernels is filled before; the first
line of each plugin says what filling it took if it was empty. The goal: 150 ms more. Processor time says the same
where the machine has other work to do.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from platform_base.plugins.registry import PluginRegistry

GOAL_S = 0.150
X, Y = np.random.default_rng(0).normal(size=(2, 1000)).cumsum(axis=1)
CALLS: dict[str, dict[str, Any]] = {
    "dtw_align": {"reference": X, "target": Y},
    "twed_distance": {"series1": X, "series2": Y},
    "custom_filters": {"series": X},
}


def measure(registry: PluginRegistry, plugin_id: str) -> tuple[float, float, float]:
    """Return three times in seconds.

    Returns:
        How long a fresh worker takes to load; how much longer its first call takes than its tenth; and how much more
        processor time.
    """
    registry.unload_plugin(plugin_id)
    began = time.perf_counter()
    registry.load_plugin(plugin_id)
    loading_s = time.perf_counter() - began
    taken, computed = [], []
    for _ in range(10):
        began = time.perf_counter()
        result = registry.execute_plugin(plugin_id, CALLS[plugin_id], timeout=600.0)
        taken.append(time.perf_counter() - began)
        computed.append(result.execution.cpu_seconds)
    return loading_s, taken[0] - taken[-1], computed[0] - computed[-1]


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    loading: dict[str, list[float]] = {plugin_id: [] for plugin_id in CALLS}
    extra: dict[str, list[float]] = {plugin_id: [] for plugin_id in CALLS}
    computing: dict[str, list[float]] = {plugin_id: [] for plugin_id in CALLS}
    with PluginRegistry() as registry:
        registry.discover_plugins(Path(__file__).parents[1] / "plugins")
        for plugin_id in CALLS:
            began = time.perf_counter()
            registry.execute_plugin(plugin_id, CALLS[plugin_id], timeout=600.0)
            print(f"{plugin_id:<16} the very first call {time.perf_counter() - began:6.2f} s")
            measure(registry, plugin_id)
        for _ in range(rounds):
            for plugin_id in CALLS:
                loading_s, extra_s, computing_s = measure(registry, plugin_id)
                loading[plugin_id].append(loading_s)
                extra[plugin_id].append(extra_s)
                computing[plugin_id].append(computing_s)
    for plugin_id, seconds in extra.items():
        print(
            f"{plugin_id:<16} loading {statistics.median(loading[plugin_id]) * 1e3:5.0f} ms, then the first call "
            f"{statistics.median(seconds) * 1e3:5.0f} ms more than the tenth, at most {max(seconds) * 1e3:5.0f} ms, "
            f"in processor time {statistics.median(computing[plugin_id]) * 1e3:5.0f} ms; "
            f"goal {GOAL_S * 1e3:.0f} ms: {'held' if statistics.median(seconds) < GOAL_S else 'missed'}"
        )


if __name__ == "__main__":
    main()
