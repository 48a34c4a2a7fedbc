"""What remembering a call costs: the same calls with and without a history, interleaved, as ratios of medians.

Wall time, and CPU time of the calling thread: the second hardly changes when the machine is busy with other things.

    python benchmarks/history.py [CALLS]

Each round makes one call of every kind in turn, so that whatever else the machine does meets all of them alike.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from platform_base.plugins.registry import PluginRegistry

PLUGIN = """
from platform_base.core.models import ProcessingResult


class Nothing:
    def execute(self, inputs):
        return ProcessingResult(values=None)

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {"plugin_id": "nothing", "version": "1.0.0"}
"""
MANIFEST = '{"plugin_id": "nothing", "version": "1.0.0", "entry_point": "nothing.Nothing"}'
SIZES = {"empty": 0, "1 KB": 1 << 10, "100 KB": 100 << 10, "8 MB": 8 << 20}


def make(stack: ExitStack, directory: Path, **history: object) -> PluginRegistry:
    settings = {"security": {"max_cpu_percent": None}, "workers": {"max": 1}, "live_view": False, "history": history}
    registry = stack.enter_context(PluginRegistry(settings))
    registry.discover_plugins(directory)
    registry.load_plugin("nothing")
    return registry


def main(calls: int) -> None:
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        directory = Path(place) / "nothing"
        directory.mkdir()
        (directory / "nothing.py").write_text(PLUGIN)
        (directory / "manifest.json").write_text(MANIFEST)
        kinds = {
            "off": make(stack, directory, enabled=False),
            "off again": make(stack, directory, enabled=False),
            "on": make(stack, directory, enabled=True, path=f"{place}/a/runs.db"),
            "on, no digests": make(stack, directory, enabled=True, path=f"{place}/b/runs.db", digest_inputs=False),
        }
        print(f"{'':14}" + "".join(f"{name:>20}" for name in kinds))
        for name, size in SIZES.items():
            inputs = {"series": np.random.default_rng(0).random(size // 8)} if size else {}
            wall: dict[str, list[float]] = {kind: [] for kind in kinds}
            used: dict[str, list[float]] = {kind: [] for kind in kinds}
            for _ in range(max(20, calls // (10 if size > 1 << 20 else 1))):
                for kind, registry in kinds.items():
                    began, spent = time.perf_counter(), time.thread_time()
                    registry.execute_plugin("nothing", inputs)
                    wall[kind].append(time.perf_counter() - began)
                    used[kind].append(time.thread_time() - spent)
            for what, seconds in (("wall", wall), ("CPU", used)):
                medians = {kind: statistics.median(values) for kind, values in seconds.items()}
                cells = (f"{1e6 * value:9.0f} us {value / medians['off']:5.2f} x" for value in medians.values())
                print(f"{name:8} {what:5}" + "".join(f"{cell:>20}" for cell in cells))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
