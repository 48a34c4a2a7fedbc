"""Standardize a series in a confined process: ``python examples/plugin_template_example.py``."""

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
        for method in ("moments", "quantiles"):
            result = registry.execute_plugin("plugin_template", {"series": series}, params={"method": method})
            center, spread = result.metadata["center"], result.metadata["spread"]
            print(f"{method:<10} center {center:.3f}, spread {spread:.3f}, largest {result.values.max():.3f}")


if __name__ == "__main__":
    main()
