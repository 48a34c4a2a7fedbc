"""Take the seasons out of 44 years of carbon dioxide at Mauna Loa, and show what remains.

The record has weeks without a measurement, which the plugin is told to interpolate. Run it from anywhere:
``python plugins/custom_filters/examples/filters_example.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from platform_base.plugins.registry import PluginRegistry

PLUGINS = Path(__file__).resolve().parents[2]
RECORDING = PLUGINS.parent / "examples" / "data" / "co2.csv"
WEEKS_PER_YEAR = 365.25 / 7


def main() -> None:
    """Run the plugin and print the trend and the seasonal swing."""
    series = np.genfromtxt(str(RECORDING), delimiter=",", skip_header=1, usecols=1)
    with PluginRegistry() as registry:
        registry.discover_plugins(str(PLUGINS))
        result = registry.execute_plugin(
            "custom_filters",
            {"series": series},
            params={
                "filter_type": "butterworth",
                "btype": "low",
                "cutoff": 0.5,
                "sampling_rate": WEEKS_PER_YEAR,
                "order": 4,
                "zero_phase": True,
                "nan_policy": "interpolate",
            },
        )
    seasonal = series - result.values
    year = round(WEEKS_PER_YEAR)
    print(f"{len(series)} weeks, {result.metadata['missing']} of them interpolated; cutoff 0.5 cycles per year")
    start, end = result.values[year], result.values[-year]
    print(f"trend: {start:.1f} ppm one year after the beginning, {end:.1f} ppm one year before the end")
    print(f"standard deviation of what was removed, mostly the seasons: {np.nanstd(seasonal):.2f} ppm")
    yearly = np.argmin(np.abs(result.metadata["freqs"] - 1.0))
    print(f"gain at one cycle per year: {result.metadata['magnitude_db'][yearly]:.1f} dB")


if __name__ == "__main__":
    main()
