"""How long it takes from saving a pure-Python plugin until its new code answers a call.

Run: python benchmarks/hot_reload.py [edits]

A caller asks without pause; each edit counts from the rename that ends it to the first answer of the new code. Beside
it what a start of a worker alone takes, so that a busy machine shows in both.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from platform_base.plugins.registry import PluginRegistry

CODE = """
from platform_base.core.models import ProcessingResult


class Constant:
    def execute(self, inputs):
        return ProcessingResult(values={value})

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {{}}
"""


def save(directory: Path, value: int) -> float:
    """Save as editors do; return when."""
    temporary = directory / ".constant.py.tmp"
    temporary.write_text(CODE.format(value=value))
    temporary.rename(directory / "constant.py")
    return time.perf_counter()


def main() -> None:
    edits = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory() as root, PluginRegistry() as registry:
        directory = Path(root) / "constant"
        directory.mkdir()
        manifest = {"plugin_id": "constant", "version": "1.0.0", "entry_point": "constant.Constant"}
        (directory / "manifest.json").write_text(json.dumps(manifest))
        save(directory, 0)
        registry.discover_plugins(root)
        registry.execute_plugin("constant", {})
        registry.enable_hot_reload()
        live, starts = [], []
        for edit in range(1, edits + 1):
            began = save(directory, edit)
            while registry.execute_plugin("constant", {}).values != edit:
                pass
            live.append(time.perf_counter() - began)
            registry.unload_plugin("constant")
            began = time.perf_counter()
            registry.load_plugin("constant")
            starts.append(time.perf_counter() - began)
    for name, seconds in (("edit to live", live), ("start of a worker", starts)):
        worst = statistics.quantiles(seconds, n=20)[-1]
        print(f"{name:<18} median {statistics.median(seconds) * 1e3:6.1f} ms  p95 {worst * 1e3:6.1f} ms")


if __name__ == "__main__":
    main()
