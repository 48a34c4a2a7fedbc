"""Sound in WAV files: PCM of 8, 16, 24 and 32 bits, as float64 from -1 up to (but not including) 1."""

from __future__ import annotations

import wave

import numpy as np
from numpy.typing import NDArray

from platform_base.series.base import Contents, Selection, SeriesFile, find_column, split_names
from platform_base.series.errors import InputError


class WaveReader:
    """Reads ``.wav``; the selector is a channel: its number from 0, ``left`` or ``right``."""

    suffixes: tuple[str, ...] = (".wav", ".wave")

    def read(self, path: SeriesFile, selector: str) -> Selection:
        """Read one channel, or all of them as ``(n, channels)``; see `base.Reader`."""
        sound, names, remark = _decode(path)
        wanted = split_names(selector, names) if selector else names
        columns = [find_column(path, name, names, kind="channel") for name in wanted]
        return Selection(
            values=sound[:, columns[0]] if len(columns) == 1 else sound[:, columns],
            name=f"channel {selector}" if selector else "",
            remark=remark,
        )

    def read_all(self, path: SeriesFile) -> Contents:
        """Read every channel; see `base.Reader`."""
        sound, names, remark = _decode(path)
        return Contents(columns={name: sound[:, index] for index, name in enumerate(names)}, remark=remark)


def _decode(path: SeriesFile) -> tuple[NDArray[np.float64], list[str], str]:
    """Return the sound ``(n, channels)``, the names of its channels, and its sampling rate in words."""
    try:
        with path.open() as stream, wave.open(stream, "rb") as recording:
            channels, width = recording.getnchannels(), recording.getsampwidth()
            rate = recording.getframerate()
            content = recording.readframes(recording.getnframes())
    except (wave.Error, EOFError) as error:
        raise InputError(
            f"{path}: expected PCM sound in a WAV file, got {error or 'a truncated file'}; "
            "convert it, for example with: ffmpeg -i in.wav -c:a pcm_s24le out.wav"
        ) from error
    whole = len(content) // (channels * width) * (channels * width)
    sound = _to_float(content[:whole], width).reshape(-1, channels)
    names = ["left", "right"] if channels == 2 else [str(index) for index in range(channels)]
    return sound, names, f"{rate} samples per second"


def _to_float(content: bytes, width: int) -> NDArray[np.float64]:
    """Convert little-endian PCM of `width` bytes per sample; one byte is unsigned, more are signed."""
    if width == 1:
        return (np.frombuffer(content, dtype=np.uint8).astype(np.float64) - 128.0) / 128.0
    if width == 3:
        # The three bytes become the upper ones of 32 bits, so that the sign comes out right.
        padded = np.zeros((len(content) // 3, 4), dtype=np.uint8)
        padded[:, 1:] = np.frombuffer(content, dtype=np.uint8).reshape(-1, 3)
        return padded.reshape(-1).view("<i4").astype(np.float64) / 2.0**31
    return np.frombuffer(content, dtype=f"<i{width}").astype(np.float64) / 2.0 ** (8 * width - 1)
