"""From what was measured to limits that an author may write down."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from platform_base.plugins.scaling.measurement import Measurement
from platform_base.plugins.settings import Settings

_MEMORY_FACTOR = 1.5
_MEMORY_GRAIN_MB = 64
_TIME_FACTOR = 5.0
_STEPS = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits that suit inputs up to a size.

    Attributes:
        size: Samples.
        max_memory_mb: One and a half times the largest peak, in steps of 64 MB.
        timeout_s: Five times the 99th percentile, rounded up to 1, 2 or 5 times a power of ten; at least 1 s.
    """

    size: int
    max_memory_mb: int
    timeout_s: float


def suggest_limits(measurement: Measurement) -> Limits:
    """Return limits for the largest size that was measured."""
    last = measurement.steps[-1]
    megabytes = max(last.peak_bytes) / (1 << 20) * _MEMORY_FACTOR
    return Limits(
        size=last.size,
        max_memory_mb=_MEMORY_GRAIN_MB * math.ceil(megabytes / _MEMORY_GRAIN_MB),
        timeout_s=max(1.0, round_up(_TIME_FACTOR * float(np.quantile(last.wall_seconds, 0.99)))),
    )


def impose(settings: Settings, plugin_id: str, limits: Limits) -> Settings:
    """Return settings that are the same but for the limits of one plugin."""
    content = settings.model_dump(mode="json")
    own = content["plugins"].get(plugin_id, {})
    given = {"max_memory_mb": limits.max_memory_mb, "default_timeout": limits.timeout_s}
    return Settings.load({**content, "plugins": {**content["plugins"], plugin_id: {**own, **given}}}, environ={})


def round_up(value: float) -> float:
    """Return the next number of the series ... 1, 2, 5, 10, 20, 50 ...

    Example:
        >>> round_up(3.2), round_up(0.15), round_up(20.0)
        (5.0, 0.2, 20.0)
    """
    power = 10.0 ** math.floor(math.log10(value))
    return round(next(step for step in _STEPS if step * power >= value * (1 - 1e-12)) * power, 12)
