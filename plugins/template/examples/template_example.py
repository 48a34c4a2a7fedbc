"""Scale recorded temperatures from degrees Celsius to degrees Fahrenheit, in a confined process.

Run it from anywhere: ``python plugins/template/examples/template_example.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from platform_base.plugins.registry import PluginRegistry

PLUGINS = Path(__file__).resolve().parents[2]
RECORDING = PLUGINS.parent / "examples" / "data" / "elnino.csv"


def main() -> None:
    """Run the plugin and print the first values."""
    celsius = np.genfromtxt(RECORDING, delimiter=",", skip_header=1, usecols=1)
    with PluginRegistry() as registry:
        registry.discover_plugins(str(PLUGINS))
        result = registry.execute_plugin(
            "plugin_template", {"series": celsius}, params={"multiplier": 1.8, "offset": 32.0}
        )
    for before, after in zip(celsius[:3], result.values[:3], strict=True):
        print(f"{before:6.2f} degrees Celsius = {after:6.2f} degrees Fahrenheit")


if __name__ == "__main__":
    main()
