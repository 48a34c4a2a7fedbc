"""Align the two halves of the sunspot record: which year before 1854 resembles which after?

Solar cycles last between 9 and 14 years, so the two halves drift apart although both are a row of cycles. Run
it from
anywhere: ``python plugins/advanced_sync/examples/dtw_example.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from platform_base.plugins.registry import PluginRegistry

PLUGINS = Path(__file__).resolve().parents[2]
RECORDING = PLUGINS.parent / "examples" / "data" / "sunspots.csv"


def main() -> None:
    """Run the plugin and print what the alignment gains."""
    record = np.genfromtxt(RECORDING, delimiter=",", skip_header=1)
    years, sunspots = record[:, 0].astype(int), record[:, 1]
    middle = len(years) // 2
    reference, target = sunspots[:middle], sunspots[middle:]
    with PluginRegistry() as registry:
        registry.discover_plugins(str(PLUGINS))
        registry.load_all()
        result = registry.execute_plugin(
            plugin_id="dtw_align",
            inputs={"reference": reference, "target": target},
            params={"distance_metric": "euclidean", "window_size": 12, "step_pattern": "symmetric"},
            timeout=30,
        )
    before = np.corrcoef(reference, target[:middle])[0, 1]
    after = np.corrcoef(reference, result.values)[0, 1]
    print(f"reference: sunspot numbers {years[0]}-{years[middle - 1]} ({len(reference)} years)")
    print(f"target:    sunspot numbers {years[middle]}-{years[-1]} ({len(target)} years)")
    print(f"correlation year by year: {before:.3f}; aligned: {after:.3f}")
    print(
        f"distance {result.metadata['distance']:.1f}, "
        f"{result.metadata['normalized_distance']:.2f} sunspots per matched sample, "
        f"{len(result.metadata['path'])} pairs, kernel {result.metadata['kernel']}"
    )
    path = result.metadata["path"]
    for peak in np.argsort(reference)[-3:][::-1]:
        partners = years[middle + path[path[:, 0] == peak, 1]]
        print(f"the maximum of {years[peak]} is matched with {', '.join(map(str, partners))}")


if __name__ == "__main__":
    main()
