"""Every file format that inputs may have."""

from __future__ import annotations

from platform_base.cli.series.arrow_tables import ArrowReader
from platform_base.cli.series.base import Reader
from platform_base.cli.series.delimited import DelimitedReader
from platform_base.cli.series.json_values import JsonReader
from platform_base.cli.series.numpy_arrays import NpyReader, NpzReader
from platform_base.cli.series.wave_audio import WaveReader

READERS: tuple[Reader, ...] = (
    DelimitedReader(),
    NpyReader(),
    NpzReader(),
    JsonReader(),
    WaveReader(),
    ArrowReader(),
)
