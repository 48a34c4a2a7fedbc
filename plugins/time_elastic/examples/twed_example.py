"""Which two El Niño years resemble each other most? Time warp edit distance between years of temperature.

The distance tolerates a warming that begins a month earlier or later, for a price set by nu. Run it from
anywhere: ``python plugins/time_elastic/examples/twed_example.py``.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np

from platform_base.plugins.registry import PluginRegistry

PLUGINS = Path(__file__).resolve().parents[2]
RECORDING = PLUGINS.parent / "examples" / "data" / "elnino.csv"
FIRST_YEAR = 1950
YEARS = (1972, 1982, 1983, 1997, 1998)


def main() -> None:
    """Compare every pair of years and print them, the most alike first."""
    temperature = np.genfromtxt(RECORDING, delimiter=",", skip_header=1, usecols=1).reshape(-1, 12)
    months = np.arange(12.0)
    distances = {}
    with PluginRegistry() as registry:
        registry.discover_plugins(str(PLUGINS))
        for one, other in combinations(YEARS, 2):
            result = registry.execute_plugin(
                "twed_distance",
                {
                    "series1": temperature[one - FIRST_YEAR],
                    "series2": temperature[other - FIRST_YEAR],
                    "times1": months,
                    "times2": months,
                },
                params={"nu": 0.1, "lambda": 0.5},
            )
            distances[one, other] = result.values
    for (one, other), distance in sorted(distances.items(), key=lambda item: item[1]):
        print(f"{one} and {other}: {distance:6.2f} degrees Celsius")


if __name__ == "__main__":
    main()
