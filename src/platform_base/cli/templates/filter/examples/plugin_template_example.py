"""Filter a series in a confined process: ``python examples/plugin_template_example.py``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from platform_base.plugins.registry import PluginRegistry

PLUGIN = Path(__file__).resolve().parents[1]


def main() -> None:
    """Run the plugin on its own example and print what comes out."""
    series = np.genfromtxt(PLUGIN / "data" / "self_test.csv", delimiter=",", names=True)["series"]
    with PluginRegistry() as registry:
        registry.discover_plugins(PLUGIN)
        for cutoff in (20.0, 5.0, 2.0):
            params = {"cutoff": cutoff, "sampling_rate": 100.0, "half_width": 15}
            result = registry.execute_plugin("plugin_template", {"series": series}, params=params)
            roughness = np.abs(np.diff(result.values)).mean()
            print(f"below {cutoff:4.1f} Hz: neighbours differ by {roughness:.3f} on average")


if __name__ == "__main__":
    main()
