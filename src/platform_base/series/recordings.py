"""Recorded data that comes along: `examples/data` of the repository, which the wheel carries too."""

from __future__ import annotations

from pathlib import Path

import platform_base

RECORDINGS = ("elnino.csv", "sunspots.csv", "co2.csv")


def find_recording(name: str) -> Path | None:
    """Return a file of recorded data; None: there is none of that name, or it is not installed."""
    if name not in RECORDINGS:
        return None
    package = Path(platform_base.__file__).resolve().parent
    places = (package / "_example_data" / name, package.parents[1] / "examples" / "data" / name)
    return next((path for path in places if path.is_file()), None)
