"""What a call costs that gets a process of its own, with NumPy loaded, beside one that finds a warm worker.

Run: python benchmarks/fresh_calls.py [calls]

Both kinds are called in turn, so that whatever else the machine does hits both. *paced*: the caller waits until the
next process is ready, as a program does that does something with the result. *back to back*: it does not.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
from pathlib import Path

import numpy as np

from platform_base.plugins.registry import PluginRegistry

PLUGIN = "plugin_template"
SERIES = np.arange(1000.0)


def make(reuse: str) -> PluginRegistry:
    registry = PluginRegistry({"workers": {"reuse": reuse}})
    registry.discover_plugins(Path(__file__).parents[1] / "plugins" / "template")
    registry.load_plugin(PLUGIN)
    return registry


def wait_until_ready(registry: PluginRegistry) -> None:
    pause = threading.Event()
    while not any(idle for _, idle in registry._engine._pool.counts().values()):
        pause.wait(0.0005)


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    times: dict[str, list[float]] = {"warm": [], "fresh, paced": [], "fresh, back to back": []}
    with make("worker") as warm, make("call") as paced, make("call") as hurried:
        for _ in range(calls):
            wait_until_ready(paced)
            for name, registry in zip(times, (warm, paced, hurried), strict=True):
                began = time.perf_counter()
                registry.execute_plugin(PLUGIN, {"series": SERIES})
                times[name].append(time.perf_counter() - began)
        times["fresh, back to back"].clear()
        for _ in range(calls):
            began = time.perf_counter()
            hurried.execute_plugin(PLUGIN, {"series": SERIES})
            times["fresh, back to back"].append(time.perf_counter() - began)
    base = statistics.median(times["warm"])
    for name, seconds in times.items():
        median, worst = statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]
        print(f"{name:<20} median {median * 1e3:7.2f} ms  p95 {worst * 1e3:7.2f} ms  {median / base:6.1f} x warm")


if __name__ == "__main__":
    main()
