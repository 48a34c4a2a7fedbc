"""Take the seasons out of 44 years of carbon dioxide at Mauna Loa, and show what remains.

The record has weeks without a measurement; a filter needs an even grid, so they are interpolated first. Run
it from
anywhere: ``python plugins/custom_filters/examples/filters_example.py``.
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
    recorded = np.genfromtxt(RECORDING, delimiter=",", skip_header=1, usecols=1)
    week = np.arange(len(recorded))
    known = np.isfinite(recorded)
    series = np.interp(week, week[known], recorded[known])
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
            },
        )
    seasonal = series - result.values
    year = round(WEEKS_PER_YEAR)
    print(f"{len(series)} weeks, {int((~known).sum())} of them interpolated; cutoff 0.5 cycles per year")
    start, end = result.values[year], result.values[-year]
    print(f"trend: {start:.1f} ppm one year after the beginning, {end:.1f} ppm one year before the end")
    print(f"standard deviation of what was removed, mostly the seasons: {seasonal.std():.2f} ppm")
    yearly = np.argmin(np.abs(result.metadata["freqs"] - 1.0))
    print(f"gain at one cycle per year: {result.metadata['magnitude_db'][yearly]:.1f} dB")


if __name__ == "__main__":
    main()
