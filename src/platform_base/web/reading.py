"""An uploaded file becomes columns, in a confined process: the host never parses it."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from platform_base.plugins.registry import PluginRegistry
from platform_base.web.uploads import MAX_FILE_BYTES

READER_ID = "file_reader"
_TIMEOUT_S = 120.0
_MAX_NAME = 120


class UploadError(Exception):
    """A file cannot be used; the text says why."""


def add_reader(registry: PluginRegistry) -> None:
    """Make the plugin that reads files known."""
    with as_file(files("platform_base.web").joinpath("file_reader")) as directory:
        registry.discover_plugins(directory)


async def read_upload(
    registry: PluginRegistry, name: str, stream: BinaryIO, size: int
) -> tuple[dict[str, NDArray[Any]], dict[str, str], str]:
    """Have a worker read a file.

    Args:
        registry: Runs the reader.
        name: What the file is called; its ending says what it is.
        stream: Its bytes, from the beginning.
        size: How many there are.

    Returns:
        Columns by name, reasons for those left out by name, and a remark.

    Raises:
        UploadError: It is empty or too large, or cannot be read.
        PluginError: The worker failed: memory, time.
    """
    if not 0 < size <= MAX_FILE_BYTES:
        raise UploadError(f"{name}: expected a file of 1 byte to {MAX_FILE_BYTES >> 20} MB, got {size} bytes")
    content = registry.empty(size, np.uint8)
    read = stream.read(size)
    if len(read) != size:
        raise UploadError(f"{name}: expected {size} bytes, got fewer; upload it again")
    content[:] = np.frombuffer(read, dtype=np.uint8)
    del read
    result = await registry.aexecute_plugin(
        READER_ID, {"name": name[-_MAX_NAME:], "content": content}, timeout=_TIMEOUT_S
    )
    if "error" in result.metadata:
        raise UploadError(str(result.metadata["error"]))
    columns = {
        str(column): array
        for column, array in result.values.items()
        if isinstance(array, np.ndarray) and array.dtype.kind in "biuf" and array.ndim in (1, 2) and array.size
    }
    left_out = {str(column): str(reason) for column, reason in result.metadata["left_out"].items()}
    if not columns:
        reasons = "; ".join(list(left_out.values())[:3])
        raise UploadError(f"{name}: expected a column of numbers, got none" + (f": {reasons}" if reasons else ""))
    return columns, left_out, str(result.metadata["remark"])
