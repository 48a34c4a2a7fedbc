"""Find the lag between two series in a confined process: ``python examples/plugin_template_example.py``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from platform_base.plugins.registry import PluginRegistry

PLUGIN = Path(__file__).resolve().parents[1]


def main() -> None:
    """Run the plugin on its own example and print what comes out."""
    recording = np.genfromtxt(PLUGIN / "data" / "self_test.csv", delimiter=",", names=True)
    inputs = {"reference": recording["reference"], "target": recording["target"]}
    with PluginRegistry() as registry:
        registry.discover_plugins(PLUGIN)
        result = registry.execute_plugin("plugin_template", inputs, params={"max_lag": 8})
    print(f"the target is {result.metadata['lag']} samples late (correlation {result.metadata['correlation']:.3f})")


if __name__ == "__main__":
    main()
