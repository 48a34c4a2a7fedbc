"""Every file format that inputs may have."""

from __future__ import annotations

from platform_base.series.arrow_tables import ArrowReader
from platform_base.series.base import Reader, SeriesFile
from platform_base.series.delimited import DelimitedReader
from platform_base.series.errors import InputError
from platform_base.series.json_values import JsonReader
from platform_base.series.numpy_arrays import NpyReader, NpzReader
from platform_base.series.wave_audio import WaveReader

READERS: tuple[Reader, ...] = (
    DelimitedReader(),
    NpyReader(),
    NpzReader(),
    JsonReader(),
    WaveReader(),
    ArrowReader(),
)


def reader_for(path: SeriesFile) -> Reader:
    """Return who reads a file, by the ending of its name.

    Raises:
        InputError: Nobody does.
    """
    for reader in READERS:
        if path.suffix in reader.suffixes:
            return reader
    known = ", ".join(suffix for reader in READERS for suffix in reader.suffixes)
    raise InputError(f"{path}: expected a file whose name ends in one of {known}; got {path.suffix or 'no ending'!r}")
