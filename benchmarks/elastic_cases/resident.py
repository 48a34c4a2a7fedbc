"""By how much one call raises the peak resident size of its process."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any


def grow(call: Callable[[], Any]) -> tuple[Any, float]:
    """Return what a call gives, and the MB that it needs at most, its result included.

    What earlier calls have set free is given back to the system first, so that the call is not measured as using less;
    and `ru_maxrss` would not do, because it begins with what the process was forked from.
    """
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = _read("VmRSS")
    result = call()
    return result, (_read("VmHWM") - before) / 1e3


def _read(key: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) * 1.024 for line in lines if line.startswith(f"{key}:"))
